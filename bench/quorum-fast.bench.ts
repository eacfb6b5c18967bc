import { LabError, sleep } from '../test/lab/command.ts';
import { Lab } from '../test/lab/lab.ts';
import type { LabProcess } from '../test/lab/process.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { inQuorumMode } from '../test/netns/agent-stage.ts';
import { eipRange } from './addresses.ts';
import { chosen, seconds } from './environment.ts';
import type { Bench, Figure } from './frame/bench.ts';
import { heardSince, termsOf } from './moves.ts';
import { quorumSettings } from './quorum.ts';

const nodes = 3;
const settleMs = 10_000;
const restWithinMs = 120_000;

interface Part {
  readonly name: string;
  readonly eips: number;
  readonly seconds: number;
  /** Processes that do nothing but take time of a processor. */
  readonly busy: number;
}

const parts: readonly Part[] = [
  { name: '100', eips: 100, seconds: 300, busy: 0 },
  { name: '1000', eips: 1_000, seconds: 300, busy: 0 },
  { name: 'busy', eips: 100, seconds: 600, busy: 4 },
];

/** Each deposition is told of by everyone who saw it. */
async function depositions(agents: readonly LabProcess[], since: number): Promise<number> {
  const seen = new Set<string>();
  for (const agent of agents) {
    for (const line of (await agent.output()).split('\n')) {
      if (!line.includes('"a node is deposed')) continue;
      const { time, of, incarnation } = JSON.parse(line) as {
        time: string | number; of: string; incarnation: number;
      };
      if (new Date(time).getTime() >= since) seen.add(`${of} ${String(incarnation)}`);
    }
  }
  return seen.size;
}

async function atRest(tenure: Tenure, eips: number, tell: (why: string) => void): Promise<void> {
  try {
    await tenure.waitForAll(eips, restWithinMs);
    await inQuorumMode(tenure, nodes);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    tell(`watched all the same, though ${error.message}`);
  }
}

async function observe(
  { name, eips, busy, seconds: usual }: Part, say: (text: string, lasting?: boolean) => void,
): Promise<readonly Figure[]> {
  await using lab = await Lab.create({ nodes, clients: 1 });
  const tenure = await Tenure.start(lab);
  const settings = quorumSettings(lab, 'fast');
  const agents = await Promise.all(
    lab.nodes.map(async ({ name: node }) => tenure.agent(node, settings)),
  );
  await tenure.apply('bench', eipRange(eips));
  // Where the profile is too tight for the host it may never be so; that is counted below.
  await atRest(tenure, eips, (why) => { say(`${name}: ${why}`, true); });
  for (let i = 0; i < busy; i += 1) lab.spawn('store', ['sh', '-c', 'while :; do :; done']);
  await sleep(settleMs);

  const watched = seconds(usual);
  say(`${name}: watched for ${String(watched)} s`);
  const before = await termsOf(tenure);
  const since = lab.now();
  await sleep(watched * 1000);
  const { addresses } = await tenure.status();
  const { moves, disputed } = await heardSince(lab, tenure, before, since);
  const what = `${String(eips)} addresses${busy === 0 ? '' : `, ${String(busy)} busy loops`}, ${String(watched)} s`;
  // Where others take the processors, what is asked is that it be counted, and be safe.
  const none = busy === 0 ? { wanted: { percentile: 1, atMost: 0 } } : {};
  return [
    { what: `${what}: moves`, unit: 'moves', samples: [moves], ...none },
    {
      what: `${what}: false depositions`, unit: 'nodes',
      samples: [await depositions(agents, since)], ...none,
    },
    {
      what: `${what}: addresses without a holder at the end`, unit: 'addresses',
      samples: [addresses.filter(({ holder }) => holder === null).length], ...none,
    },
    {
      what: `${what}: addresses that two claimed`, unit: 'addresses', samples: [disputed],
      wanted: { percentile: 1, atMost: 0 },
    },
  ];
}

const bench: Bench = {
  about: 'quorum mode, profile fast, three agents on etcd whom nothing befalls; BENCH_SECONDS and BENCH_PARTS (100, 1000, busy) say otherwise',
  run: async ({ say }) => {
    const names = chosen(parts.map(({ name }) => name), 'BENCH_PARTS');
    const figures: Figure[] = [];
    for (const part of parts.filter(({ name }) => names.includes(name))) {
      figures.push(...await observe(part, say));
    }
    return figures;
  },
};

export default bench;
