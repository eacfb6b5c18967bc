/** Who is compared: each keeps one address on all nodes of a lab, and can be done things to. */
import { hasProgram } from '../../test/setup.mjs';
import { provideApiServer } from '../../test/lab/apiserver-build.mjs';
import type { Lab } from '../../test/lab/lab.ts';
import { runKeepalived } from './keepalived.ts';
import type { Stores } from './stores.ts';
import { runTenure, type TenureSetup } from './tenure.ts';

export interface Rest {
  /** Why it did not come to rest; null: it is at rest. */
  readonly restless: string | null;
  /** How often the address has changed hands so far; null: the contender does not count that. */
  readonly moves: number | null;
  /** That was asked and told between these, wall-clock ms. */
  readonly asked: number;
  readonly told: number;
}

/** A contender at work. */
export interface Running {
  readonly address: string;
  /** The longest of what comes periodically and decides when a death is noticed, ms. */
  readonly periodMs: number;
  /** kill -9 of what keeps the address on a node: of that alone, the machine lives. */
  kill(node: string): Promise<void>;
  pause(node: string): Promise<void>;
  resume(node: string): void;
  /** Has the address leave a node as its operator would. */
  move(from: string): Promise<void>;
  /** As if the node had just been put in order: what should run there does. */
  repair(node: string): Promise<void>;
  /** Waits until it has done in the background all that it means to do, 20 s at most. */
  rested(): Promise<Rest>;
  /** Null: it has no store. */
  readonly store: { stop(): Promise<void>; resume(): void } | null;
  stop(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** Whether it is one of ours. */
  readonly ours: boolean;
  /** Which faults it meets, by name; all unless told. */
  readonly faults?: readonly string[];
  /** Why it cannot be had here; null if it can. */
  readonly missing: () => Promise<string | null>;
  readonly start: (stage: Stage) => Promise<Running>;
}

/** What contenders share: the namespaces, and the stores of those who need one. */
export interface Stage {
  readonly lab: Lab;
  readonly stores: Stores;
}

function keepalived(advertMs: number): Contender {
  return {
    name: `keepalived, advert ${advertMs >= 1000 ? `${advertMs / 1000} s` : `${advertMs} ms`}`,
    ours: false,
    missing: async () => Promise.resolve(hasProgram('keepalived') ? null : 'keepalived is not installed'),
    start: async ({ lab }) => runKeepalived(lab, advertMs),
  };
}

function tenure(name: string, setup: TenureSetup, faults?: readonly string[]): Contender {
  return {
    name: `tenure, ${name}`, ours: true, ...(faults === undefined ? {} : { faults }),
    missing: async () => (setup.store === 'etcd' ? null : provideApiServer().then(
      () => null, (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )),
    start: async (stage) => runTenure(stage, setup),
  };
}

/** In the order of the report. A profile or a store of Tenure is a line here. */
export const contenders: readonly Contender[] = [
  keepalived(1000),
  keepalived(100),
  keepalived(10),
  tenure('fast, etcd', { store: 'etcd', profile: 'fast', periodMs: 10 }),
  tenure('fast, Kubernetes', { store: 'kubernetes', profile: 'fast', periodMs: 10 }),
  tenure('lan, etcd', { store: 'etcd', profile: 'lan', periodMs: 60 }),
  tenure('lan, Kubernetes', { store: 'kubernetes', profile: 'lan', periodMs: 60 }),
  // Its 3 s are spent where they are the point of it, and what it shares with the others.
  tenure('wan, etcd', { store: 'etcd', profile: 'wan', periodMs: 500 }, ['cable', 'kill -9', 'planned']),
  tenure('lease 2 s, etcd', { store: 'etcd', profile: null, periodMs: 667 }),
];
