/**
 * Which addresses have a route alone for now: of many at once those after the first, until it is
 * calm. Then they are put on their interface, a few at a time.
 */
import { keyOf, type LocalRoutes, type Place } from './local-routes.ts';

/** So many one after the other are many, until none came for a moment. */
const manyPlaces = 64;
const rushGapMs = 100;
const calmMs = 300;
/** How long to settle some may hold up the thread, by how many it goes on, and the pause after. */
const sliceMs = 5;
const sliceLength = 16;
const pauseMs = 20;

export class StandIns<T extends Place> {
  readonly #routes: LocalRoutes;
  readonly #settle: (places: readonly T[]) => void;
  readonly #waiting = new Map<string, T>();
  #rush = { count: 0, at: -Infinity };
  #timer: NodeJS.Timeout | undefined;

  /** `settle` puts them on their interface, and says what it cannot do; it must not throw. */
  constructor(routes: LocalRoutes, settle: (places: readonly T[]) => void) {
    this.#routes = routes;
    this.#settle = settle;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Gives routes to those that come in a rush; returns those that have one now. */
  take(places: readonly T[]): ReadonlySet<T> {
    const now = performance.now();
    const before = now - this.#rush.at < rushGapMs ? this.#rush.count : 0;
    this.#rush = { count: before + places.length, at: now };
    if (before < manyPlaces) return new Set();
    const able = places.filter(({ eip }) => !eip.includes(':'));
    const made = this.#routes.add(able);
    const taken = new Set(able.filter((_, index) => made[index]));
    for (const place of taken) this.#waiting.set(keyOf(place), place);
    if (taken.size > 0) this.#goOnIn(calmMs);
    return taken;
  }

  /** Whether it was one: it is none any more. Its route stays. */
  forget(place: Place): boolean {
    return this.#waiting.delete(keyOf(place));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #goOnIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.#goOn(); }, ms);
  }

  #goOn(): void {
    const end = performance.now() + sliceMs;
    while (this.#waiting.size > 0 && performance.now() < end) {
      const slice: T[] = [];
      for (const [key, place] of this.#waiting) {
        this.#waiting.delete(key);
        if (slice.push(place) === sliceLength) break;
      }
      this.#settle(slice);
    }
    if (this.#waiting.size > 0) this.#goOnIn(pauseMs);
  }
}
