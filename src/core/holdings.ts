/** R1: what this tenure may claim. */
import type { Draft } from './draft.ts';
import type { Eip, EipLease } from './model.ts';
import { raiseFloor } from './quorum/support.ts';

/** R1: the store's word makes it ours, unless that term is over for us already. */
export function take(draft: Draft, lease: EipLease): void {
  const { eip, term } = lease;
  if (term <= (draft.past.get(eip) ?? 0)) return;
  const holding = draft.held.get(eip);
  if (holding !== undefined && holding.term > term) return;
  // Ours by this record: our voters must know it before a heir may act on what it says.
  raiseFloor(draft, lease.revision);
  if (holding?.term === term && holding.inherited === null) return;
  const takenAt = holding?.takenAt ?? draft.now.boot;
  draft.held.set(eip, { term, inherited: null, since: lease.since, takenAt });
  if (holding?.term === term) {
    draft.tell({ kind: 'confirmed', eip, term });
    return;
  }
  draft.announce({ eip, term, probe: lease.reason === 'claimed' });
  const from = lease.moves[1]?.holder ?? null;
  draft.tell({ kind: 'took', eip, term, reason: lease.reason, from });
}

/** R1 without being named: all who were before us in line are deposed, or ended. */
export function inheritBy(draft: Draft, lease: EipLease, place: number): void {
  const { eip, holder } = lease;
  const term = lease.term + 1 + place;
  if (term <= (draft.past.get(eip) ?? 0)) return;
  const { boot: takenAt, wall: since } = draft.now;
  draft.held.set(eip, { term, inherited: lease, since, takenAt });
  draft.announce({ eip, term, probe: false });
  // To be written down.
  draft.dirty.add(eip);
  draft.tell({ kind: 'took', eip, term, reason: 'inherited', from: holder?.node ?? null });
}

/** Gives up what is held, for good: that term is over for us. */
export function drop(draft: Draft, eip: Eip): void {
  forbid(draft, eip, draft.held.get(eip)?.term ?? 0);
  draft.held.delete(eip);
  draft.withdraw([eip], true);
}

/** No late word brings a term up to `term` back. */
export function forbid(draft: Draft, eip: Eip, term: number): void {
  if (term > (draft.past.get(eip) ?? 0)) draft.past.set(eip, term);
}
