/** The kernel's clocks, in milliseconds with fraction; each call costs well under a microsecond. */
import { loadAddon } from './addon.ts';

/** linux/time.h */
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;

/** Since boot, without the time that the machine was suspended; what Node's timers go by. */
export function monotonicMs(): number {
  return loadAddon().clock(CLOCK_MONOTONIC);
}

/** Since boot, suspension included: a deadline that passed while the machine slept has passed. */
export function boottimeMs(): number {
  return loadAddon().clock(CLOCK_BOOTTIME);
}

/** Since 1970; may jump. What kernel receive times are in. */
export function realtimeMs(): number {
  return loadAddon().clock(CLOCK_REALTIME);
}
