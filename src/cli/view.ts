/** Reading what the store's view shows: who holds what, which nodes there are. */
import type { EipLease, NodeLease, View, ViewChange } from '../core/model.ts';
import { emptyView, endedIn } from '../core/model.ts';
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

/** The view after a change, as `LeaseStore.watch` tells it. */
export function applyChange(view: View, change: ViewChange): View {
  const base = change.reset ? emptyView : view;
  const [nodes, leases] = [new Map(base.nodes), new Map(base.leases)];
  const [drains, moves] = [new Map(base.drains), new Map(base.moves)];
  for (const { node, lease } of change.nodes) put(nodes, node, lease);
  for (const { eip, lease } of change.leases) put(leases, eip, lease);
  for (const { node, drained } of change.drains) put(drains, node, drained || null);
  for (const { eip, move } of change.moves) put(moves, eip, move);
  return { revision: change.revision, nodes, leases, drains, moves };
}

function put<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

export type Verdict<T> = { readonly done: T } | null;

/**
 * Follows the store until `judge` gives a verdict, and resolves to it; null: not within
 * `timeoutMs`. `judge` sees the whole view first, then after every change. Rejects with StoreError
 * if the store does not answer at all, or refuses.
 */
export async function follow<T>(
  store: LeaseStore, timeoutMs: number, judge: (view: View) => Verdict<T>,
): Promise<Verdict<T>> {
  const stop = new AbortController();
  const seen: { view: View | null; verdict: Verdict<T>; trouble: StoreError | null } = {
    view: null, verdict: null, trouble: null,
  };
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  try {
    await store.watch((change) => {
      if (seen.verdict !== null) return;
      seen.view = applyChange(seen.view ?? emptyView, change);
      seen.verdict = judge(seen.view);
      if (seen.verdict !== null) stop.abort();
    }, (state) => {
      seen.trouble = state.kind === 'broken' ? state.error : null;
    }, stop.signal);
  } finally {
    clearTimeout(timer);
  }
  if (seen.view === null) throw seen.trouble ?? new StoreError('timeout', 'did not answer');
  return seen.verdict;
}
