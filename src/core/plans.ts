/**
 * Changes of EIP leases on their way to the store: queued, sent in batches, answered.
 *
 * Whatever leaves our hands is withdrawn right before the request that gives it away, and not
 * earlier, so that a large drain keeps answering for what its turn has not come for.
 */
import type { Draft } from './draft.ts';
import { movesKept } from './model.ts';
import type { Eip, EipLease, MoveReason, TenureId } from './model.ts';
import { forbid, take } from './holdings.ts';
import { raiseFloor } from './quorum/support.ts';
import { maxSwaps } from './requests.ts';
import type { StoreAnswer, SwapOutcome } from './requests.ts';
import type { Plan } from './state.ts';
import { lineChange } from './succession.ts';
import { endTenure } from './tenure.ts';
import { applyLease } from './view-change.ts';

interface SwapPlan {
  readonly action: Plan['action'];
  /** The record that it changes; null: there is none. */
  readonly lease: EipLease | null;
  readonly eip: Eip;
  readonly holder: TenureId | null;
  readonly reason: MoveReason;
  /** Default: the next that this node has not given up. The record's own: no change of owner. */
  readonly term?: number;
  readonly heirs?: readonly TenureId[];
  readonly former?: readonly TenureId[];
  /** Tenures that must have ended. */
  readonly ended?: readonly TenureId[];
  readonly asked?: boolean;
  /** Wall clock, ms: when the term began, if not now. */
  readonly since?: number;
}

export function planSwap(draft: Draft, change: SwapPlan): Plan {
  const { action, lease, eip, holder, reason, heirs = [], former = [], ended = [] } = change;
  const term = change.term ?? Math.max(lease?.term ?? 0, draft.past.get(eip) ?? 0) + 1;
  const since = change.since ?? draft.now.wall;
  const move = { term, holder: holder?.node ?? null, reason, at: since };
  const moved = term !== lease?.term;
  const moves = lease?.moves ?? [];
  return {
    action, lease, asked: change.asked ?? false,
    swap: {
      eip,
      revision: lease?.revision ?? 0,
      next: {
        eip, holder, term, heirs, former,
        since: moved ? since : lease.since,
        reason: moved ? reason : lease.reason,
        moves: moved ? [move, ...moves].slice(0, movesKept) : moves,
      },
      ended,
      live: action === 'hand-over' && holder ? [holder] : [],
    },
  };
}

/** Sends as much of the queue as may be under way. Called last in every step. */
export function sendPlans(draft: Draft): void {
  const { open, options } = draft;
  if (open === null || draft.queue.length === 0 || open.silent) return;
  const most = Math.min(maxSwaps, options.swapsPerRequest ?? maxSwaps);
  let free = options.swapsInFlight;
  for (const { kind } of draft.pending.value.values()) if (kind === 'swap') free--;
  for (; free > 0 && draft.queue.length > 0; free--) {
    const plans = draft.dequeue(most, byTurns).filter((planned) => current(draft, planned));
    if (plans.length > 0) send(draft, open.lease.id, plans);
  }
}

/**
 * The plans in an order in which any part of them has each taker's share: so all of them are busy
 * from the beginning of a mass move to its end. Those of one taker stay in their order.
 */
function byTurns(plans: readonly Plan[]): readonly Plan[] {
  const byTaker = new Map<string | null, Plan[]>();
  for (const plan of plans) {
    const taker = plan.swap.next.holder?.node ?? null;
    const known = byTaker.get(taker);
    if (known === undefined) byTaker.set(taker, [plan]);
    else known.push(plan);
  }
  if (byTaker.size < 2) return plans;
  return Array.from(byTaker.values())
    .flatMap((share) => share.map((plan, at) => ({ plan, turn: (at + 0.5) / share.length })))
    .sort((a, b) => a.turn - b.turn)
    .map(({ plan }) => plan);
}

/** A plan whose record has changed since it was made is thought over again. */
function current(draft: Draft, { swap }: Plan): boolean {
  if ((draft.leases.get(swap.eip)?.revision ?? 0) === swap.revision) return true;
  draft.settled(swap.eip);
  draft.lookAgain(swap.eip, draft.now.boot);
  return false;
}

function send(draft: Draft, tenure: TenureId, plans: readonly Plan[]): void {
  const leaving: Eip[] = [];
  for (const { action, lease, swap: { eip } } of plans) {
    if (!givesUp(action)) continue;
    // Also what was never taken up: the request may be applied long after it was given up on.
    forbid(draft, eip, lease?.term ?? 0);
    const holding = draft.held.get(eip);
    if (holding === undefined) continue;
    forbid(draft, eip, holding.term);
    draft.held.delete(eip);
    leaving.push(eip);
  }
  draft.withdraw(leaving, true);
  draft.request(
    { kind: 'swap', tenure, swaps: plans.map(({ swap }) => swap) },
    { kind: 'swap', sentAt: draft.now.boot, plans },
  );
}

/** Whether the address leaves our hands, or the term that we hold it by does. */
function givesUp(action: Plan['action']): boolean {
  return action === 'hand-over' || action === 'release' || action === 'reclaim';
}

export function onSwapAnswer(
  draft: Draft, answer: StoreAnswer | null, plans: readonly Plan[],
): void {
  if (answer?.kind === 'ended') return endTenure(draft, 'expired');
  const settled: Eip[] = [];
  plans.forEach((planned, i) => {
    const { eip } = planned.swap;
    draft.settled(eip);
    const outcome = answer?.kind === 'swapped' ? answer.outcomes[i] : undefined;
    if (outcome?.kind === 'applied') {
      applied(draft, planned, outcome.lease);
      if (planned.asked) settled.push(eip);
    } else {
      lost(draft, eip, outcome);
    }
  });
  if (settled.length > 0) {
    for (const eip of settled) draft.moves.delete(eip);
    draft.request({ kind: 'settle-moves', eips: settled }, { kind: 'settle', sentAt: draft.now.boot });
  }
}

function applied(draft: Draft, { action, swap, lease: before }: Plan, lease: EipLease): void {
  applyLease(draft, swap.eip, lease, lease.revision);
  draft.dirty.add(swap.eip);
  const { eip, next: { term, reason, holder } } = swap;
  switch (action) {
    case 'hand-over':
    case 'release':
      // Whoever inherits from us must know that it is not ours any more.
      raiseFloor(draft, lease.revision);
      return draft.tell({ kind: 'gave', eip, term, reason, to: holder?.node ?? null });
    case 'line':
      raiseFloor(draft, lease.revision);
      return draft.tell({ kind: 'line', eip, what: lineChange(before ?? lease, lease) });
    case 'renounce':
      return draft.tell({ kind: 'renounced', eip });
    case 'claim':
    case 'reclaim':
    case 'confirm':
      // Unless it was given up while the store was being told.
      if (action !== 'confirm' || draft.held.has(eip)) take(draft, lease);
  }
}

function lost(draft: Draft, eip: Eip, outcome: SwapOutcome | undefined): void {
  draft.tell({
    kind: 'swap-lost', eip,
    why: outcome === undefined || outcome.kind === 'applied' ? 'unknown' : outcome.kind,
  });
  if (outcome?.kind === 'conflict') {
    if (outcome.current) applyLease(draft, eip, outcome.current, outcome.current.revision);
    else draft.setLease(eip, null);
    draft.dirty.add(eip);
  } else {
    draft.lookAgain(eip, draft.now.boot + draft.options.retryMs);
  }
}
