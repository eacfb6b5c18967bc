/** Simulated time: a queue of what happens when, in a total order. */
import { Violation } from './violation.ts';

/** More than this under way at once comes of a core that never rests: better said than run out. */
const mostWaiting = 200_000;

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Schedule {
  now = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  after(delayMs: number, run: () => void): void {
    this.#push({ at: this.now + Math.max(0, delayMs), order: this.#order++, run });
  }

  /** Runs everything up to `end`; `afterEach` sees the world after every single event. */
  runUntil(end: number, afterEach: () => void): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      this.now = next.at;
      next.run();
      afterEach();
    }
    this.now = end;
  }

  #before(i: number, j: number): boolean {
    const a = this.#heap[i]!;
    const b = this.#heap[j]!;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(i: number, j: number): void {
    const held = this.#heap[i]!;
    this.#heap[i] = this.#heap[j]!;
    this.#heap[j] = held;
  }

  #push(entry: Entry): void {
    let i = this.#heap.push(entry) - 1;
    if (i > mostWaiting) throw new Violation(`too much is under way at ${this.now.toFixed(2)} ms`);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    for (let i = 0; ;) {
      const left = 2 * i + 1;
      let least = i;
      if (left < this.#heap.length && this.#before(left, least)) least = left;
      if (left + 1 < this.#heap.length && this.#before(left + 1, least)) least = left + 1;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }
}
