/**
 * What is between a simulated core and the network, in those worlds where datagrams are bytes: the
 * agent's own transport (codec, HMAC, replay guard, where the others are), on sockets that lead
 * into the simulated network.
 */
import type { Heartbeat, Obituary } from '../../src/core/heartbeat.ts';
import type { ViewChange } from '../../src/core/model.ts';
import { parseEndpoint } from '../../src/liveness/endpoint.ts';
import type { Endpoint } from '../../src/liveness/endpoint.ts';
import { HeartbeatTransport } from '../../src/liveness/transport.ts';
import type { Sockets } from '../../src/liveness/transport.ts';
import { heartbeatKey } from '../../src/wire/heartbeat/datagram.ts';

export const keyText = 'the key of every simulated cluster';
const key = heartbeatKey(Buffer.from(keyText));

/** Node `n7` is at this place. */
export function placeOf(node: string): string {
  const number = Number(node.slice(1));
  return `10.9.${String(number >> 8)}.${String(number & 255)}:9477`;
}

/** Whose place it is. */
export function nodeAt({ host }: Pick<Endpoint, 'host'>): string {
  const [, , high, low] = host.split('.');
  return `n${String(Number(high) * 256 + Number(low))}`;
}

export interface SimWireOptions {
  readonly node: string;
  readonly send: (to: string, bytes: Uint8Array) => void;
  readonly onHeartbeat: (heartbeat: Heartbeat) => void;
  readonly onObituary: (obituary: Obituary) => void;
}

export class SimWire {
  readonly #transport: HeartbeatTransport;
  #hear: (bytes: Uint8Array) => void = () => undefined;

  constructor({ node, send, onHeartbeat, onObituary }: SimWireOptions) {
    let own: Sockets['own'] = [];
    this.#transport = new HeartbeatTransport(
      {
        node, onHeartbeat, onObituary, onListening: () => undefined,
        onNetworksLost: () => undefined, now: () => 0,
      },
      ({ onDatagram }) => {
        this.#hear = (bytes) => { onDatagram(bytes, placeOf(node)); };
        return {
          get own() {
            return own;
          },
          listen: (endpoints) => { own = endpoints.map((endpoint) => ({ endpoint, open: true })); },
          send: (_own, to, bytes) => {
            send(nodeAt(to), bytes);
            return true;
          },
          close: () => undefined,
        };
      },
    );
    this.#transport.setKeys([key]);
    this.#transport.listen([placeOf(node)]);
  }

  learn(change: ViewChange): void {
    this.#transport.learn(change);
  }

  send(to: string, heartbeat: Heartbeat): void {
    this.#transport.send(to, heartbeat);
  }

  hear(bytes: Uint8Array): void {
    this.#hear(bytes);
  }

  /** Where an obituary has to go. */
  peers(): readonly { readonly node: string; readonly endpoints: readonly string[] }[] {
    return this.#transport.peers().map(({ node, endpoints }) =>
      ({ node, endpoints: endpoints.map(({ text }) => text) }));
  }

  /** Why datagrams were not believed: how many of each. */
  dropped(): Readonly<Record<string, number>> {
    return this.#transport.counters().dropped;
  }
}

export function simEndpoint(node: string): Endpoint {
  const endpoint = parseEndpoint(placeOf(node));
  if (endpoint === null) throw new Error(`no endpoint for ${node}`);
  return endpoint;
}
