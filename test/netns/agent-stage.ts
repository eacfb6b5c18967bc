/** Some agents on a LAN with a client that keeps asking: what the fault tests begin with. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../lab/command.ts';
import type { EtcdPlace, StoreKind } from '../lab/lab-store.ts';
import { Lab } from '../lab/lab.ts';
import { takeOnLoopback } from '../lab/loopback.ts';
import { LabMachine } from '../lab/machine.ts';
import type { LabProcess } from '../lab/process.ts';
import type { Prober } from '../lab/prober.ts';
import { Tenure } from '../lab/tenure.ts';
import type { AgentSettings } from '../lab/tenure.ts';

export const eip = '10.88.1.1';

export interface Stage extends AsyncDisposable {
  readonly lab: Lab;
  readonly tenure: Tenure;
  readonly prober: Prober;
  readonly agents: Map<string, LabProcess>;
  /** By node; empty unless asked for. */
  readonly machines: ReadonlyMap<string, LabMachine>;
  /** As the agents were given them. */
  readonly settings: AgentSettings;
  /** Who holds `eip` at the beginning. */
  readonly holder: string;
  /** An instant after which everything is as the stage was set, wall-clock ms. */
  readonly since: number;
}

export interface StageOptions {
  /** etcd unless told. */
  readonly store?: StoreKind;
  /** Of an etcd: how many members, and where; one on the store's host unless told. */
  readonly etcd?: EtcdPlace;
  readonly address?: string;
  readonly settings?: AgentSettings;
  readonly annotations?: Readonly<Record<string, string>>;
  /** `respond`: every node has something else that takes the traffic; `bind` unless told. */
  readonly mode?: 'bind' | 'respond';
  /** Quorum mode: a key for all, and `heartbeat` of the configuration. Lease mode unless given. */
  readonly heartbeat?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** 3 unless told. */
  readonly nodes?: number;
  /** Each node is a machine of its own, which can lose power and be started anew. */
  readonly machines?: boolean;
}

/** Set when `eip` is announced and answered, with neighbours asked for anew all the time. */
export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const { address = eip, store = 'etcd', mode = 'bind', heartbeat, nodes = 3 } = options;
  const annotations = { 'tenure.io/announce': mode, ...options.annotations };
  const lab = await Lab.create({ nodes });
  try {
    const tenure = await Tenure.start(lab, { store, ...options.etcd });
    const settings = heartbeat === undefined
      ? options.settings ?? {} : withKey(lab, options.settings, heartbeat);
    const machines = options.machines === true ? machinesOf(lab) : new Map<string, LabMachine>();
    const agents = new Map(await Promise.all(lab.nodes.map(async ({ name: node }) => {
      const env = options.env?.[node];
      return [node, await tenure.agent(node, settings, env, machines.get(node))] as const;
    })));
    await tenure.apply('test', address, annotations);
    if (mode === 'respond') await takeOnLoopback(lab, eip);
    if (heartbeat !== undefined) await inQuorumMode(tenure, agents.size);
    const prober = await lab.probe(eip);
    const { node: holder } = await prober.waitForAnswer({ timeoutMs: 30_000 });
    const since = lab.now();
    const asking = setInterval(() => { lab.forgetNeighbours().catch(() => undefined); }, 150);
    await lab.sniffer.waitForClaim(eip, { host: holder, since });
    return {
      lab, tenure, settings, prober, agents, machines, holder, since,
      async [Symbol.asyncDispose]() {
        clearInterval(asking);
        await lab[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

function machinesOf(lab: Lab): ReadonlyMap<string, LabMachine> {
  return new Map(lab.nodes.map(({ name }, index) => (
    [name, new LabMachine(lab, `02:00:00:00:00:${String(index + 10)}`)])));
}

/** Nobody hears of a node any more, and nothing is left of what its kernel had of Tenure. */
export async function losePower({ lab, agents }: Stage, node: string): Promise<void> {
  await lab.cut(node, 'lan');
  await lab.cut(node, 'mgmt');
  const agent = agents.get(node)!;
  agent.killTree();
  await agent.exited;
  await lab.run(node, ['ip', 'address', 'flush', 'dev', 'eth0', 'to', `${eip}/24`]);
  await lab.run(node, ['nft', 'flush', 'ruleset']);
}

/** Started anew, with another run of its kernel: until its agent is ready. */
export async function powerUp(stage: Stage, node: string): Promise<void> {
  const { lab, tenure, agents, machines, settings } = stage;
  const machine = machines.get(node)!;
  machine.restart();
  await lab.mend(node, 'lan');
  await lab.mend(node, 'mgmt');
  agents.set(node, await tenure.agent(node, settings, {}, machine));
}

function withKey(
  lab: Lab, settings: AgentSettings = {}, heartbeat: Readonly<Record<string, unknown>>,
): AgentSettings {
  const keyFile = join(lab.dir, 'heartbeat.key');
  writeFileSync(keyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  return { ...settings, heartbeat: { keyFile, ...heartbeat } };
}

/** Waits until every node is judged by voters, and every address has a line of succession. */
export async function inQuorumMode(tenure: Tenure, nodes: number): Promise<void> {
  await until(`${String(nodes)} nodes are in quorum mode`, async () => {
    const status = await tenure.status();
    return status.nodes.filter(({ mode }) => mode === 'quorum').length === nodes
      && status.addresses.every(({ line }) => line.length === Math.min(2, nodes - 1));
  }, 30_000, 200);
}

/** Waits until another than `holder` answers the client; gives its name. */
export async function nextHolder({ prober, holder, since }: Stage): Promise<string> {
  const { node } = await prober.waitForAnswer({ not: holder, since, timeoutMs: 30_000 });
  return node;
}
