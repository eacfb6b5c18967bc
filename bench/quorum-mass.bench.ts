import { sleep, until } from '../test/lab/command.ts';
import { Lab } from '../test/lab/lab.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { inQuorumMode } from '../test/netns/agent-stage.ts';
import { eipRange } from './addresses.ts';
import { etcdRequests } from './etcd-requests.ts';
import type { Bench, Figure } from './frame/bench.ts';
import { chosenProfiles, quorumSettings, type Profile } from './quorum.ts';

const sizes = [
  { count: 1_000, usual: 5, atMostMs: 100 },
  { count: 10_000, usual: 2, atMostMs: 1_500 },
];
const nodes = 3;
const settleMs = 5_000;

interface Death {
  /** From the first claim of an address by a new holder to the last such, ms. */
  readonly spreadMs: number;
  /** From the cut to the first of them, ms. */
  readonly firstMs: number;
  /** From the cut until the store shows all of them at new holders, s. */
  readonly storeS: number;
  /** What etcd was asked until then, by all agents, and by us that look at it. */
  readonly requests: number;
  /** Claims by the old holder after the new one's first. */
  readonly late: number;
}

/** All addresses are on a node that is then cut off from everyone. */
async function die(profile: Profile, count: number): Promise<Death> {
  await using lab = await Lab.create({ nodes, clients: 0 });
  const tenure = await Tenure.start(lab);
  const settings = quorumSettings(lab, profile);
  await Promise.all(lab.nodes.map(async ({ name }) => tenure.agent(name, {
    ...settings, node: { name, labels: { bench: name } },
  })));
  // One node has them all, and names its heirs when both can be: each is the first of about half.
  await tenure.apply('bench', eipRange(count), { 'tenure.io/node-selector': 'bench=n1' });
  await tenure.waitForAll(count, 60_000);
  await tenure.apply('bench', eipRange(count));
  await tenure.waitForHeirs(2);
  await inQuorumMode(tenure, nodes);
  // Voters have to know of the last line, too.
  await sleep(settleMs);
  const asked = await etcdRequests(lab, tenure);
  const since = lab.now();
  await Promise.all([lab.lose('n1', 'both', 1, 'lan'), lab.lose('n1', 'both', 1, 'mgmt')]);
  const cutAt = lab.now();
  const firsts = await until('all addresses are claimed by others', async () => {
    const claims = await lab.sniffer.firstClaims({ since });
    const taken = claims.filter(({ host }) => host !== 'n1');
    return new Set(taken.map(({ address }) => address)).size >= count && taken;
  }, 60_000, 200);
  await until('the store shows it', async () => (
    (await tenure.status()).addresses.every(({ holder }) => holder !== 'n1' && holder !== null)
  ), 120_000, 500);
  const shownAt = lab.now();
  const requests = await etcdRequests(lab, tenure) - asked;
  await lab.sniffer.assertHeardAll();
  const overlaps = await lab.sniffer.overlaps({ since: since - 500 });
  const times = firsts.map(({ at }) => at);
  const first = times.reduce((a, b) => Math.min(a, b));
  return {
    spreadMs: times.reduce((a, b) => Math.max(a, b)) - first, firstMs: first - cutAt,
    storeS: (shownAt - cutAt) / 1000, requests,
    late: overlaps.reduce((sum, { claims }) => sum + claims, 0),
  };
}

const bench: Bench = {
  about: 'a node with many addresses is cut off from everyone; quorum mode on etcd',
  run: async ({ rounds, say }) => {
    const figures: Figure[] = [];
    for (const profile of chosenProfiles()) {
      for (const { count, usual, atMostMs } of sizes) {
        const deaths: Death[] = [];
        for (let round = 0; round < (rounds ?? usual); round += 1) {
          say(`${profile}, ${count} addresses, death ${round + 1}`);
          deaths.push(await die(profile, count));
        }
        const what = `${profile}, ${count} addresses`;
        figures.push({
          what: `${what}: last first claim after the first`, unit: 'ms',
          samples: deaths.map(({ spreadMs }) => spreadMs),
          wanted: { percentile: 1, atMost: atMostMs },
        }, {
          what: `${what}: first claim after the cut`, unit: 'ms',
          samples: deaths.map(({ firstMs }) => firstMs),
        }, {
          what: `${what}: all in the store after`, unit: 's',
          samples: deaths.map(({ storeS }) => storeS),
        }, {
          what: `${what}: requests to etcd until then`, unit: 'requests',
          samples: deaths.map(({ requests }) => requests),
        }, {
          what: `${what}: claimed by two`, unit: 'claims',
          samples: deaths.map(({ late }) => late), wanted: { percentile: 1, atMost: 0 },
        });
      }
    }
    return figures;
  },
};

export default bench;
