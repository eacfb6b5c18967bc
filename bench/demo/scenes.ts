/** What is done to the holder in the demo, one after the other, and what came of it. */
import { sleep, until } from '../../test/lab/command.ts';
import type { Lab } from '../../test/lab/lab.ts';
import { supervisedBy, type LabProcess } from '../../test/lab/process.ts';
import type { Prober } from '../../test/lab/prober.ts';
import type { Tenure } from '../../test/lab/tenure.ts';
import { inQuorumMode } from '../../test/netns/agent-stage.ts';
import { count, duration, type Story } from './story.ts';

export const eip = '10.88.1.1';
export const leaseMs = 2000;
const hangMs = 3 * leaseMs;

export const modes = ['quorum', 'lease'] as const;

/** How the death of a node is found: by its voters, or by the end of its lease. */
export type Mode = typeof modes[number];

export interface Stage {
  readonly lab: Lab;
  readonly mode: Mode;
  readonly tenure: Tenure;
  readonly prober: Prober;
  readonly agents: Map<string, LabProcess>;
  readonly story: Story;
}

export interface Outcome {
  readonly scene: string;
  readonly from: string;
  readonly to: string;
  /** The longest time in which the client had no answer, ms. */
  readonly gapMs: number;
  /** So much of it this machine itself stood still. */
  readonly ownStallMs: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  /** From what was done to the new holder's first claim, ms. */
  readonly takeoverMs: number;
  /** From the old holder's last claim to the new one's first, ms; null: it had made none lately. */
  readonly pauseMs: number | null;
  readonly claims: Readonly<Record<string, number>>;
  /** Claims by the old holder after the new one's first: there must be none. */
  readonly lateClaims: number;
}

interface Scene {
  readonly name: string;
  readonly title: string;
  /** Only then; in both unless told. */
  readonly mode?: Mode;
  /** Does it, and gives what undoes it afterwards. */
  readonly act: (stage: Stage, holder: string) => Promise<(() => Promise<void>) | null>;
}

export const scenes: readonly Scene[] = [
  {
    name: 'drain',
    title: 'A planned move: the holder is drained',
    act: async ({ tenure, story }, holder) => {
      story.event(`tenure drain ${holder}`);
      await tenure.command('drain', holder);
      return async () => {
        await tenure.command('undrain', holder);
        story.event(`tenure undrain ${holder}: it is back in service, and the address stays where it is`);
      };
    },
  },
  {
    name: 'kill -9',
    title: 'The agent dies: kill -9',
    act: async ({ tenure, agents, story }, holder) => {
      const started = agents.get(holder)!;
      const supervised = supervisedBy(started.pid);
      if (supervised === undefined) {
        await started.kill();
        story.event(`kill -9 of the agent on ${holder}. The address is still on its interface, but its kernel may not claim it any more`);
        return async () => {
          agents.set(holder, await tenure.agent(holder));
          story.event(`the agent on ${holder} is started again`);
        };
      }
      const before = await readied(started);
      process.kill(supervised, 'SIGKILL');
      story.event(`kill -9 of the agent on ${holder}. The address is still on its interface; the agent's supervisor closes the gate in the kernel, and tells the voters`);
      return async () => {
        await until(`the agent on ${holder} is back`, async () => await readied(started) > before, 20_000);
        story.event(`the supervisor has started the agent on ${holder} again`);
      };
    },
  },
  {
    name: 'SIGSTOP',
    title: `The agent hangs: SIGSTOP for ${duration(hangMs)}, and wakes`,
    act: async ({ agents, story }, holder) => {
      const agent = agents.get(holder)!;
      const stoppedAt = performance.now();
      await agent.pause();
      story.event(`the agent on ${holder} is stopped`);
      return async () => {
        await sleep(stoppedAt + hangMs - performance.now());
        agent.resume();
        story.event(`the agent on ${holder} wakes, and may believe that it is still the holder`);
        await sleep(1_000);
      };
    },
  },
  {
    name: 'cable cut',
    title: 'The cable to the LAN is cut, and mended',
    act: async ({ lab, story }, holder) => {
      await lab.cut(holder);
      story.event(`${holder}'s cable is cut; it still reaches the store`);
      return async () => {
        await lab.mend(holder);
        story.event(`${holder}'s cable is mended`);
        await sleep(1_000);
      };
    },
  },
  {
    name: 'cut off',
    title: 'The holder is cut off from everyone, and comes back',
    act: async ({ lab, mode, story }, holder) => {
      await cutOff(lab, holder);
      story.event(`both cables of ${holder} are cut: nobody can ask it to stop, so ${toEnd[mode]} has to end`);
      return async () => {
        await rejoin(lab, holder);
        story.event(`both cables of ${holder} are mended`);
        await sleep(1_500);
      };
    },
  },
  {
    name: 'no store',
    title: 'The store hangs, and then the holder is cut off',
    mode: 'quorum',
    act: async ({ lab, tenure, story }, holder) => {
      await tenure.store.pause();
      story.event('SIGSTOP of the store: it answers nobody');
      await sleep(1_000);
      await cutOff(lab, holder);
      story.event(`both cables of ${holder} are cut: its voters are enough`);
      return async () => {
        tenure.store.resume();
        story.event('the store wakes, and is told who has the address now');
        await rejoin(lab, holder);
        await sleep(1_500);
      };
    },
  },
];

