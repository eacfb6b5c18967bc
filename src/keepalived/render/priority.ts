/** VRRP priorities from weights: the same order on every node, and no two alike. */
import { hashFraction } from '../../core/hash.ts';

/** Of nodes of some weight, unless many know of each other. */
const lowest = 150;
/** 255 is the owner of the addresses, for which nobody else ever stands in. */
const highest = 254;
/** Of nodes of weight 0: below all others, and with room for ten below them. */
const lowestUnwanted = 100;
/**
 * Two backups that hear a master's end at the same moment take over (256 - priority) / 256 of an
 * advertisement's interval later (RFC 9568 section 6.1, Skew_Time), and each that has not heard the
 * other by then claims the addresses. At 100 ms this is 4 ms: more than a scheduler takes, unless
 * the machine has more to do than it can.
 */
export const priorityStep = 10;

/** With a lease as referee: others, then heirs, then the holder. */
const lowestRefereed = 60;
const refereedRange = 40;
const lowestHeir = 110;
const lowestHolder = 150;
export const holderLevels = 100;

/** Someone who may stand for a virtual router. */
export interface Candidate {
  /** What all nodes know it by. */
  readonly name: string;
  /** Share of the addresses relative to other nodes; 0 takes them only if nobody else can. */
  readonly weight: number;
}

/**
 * Weighted rendezvous hashing: the node with the highest priority is any of them with a chance in
 * proportion to its weight; another one for each pool. A node's priority comes from itself, lowered
 * only where the one before it in this order is nearer than a step: so nodes that do not know of
 * each other agree but for that, and who joins or leaves moves few others, none by more than a step
 * and none past another. Where steps would not leave room for all, the last are one apart.
 */
export function priorityOf(own: Candidate, others: readonly Candidate[], pool: string): number {
  const line = [own, ...others.filter(({ name }) => name !== own.name)]
    .map((candidate) => ({ name: candidate.name, ...preference(candidate, pool) }))
    .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
  let above = highest + 1;
  for (const [index, { name, preferred }] of line.entries()) {
    const behind = line.length - index;
    const apart = Math.max(Math.min(preferred, above - priorityStep), behind);
    above = Math.max(1, Math.min(apart, above - 1));
    if (name === own.name) break;
  }
  return above;
}

/**
 * Where it stands by itself. The range is short on purpose: it is time that a takeover takes. The
 * score orders as the priorities do, and more finely.
 */
function preference({ name, weight }: Candidate, pool: string) {
  if (weight <= 0) {
    const fraction = hashFraction(`${name}\n${pool}`);
    const range = lowest - lowestUnwanted;
    return { score: fraction - 1, preferred: lowestUnwanted + Math.floor(fraction * range) };
  }
  const own = score(name, pool, weight);
  return { score: own, preferred: lowest + Math.floor(own * (highest - lowest + 1)) };
}

/**
 * Where a lease has the word, those that it does not name are below all that it can raise. It
 * depends on nobody else: the lease's files say how far they are from it, and a reload that moved
 * it would not come at the same moment as they.
 */
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
    : Math.max(lowestHeir, lowestHolder - priorityStep * place);
}
