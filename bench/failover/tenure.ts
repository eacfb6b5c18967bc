/** Tenure as a contender: an agent on each node, and a store on a host of its own. */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError, until } from '../../test/lab/command.ts';
import type { Lab } from '../../test/lab/lab.ts';
import type { StoreKind } from '../../test/lab/lab-store.ts';
import { supervisedBy } from '../../test/lab/process.ts';
import type { LabProcess } from '../../test/lab/process.ts';
import type { StatusView, Tenure } from '../../test/lab/tenure.ts';
import type { Rest, Running, Stage } from './contender.ts';

export interface TenureSetup {
  readonly store: StoreKind;
  /** Null: lease mode, with a lease of 2 s. */
  readonly profile: 'fast' | 'lan' | 'wan' | null;
  /** See `Running.periodMs`. */
  readonly periodMs: number;
}

/** Not keepalived's, nor another store's: what one leaves behind must not hinder the other. */
const addresses = { etcd: '10.88.1.2', kubernetes: '10.88.1.3' } as const;
const restWithinMs = 20_000;
/** Stores that have the Eip from an earlier turn. */
const applied = new WeakSet<Tenure>();

export async function runTenure(
  { lab, stores }: Stage, { store, profile, periodMs }: TenureSetup,
): Promise<Running> {
  const address = addresses[store];
  const tenure = await stores.use(store);
  const settings = {
    log: { level: 'info' },
    ...(profile === null ? {} : { heartbeat: { keyFile: keyIn(lab.dir), profile } }),
  };
  const agents = new Map<string, LabProcess>();
  const start = async (node: string): Promise<void> => {
    agents.set(node, await tenure.agent(node, settings));
  };
  await Promise.all(lab.nodes.map(async ({ name }) => start(name)));
  if (!applied.has(tenure)) await tenure.apply('bench', address);
  applied.add(tenure);
  const of = (node: string): LabProcess => agents.get(node)!;
  return {
    address, periodMs,
    rested: async () => rested(lab, tenure, profile !== null),
    kill: async (node) => {
      // In quorum mode what was started is the supervisor, and the agent its child.
      const started = of(node);
      const agent = supervisedBy(started.pid);
      process.kill(agent ?? started.pid, 'SIGKILL');
      if (agent === undefined) await started.exited;
    },
    pause: async (node) => of(node).pause(),
    resume: (node) => of(node).resume(),
    move: async (from) => {
      const to = lab.nodes.find(({ name }) => name !== from)!.name;
      await tenure.command('move', address, to);
    },
    repair: async (node) => { if (of(node).exit !== null) await start(node); },
    store: {
      stop: () => tenure.store.pause(), resume: () => tenure.store.resume(),
    },
    stop: async () => { await Promise.all([...agents.values()].map((one) => one.stop())); },
  };
}

/** Every node is judged by voters, if it should be, and the line of succession is written. */
async function rested(lab: Lab, tenure: Tenure, isQuorum: boolean): Promise<Rest> {
  const nodes = lab.nodes.length;
  let asked = lab.now();
  let last = await tenure.status();
  const isAtRest = ({ nodes: shown, addresses: held }: StatusView): boolean => (
    shown.filter(({ mode }) => !isQuorum || mode === 'quorum').length === nodes
    && held.length > 0 && held.every(({ line }) => line.length === Math.min(2, nodes - 1))
  );
  const restless = await until('Tenure is at rest, each node judged as it should be and heirs named', async () => {
    asked = lab.now();
    last = await tenure.status();
    return isAtRest(last);
  }, restWithinMs, 200).then(() => null, (error: unknown) => (
    error instanceof LabError ? error.message : String(error)));
  // Each change of hands is one more term.
  const [held] = last.addresses;
  return { restless, moves: held?.term ?? null, asked, told: lab.now() };
}

function keyIn(dir: string): string {
  const file = join(dir, 'bench-heartbeat.key');
  if (!existsSync(file)) {
    writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  }
  return file;
}
