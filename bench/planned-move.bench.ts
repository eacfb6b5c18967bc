import { sleep } from '../test/lab/command.ts';
import { startKeepalived } from '../test/lab/keepalived.ts';
import type { StoreKind } from '../test/lab/lab-store.ts';
import { Lab } from '../test/lab/lab.ts';
import type { LabProcess } from '../test/lab/process.ts';
import type { Prober } from '../test/lab/prober.ts';
import { Tenure, type AgentSettings } from '../test/lab/tenure.ts';
import { interleaved, type Bench, type Figure } from './frame/bench.ts';

const eip = '10.88.1.1';
/** Moves of Tenure for each stop of keepalived, which needs seconds to settle again. */
const movesPerStop = 5;

export interface Side {
  readonly gaps: number[];
  /** One move; measures what the client misses. */
  readonly move: () => Promise<void>;
}

export async function tenureSide(
  lab: Lab, { store = 'etcd', settings = {} }: {
    readonly store?: StoreKind;
    readonly settings?: AgentSettings;
  } = {},
): Promise<Side & { readonly tenure: Tenure }> {
  const tenure = await Tenure.start(lab, { store });
  const nodes = lab.nodes.map(({ name }) => name);
  await Promise.all(nodes.map(async (node) => tenure.agent(node, settings)));
  await tenure.apply('bench', eip);
  const prober = await lab.probe(eip);
  const gaps: number[] = [];
  const move = async (): Promise<void> => {
    const { node } = await prober.waitForAnswer();
    const to = nodes[(nodes.indexOf(node) + 1) % nodes.length]!;
    await measure(lab, prober, gaps, node, async () => { await tenure.command('move', eip, to); });
  };
  return { gaps, move, tenure };
}

async function keepalivedSide(lab: Lab): Promise<Side> {
  const start = async (node: string): Promise<LabProcess> => (
    startKeepalived(lab, node, { addresses: [eip], advertMs: 1000, priority: 100 })
  );
  const running = new Map([['n1', await start('n1')], ['n2', await start('n2')]]);
  const prober = await lab.probe(eip);
  const gaps: number[] = [];
  const move = async (): Promise<void> => {
    const { node } = await prober.waitForAnswer();
    await measure(lab, prober, gaps, node, async () => { await running.get(node)!.stop(); });
    running.set(node, await start(node));
  };
  return { gaps, move };
}

async function measure(
  lab: Lab, prober: Prober, gaps: number[], from: string, act: () => Promise<void>,
): Promise<void> {
  await sleep(200);
  const since = lab.now();
  await act();
  await prober.waitForAnswer({ not: from, since, timeoutMs: 20_000 });
  await sleep(200);
  const { silences } = await prober.report(since, 0);
  // The silence in which the owner changed, however busy the machine is otherwise.
  const change = silences.filter(({ before, after }) => before !== after).map(({ ms }) => ms);
  gaps.push(Math.max(...change));
}

const bench: Bench = {
  about: 'what a client at 1,000 packets a second misses of a planned move; keepalived: a stop at an advert interval of 1 s',
  run: async ({ rounds, say }) => {
    await using ours = await Lab.create({ nodes: 2 });
    await using theirs = await Lab.create({ nodes: 2 });
    const [tenure, keepalived] = [await tenureSide(ours), await keepalivedSide(theirs)];
    const stops = Math.ceil((rounds ?? 100) / movesPerStop);
    await interleaved(stops, [
      async (round) => {
        say(`${round * movesPerStop} moves`);
        for (let i = 0; i < movesPerStop; i += 1) await tenure.move();
      },
      async () => keepalived.move(),
    ]);
    await ours.sniffer.assertHeardAll();
    const figures: Figure[] = [
      {
        what: 'tenure move', unit: 'ms', samples: tenure.gaps, peer: 'keepalived stop',
        wanted: { percentile: 0.5, atMost: 5 },
      },
      {
        what: 'tenure move, tail', unit: 'ms', samples: tenure.gaps,
        wanted: { percentile: 0.99, atMost: 30 },
      },
      { what: 'keepalived stop', unit: 'ms', samples: keepalived.gaps },
    ];
    return figures;
  },
};

export default bench;
