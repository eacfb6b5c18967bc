/**
 * What each tenure has, kept with every change of a lease or a plan: where there are tens of
 * thousands of addresses, no step counts them all.
 */
import type { CowMap } from './cow-map.ts';
import type { EipLease, TenureId } from './model.ts';
import type { Plan } from './state.ts';

export interface Tally {
  readonly id: TenureId;
  /** EIPs that it holds, by the store. */
  readonly holds: number;
  /** EIPs of ours that it would have if we were gone. */
  readonly follows: number;
  /** By what is queued or under way: EIPs that it gives away, and that it gets. */
  readonly leaves: number;
  readonly gets: number;
  /** The same of what follows. */
  readonly parts: number;
  readonly joins: number;
}

/** By tenure. */
export type Tallies = CowMap<string, Tally>;

type Count = Exclude<keyof Tally, 'id'>;

const nothing = { holds: 0, follows: 0, leaves: 0, gets: 0, parts: 0, joins: 0 };

export function tallyLease(tallies: Tallies, lease: EipLease, own: string, by: 1 | -1): void {
  const { holder, heirs: [first] } = lease;
  if (holder === null) return;
  count(tallies, holder, 'holds', by);
  if (first !== undefined && holder.node === own) count(tallies, first, 'follows', by);
}

export function tallyPlan(tallies: Tallies, plan: Plan, own: string, by: 1 | -1): void {
  const { action, lease, swap: { next } } = plan;
  if (lease?.holder?.node === own && lease.heirs[0]) count(tallies, lease.heirs[0], 'parts', by);
  if (next.holder?.node === own && next.heirs[0]) count(tallies, next.heirs[0], 'joins', by);
  if (action === 'reclaim' || action === 'line' || action === 'renounce') return;
  if (lease?.holder) count(tallies, lease.holder, 'leaves', by);
  if (next.holder) count(tallies, next.holder, 'gets', by);
}

function count(tallies: Tallies, id: TenureId, what: Count, by: 1 | -1): void {
  const key = `${id.incarnation}/${id.node}`;
  const known = tallies.get(key) ?? { id, ...nothing };
  const next = { ...known, [what]: known[what] + by };
  const { holds, follows, leaves, gets, parts, joins } = next;
  if (holds + follows + leaves + gets + parts + joins === 0) tallies.delete(key);
  else tallies.set(key, next);
}
