/**
 * How late things were, in buckets that never grow: adding allocates nothing. Eight buckets to each
 * doubling, from 0.25 ms to 16 s, so that a value is known to 9 %.
 */
const least = 0.25;
const perDoubling = 8;
const size = 16 * perDoubling;

/** A tail is not taken for thinner than this power law, whatever few samples look like. */
const steepest = 8;
/** With fewer samples than `enough`, no more than this is assumed. */
const unknownSlope = 2;
/** Samples that the slope of the tail is estimated from. */
const enough = 20;
/** So many events beyond a limit are counted; fewer may be chance, and are extrapolated to. */
const counted = 3;

export class Lateness {
  readonly #counts = new Float64Array(size);
  #longest = 0;

  /** The longest, ms, that is still remembered. */
  get longest(): number {
    return this.#longest;
  }

  add(ms: number, weight = 1): void {
    const slot = slotOf(ms);
    this.#counts[slot] = (this.#counts[slot] ?? 0) + weight;
    if (ms > this.#longest) this.#longest = ms;
  }

  /** What is older counts half from here on, and at last nothing. */
  fade(): void {
    let last = -1;
    for (let i = 0; i < size; i++) {
      const half = (this.#counts[i] ?? 0) / 2;
      this.#counts[i] = half < 0.05 ? 0 : half;
      if (half >= 0.05) last = i;
    }
    this.#longest = Math.min(this.#longest, last < 0 ? 0 : edge(last + 1));
  }

  clear(): void {
    this.#counts.fill(0);
    this.#longest = 0;
  }

  /** All that `other` has is added to this. */
  include(other: Lateness): void {
    for (let i = 0; i < size; i++) {
      this.#counts[i] = (this.#counts[i] ?? 0) + (other.#counts[i] ?? 0);
    }
    this.#longest = Math.max(this.#longest, other.#longest);
  }

  get total(): number {
    return this.above(0);
  }

  /** How many were later than `ms`, or in the same bucket. */
  above(ms: number): number {
    let sum = 0;
    for (let i = slotOf(ms); i < size; i++) sum += this.#counts[i] ?? 0;
    return sum;
  }

  /** Lateness that the share `p` (0..1) does not exceed, ms; 0 without samples. */
  quantile(p: number): number {
    let left = this.total * (1 - p);
    if (this.total === 0) return 0;
    for (let i = size - 1; i >= 0; i--) {
      left -= this.#counts[i] ?? 0;
      if (left < 0) return Math.min(this.#longest, edge(i + 1));
    }
    return 0;
  }

  /**
   * How many were, or by the look of the tail would have been, later than `ms`.
   *
   * Where several were, they are counted. Beyond, the tail is taken for a power law (Pareto), which
   * is on the side of caution: pauses of hosts and networks have tails that heavy, hardly heavier.
   * Its exponent is Hill's estimate from the latest 20 or more ("A Simple General Approach to
   * Inference About the Tail of a Distribution", 1975).
   *
   * `sampledEveryMs`: what disturbs for less than that is met by few beats only, so that each met
   * stands for as many as were missed. `mostSlope`: no tail is taken for thinner.
   */
  expectedAbove(ms: number, sampledEveryMs = 0, mostSlope = steepest): number {
    const weight = (late: number): number => Math.max(1, sampledEveryMs / Math.max(late, least));
    const from = this.#tailBegin();
    const begin = edge(from);
    if (this.above(ms) >= counted || ms <= begin) {
      let seen = 0;
      for (let i = slotOf(ms); i < size; i++) seen += (this.#counts[i] ?? 0) * weight(edge(i));
      return seen;
    }
    let count = 0;
    let logs = 0;
    for (let i = from; i < size; i++) {
      const here = this.#counts[i] ?? 0;
      count += here;
      logs += here * Math.log((edge(i) * 2 ** (0.5 / perDoubling)) / begin);
    }
    if (count === 0) return 0;
    const slope = count < enough ? unknownSlope : Math.min(mostSlope, count / logs);
    return count * weight(ms) * (begin / ms) ** slope;
  }

  /** The first bucket of the shortest tail that has enough samples. */
  #tailBegin(): number {
    let sum = 0;
    for (let i = size - 1; i > 0; i--) {
      sum += this.#counts[i] ?? 0;
      if (sum >= enough) return i;
    }
    return 0;
  }
}

function slotOf(ms: number): number {
  if (!(ms > least)) return 0;
  return Math.min(size - 1, Math.floor(Math.log2(ms / least) * perDoubling));
}

/** Where a bucket begins, ms. */
function edge(slot: number): number {
  return least * 2 ** (slot / perDoubling);
}
