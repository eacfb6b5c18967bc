/**
 * Changes of EIP leases on their way to the store: queued, sent in batches, answered.
 *
 * Whatever leaves our hands is withdrawn right before the request that gives it away, and not
 * earlier, so that a large drain keeps answering for what its turn has not come for.
 */
import type { Draft } from './draft.ts';
import { movesKept } from './model.ts';
import type { Eip, EipLease, MoveReason, TenureId } from './model.ts';
import { take } from './holdings.ts';
import { maxSwaps } from './requests.ts';
import type { StoreAnswer, SwapOutcome } from './requests.ts';
import type { Plan } from './state.ts';
import { endTenure } from './tenure.ts';
import { applyLease } from './view-change.ts';

export function plan(
  draft: Draft, action: Plan['action'], lease: EipLease | null, eip: Eip,
  holder: TenureId | null, reason: MoveReason, asked = false,
): Plan {
  const term = Math.max(lease?.term ?? 0, draft.past.get(eip) ?? 0) + 1;
  const at = draft.now.wall;
  const move = { term, holder: holder?.node ?? null, reason, at };
  const previous = lease?.holder;
  return {
    action, lease, asked,
    swap: {
      eip,
      revision: lease?.revision ?? 0,
      next: {
        eip, holder, term, since: at, reason, heirs: [], former: [],
        moves: [move, ...(lease?.moves ?? [])].slice(0, movesKept),
      },
      ended: action === 'claim' && previous ? [previous] : [],
      live: action === 'hand-over' && holder ? [holder] : [],
    },
  };
}

/** Sends as much of the queue as may be under way. Called last in every step. */
export function sendPlans(draft: Draft): void {
  const { open, options } = draft;
  if (open === null || draft.queue.length === 0 || open.silent) return;
  let free = options.swapsInFlight;
  for (const { kind } of draft.pending.value.values()) if (kind === 'swap') free--;
  for (; free > 0 && draft.queue.length > 0; free--) {
    const plans = draft.dequeue(maxSwaps).filter((planned) => current(draft, planned));
    if (plans.length > 0) send(draft, open.lease.id, plans);
  }
}

/** A plan whose record has changed since it was made is thought over again. */
function current(draft: Draft, { swap }: Plan): boolean {
  if ((draft.leases.get(swap.eip)?.revision ?? 0) === swap.revision) return true;
  draft.busy.delete(swap.eip);
  draft.lookAgain(swap.eip, draft.now.boot);
  return false;
}

function send(draft: Draft, tenure: TenureId, plans: readonly Plan[]): void {
  const leaving: Eip[] = [];
  for (const { action, swap: { eip } } of plans) {
    const holding = draft.held.get(eip);
    if (holding === undefined || action === 'claim') continue;
    draft.past.set(eip, Math.max(draft.past.get(eip) ?? 0, holding.term));
    draft.held.delete(eip);
    leaving.push(eip);
  }
  draft.withdraw(leaving, true);
  draft.request(
    { kind: 'swap', tenure, swaps: plans.map(({ swap }) => swap) },
    { kind: 'swap', sentAt: draft.now.boot, plans },
  );
}

export function onSwapAnswer(
  draft: Draft, answer: StoreAnswer | null, plans: readonly Plan[],
): void {
  if (answer?.kind === 'ended') return endTenure(draft, 'expired');
  const settled: Eip[] = [];
  plans.forEach((planned, i) => {
    const { eip } = planned.swap;
    draft.busy.delete(eip);
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

function applied(draft: Draft, { action, swap }: Plan, lease: EipLease): void {
  applyLease(draft, swap.eip, lease, lease.revision);
  draft.dirty.add(swap.eip);
  const { eip, next: { term, reason, holder } } = swap;
  if (action === 'hand-over' || action === 'release') {
    draft.tell({ kind: 'gave', eip, term, reason, to: holder?.node ?? null });
  } else {
    take(draft, lease);
  }
}

function lost(draft: Draft, eip: Eip, outcome: SwapOutcome | undefined): void {
  draft.tell({
    kind: 'swap-lost', eip,
    why: outcome === undefined || outcome.kind === 'applied' ? 'unknown' : outcome.kind,
  });
  if (outcome?.kind === 'conflict') {
    if (outcome.current) applyLease(draft, eip, outcome.current, outcome.current.revision);
    else draft.leases.delete(eip);
    draft.dirty.add(eip);
  } else {
    draft.lookAgain(eip, draft.now.boot + draft.options.retryMs);
  }
}
