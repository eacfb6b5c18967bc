/** Who is compared: each keeps one address on all nodes of a lab, and can be done things to. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasProgram } from '../../test/setup.mjs';
import type { Lab } from '../../test/lab/lab.ts';
import { startKeepalived } from '../../test/lab/keepalived.ts';
import { processTree } from '../../test/lab/process.ts';
import type { LabProcess } from '../../test/lab/process.ts';
import { inQuorumMode } from '../../test/netns/agent-stage.ts';
import { Tenure, type AgentSettings } from '../../test/lab/tenure.ts';

/** A contender at work. */
export interface Running {
  readonly address: string;
  /** kill -9 of what keeps the address on a node: of that alone, the machine lives. */
  kill(node: string): Promise<void>;
  pause(node: string): Promise<void>;
  resume(node: string): void;
  /** Has the address leave a node as its operator would. */
  move(from: string): Promise<void>;
  /** As if the node had just been put in order: what should run there does. */
  repair(node: string): Promise<void>;
  /** Waits until it has done in the background all that it means to do. */
  rested?(): Promise<void>;
  /** Null: it has no store. */
  readonly store: { stop(): void; resume(): void } | null;
  stop(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** Why it cannot be had here; null if it can. */
  readonly missing: () => string | null;
  readonly start: (stage: Stage) => Promise<Running>;
}

/** What contenders share: the namespaces, and an etcd that those use who need one. */
export interface Stage {
  readonly lab: Lab;
  readonly tenure: () => Promise<Tenure>;
}

function keepalived(advertMs: number): Contender {
  return {
    name: `keepalived, advert ${advertMs >= 1000 ? `${advertMs / 1000} s` : `${advertMs} ms`}`,
    missing: () => (hasProgram('keepalived') ? null : 'keepalived is not installed'),
    start: async ({ lab }) => runKeepalived(lab, advertMs),
  };
}

async function runKeepalived(lab: Lab, advertMs: number): Promise<Running> {
  const address = '10.88.1.1';
  const processes = new Map<string, LabProcess>();
  const start = async (node: string): Promise<void> => {
    // A dead one leaves the address behind; whoever restarts it would clean up.
    await lab.attempt(node, ['ip', 'addr', 'del', `${address}/32`, 'dev', 'eth0']);
    for (const what of ['', '-vrrp']) {
      rmSync(join(lab.dir, `keepalived-${node}${what}.pid`), { force: true });
    }
    const index = lab.nodes.findIndex(({ name }) => name === node);
    // Priorities differ, as people have it: with equal ones several take over at once.
    const options = { addresses: [address], advertMs, priority: 110 - 10 * index };
    processes.set(node, await startKeepalived(lab, node, options));
  };
  for (const { name } of lab.nodes) await start(name);
  const of = (node: string): LabProcess => processes.get(node)!;
  return {
    address, store: null,
    kill: async (node) => {
      // Stopped first: at its parent's death the child gets SIGTERM, and would leave in order.
      await of(node).pause();
      of(node).killTree();
      await of(node).exited;
    },
    pause: async (node) => of(node).pause(),
    resume: (node) => of(node).resume(),
    move: async (from) => { await of(from).stop(); },
    repair: async (node) => { if (of(node).exit !== null) await start(node); },
    stop: async () => { await Promise.all([...processes.values()].map((one) => one.stop())); },
  };
}

/** With `heartbeat`, in quorum mode: the key is made here. */
type TenureSettings = AgentSettings & { readonly heartbeat?: { readonly profile: 'fast' | 'lan' } };

function tenureOnEtcd(name: string, settings: TenureSettings): Contender {
  return { name, missing: () => null, start: async (stage) => runTenure(stage, settings) };
}

async function runTenure(
  { lab, tenure: made }: Stage, settings: TenureSettings,
): Promise<Running> {
  // Not keepalived's: what one leaves behind must not hinder the other.
  const address = '10.88.1.2';
  const tenure = await made();
  const { heartbeat } = settings;
  const all = heartbeat === undefined
    ? settings : { ...settings, heartbeat: { keyFile: keyIn(lab.dir), ...heartbeat } };
  const agents = new Map<string, LabProcess>();
  const start = async (node: string): Promise<void> => {
    agents.set(node, await tenure.agent(node, all));
  };
  await Promise.all(lab.nodes.map(async ({ name }) => start(name)));
  await tenure.apply('bench', address);
  const of = (node: string): LabProcess => agents.get(node)!;
  const { member } = tenure.etcd;
  return {
    address,
    rested: async () => {
      if (heartbeat !== undefined) await inQuorumMode(tenure, lab.nodes.length);
    },
    kill: async (node) => {
      // In quorum mode what was started is the supervisor, and the agent its child.
      const [started, agent] = processTree(of(node).pid);
      process.kill(agent ?? started!, 'SIGKILL');
      if (agent === undefined) await of(node).exited;
    },
    pause: async (node) => of(node).pause(),
    resume: (node) => of(node).resume(),
    move: async (from) => {
      const to = lab.nodes.find(({ name }) => name !== from)!.name;
      await tenure.command('move', address, to);
    },
    repair: async (node) => { if (of(node).exit !== null) await start(node); },
    store: { stop: () => member.signal('SIGSTOP'), resume: () => member.signal('SIGCONT') },
    stop: async () => { await Promise.all([...agents.values()].map((one) => one.stop())); },
  };
}

function keyIn(dir: string): string {
  const file = join(dir, 'bench-heartbeat.key');
  writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  return file;
}

/**
 * The table of contenders, in the order of the report. A profile or a store of Tenure is a line
 * here; a store other than etcd needs a `run...` beside `runTenure` that starts it.
 */
export const contenders: readonly Contender[] = [
  keepalived(1000),
  keepalived(100),
  keepalived(10),
  tenureOnEtcd('tenure, fast, etcd', { heartbeat: { profile: 'fast' }, log: { level: 'info' } }),
  tenureOnEtcd('tenure, lan, etcd', { heartbeat: { profile: 'lan' }, log: { level: 'info' } }),
  tenureOnEtcd('tenure, lease 2 s, etcd', { lease: { duration: '2s', settleTime: '100ms' }, log: { level: 'info' } }),
];
