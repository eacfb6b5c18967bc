/**
 * Addresses by VRRP: what Tenure adds to keepalived's own failover, what a reload costs, and what
 * its supervisor takes at rest.
 */
import { readFileSync } from 'node:fs';
import { sleep, until } from '../test/lab/command.ts';
import { Lab } from '../test/lab/lab.ts';
import type { LabProcess } from '../test/lab/process.ts';
import type { Prober } from '../test/lab/prober.ts';
import { interleaved, type Bench, type Figure } from './frame/bench.ts';
import { HandSide, peersOf, TenureSide, type Side } from './vip/sides.ts';

const address = '10.88.1.1';
const nodes = ['n1', 'n2', 'n3'];
const advertMs = 100;
/** Until the node that was away is a backup again, and nothing is sent but advertisements. */
const settleMs = 2_500;
const restMs = 90_000;
/** By then the garbage of the start is gone, and who is master is settled. */
const restAfterMs = 40_000;
/** Addresses of the Eip whose reload is measured, and one more by turns. */
const many = { fewer: '10.88.4.0-10.88.7.230', more: '10.88.4.0-10.88.7.231', count: 1_000 };

type Say = (text: string, lasting?: boolean) => void;

class Contest {
  readonly cable: number[] = [];
  readonly planned: number[] = [];
  readonly #lab: Lab;
  readonly #side: Side;
  #prober: Prober | null = null;

  constructor(lab: Lab, side: Side) {
    this.#lab = lab;
    this.#side = side;
  }

  async begin(): Promise<void> {
    for (const node of nodes) await this.#side.start(node);
    this.#prober = await this.#lab.probe(address);
    await this.#prober.waitForAnswer({ timeoutMs: 30_000 });
    await sleep(settleMs);
  }

  async cut(): Promise<void> {
    const holder = await this.#gap(this.cable, async (node) => this.#lab.cut(node));
    await this.#lab.mend(holder);
    await sleep(settleMs);
  }

  async stop(): Promise<void> {
    const holder = await this.#gap(this.planned, this.#side.stop);
    await this.#side.start(holder);
    await sleep(settleMs);
  }

  /** What a client misses, from the last answer of the holder to the first of another. */
  async #gap(samples: number[], act: (node: string) => Promise<void>): Promise<string> {
    const prober = this.#prober!;
    const { node } = await prober.waitForAnswer();
    // Advertisements come at a steady pace: the fault is to come at any moment of it.
    await sleep(Math.random() * advertMs);
    const since = this.#lab.now();
    await act(node);
    await prober.waitForAnswer({ not: node, since, timeoutMs: 20_000 });
    await sleep(200);
    const { silences } = await prober.report(since, 0);
    samples.push(Math.max(...silences.filter(({ before, after }) => before !== after)
      .map(({ ms }) => ms)));
    return node;
  }
}

async function failover(rounds: number, say: Say): Promise<Figure[]> {
  await using ours = await Lab.create({ nodes: nodes.length });
  await using theirs = await Lab.create({ nodes: nodes.length });
  const tenure = new Contest(ours, new TenureSide(ours, advertMs, address, peersOf(ours)));
  const byHand = new Contest(theirs, new HandSide(theirs, advertMs, address));
  await Promise.all([tenure.begin(), byHand.begin()]);
  await interleaved(rounds, [
    async (round) => {
      say(`round ${round + 1}, failover`);
      await tenure.cut();
    },
    async () => byHand.cut(),
    async () => tenure.stop(),
    async () => byHand.stop(),
  ]);
  const rows = (fault: string, own: number[], other: number[]): Figure[] => {
    const peer = `${fault}, keepalived by hand`;
    return [
      {
        what: `${fault}, protocol: vip`, unit: 'ms', samples: own, peer,
        wanted: { percentile: 0.5, atMost: 1.1, times: peer },
      },
      { what: peer, unit: 'ms', samples: other },
    ];
  };
  return [
    ...rows(`cable cut at ${advertMs} ms`, tenure.cable, byHand.cable),
    ...rows(`planned stop at ${advertMs} ms`, tenure.planned, byHand.planned),
  ];
}

