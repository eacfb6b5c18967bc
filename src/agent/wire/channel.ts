/**
 * A channel between main thread and wire thread. A MessagePort wakes the thread it speaks to while
 * it holds that thread's lock: one at real-time priority then takes the CPU at once, and waits for
 * the lock until the sender, an ordinary thread, has its turn again, which on a busy machine takes
 * tens of milliseconds. Here messages lie in the kernel, and nobody waits for anybody.
 */
import { deserialize, serialize } from 'node:v8';
import { loadAddon } from '../../net/addon.ts';
import type { RawMessageSocket } from '../../net/addon.ts';

/** Room for what is under way in one direction; what finds none waits with the sender. */
const sendBuffer = 4 << 20;
const retryMs = 1;

/** The descriptors of two ends, to be made a `Channel` each. */
export function channelEnds(): [near: number, far: number] {
  return loadAddon().messageSockets(sendBuffer);
}

/** One end. `Out` and `In` are plain data (structured clone): each message arrives as a copy. */
export class Channel<Out, In> {
  readonly #socket: RawMessageSocket;
  /** What found no room, and how far the first of it is sent. */
  readonly #waiting: Uint8Array[] = [];
  #sent = 0;
  #retry: NodeJS.Timeout | undefined;
  #open = true;

  constructor(fd: number) {
    this.#socket = new (loadAddon().MessageSocket)(fd);
  }

  /** In the order of the calls. Never waits, and does nothing once either end is closed. */
  post(message: Out): void {
    if (!this.#open) return;
    this.#waiting.push(serialize(message));
    if (this.#waiting.length === 1) this.#send();
  }

  /** Calls back for each message as it arrives; to be called once. */
  onMessage(receive: (message: In) => void): void {
    if (!this.#open) return;
    this.#socket.start((bytes) => { receive(deserialize(bytes) as In); });
  }

  /** The next message, undefined if there is none now; without `onMessage`. */
  take(): In | undefined {
    const bytes = this.#open ? this.#socket.receive() : null;
    return bytes === null ? undefined : deserialize(bytes) as In;
  }

  /** Messages under way are lost. */
  close(): void {
    this.#open = false;
    clearTimeout(this.#retry);
    this.#socket.close();
  }

  #send(): void {
    this.#retry = undefined;
    let count = 0;
    for (const bytes of this.#waiting) {
      const sent = this.#socket.send(bytes, this.#sent);
      if (sent < 0) return this.close();
      this.#sent = sent < bytes.length ? sent : 0;
      if (sent < bytes.length) break;
      count += 1;
    }
    this.#waiting.splice(0, count);
    if (this.#waiting.length > 0) this.#retry = setTimeout(() => { this.#send(); }, retryMs);
  }
}
