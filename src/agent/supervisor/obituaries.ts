/**
 * Tells the other agents that this node's agent is dead. Sockets and datagrams are ready before
 * they are needed: every ms counts then.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { parseEndpoint } from '../../liveness/endpoint.ts';
import type { Endpoint } from '../../liveness/endpoint.ts';
import { heartbeatKey, sealObituary } from '../../wire/heartbeat/datagram.ts';
import type { LastWords } from './messages.ts';

/** Datagrams are lost now and then: each is sent once more after each of these, ms. */
const repeatAfterMs = [3, 30];

interface Letter {
  readonly endpoint: Endpoint;
  readonly bytes: Uint8Array;
}

/** How they leave: at once, and again. */
export interface Post {
  send(to: Endpoint, bytes: Uint8Array): void;
  after(ms: number, run: () => void): void;
}

export class Obituaries {
  readonly #post: Post;
  #words: LastWords | null = null;
  #letters: readonly Letter[] = [];

  constructor(post: Post) {
    this.#post = post;
  }

  prepare(words: LastWords): void {
    this.#words = words;
    this.#letters = write(words);
  }

  /** Of how many datagrams the first round went out. There is nothing left to send afterwards. */
  send(): number {
    return this.#sendAll(this.#letters);
  }

  /** That it votes no more, after it has put everything in order; nothing if `send` said more. */
  leave(): number {
    return this.#sendAll(this.#words === null ? [] : write({ ...this.#words, incarnation: 0 }));
  }

  #sendAll(letters: readonly Letter[]): number {
    this.#words = null;
    this.#letters = [];
    const round = (): void => {
      for (const { endpoint, bytes } of letters) this.#post.send(endpoint, bytes);
    };
    round();
    for (const ms of repeatAfterMs) this.#post.after(ms, round);
    return letters.length;
  }
}

function write({ node, boot, incarnation, peers, key: text }: LastWords): readonly Letter[] {
  if (text === null || boot === 0) return [];
  const key = heartbeatKey(Buffer.from(text));
  return peers.flatMap((peer) => {
    // Of whatever boot it is by then: that this agent is dead stays true.
    const bytes = sealObituary({ node, boot, incarnation }, {
      to: { node: peer.node, boot: 0 }, seq: 1,
    }, key);
    return peer.endpoints.flatMap((place) => {
      const endpoint = parseEndpoint(place);
      return endpoint === null ? [] : [{ endpoint, bytes }];
    });
  });
}

const nothing = new Uint8Array(0);
/** RFC 863. */
const discardPort = 9;

export interface UdpPost extends Post {
  /** Sends something, to nobody: what is done for the first time takes some ms longer. */
  rehearse(): void;
  close(): void;
}

export function openUdpPost(): UdpPost {
  const open = (family: 4 | 6): Socket => {
    const socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      lookup: (address, _options, done) => { done(null, address, family); },
    });
    socket.on('error', () => undefined);
    socket.unref();
    // Sending without it binds first, a turn of the loop later.
    socket.bind(0);
    return socket;
  };
  const sockets = { 4: open(4), 6: open(6) };
  return {
    send: ({ host, port, address }, bytes) => {
      sockets[address.family].send(bytes, port, host, () => undefined);
    },
    after: (ms, run) => { setTimeout(run, ms); },
    rehearse: () => {
      sockets[4].send(nothing, discardPort, '127.0.0.1', () => undefined);
      sockets[6].send(nothing, discardPort, '::1', () => undefined);
    },
    close: () => {
      for (const socket of Object.values(sockets)) socket.close();
    },
  };
}
