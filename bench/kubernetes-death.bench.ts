import { until } from '../test/lab/command.ts';
import { Lab } from '../test/lab/lab.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { eipRange } from './addresses.ts';
import type { Bench } from './frame/bench.ts';

const count = 1_000;
const leaseMs = 5_000;
const settings = { lease: { duration: `${leaseMs}ms`, settleTime: '100ms' }, log: { level: 'info' } };

interface Death {
  /** From the first claim of an address by a new holder to the last such, ms. */
  readonly spreadMs: number;
  /** From the cut to the first of them, ms. */
  readonly firstMs: number;
  /** Claims by the old holder after the new one's first. */
  readonly late: number;
}

/** All addresses are on a node whose cables are then cut. */
async function die(): Promise<Death> {
  await using lab = await Lab.create({ nodes: 3, clients: 0 });
  const tenure = await Tenure.start(lab, { store: 'kubernetes' });
  await tenure.agent('n1', settings);
  await tenure.apply('bench', eipRange(count));
  await tenure.waitForAll(count, 60_000);
  await Promise.all(['n2', 'n3'].map(async (node) => tenure.agent(node, settings)));
  await tenure.waitForHeirs(2);
  await lab.cut('n1', 'mgmt');
  await lab.cut('n1', 'lan');
  const since = lab.now();
  const firsts = await until('all addresses are claimed by others', async () => {
    const claims = await lab.sniffer.firstClaims({ since });
    const taken = claims.filter(({ host }) => host !== 'n1');
    return new Set(taken.map(({ address }) => address)).size >= count && taken;
  }, 60_000, 200);
  await lab.sniffer.assertHeardAll();
  const overlaps = await lab.sniffer.overlaps({ since });
  const times = firsts.map(({ at }) => at);
  const first = times.reduce((a, b) => Math.min(a, b));
  return {
    spreadMs: times.reduce((a, b) => Math.max(a, b)) - first, firstMs: first - since,
    late: overlaps.reduce((sum, { claims }) => sum + claims, 0),
  };
}

const bench: Bench = {
  about: `the Kubernetes API as the store: a node with ${count} addresses dies, lease ${leaseMs} ms`,
  run: async ({ rounds, say }) => {
    const deaths: Death[] = [];
    for (let round = 0; round < (rounds ?? 5); round += 1) {
      say(`death ${round + 1}`);
      deaths.push(await die());
    }
    return [
      {
        what: 'last first claim after the first', unit: 'ms',
        samples: deaths.map(({ spreadMs }) => spreadMs), wanted: { percentile: 1, atMost: 2_000 },
      },
      {
        what: 'first claim after the cut', unit: 'ms', samples: deaths.map(({ firstMs }) => firstMs),
      },
      {
        what: 'claimed by two', unit: 'claims', samples: deaths.map(({ late }) => late),
        wanted: { percentile: 1, atMost: 0 },
      },
    ];
  },
};

export default bench;
