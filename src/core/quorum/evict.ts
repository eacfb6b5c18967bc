/**
 * Ending the node lease of a deposed node ahead of its expiry: in the background.
 *
 * A node that died on its way from one epoch to the next leaves a record of the one, and voters
 * that have released it and withdrew from the next. No certificate comes of that: a view that lags
 * may show an epoch that was left long ago. But the store knows, and makes the change only if the
 * record is still in force; then the epoch that it names binds the node, whatever its voters were
 * asked for since, and a majority of them supports it no more.
 */
import type { Draft } from '../draft.ts';
import { hash32 } from '../hash.ts';
import type { TenureId } from '../model.ts';
import type { StoreAnswer } from '../requests.ts';
import { majority, votersLost, withEntry } from './types.ts';

/** One node of those that may do it begins; each other waits so much longer, ms. */
const turnMs = 200;
/** An eviction that was refused or not answered is tried again after so long, ms. */
const againMs = 1000;

/** Called in every tick. */
export function evict(draft: Draft): void {
  const { voting, now, open } = draft;
  for (const node of voting.evictAt.keys()) {
    if (unsupported(draft, node) === null) forget(draft, node);
  }
  if (open === null) return;
  for (const node of voting.reports.keys()) {
    const of = unsupported(draft, node);
    if (of === null) continue;
    const at = draft.voting.evictAt.get(node);
    if (at === undefined) {
      schedule(draft, node, now.boot + turn(draft, node) * turnMs);
    } else if (now.boot >= at) {
      const lease = draft.nodes.get(node);
      if (lease === undefined) continue;
      draft.request({
        kind: 'evict', tenure: of, revision: lease.revision, by: draft.options.node,
      }, { kind: 'evict', sentAt: now.boot, node });
      schedule(draft, node, Infinity);
    }
  }
}

/** The tenure of `node` that a majority of the voters in its record support no more; or null. */
function unsupported(draft: Draft, node: string): TenureId | null {
  const { nodes, voting, options } = draft;
  const lease = nodes.get(node);
  if (lease === undefined || lease.record.epoch === 0 || node === options.node) return null;
  const lost = votersLost(voting, lease.id, lease.record, lapsed(draft, lease.id));
  return lost.length >= majority(lease.record.voters) ? lease.id : null;
}

/** A voter that died before has no promise to that tenure left. By F, which it told us itself. */
function lapsed({ voting, now, options }: Draft, { node, incarnation }: TenureId): number {
  const given = voting.promises.get(node);
  if (given?.incarnation !== incarnation) return -Infinity;
  return now.boot - given.supportMs * (1 + 2 * options.clockRateError);
}

function schedule(draft: Draft, node: string, at: number): void {
  draft.voting = { ...draft.voting, evictAt: withEntry(draft.voting.evictAt, node, at) };
}

function forget(draft: Draft, node: string): void {
  const evictAt = new Map(draft.voting.evictAt);
  evictAt.delete(node);
  draft.voting = { ...draft.voting, evictAt };
}

/** Our place among the nodes that could do it; the same order for everyone. */
function turn(draft: Draft, node: string): number {
  const rank = (each: string): number => hash32(`${node}\n${each}`);
  const own = rank(draft.options.node);
  return [...draft.nodes.value.keys()].filter((each) => each !== node && rank(each) < own).length;
}

export function onEvictAnswer(draft: Draft, node: string, answer: StoreAnswer | null): void {
  if (answer?.kind === 'evicted') draft.tell({ kind: 'evicted', node });
  if (unsupported(draft, node) !== null) schedule(draft, node, draft.now.boot + againMs);
}
