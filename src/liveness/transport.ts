/**
 * Heartbeats, from the core to the agents of other nodes and back. What reaches the core is
 * authentic, meant for this node, and heard for the first time; everything else is counted, by
 * reason, and forgotten.
 */
import type { Heartbeat, Obituary } from '../core/heartbeat.ts';
import type { ViewChange } from '../core/model.ts';
import { openDatagram, sealHeartbeat } from '../wire/heartbeat/datagram.ts';
import type { Datagram, DatagramDrop, HeartbeatKey } from '../wire/heartbeat/datagram.ts';
import { ReplayGuard } from '../wire/heartbeat/replay.ts';
import { nearest, parseEndpoint } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';
import { Peers } from './peers.ts';
import type { Peer } from './peers.ts';
import { HeartbeatSockets } from './sockets.ts';
import type { SocketsOptions } from './sockets.ts';

export type HeartbeatDrop =
  | DatagramDrop
  /** For another node, or for an earlier boot of this one. */
  | 'misdirected'
  /** Heard before, or from an earlier boot than was heard. */
  | 'replayed';

export type HeartbeatUnsent =
  /** The main thread was silent for too long. */
  | 'muted'
  /** No key, or this run of the agent has no number yet. */
  | 'no-key' | 'no-boot'
  /** Nothing is known of where the node is, or nothing of ours is of that family. */
  | 'unknown-node' | 'no-own-address'
  /** Or the kernel's answer: an errno's name. */
  | (string & {});

export interface HeartbeatCounters {
  /** Datagrams: several for one heartbeat where there are several networks. */
  readonly sent: number;
  readonly received: number;
  readonly heard: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly unsent: Readonly<Record<string, number>>;
}

export interface TransportOptions {
  readonly node: string;
  readonly onHeartbeat: (heartbeat: Heartbeat) => void;
  readonly onObituary: (obituary: Obituary) => void;
  /** Whether one of our addresses can be listened on: a sentence if not, null once it can. */
  readonly onListening: (endpoint: string, trouble: string | null) => void;
}

/** What it needs of sockets: the simulator has others. */
export type Sockets = Pick<HeartbeatSockets, 'own' | 'listen' | 'send' | 'close'>;

export class HeartbeatTransport {
  readonly #options: TransportOptions;
  readonly #sockets: Sockets;
  readonly #peers: Peers;
  readonly #guard = new ReplayGuard();
  readonly #dropped = new Map<string, number>();
  readonly #unsent = new Map<string, number>();
  #keys: readonly HeartbeatKey[] = [];
  #boot = 0;
  #seq = 0;
  #muted = false;
  #sent = 0;
  #received = 0;
  #heard = 0;

  constructor(
    options: TransportOptions,
    openSockets = (to: SocketsOptions): Sockets => new HeartbeatSockets(to),
  ) {
    this.#options = options;
    this.#peers = new Peers(options.node);
    this.#sockets = openSockets({
      onDatagram: (bytes) => { this.#onDatagram(bytes); },
      onState: ({ text }, trouble) => { options.onListening(text, trouble); },
    });
  }

  /** The first key seals, each opens. None: nothing is sent, and nothing heard. */
  setKeys(keys: readonly HeartbeatKey[]): void {
    this.#keys = keys;
  }

  /** `address:port`; what is no endpoint is left out. */
  listen(addresses: readonly string[]): void {
    this.#sockets.listen(addresses.flatMap((text) => parseEndpoint(text) ?? []));
  }

  /** Where the store says that others are. Whether anything is different from before. */
  learn(change: Pick<ViewChange, 'reset' | 'nodes'>): boolean {
    return this.#peers.learn(change);
  }

  peers(): readonly Peer[] {
    return this.#peers.list();
  }

  /** Nothing is sent while muted. */
  mute(muted: boolean): void {
    this.#muted = muted;
  }

  /** Datagrams read so far, whatever they were: for `afterArrivals`. */
  get received(): number {
    return this.#received;
  }

  /** At once, to every address of that node; a datagram of its own number for each. */
  send(node: string, heartbeat: Heartbeat): void {
    this.#boot = heartbeat.boot;
    const peer = this.#peers.get(node);
    const [key] = this.#keys;
    if (this.#muted) return this.#notSent('muted');
    if (key === undefined) return this.#notSent('no-key');
    if (heartbeat.boot === 0) return this.#notSent('no-boot');
    if (peer === null || peer.endpoints.length === 0) return this.#notSent('unknown-node');
    // What we heard of it may be newer than its record, or the other way round.
    const to = { node, boot: Math.max(peer.boot, this.#guard.bootOf(node)) };
    for (const endpoint of peer.endpoints) this.#sendTo(endpoint, to, heartbeat, key);
  }

  counters(): HeartbeatCounters {
    return {
      sent: this.#sent, received: this.#received, heard: this.#heard,
      dropped: Object.fromEntries(this.#dropped), unsent: Object.fromEntries(this.#unsent),
    };
  }

  close(): void {
    this.#sockets.close();
  }

  #sendTo(
    endpoint: Endpoint, to: { readonly node: string; readonly boot: number },
    heartbeat: Heartbeat, key: HeartbeatKey,
  ): void {
    const own = nearest(this.#sockets.own, endpoint);
    if (own === null) return this.#notSent('no-own-address');
    this.#seq += 1;
    const bytes = sealHeartbeat(heartbeat, { to, seq: this.#seq }, key);
    const sent = this.#sockets.send(own, endpoint, bytes, (fault) => { this.#notSent(fault); });
    if (sent) this.#sent += 1;
  }

  #onDatagram(bytes: Uint8Array): void {
    this.#received += 1;
    const datagram = openDatagram(bytes, this.#keys);
    const drop = 'drop' in datagram ? datagram.drop : this.#whyNot(datagram);
    if (drop !== null) {
      this.#dropped.set(drop, (this.#dropped.get(drop) ?? 0) + 1);
      return;
    }
    this.#heard += 1;
    if ('heartbeat' in datagram) this.#options.onHeartbeat(datagram.heartbeat);
    if ('obituary' in datagram) this.#options.onObituary(datagram.obituary);
  }

  #whyNot(datagram: Datagram): HeartbeatDrop | null {
    const { from, to, seq } = datagram;
    const { node } = this.#options;
    const forEarlier = to.boot > 0 && to.boot < this.#boot;
    if (to.node !== node || from.node === node || forEarlier) return 'misdirected';
    // An obituary says for ever the same; its sender does not know the numbers that were given.
    if (datagram.kind === 'obituary') return null;
    return this.#guard.accept(from.node, from.boot, seq) ? null : 'replayed';
  }

  #notSent(why: HeartbeatUnsent): void {
    this.#unsent.set(why, (this.#unsent.get(why) ?? 0) + 1);
  }
}
