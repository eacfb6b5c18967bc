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

export class Obituaries {
  readonly #sockets: Readonly<Record<4 | 6, Socket>>;
  #letters: readonly Letter[] = [];

  constructor() {
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
    this.#sockets = { 4: open(4), 6: open(6) };
  }

  prepare({ node, boot, incarnation, peers, key: text }: LastWords): void {
    this.#letters = [];
    if (text === null || boot === 0) return;
    const key = heartbeatKey(Buffer.from(text));
    this.#letters = peers.flatMap((peer) => {
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

  /** Of how many datagrams the first round went out. There is nothing left to send afterwards. */
  send(): number {
    const letters = this.#letters;
    this.#letters = [];
    this.#post(letters);
    for (const ms of repeatAfterMs) setTimeout(() => { this.#post(letters); }, ms);
    return letters.length;
  }

  close(): void {
    for (const socket of Object.values(this.#sockets)) socket.close();
  }

  #post(letters: readonly Letter[]): void {
    for (const { endpoint: { host, port, address }, bytes } of letters) {
      this.#sockets[address.family].send(bytes, port, host, () => undefined);
    }
  }
}
