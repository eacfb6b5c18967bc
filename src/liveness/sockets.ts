/**
 * UDP sockets on addresses of this host. An address that is not there (yet), or whose port is
 * taken, is tried again until it is. Sending never waits: a datagram that the kernel does not take
 * at once is queued by the event loop, a few of them at most.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import type { Endpoint } from './endpoint.ts';

/** The kernel's usual limit (net.core.rmem_max) cuts it: about 250 heartbeats then. */
const receiveBuffer = 1 << 20;
const retryMs = 1000;
/** Waiting in the event loop, for each socket. */
const mostQueued = 64;

export interface SocketsOptions {
  /** `own`: the endpoint of ours that it came to. */
  readonly onDatagram: (bytes: Uint8Array, own: string) => void;
  /** `code` is the errno's name. `text` is a sentence; null: it listens (again). */
  readonly onState: (endpoint: Endpoint, text: string | null) => void;
}

export type SendFault = 'backlog' | 'not-open' | (string & {});

interface Entry {
  readonly endpoint: Endpoint;
  socket: Socket | null;
  open: boolean;
  retry: NodeJS.Timeout | undefined;
  text: string | null;
}

export class HeartbeatSockets {
  readonly #options: SocketsOptions;
  readonly #entries = new Map<string, Entry>();
  #list: readonly Entry[] = [];
  #closed = false;

  constructor(options: SocketsOptions) {
    this.#options = options;
  }

  /** Those it listens on now, or means to. */
  get own(): readonly { readonly endpoint: Endpoint; readonly open: boolean }[] {
    return this.#list;
  }

  /** Opens and closes so that these, and no others, are listened on. */
  listen(endpoints: readonly Endpoint[]): void {
    if (this.#closed) return;
    const wanted = new Set(endpoints.map(({ text }) => text));
    for (const [text, entry] of this.#entries) {
      if (wanted.has(text)) continue;
      this.#entries.delete(text);
      shut(entry);
    }
    for (const endpoint of endpoints) {
      if (this.#entries.has(endpoint.text)) continue;
      const entry: Entry = { endpoint, socket: null, open: false, retry: undefined, text: null };
      this.#entries.set(endpoint.text, entry);
      this.#open(entry);
    }
    this.#list = [...this.#entries.values()];
  }

  /** Sends from one of `own`. Faults are told to `onFault`, at once or later. */
  send(
    own: { readonly endpoint: Endpoint }, to: Endpoint, bytes: Uint8Array,
    onFault: (fault: SendFault) => void,
  ): boolean {
    const { socket = null, open = false } = this.#entries.get(own.endpoint.text) ?? {};
    if (socket === null || !open) {
      onFault('not-open');
      return false;
    }
    if (socket.getSendQueueCount() >= mostQueued) {
      onFault('backlog');
      return false;
    }
    socket.send(bytes, to.port, to.host, (error: NodeJS.ErrnoException | null) => {
      if (error !== null) onFault(error.code ?? 'failed');
    });
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) shut(entry);
    this.#entries.clear();
    this.#list = [];
  }

  #open(entry: Entry): void {
    const { host, port, address: { family } } = entry.endpoint;
    const socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6', ...family === 6 ? { ipv6Only: true } : {},
      // Addresses alone: nothing is looked up, and nothing waits for a look-up.
      lookup: (address, _options, done) => { done(null, address, family); },
    });
    entry.socket = socket;
    const { text } = entry.endpoint;
    socket.on('message', (bytes) => { this.#options.onDatagram(bytes, text); });
    socket.on('error', (error: NodeJS.ErrnoException) => { this.#failed(entry, socket, error); });
    socket.bind({ address: host, port, exclusive: true }, () => {
      if (entry.socket !== socket) return;
      try {
        socket.setRecvBufferSize(receiveBuffer);
      } catch {
        // The default does as well, for a few peers.
      }
      entry.open = true;
      this.#say(entry, null);
    });
  }

  #failed(entry: Entry, socket: Socket, error: NodeJS.ErrnoException): void {
    if (entry.socket !== socket) return;
    const wasOpen = entry.open;
    shut(entry);
    // Of an open socket this is news of an earlier datagram at most: a new one takes its place.
    if (!wasOpen) this.#say(entry, whyNot(entry.endpoint, error.code ?? 'failed'));
    if (this.#closed) return;
    entry.retry = setTimeout(() => { this.#open(entry); }, wasOpen ? 0 : retryMs);
  }

  #say(entry: Entry, text: string | null): void {
    if (entry.text === text && text !== null) return;
    entry.text = text;
    this.#options.onState(entry.endpoint, text);
  }
}

function shut(entry: Entry): void {
  clearTimeout(entry.retry);
  const { socket } = entry;
  entry.socket = null;
  entry.open = false;
  if (socket === null) return;
  socket.removeAllListeners();
  socket.on('error', () => undefined);
  socket.close();
}

function whyNot({ text, host, port }: Endpoint, code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Heartbeats cannot be received on ${text}: UDP port ${String(port)} is taken by another `
        + 'program: stop it, or choose another heartbeat.port on every node.';
    case 'EADDRNOTAVAIL':
      return `Heartbeats cannot be received on ${text}: this host has no address ${host}: is its `
        + 'interface up? (heartbeat.addresses names others.)';
    case 'EACCES':
      return `Heartbeats cannot be received on ${text}: ports below 1024 need a right (EACCES): choose `
        + 'a higher heartbeat.port on every node.';
    default:
      return `Heartbeats cannot be received on ${text} (${code}): it is tried again each second.`;
  }
}
