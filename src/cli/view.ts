/** Reading what the store's view shows: who holds what, which nodes there are. */
import type { EipLease, MoveRequest, NodeLease, View, ViewChange } from '../core/model.ts';
import { endedIn } from '../core/model.ts';
import { closest, enumerate } from '../config/suggest.ts';
import type { LeaseStore } from '../store/lease-store.ts';
import { StoreError } from '../store/lease-store.ts';
import type { CliError } from './context.ts';
import { failed } from './context.ts';

/** The node that holds an EIP by a tenure that has not ended; null: nobody. */
export function holderOf(view: View, lease: EipLease | undefined): string | null {
  const holder = lease?.holder ?? null;
  return holder === null || endedIn(view, holder) ? null : holder.node;
}

/** Addresses that each node holds. */
export function holdings(view: View): Map<string, string[]> {
  const held = new Map<string, string[]>();
  for (const [eip, lease] of view.leases) {
    const node = holderOf(view, lease);
    if (node === null) continue;
    const addresses = held.get(node);
    if (addresses === undefined) held.set(node, [eip]);
    else addresses.push(eip);
  }
  return held;
}

/** A live node, or an error that names those that are. */
export function liveNode(view: View, name: string): NodeLease {
  const lease = view.nodes.get(name);
  if (lease === undefined) throw noSuchNode(name, [...view.nodes.keys()]);
  return lease;
}

export function noSuchNode(name: string, known: readonly string[]): CliError {
  const guess = closest(name, known);
  const live = known.toSorted();
  const nodes = live.length === 0 ? 'no node is alive' : `nodes alive are ${enumerate(live)}`;
  return failed(`node: ${JSON.stringify(name)}: is not alive: ${guess === null ? nodes : `did you mean "${guess}"?`}`);
}

/** A view that follows the changes that `LeaseStore.watch` tells: the same one all the time. */
export class FollowedView implements View {
  revision = 0;
  readonly nodes = new Map<string, NodeLease>();
  readonly leases = new Map<string, EipLease>();
  readonly drains = new Map<string, true>();
  readonly moves = new Map<string, MoveRequest>();

  apply(change: ViewChange): void {
    if (change.reset) {
      for (const map of [this.nodes, this.leases, this.drains, this.moves]) map.clear();
    }
    for (const { node, lease } of change.nodes) put(this.nodes, node, lease);
    for (const { eip, lease } of change.leases) put(this.leases, eip, lease);
    for (const { node, drained } of change.drains) put(this.drains, node, drained || null);
    for (const { eip, move } of change.moves) put(this.moves, eip, move);
    this.revision = change.revision;
  }
}

function put<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

export type Verdict<T> = { readonly done: T } | null;

/** One look at most in so many ms: there may be thousands of addresses, and as many changes. */
const judgeEveryMs = 20;

/**
 * Follows the store until `judge` gives a verdict, and resolves to it; null: not within
 * `timeoutMs`. `begin` sees the whole view first, and does what is then waited for: the time counts
 * from its end, and `judge` sees the view from then on, after changes. Rejects with StoreError if
 * the store does not answer at all, or refuses; and as `begin` does.
 */
export async function follow<T>(
  store: LeaseStore, timeoutMs: number, begin: (view: View) => Promise<void>,
  judge: (view: View) => Verdict<T>,
): Promise<Verdict<T>> {
  const following = new Following(timeoutMs, begin, judge);
  try {
    await store.watch((change) => { following.onChange(change); },
      (state) => { following.trouble = state.kind === 'broken' ? state.error : null; },
      following.signal);
  } finally {
    following.close();
  }
  return following.outcome();
}

class Following<T> {
  readonly #timeoutMs: number;
  readonly #begin: (view: View) => Promise<void>;
  readonly #judge: (view: View) => Verdict<T>;
  readonly #stop = new AbortController();
  readonly #view = new FollowedView();
  #phase: 'listing' | 'beginning' | 'waiting' = 'listing';
  #timer: NodeJS.Timeout;
  #judging: NodeJS.Timeout | undefined;
  #judgedAt = -Infinity;
  #verdict: Verdict<T> = null;
  #failure: Error | null = null;
  /** Of the watch, as it is now. */
  trouble: StoreError | null = null;

  constructor(
    timeoutMs: number, begin: (view: View) => Promise<void>, judge: (view: View) => Verdict<T>,
  ) {
    this.#timeoutMs = timeoutMs;
    this.#begin = begin;
    this.#judge = judge;
    this.#timer = setTimeout(() => { this.#stop.abort(); }, timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  onChange(change: ViewChange): void {
    this.#view.apply(change);
    if (this.#phase === 'listing') void this.#start();
    else if (this.#phase === 'waiting') this.#lookSoon();
  }

  outcome(): Verdict<T> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#phase === 'listing') {
      throw this.trouble ?? new StoreError('timeout', 'did not answer');
    }
    return this.#verdict;
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#judging);
  }

  async #start(): Promise<void> {
    this.#phase = 'beginning';
    clearTimeout(this.#timer);
    try {
      await this.#begin(this.#view);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      return this.#stop.abort();
    }
    this.#phase = 'waiting';
    this.#timer = setTimeout(() => { this.#stop.abort(); }, this.#timeoutMs);
    this.#look();
  }

  #lookSoon(): void {
    if (this.#judging !== undefined) return;
    const wait = this.#judgedAt + judgeEveryMs - performance.now();
    if (wait > 0) this.#judging = setTimeout(() => { this.#look(); }, wait);
    else this.#look();
  }

  #look(): void {
    this.#judging = undefined;
    this.#judgedAt = performance.now();
    this.#verdict ??= this.#judge(this.#view);
    if (this.#verdict !== null) this.#stop.abort();
  }
}
