/**
 * Gives memory back once it is calm. To move thousands of addresses takes tens of MB for a moment,
 * and V8 keeps what it has got: at rest it collects all only when as much again was used up, which
 * takes hours. To let the heap grow less would cost each mass move its time.
 */
import { getHeapStatistics } from 'node:v8';

/** MB that the heap has of the system, and that are in use. */
export interface HeapSize {
  readonly committed: number;
  readonly used: number;
}

export interface TidyHeapOptions {
  readonly measure?: () => HeapSize;
  /** Collects all; absent where Node was not told to offer it (--expose-gc). */
  readonly collect?: (() => void) | undefined;
  readonly everyMs?: number;
}

const lookMs = 4_000;
/** V8 makes the young generation smaller only after some 8 s in which little was allocated. */
const calmLooks = 2;
/** Between two looks no more than this is used up at rest, MB. */
const calmMb = 6;
/** Taken and not used, MB: less is not worth the 50 ms that it takes. */
const worthMb = 10;
/** V8 gives back in steps, and may give back nothing at the first. */
const mostTries = 3;

/**
 * Looks every 4 s: after 8 s of calm it collects, if there is something to be had, and again, a few
 * times; then not before the heap has grown anew.
 */
export function tidyHeap(options: TidyHeapOptions = {}): { stop(): void } {
  const { measure = heapSize, collect = globalThis.gc, everyMs = lookMs } = options;
  if (collect === undefined) return { stop: () => undefined };
  let before = measure();
  let calm = 0;
  let tries = 0;
  /** Committed after the last collection. */
  let settled = 0;
  const timer = setInterval(() => {
    const now = measure();
    const isCalm = now.committed <= before.committed + 1 && now.used - before.used < calmMb;
    before = now;
    calm = isCalm ? calm + 1 : 0;
    if (now.committed > settled + worthMb) tries = mostTries;
    if (calm < calmLooks || tries === 0 || now.committed - now.used < worthMb) return;
    collect();
    tries -= 1;
    calm = 0;
    before = measure();
    settled = before.committed;
  }, everyMs);
  timer.unref();
  return { stop: () => { clearInterval(timer); } };
}

function heapSize(): HeapSize {
  const { total_heap_size: committed, used_heap_size: used } = getHeapStatistics();
  return { committed: committed / 1e6, used: used / 1e6 };
}
