/**
 * Which node should have an address: weighted rendezvous hashing, so that a node's going or coming
 * moves only its own share, with bounded loads, so that no node gets much more than its share
 * (Mirrokni, Thorup, Zadimoghaddam: "Consistent Hashing with Bounded Loads", 2018).
 *
 * Pure functions of their arguments: every node that sees the same store chooses alike.
 */
import { hash32, hashFraction } from './hash.ts';
import type { Eip } from './model.ts';

export interface Candidate {
  readonly node: string;
  /** Share of the addresses relative to other nodes; > 0. */
  readonly weight: number;
  /** The higher, the later it is chosen, whatever it holds; 0 unless told. */
  readonly doubt?: number;
}

/** No node is given more than this many times its share of the addresses, rounded up. */
export const loadFactor = 1.25;

/** The most addresses that a node of `weight` should have, of `total`, among `weightSum`. */
export function capacity(total: number, weight: number, weightSum: number): number {
  return Math.ceil((loadFactor * total * weight) / weightSum);
}

/** Candidates from most to least preferred for `eip`, whatever they hold already. */
export function ranked(eip: Eip, candidates: readonly Candidate[]): readonly string[] {
  return candidates
    .map(({ node, weight }) => ({ node, cost: cost(eip, node, weight) }))
    .sort((a, b) => a.cost - b.cost || (a.node < b.node ? -1 : 1))
    .map(({ node }) => node);
}

function cost(eip: Eip, node: string, weight: number): number {
  return -Math.log(hashFraction(`${node}\n${eip}`)) / weight;
}

/**
 * Hands out addresses one by one, each to the most preferred of its candidates that has room, and
 * remembers what it gave. Loads start from what the nodes hold already.
 */
export class Allocator {
  readonly #load: Map<string, number>;
  readonly #total: number;

  /** `total` is the number of addresses that all nodes share; `load` what each has now. */
  constructor(total: number, load: ReadonlyMap<string, number>) {
    this.#total = total;
    this.#load = new Map(load);
  }

  /**
   * The order in which `eip` goes to its candidates: those with room first, most preferred first,
   * then the others; and those that are in doubt last. Empty if there are no candidates.
   */
  order(eip: Eip, candidates: readonly Candidate[]): readonly string[] {
    const first = ranked(eip, candidates);
    const excess = this.excess(candidates);
    const hasRoom = (node: string): boolean => (excess.get(node) ?? 0) < 0;
    const full = first.filter((node) => !hasRoom(node));
    return doubtedLast([...first.filter(hasRoom), ...full], candidates);
  }

  /** How many more than its bound each of the candidates would have: negative, there is room. */
  excess(candidates: readonly Candidate[]): ReadonlyMap<string, number> {
    const weightSum = candidates.reduce((sum, { weight }) => sum + weight, 0);
    return new Map(candidates.map(({ node, weight }) => (
      [node, this.loadOf(node) - capacity(this.#total, weight, weightSum)])));
  }

  give(node: string, count = 1): void {
    this.#load.set(node, this.loadOf(node) + count);
  }

  take(node: string): void {
    this.#load.set(node, this.loadOf(node) - 1);
  }

  loadOf(node: string): number {
    return this.#load.get(node) ?? 0;
  }
}

function doubtedLast(
  order: readonly string[], candidates: readonly Candidate[],
): readonly string[] {
  if (candidates.every(({ doubt = 0 }) => doubt === 0)) return order;
  const doubts = new Map(candidates.map(({ node, doubt = 0 }) => [node, doubt]));
  return order.toSorted((a, b) => (doubts.get(a) ?? 0) - (doubts.get(b) ?? 0));
}

/** The order in which addresses are handed out: the same on every node, and not their own order. */
export function allocationOrder(eips: Iterable<Eip>): readonly Eip[] {
  return [...eips]
    .map((eip) => ({ eip, key: hash32(eip) }))
    .sort((a, b) => a.key - b.key || (a.eip < b.eip ? -1 : 1))
    .map(({ eip }) => eip);
}
