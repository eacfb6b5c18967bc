/** Entry of the wire thread: its channels, and what becomes of errors at the start. */
import { readlinkSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { KernelError } from '../kernel.ts';
import type { Bulk, FromWire, ToWire, WireSetup } from './messages.ts';
import { WireSide } from './side.ts';

export interface WireData {
  readonly setup: WireSetup;
  readonly bulk: MessagePort;
}

/** proc(5): `PID/task/TID` of whoever reads it. */
function ownTid(): number {
  return Number(readlinkSync('/proc/thread-self').split('/')[2]);
}

const port = parentPort;
if (port === null) throw new Error('the wire thread is no program of its own');
const { setup, bulk } = workerData as WireData;
const post = (message: FromWire): void => { port.postMessage(message); };
try {
  const side = new WireSide(setup, {
    post,
    takeBulk: () => receiveMessageOnPort(bulk)?.message as Bulk | undefined,
    tid: ownTid(),
  });
  port.on('message', (message: ToWire) => { side.receive(message); });
} catch (error) {
  if (!(error instanceof KernelError)) throw error;
  post({ kind: 'refused', message: error.message });
}
