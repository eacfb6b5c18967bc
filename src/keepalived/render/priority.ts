/** VRRP priorities from weights, without knowledge of the other nodes. */
import { hashFraction } from '../../core/hash.ts';

/** Below them are nodes of weight 0 and those that track something that failed. */
const lowest = 150;
/** 255 is the owner of the addresses, for which nobody else ever stands in. */
const highest = 254;

/** With a lease as referee: others, then heirs, then the holder. */
const lowestRefereed = 100;
const refereedRange = 40;
const lowestHeir = 140;
const lowestHolder = 150;
export const holderLevels = 100;

/**
 * Weighted rendezvous hashing: of all nodes, each computing its own, the one with the highest
 * priority is any of them with a chance in proportion to its weight; another one for each pool. The
 * range is short on purpose: a backup waits (256 - priority) / 256 of an advertisement's interval
 * longer than three of them (RFC 9568 section 6.1, Skew_Time).
 */
export function priorityOf(node: string, pool: string, weight: number): number {
  if (weight <= 0) return 1;
  return lowest + Math.floor(score(node, pool, weight) * (highest - lowest + 1));
}

/** Where a lease has the word, those that it does not name are below all that it can raise. */
export function refereedPriorityOf(node: string, pool: string, weight: number): number {
  if (weight <= 0) return 1;
  return lowestRefereed + Math.floor(score(node, pool, weight) * refereedRange);
}

function score(node: string, pool: string, weight: number): number {
  return hashFraction(`${node}\n${pool}`) ** (1 / weight);
}

/** What the store's lease of a virtual router says. */
export interface LeaseLine {
  /** Node that holds it, then its heirs. */
  readonly line: readonly string[];
  /** +1 at every change of holder. */
  readonly term: number;
}

/**
 * The priority of a node as the lease has it; null: it does not name the node. A later holder comes
 * before an earlier one, so that whoever has not heard of the change (its agent hangs) does not
 * keep the address: but for one change in `holderLevels`.
 */
export function levelOf(node: string, lease: LeaseLine | null): number | null {
  const place = lease?.line.indexOf(node) ?? -1;
  if (lease === null || place < 0) return null;
  return place === 0 ? lowestHolder + lease.term % holderLevels
    : Math.max(lowestHeir, lowestHolder - place);
}
