import { sleep } from '../test/lab/command.ts';
import { startKeepalived } from '../test/lab/keepalived.ts';
import { Lab } from '../test/lab/lab.ts';
import type { Prober } from '../test/lab/prober.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { interleaved, type Bench } from './frame/bench.ts';

const eip = '10.88.1.1';
const leaseMs = 2000;
/** etcd looks for expired leases every 500 ms (lease/lessor.go). */
const scanMs = 500;

/** Both cables of the holder are cut; gives what the client missed, and mends them. */
async function die(lab: Lab, prober: Prober): Promise<number> {
  const { node } = await prober.waitForAnswer();
  // In step with nothing that comes periodically.
  await sleep(500 + Math.random() * 1000);
  const since = lab.now();
  await lab.cut(node, 'mgmt');
  await lab.cut(node, 'lan');
  await prober.waitForAnswer({ not: node, since, timeoutMs: 20_000 });
  const { silences } = await prober.report(since);
  await lab.mendAll();
  await sleep(3_000);
  return Math.max(...silences.filter(({ before, after }) => before !== after).map(({ ms }) => ms));
}

const bench: Bench = {
  about: `what a client misses when the holder is cut off from everyone, lease ${leaseMs} ms; keepalived: advert interval 1 s`,
  run: async ({ rounds, say }) => {
    await using ours = await Lab.create({ nodes: 2 });
    await using theirs = await Lab.create({ nodes: 2 });
    const tenure = await Tenure.start(ours);
    await Promise.all(['n1', 'n2'].map(async (node) => tenure.agent(node)));
    await tenure.apply('bench', eip);
    await Promise.all(['n1', 'n2'].map(async (node) => (
      startKeepalived(theirs, node, { addresses: [eip], advertMs: 1000, priority: 100 })
    )));
    const [client, peerClient] = [await ours.probe(eip), await theirs.probe(eip)];
    const [gaps, peerGaps]: [number[], number[]] = [[], []];
    await interleaved(rounds ?? 20, [
      async (round) => {
        say(`round ${round + 1}`);
        gaps.push(await die(ours, client));
      },
      async () => { peerGaps.push(await die(theirs, peerClient)); },
    ]);
    return [
      {
        what: 'tenure, lease mode', unit: 'ms', samples: gaps, peer: 'keepalived',
        wanted: { percentile: 1, atMost: leaseMs + scanMs + 100 },
      },
      { what: 'keepalived', unit: 'ms', samples: peerGaps },
    ];
  },
};

export default bench;