/** CPU time of a process in ms (proc(5): utime and stime in ticks of 10 ms). */
function cpuMs({ pid }: LabProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The agents of two nodes while nothing happens. */
async function atRest(interval: number, say: Say): Promise<Figure[]> {
  say(`at rest, advertisements every ${interval} ms`);
  await using lab = await Lab.create({ nodes: 2, clients: 0 });
  const side = new TenureSide(lab, interval, address);
  for (const node of ['n1', 'n2']) await side.start(node);
  await sleep(restAfterMs);
  const agents = [...side.agents.values()];
  const before = { at: performance.now(), cpu: agents.map(cpuMs) };
  await sleep(restMs);
  const ms = performance.now() - before.at;
  const samples = agents.map((agent, index) => (cpuMs(agent) - before.cpu[index]!) / ms * 100);
  return [{
    what: `CPU of the agent at rest, ${interval} ms`, unit: '%', samples,
    wanted: { percentile: 1, atMost: 0.5 },
  }];
}

/** When advertisements came, s, as the kernel dates them. */
async function adverts(dump: LabProcess): Promise<number[]> {
  return [...(await dump.output()).matchAll(/^(\d+\.\d+) .*(?:VRRP|vrrp|proto)/gm)]
    .map(([, at]) => Number(at));
}

/** One address more, one fewer, and so on: what a backup hears meanwhile. */
async function reloads(rounds: number, say: Say): Promise<Figure[]> {
  await using lab = await Lab.create({ nodes: 2 });
  const side = new TenureSide(lab, advertMs, many.fewer);
  for (const node of ['n1', 'n2']) await side.start(node);
  const agents = [...side.agents.values()];
  const loaded = async (): Promise<number[]> => Promise.all(agents.map(async (agent) =>
    [...(await agent.output()).matchAll(/keepalived: loaded/g)].length));
  const own = async (): Promise<number> => Math.max(...await Promise.all(['n1', 'n2'].map(
    async (node) => [...(await lab.run(node, ['ip', '-o', '-4', 'address', 'show', 'dev', 'eth0']))
      .matchAll(/\/32 /g)].length)));
  await until(`${many.count} addresses are there`, async () => await own() >= many.count - 1, 60_000, 500);
  await sleep(settleMs);
  const dump = lab.spawn('c1', [
    'tcpdump', '-tt', '-n', '-l', '--immediate-mode', '-i', 'eth0', 'ip', 'proto', '112',
  ]);
  await dump.waitForOutput(/listening on/);
  const silences: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    say(`reload ${round + 1} of ${many.count} addresses`);
    const [before, since] = [await loaded(), lab.now() / 1000];
    side.write(round % 2 === 0 ? many.more : many.fewer);
    await until('both nodes have loaded it', async () =>
      (await loaded()).every((count, index) => count > before[index]!), 30_000);
    await sleep(1_000);
    const times = (await adverts(dump)).filter((at) => at >= since);
    silences.push(Math.max(...times.slice(1).map((at, index) => (at - times[index]!) * 1000)));
  }
  const missed = silences.map((ms) => Math.max(0, Math.round(ms / advertMs) - 1));
  const what = `reload of ${many.count} addresses, one changed, at ${advertMs} ms`;
  return [
    { what: `${what}: longest silence`, unit: 'ms', samples: silences },
    {
      what: `${what}: advertisements missed`, unit: 'packets', samples: missed,
      wanted: { percentile: 1, atMost: 0 },
    },
  ];
}

const bench: Bench = {
  about: 'VRRP by keepalived: what a client misses under Tenure and by hand, with the same settings; reloads; the agent at rest',
  run: async ({ rounds, say }) => [
    ...await failover(rounds ?? 20, say),
    ...await reloads(rounds ?? 20, say),
    ...await atRest(1_000, say), ...await atRest(advertMs, say),
  ],
};

export default bench;
