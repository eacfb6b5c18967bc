/** VRRP priorities from weights, without knowledge of the other nodes. */
import { hashFraction } from '../../core/hash.ts';

/** Below them are nodes of weight 0 and those that track something that failed. */
const lowest = 150;
/** 255 is the owner of the addresses, for which nobody else ever stands in. */
const highest = 254;

/**
 * Weighted rendezvous hashing: of all nodes, each computing its own, the one with the highest
 * priority is any of them with a chance in proportion to its weight; another one for each pool. The
 * range is short on purpose: a backup waits (256 - priority) / 256 of an advertisement's interval
 * longer than three of them (RFC 9568 section 6.1, Skew_Time).
 */
export function priorityOf(node: string, pool: string, weight: number): number {
  if (weight <= 0) return 1;
  const score = hashFraction(`${node}\n${pool}`) ** (1 / weight);
  return lowest + Math.floor(score * (highest - lowest + 1));
}