/** What a node that nobody can reach speaks by. */
const toEnd: Readonly<Record<Mode, string>> = {
  quorum: 'the support of its voters', lease: 'its lease',
};

async function cutOff(lab: Lab, holder: string): Promise<void> {
  // The way to the store first: else it hands over before it is gone.
  await lab.cut(holder, 'mgmt');
  await lab.cut(holder, 'lan');
}

async function rejoin(lab: Lab, holder: string): Promise<void> {
  await Promise.all([lab.mend(holder, 'lan'), lab.mend(holder, 'mgmt')]);
}

/** How often an agent was ready. */
async function readied(agent: LabProcess): Promise<number> {
  return (await agent.output()).split('"msg":"ready"').length - 1;
}

/** Plays one scene on whoever holds the address now. */
export async function play(scene: Scene, stage: Stage): Promise<Outcome> {
  const { lab, mode, tenure, agents, prober, story } = stage;
  if (mode === 'quorum') await inQuorumMode(tenure, agents.size);
  const holder = (await prober.waitForAnswer()).node;
  await askAsNewcomer(lab);
  const since = lab.now();
  const recover = await scene.act(stage, holder);
  const next = await prober.waitForAnswer({ not: holder, since, timeoutMs: 20_000 });
  story.event(`${next.node} answers the client`);
  await askAsNewcomer(lab);
  await recover?.();
  await askAsNewcomer(lab);
  await sleep(300);
  const outcome = await judge(scene, stage, { since, holder, next: next.node });
  tell(outcome, story);
  return outcome;
}

/** Another client asks the LAN who has the address: whoever would answer wrongly now does. */
async function askAsNewcomer(lab: Lab): Promise<void> {
  await lab.forgetNeighbours('c2');
  await lab.attempt('c2', ['ping', '-c1', '-W1', eip]);
}

interface Handover {
  readonly since: number;
  readonly holder: string;
  readonly next: string;
}

async function judge(
  scene: Scene, { lab, prober }: Stage, { since, holder, next }: Handover,
): Promise<Outcome> {
  await lab.sniffer.assertHeardAll();
  const report = await prober.report(since);
  const gap = report.silences.toSorted((a, b) => b.ms - a.ms)[0];
  const taken = await lab.sniffer.firstClaim(eip, next, since);
  const given = await lab.sniffer.lastClaim(eip, holder, taken?.at);
  const overlaps = await lab.sniffer.overlaps({ addresses: [eip], since });
  const claims: Record<string, number> = {};
  for (const run of await lab.sniffer.runs(eip, { since })) {
    claims[run.host] = (claims[run.host] ?? 0) + run.claims;
  }
  return {
    scene: scene.name, from: holder, to: next,
    gapMs: report.longestSilenceMs, ownStallMs: gap?.ownStallMs ?? 0,
    packetsSent: report.sent, packetsLost: report.lost,
    takeoverMs: (taken?.at ?? NaN) - since,
    pauseMs: taken === null || given === null ? null : taken.at - given.at,
    claims, lateClaims: overlaps.reduce((sum, overlap) => sum + overlap.claims, 0),
  };
}

function tell(outcome: Outcome, story: Story): void {
  const { from, to, gapMs, ownStallMs, packetsLost, pauseMs, claims, lateClaims } = outcome;
  const stall = ownStallMs > gapMs / 4 ? ` (for ${duration(ownStallMs)} of it this machine stood still)` : '';
  story.remark(`The client: at most ${duration(gapMs)} without an answer${stall}, ${count(packetsLost, 'packet')} lost.`);
  const said = Object.entries(claims).map(([host, number]) => `${host} ${number}`).join(', ');
  const order = pauseMs === null ? '' : ` ${from}'s last was ${duration(pauseMs)} before ${to}'s first.`;
  story.remark(`The sniffer: claims by ${said}.${order} By ${from} after that: ${lateClaims}.`);
}
