/**
 * The interfaces that carry EIPs: their sockets, and what waits to leave on each.
 *
 * A socket is opened when its link is up and has an EIP of its family, and opened anew when the
 * link comes up, is re-created or has another MAC: a socket that was bound to the former device is
 * deaf.
 */
import type { LinkFamily } from './entry.ts';
import { Outbox } from './outbox.ts';
import type { FrameSocket, FrameSockets, Link, ReceivedFrame, SendError } from './ports.ts';
import type { Settled } from './options.ts';
import { messageOf, type Tally } from './tally.ts';

export interface LinkState {
  readonly ifindex: number;
  link: Link;
  families: ReadonlySet<LinkFamily>;
  readonly sockets: Map<LinkFamily, FrameSocket>;
  readonly outbox: Outbox;
}

export interface LinksModules {
  readonly sockets: FrameSockets;
  readonly tally: Tally;
  /** The fence dropped what the gate let pass: makes them agree again. True: worth another try. */
  readonly onDropped: () => boolean;
  readonly onFrames: (
    state: LinkState, family: LinkFamily, frames: readonly ReceivedFrame[]) => void;
}

/** Whether what was set up on `before` must be set up again on `after`. */
export function changedLink(before: Link, after: Link): boolean {
  return before.ifindex !== after.ifindex || before.mac !== after.mac
    || (after.up && !before.up);
}

export class Links {
  readonly #options: Settled;
  readonly #modules: LinksModules;
  readonly #states = new Map<number, LinkState>();
  #macs: ReadonlySet<string> = new Set();

  constructor(options: Settled, modules: LinksModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** The links in use from here on, with the families of their EIPs. Opens nothing yet. */
  set(wanted: ReadonlyMap<number, { link: Link; families: ReadonlySet<LinkFamily> }>): void {
    for (const state of this.#states.values()) {
      const next = wanted.get(state.ifindex);
      const stays = next?.link.up === true && !changedLink(state.link, next.link);
      if (!stays) closeSockets(state, () => true);
      if (next === undefined) this.#states.delete(state.ifindex);
    }
    for (const [ifindex, { link, families }] of wanted) {
      const state = this.#states.get(ifindex);
      if (state === undefined) {
        const outbox = new Outbox(this.#options);
        this.#states.set(ifindex, { ifindex, link, families, sockets: new Map(), outbox });
      } else {
        state.link = link;
        state.families = families;
        closeSockets(state, (family) => !families.has(family));
      }
    }
    this.#macs = new Set(Array.from(this.#states.values(), (state) => state.link.mac));
  }

  /** Opens what is missing; false if something could not be opened and is worth another try. */
  open(): boolean {
    let complete = true;
    for (const state of this.#states.values()) {
      if (!state.link.up) continue;
      for (const family of state.families) {
        if (!state.sockets.has(family)) complete = this.#open(state, family) && complete;
      }
    }
    return complete;
  }

  #open(state: LinkState, family: LinkFamily): boolean {
    const { sockets, tally, onFrames } = this.#modules;
    try {
      const socket: FrameSocket = sockets.open(state.link, family, (frames) => {
        // What an earlier socket still had to tell is of a link that is no more.
        if (state.sockets.get(family) === socket) onFrames(state, family, frames);
      });
      state.sockets.set(family, socket);
      return true;
    } catch (error) {
      const name = state.link.name;
      tally.trouble(`open:${name}`, null, `Cannot open a packet socket on ${name}: ${messageOf(error)}`);
      return false;
    }
  }

  get(ifindex: number): LinkState | undefined {
    return this.#states.get(ifindex);
  }

  all(): Iterable<LinkState> {
    return this.#states.values();
  }

  /** Whether the MAC is of one of our own links. */
  isOwn(mac: string): boolean {
    return this.#macs.has(mac);
  }

  /** Sends, one outcome per frame. The caller has asked the gate. */
  send(
    state: LinkState, family: LinkFamily, frames: readonly Uint8Array[],
  ): readonly (SendError | null)[] {
    const socket = state.sockets.get(family);
    if (socket === undefined) return frames.map(() => 'link-down');
    const results = this.#sendOrAgain(socket, frames);
    for (const error of results) if (error !== null) this.#modules.tally.sendError(error);
    return results;
  }

  #sendOrAgain(
    socket: FrameSocket, frames: readonly Uint8Array[],
  ): readonly (SendError | null)[] {
    const results = sendAll(socket, frames);
    if (!results.includes('dropped-by-fence') || !this.#modules.onDropped()) return results;
    const again = sendAll(socket, frames.filter((_, at) => results[at] === 'dropped-by-fence'));
    let next = 0;
    return results.map((error) => (
      error === 'dropped-by-fence' ? again[next++] ?? null : error));
  }

  close(): void {
    for (const state of this.#states.values()) closeSockets(state, () => true);
    this.#states.clear();
  }
}

function sendAll(
  socket: FrameSocket, frames: readonly Uint8Array[],
): readonly (SendError | null)[] {
  try {
    return socket.send(frames);
  } catch {
    return frames.map(() => 'failed');
  }
}

function closeSockets(state: LinkState, which: (family: LinkFamily) => boolean): void {
  for (const [family, socket] of state.sockets) {
    if (!which(family)) continue;
    state.sockets.delete(family);
    try {
      socket.close();
    } catch {
      // The device may be gone, and the socket with it: there is nothing left to close.
    }
  }
}
