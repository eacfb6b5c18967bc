/** Entry of the wire thread: its channels, and what becomes of errors at the start. */
import { readlinkSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';
import { KernelError } from '../kernel.ts';
import { Channel } from './channel.ts';
import type { Bulk, FromWire, ToWire, WireSetup } from './messages.ts';
import { rehearse } from './rehearsal.ts';
import { WireSide } from './side.ts';

export interface WireData {
  readonly setup: WireSetup;
  /** Ends of channels. */
  readonly direct: number;
  readonly bulk: number;
}

/** proc(5): `PID/task/TID` of whoever reads it. */
function ownTid(): number {
  return Number(readlinkSync('/proc/thread-self').split('/')[2]);
}

if (isMainThread) throw new Error('the wire thread is no program of its own');
const { setup, ...ends } = workerData as WireData;
const direct = new Channel<FromWire, ToWire>(ends.direct);
const bulk = new Channel<never, Bulk>(ends.bulk);
const post = (message: FromWire): void => { direct.post(message); };
try {
  const side = new WireSide(setup, {
    post,
    takeBulk: () => bulk.take(),
    tid: ownTid(),
  });
  if (setup.kernel !== null) {
    // While the main thread loads the store's library.
    rehearse();
    // It must not count as what the thread needs (Node offers this with --expose-gc).
    globalThis.gc?.();
  }
  direct.onMessage((message) => { side.receive(message); });
} catch (error) {
  if (!(error instanceof KernelError)) throw error;
  post({ kind: 'refused', message: error.message });
  // It is ended once that is read; by itself it could be gone before.
  direct.onMessage(() => undefined);
}
