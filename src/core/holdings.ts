/** R1: what this tenure may claim. */
import type { Draft } from './draft.ts';
import type { Eip, EipLease } from './model.ts';

/** R1: the store's word makes it ours, unless that term is over for us already. */
export function take(draft: Draft, lease: EipLease): void {
  const { eip, term } = lease;
  if (term <= (draft.past.get(eip) ?? 0)) return;
  if ((draft.held.get(eip)?.term ?? 0) >= term) return;
  draft.held.set(eip, { term });
  draft.announce({ eip, term, probe: lease.reason === 'claimed' });
  const from = lease.moves[1]?.holder ?? null;
  draft.tell({ kind: 'took', eip, term, reason: lease.reason, from });
}

/** Gives up what is held, for good: that term is over for us. */
export function drop(draft: Draft, eip: Eip): void {
  const term = draft.held.get(eip)?.term ?? 0;
  draft.past.set(eip, Math.max(draft.past.get(eip) ?? 0, term));
  draft.held.delete(eip);
  draft.withdraw([eip], true);
}
