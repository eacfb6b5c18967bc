import { sleep } from '../test/lab/command.ts';
import { storeKinds, type StoreKind } from '../test/lab/lab-store.ts';
import { Lab } from '../test/lab/lab.ts';
import { Measure } from '../test/lab/measure.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { inQuorumMode } from '../test/netns/agent-stage.ts';
import { eipRange } from './addresses.ts';
import type { Bench, Figure } from './frame/bench.ts';
import { chosen, seconds } from './environment.ts';
import { heardSince, termsOf } from './moves.ts';
import { quorumSettings } from './quorum.ts';

const nodes = 3;
const eips = 10;
/** Agents renew when they like: the store is not to stop right after that, nor right before. */
const spreadMs = 30_000;
/** In which a store that is back, and what agents have to tell it, could do harm. */
const afterMs = 20_000;

/** What is asked for is one address, as a client does; moves are counted of ten. */
async function outage(
  store: StoreKind, outageMs: number, say: (text: string) => void,
): Promise<readonly Figure[]> {
  await using lab = await Lab.create({ nodes });
  const tenure = await Tenure.start(lab, { store });
  const settings = quorumSettings(lab, 'lan');
  await Promise.all(lab.nodes.map(async ({ name }) => tenure.agent(name, settings)));
  const range = eipRange(eips);
  await tenure.apply('bench', range);
  await tenure.waitForAll(eips);
  await inQuorumMode(tenure, nodes);
  const [address = ''] = range.split('-');
  const prober = await lab.probe(address, { rate: 100 });
  await prober.waitForAnswer();
  const measure = await Measure.start(lab, address, { args: ['-p', 'udp:7007'] });
  await sleep(5_000 + Math.random() * Math.min(spreadMs, outageMs));

  const before = await termsOf(tenure);
  const since = lab.now();
  await tenure.store.pause();
  say(`${store}: stopped for ${String(outageMs / 1000)} s`);
  await sleep(outageMs);
  tenure.store.resume();
  await sleep(afterMs);
  await inQuorumMode(tenure, nodes);
  const summary = await measure.end();
  const [probe] = summary.probes;
  const { moves, disputed } = await heardSince(lab, tenure, before, since);
  return [
    {
      what: `${store}: packets without an answer, of ${String(probe?.sent ?? 0)}`, unit: 'packets',
      samples: [probe?.lost ?? NaN], wanted: { percentile: 1, atMost: 0 },
    },
    {
      what: `${store}: moves, of ${String(eips)} addresses`, unit: 'moves',
      samples: [moves], wanted: { percentile: 1, atMost: 0 },
    },
    {
      what: `${store}: addresses that two claimed`, unit: 'addresses',
      samples: [disputed], wanted: { percentile: 1, atMost: 0 },
    },
  ];
}

const bench: Bench = {
  about: 'quorum mode, profile lan: the store hangs (SIGSTOP) for 4 minutes, and comes back; BENCH_SECONDS and BENCH_STORES say otherwise',
  run: async ({ say }) => {
    const outageMs = seconds(240) * 1000;
    const figures: Figure[] = [];
    for (const store of chosen(storeKinds, 'BENCH_STORES')) {
      figures.push(...await outage(store, outageMs, say));
    }
    return figures;
  },
};

export default bench;
