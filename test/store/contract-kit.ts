/** What the contract's tests are made of. */
import assert from 'node:assert/strict';
import { emptyView } from '../../src/core/model.ts';
import type {
  EipLease, EipLeaseValue, NodeLease, NodeRecord, TenureId, View, ViewChange,
} from '../../src/core/model.ts';
import type { StoreAnswer, Swap, SwapOutcome } from '../../src/core/requests.ts';
import type { LeaseStore, WatchState } from '../../src/store/lease-store.ts';

/** An empty store, and clients of it. */
export interface Backend {
  /** Another client: as if in a process of its own. Closed by the suite. */
  client(): LeaseStore;
  dispose(): Promise<void>;
}

export interface Scale {
  /** A node lease's time in tests that let it run out: short, but one that the store grants. */
  readonly ttlMs: number;
  /** Whatever is to happen by itself happens within this, on a busy machine too. */
  readonly eventuallyMs: number;
}

export interface Contract {
  /** A fresh empty store for each test; its clients and watches end with the test. */
  readonly run: (test: (lab: Lab) => Promise<void>) => () => Promise<void>;
  readonly scale: Scale;
}

export class Lab {
  readonly scale: Scale;
  readonly #backend: Backend;
  readonly #clients: LeaseStore[] = [];
  readonly #ending = new AbortController();
  readonly #watches: Promise<void>[] = [];

  constructor(backend: Backend, scale: Scale) {
    this.#backend = backend;
    this.scale = scale;
  }

  client(): LeaseStore {
    return this.keep(this.#backend.client());
  }

  /** Has a client closed when the test ends. */
  keep<T extends LeaseStore>(client: T): T {
    this.#clients.push(client);
    return client;
  }

  /** A client's view, as its watch builds it. */
  async observe(client = this.client()): Promise<Observer> {
    const observer = new Observer(this.scale);
    this.#watches.push(observer.run(client, this.#ending.signal));
    await observer.until(() => observer.following);
    return observer;
  }

  /** Anything else that runs until the test ends. */
  background(run: (signal: AbortSignal) => Promise<void>): void {
    this.#watches.push(run(this.#ending.signal));
  }

  async dispose(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#watches);
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.#backend.dispose();
  }
}

export class Observer {
  view: View = emptyView;
  following = false;
  readonly changes: ViewChange[] = [];
  readonly states: WatchState[] = [];
  readonly #scale: Scale;
  readonly #waiting = new Set<() => void>();

  constructor(scale: Scale) {
    this.#scale = scale;
  }

  async run(client: LeaseStore, signal: AbortSignal): Promise<void> {
    await client.watch((change) => {
      assert.equal(signal.aborted, false, 'told after the abort');
      this.changes.push(change);
      this.view = fold(this.view, change);
      this.#wake();
    }, (state) => {
      this.following = state.kind === 'following';
      this.states.push(state);
      this.#wake();
    }, signal);
  }

  async until(
    condition: () => boolean, what = 'the view', withinMs = this.#scale.eventuallyMs,
  ): Promise<void> {
    const until = performance.now() + withinMs;
    const timer = setTimeout(() => this.#wake(), withinMs + 1);
    try {
      while (!condition()) {
        const late = performance.now() >= until;
        if (late) assert.fail(`waited ${withinMs} ms for ${what}; view: ${show(this.view)}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

function show(view: View): string {
  return JSON.stringify({
    revision: view.revision,
    nodes: [...view.nodes.values()].map(({ id }) => id),
    leases: [...view.leases.values()].slice(0, 10),
  });
}

/**
 * assert.ok, always with a message: to make one of its own, it looks for the source text of the
 * call, and where the loader has joined all lines into one it never ends looking.
 */
export function ok(condition: unknown, message = 'this does not hold'): asserts condition {
  assert.ok(condition, message);
}

/** What a change makes of a view: the meaning of ViewChange, for tests. */
export function fold(view: View, change: ViewChange): View {
  ok(change.reset || change.revision > view.revision, 'revisions rise');
  const base = change.reset ? emptyView : view;
  const nodes = new Map(base.nodes);
  const leases = new Map(base.leases);
  const drains = new Map(base.drains);
  const moves = new Map(base.moves);
  for (const { node, lease } of change.nodes) put(nodes, node, lease);
  for (const { eip, lease } of change.leases) put(leases, eip, lease);
  for (const { node, drained } of change.drains) put(drains, node, drained ? true : null);
  for (const { eip, move } of change.moves) put(moves, eip, move);
  return { revision: change.revision, nodes, leases, drains, moves };
}

function put<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

export const sampleRecord: NodeRecord = {
  boot: 0, place: 'place-1', host: 'host-1', version: '1.2.3', startedAt: 1_700_000_000_000,
  weight: 2.5, labels: { zone: 'a', 'rack/row': 'ü' }, draining: false,
  unable: { 'eip-1': 'no link' }, findings: [{ code: 'c', subject: 's', text: 't' }],
  storeLatencyMs: 1.25,
  heartbeat: ['192.0.2.1:7400', '[2001:db8::1]:7400'],
  witness: false,
  epoch: 3,
  voters: [{ node: 'a', boot: 1 }, { node: 'b', boot: 7 }],
};

/** A deadline for calls that are meant to succeed. */
export function soon(ms = 10_000): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms).unref();
  return controller.signal;
}

export interface OpenOptions {
  readonly ttlMs?: number;
  readonly replaces?: number;
  readonly record?: Partial<NodeRecord>;
}

export async function tryOpen(
  client: LeaseStore, node: string, options: OpenOptions = {},
): Promise<StoreAnswer> {
  return client.perform({
    kind: 'open', node, replaces: options.replaces ?? 0, ttlMs: options.ttlMs ?? 60_000,
    record: { ...sampleRecord, ...options.record },
  }, soon());
}

export async function open(
  client: LeaseStore, node: string, options: OpenOptions = {},
): Promise<NodeLease> {
  const answer = await tryOpen(client, node, options);
  return answer.kind === 'opened' ? answer.lease : assert.fail(JSON.stringify(answer));
}

export function leaseValue(
  eip: string, holder: TenureId | null, term: number, more: Partial<EipLeaseValue> = {},
): EipLeaseValue {
  return {
    eip, holder, term, since: 1_700_000_000_000 + term, reason: 'claimed', heirs: [], former: [],
    moves: [{ term, holder: holder?.node ?? null, reason: 'claimed', at: 1_700_000_000_000 }],
    ...more,
  };
}

export function swapOf(
  eip: string, holder: TenureId | null, term: number, revision: number, more: Partial<Swap> = {},
): Swap {
  return { eip, revision, next: leaseValue(eip, holder, term), ended: [], live: [], ...more };
}

export async function swap(
  client: LeaseStore, tenure: TenureId, swaps: readonly Swap[],
): Promise<readonly SwapOutcome[]> {
  const answer = await client.perform({ kind: 'swap', tenure, swaps }, soon());
  return answer.kind === 'swapped' ? answer.outcomes : assert.fail(JSON.stringify(answer));
}

/** One swap that is applied. */
export async function take(
  client: LeaseStore, tenure: TenureId, one: Swap,
): Promise<EipLease> {
  const [outcome] = await swap(client, tenure, [one]);
  return outcome?.kind === 'applied' ? outcome.lease : assert.fail(JSON.stringify(outcome));
}

export function kinds(outcomes: readonly { readonly kind: string }[]): string[] {
  return outcomes.map(({ kind }) => kind);
}
