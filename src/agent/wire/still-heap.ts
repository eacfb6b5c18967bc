/**
 * V8's memory reducer collects all, and compacts it, where little has been allocated for a while:
 * it halts a wire thread with 1,000 addresses for 6 to 12 ms about every 100 s, and other
 * collections of everything for 2 to 4. With a support of 15 ms that comes near to a deposition,
 * and what it gives back is some 30 MB.
 */
import { setFlagsFromString } from 'node:v8';

/** Pauses of that kind are no matter for a longer support, ms. */
const untilSupportMs = 100;

/**
 * Heaps that are made from now on, until what is returned is called, have no memory reducer, if
 * `supportMs` is short. Heaps that are there already keep theirs: the main thread has its own.
 */
export function keepHeapsStill(supportMs: number): () => void {
  if (supportMs === 0 || supportMs >= untilSupportMs) return () => undefined;
  setFlagsFromString('--no-memory-reducer');
  return () => { setFlagsFromString('--memory-reducer'); };
}
