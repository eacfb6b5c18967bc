/**
 * What to do about each address, one at a time: the heart of lease mode.
 *
 *   the store names us    not held, term not over: take it (announce)
 *                         not held, term over: reclaim it, or hand it on
 *                         held: keep it, or hand it over (drain, unfit, move, failback), or release
 *   it names another      held: drop it
 *   it names nobody, or   claim it if placement says us; else look again, later the worse our place
 *   an ended tenure
 */
import { whyUnfit } from './eligibility.ts';
import type { Draft } from './draft.ts';
import type { EipPolicy } from './events.ts';
import { sameTenure } from './model.ts';
import type { Eip, EipLease, MoveReason, TenureId } from './model.ts';
import { Pass } from './pass.ts';
import { allocationOrder } from './placement.ts';
import { drop, take } from './holdings.ts';
import { plan } from './plans.ts';
import type { Open } from './state.ts';

/** Looks at every address that something may have changed for. */
export function considerDirty(draft: Draft): void {
  if (draft.now.boot >= draft.nextLater) wakeLater(draft);
  const eips = draft.takeDirty();
  const { open } = draft;
  if (open === null || open.silent || !draft.listed || eips.length === 0) return;
  const pass = new Pass(draft);
  for (const eip of eips.length > 1 ? allocationOrder(eips) : eips) {
    if (!draft.busy.has(eip)) consider(draft, open, pass, eip);
  }
}

function wakeLater(draft: Draft): void {
  let next = Infinity;
  for (const [eip, at] of draft.later.value) {
    if (at > draft.now.boot) {
      next = Math.min(next, at);
    } else {
      draft.dirty.add(eip);
    }
  }
  for (const eip of draft.dirty) draft.later.delete(eip);
  draft.nextLater = next;
}

function consider(draft: Draft, open: Open, pass: Pass, eip: Eip): void {
  const lease = draft.leases.get(eip) ?? null;
  if (lease !== null && sameTenure(lease.holder, open.lease.id)) {
    draft.freeSince.delete(eip);
    considerOurs(draft, pass, lease);
    return;
  }
  const holding = draft.held.get(eip);
  if (holding !== undefined) {
    drop(draft, eip);
    draft.tell({ kind: 'dropped', eip, term: holding.term, holder: lease?.holder?.node ?? null });
  }
  if (lease?.holder && !draft.ended(lease.holder)) {
    draft.freeSince.delete(eip);
    return;
  }
  const policy = draft.policies.get(eip);
  if (policy === undefined || draft.stopping) draft.freeSince.delete(eip);
  else considerFree(draft, open, pass, eip, lease, policy);
}

function considerOurs(draft: Draft, pass: Pass, lease: EipLease): void {
  const { eip } = lease;
  const over = lease.term <= (draft.past.get(eip) ?? 0);
  const policy = draft.policies.get(eip);
  if (policy === undefined) {
    draft.enqueue(plan(draft, 'release', lease, eip, null, 'released'));
    return;
  }
  const away = reasonToLeave(draft, pass, eip, policy);
  const to = away === null ? null : target(draft, pass, eip, policy, away);
  if (away !== null && to !== null) {
    pass.allocator.take(draft.options.node);
    pass.allocator.give(to.node);
    draft.enqueue(plan(draft, 'hand-over', lease, eip, to, away.reason, away.reason === 'move'));
  } else if (draft.stopping) {
    // Nobody can take it: it falls silent here, and is free once our tenure has ended.
    if (draft.held.has(eip)) drop(draft, eip);
  } else if (over) {
    draft.enqueue(plan(draft, 'reclaim', lease, eip, draft.tenure, 'reclaimed'));
  } else {
    take(draft, lease);
  }
}

interface Away {
  readonly reason: MoveReason;
  /** Where it must go; null: wherever placement says. */
  readonly to: string | null;
}

function reasonToLeave(draft: Draft, pass: Pass, eip: Eip, policy: EipPolicy): Away | null {
  const { node } = draft.options;
  if (draft.stopping || draft.drains.has(node)) return { reason: 'drain', to: null };
  if (selfUnfit(draft, eip, policy)) return { reason: 'unfit', to: null };
  const move = draft.moves.get(eip);
  if (move !== undefined) return moveAsked(draft, eip, policy, move.to);
  if (policy.failbackMs === null) return null;
  const preferred = pass.preferred(eip);
  if (preferred === null || preferred === node) return null;
  const at = (draft.fitSince.get(preferred)?.at ?? Infinity) + policy.failbackMs;
  if (draft.now.boot >= at) return { reason: 'failback', to: preferred };
  if (at !== Infinity) draft.lookAgain(eip, at);
  return null;
}

/** By what we know of ourselves now, which the store may not show yet. */
function selfUnfit(draft: Draft, eip: Eip, policy: EipPolicy): boolean {
  const lease = draft.open?.lease;
  const self = lease && { ...lease, record: { ...lease.record, ...draft.facts } };
  return whyUnfit(eip, policy, self, draft.drains.has(draft.options.node)) !== null;
}

function moveAsked(draft: Draft, eip: Eip, policy: EipPolicy, to: string): Away | null {
  const why = to === draft.options.node
    ? 'holds it already'
    : whyUnfit(eip, policy, draft.nodes.get(to), draft.drains.has(to));
  if (why === null) return { reason: 'move', to };
  draft.moves.delete(eip);
  if (to !== draft.options.node) draft.tell({ kind: 'move-refused', eip, to, why });
  draft.request({ kind: 'settle-moves', eips: [eip] }, { kind: 'settle', sentAt: draft.now.boot });
  return null;
}

function target(
  draft: Draft, pass: Pass, eip: Eip, policy: EipPolicy, away: Away,
): TenureId | null {
  const others = pass.candidates(eip, policy).filter(({ node }) => node !== draft.options.node);
  const node = away.to ?? pass.allocator.order(eip, others)[0];
  return (node === undefined ? undefined : draft.nodes.get(node)?.id) ?? null;
}

function considerFree(
  draft: Draft, open: Open, pass: Pass, eip: Eip, lease: EipLease | null, policy: EipPolicy,
): void {
  const { now, options } = draft;
  const candidates = pass.candidates(eip, policy);
  const order = pass.allocator.order(eip, candidates);
  const [first] = order;
  if (first === undefined) return;
  // A node that was restarted takes its own addresses up again, whatever placement would say.
  const former = lease?.holder?.node;
  const returns = former !== undefined && order.includes(former);
  pass.allocator.give(returns ? former : first);
  if (!order.includes(options.node) || selfUnfit(draft, eip, policy)) return;
  const ours = returns && former === options.node;
  const place = ours ? 0 : order.indexOf(options.node) + (returns ? 1 : 0);
  const since = draft.freeSince.get(eip) ?? now.boot;
  draft.freeSince.set(eip, since);
  const settled = ours ? now.boot : open.openedAt + options.settleMs;
  const due = Math.max(settled, since + place * options.patienceMs);
  if (now.boot < due) return draft.lookAgain(eip, due);
  const reason = reasonToClaim(lease, options.node);
  draft.enqueue(plan(draft, 'claim', lease, eip, open.lease.id, reason));
}

function reasonToClaim(lease: EipLease | null, node: string): MoveReason {
  if (!lease?.holder) return 'claimed';
  return lease.holder.node === node ? 'returned' : 'takeover';
}
