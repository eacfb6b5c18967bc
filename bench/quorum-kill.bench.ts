import { sleep, until } from '../test/lab/command.ts';
import { Lab } from '../test/lab/lab.ts';
import { agentBelow, type LabProcess } from '../test/lab/process.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { inQuorumMode } from '../test/netns/agent-stage.ts';
import type { Bench, Figure } from './frame/bench.ts';
import { chosenProfiles, quorumSettings, type Profile } from './quorum.ts';

const eip = '10.88.1.1';
const nodes = 3;

interface Death {
  /** From the kill to the first claim by another, ms. */
  readonly claimMs: number;
  /** What a client at 1,000 packets a second missed, ms. */
  readonly gapMs: number;
  /** Claims by the dead one's host after that. */
  readonly late: number;
}

async function deaths(
  profile: Profile, rounds: number, say: (text: string) => void,
): Promise<readonly Death[]> {
  await using lab = await Lab.create({ nodes });
  const tenure = await Tenure.start(lab);
  const settings = quorumSettings(lab, profile);
  const agents = new Map<string, LabProcess>();
  const start = async (node: string): Promise<void> => {
    agents.set(node, await tenure.agent(node, settings));
  };
  await Promise.all(lab.nodes.map(async ({ name }) => start(name)));
  await tenure.apply('bench', eip);
  const prober = await lab.probe(eip);
  const dead: Death[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await inQuorumMode(tenure, nodes);
    const { node: holder } = await prober.waitForAnswer({ timeoutMs: 30_000 });
    // In step with nothing that comes periodically.
    await sleep(1_000 + Math.random() * 1_000);
    const supervisor = agents.get(holder)!;
    const agent = agentBelow(supervisor);
    const since = lab.now();
    process.kill(agent, 'SIGKILL');
    const { at } = await until(`another than ${holder} claims ${eip}`, async () => (
      (await lab.sniffer.claims(eip, { since })).find(({ host }) => host !== holder)
    ), 20_000, 20);
    await prober.waitForAnswer({ not: holder, since, timeoutMs: 20_000 });
    await sleep(500);
    const { silences } = await prober.report(since, 0);
    const change = silences.filter(({ before, after }) => before !== after).map(({ ms }) => ms);
    const overlaps = await lab.sniffer.overlaps({ addresses: [eip], since: since - 500 });
    dead.push({
      claimMs: at - since, gapMs: Math.max(...change),
      late: overlaps.reduce((sum, { claims }) => sum + claims, 0),
    });
    say(`${profile}, death ${round + 1}: claimed after ${(at - since).toFixed(1)} ms`);
    // Each death is a supervisor's first.
    await supervisor.stop();
    await start(holder);
  }
  await lab.sniffer.assertHeardAll();
  return dead;
}

const bench: Bench = {
  about: 'kill -9 of the agent that holds an address, its supervisor lives; quorum mode on etcd',
  run: async ({ rounds, say }) => {
    const figures: Figure[] = [];
    for (const profile of chosenProfiles()) {
      const dead = await deaths(profile, rounds ?? 100, say);
      figures.push({
        what: `${profile}: first claim by another`, unit: 'ms',
        samples: dead.map(({ claimMs }) => claimMs), wanted: { percentile: 0.99, atMost: 20 },
      }, {
        what: `${profile}: missed by a client`, unit: 'ms',
        samples: dead.map(({ gapMs }) => gapMs), wanted: { percentile: 0.99, atMost: 20 },
      }, {
        what: `${profile}: claimed by two`, unit: 'claims',
        samples: dead.map(({ late }) => late), wanted: { percentile: 1, atMost: 0 },
      });
    }
    return figures;
  },
};

export default bench;
