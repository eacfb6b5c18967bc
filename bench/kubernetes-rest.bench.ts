import { sleep } from '../test/lab/command.ts';
import { Lab } from '../test/lab/lab.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { eipRange } from './addresses.ts';
import type { Bench, Figure } from './frame/bench.ts';

const nodes = ['n1', 'n2', 'n3'];
const watchMs = 30_000;
/** Agents note how fast the store answers 20 s after their start, and then only if that changes. */
const settleMs = 25_000;
const settings = { lease: { duration: '5s', settleTime: '100ms' }, log: { level: 'info' } };

/** Whoever asked: the API server renews a lease of its own every 10 s, which is in it. */
async function requests(tenure: Tenure): Promise<number> {
  return tenure.apiServer.requestCount(({ resource }) => (
    resource === 'leases' || resource === 'eips' || resource === 'namespaces'
  ));
}

/** Requests per second and node. */
async function observe(count: number): Promise<number> {
  await using lab = await Lab.create({ nodes: nodes.length, clients: 0 });
  const tenure = await Tenure.start(lab, { store: 'kubernetes' });
  await tenure.apply('bench', eipRange(count));
  await Promise.all(nodes.map(async (node) => tenure.agent(node, settings)));
  await tenure.waitForAll(count, 60_000);
  await tenure.waitForHeirs(2);
  await sleep(settleMs);
  const before = await requests(tenure);
  const since = performance.now();
  await sleep(watchMs);
  const asked = await requests(tenure) - before;
  return asked / (performance.now() - since) * 1000 / nodes.length;
}

const bench: Bench = {
  about: `three agents at rest for ${watchMs / 1000} s, lease 5 s: requests by the Kubernetes API server's own metrics`,
  run: async ({ say }) => {
    const figures: Figure[] = [];
    for (const count of [1, 100, 1_000]) {
      say(`${count} addresses`);
      figures.push({
        what: `${count} held: requests per node`, unit: '1/s', samples: [await observe(count)],
        wanted: { percentile: 1, atMost: 0.7 },
      });
    }
    return figures;
  },
};

export default bench;
