/**
 * What V8 compiles for speed it compiles in helper threads, which are ordinary ones: the wire
 * thread, at real-time priority, waits for locks that they hold, and for each of them to pause when
 * it collects its heap. On a busy host that is tens of milliseconds. So it ends once all that runs
 * all the time is compiled: what comes later runs at half the speed, for which nobody waits.
 */
import { setFlagsFromString } from 'node:v8';

/** Heartbeats of any profile are compiled by then; moves of many addresses were rehearsed. */
const warmMs = 5_000;

/** After `warmMs` helper threads compile nothing any more, for no thread of this process. */
export function keepCompiled(): void {
  setTimeout(() => {
    setFlagsFromString('--no-opt');
    setFlagsFromString('--no-maglev');
  }, warmMs).unref();
}
