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
import { hearings, Networks } from './networks.ts';
import type { Hearing } from './networks.ts';
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
  /** Those of our addresses on whose networks nobody can be spoken with, though elsewhere. */
  readonly onNetworksLost: (endpoints: readonly string[]) => void;
  /** CLOCK_BOOTTIME, ms. */
  readonly now: () => number;
}

/** What it needs of sockets: the simulator has others. */
export type Sockets = Pick<HeartbeatSockets, 'own' | 'listen' | 'send' | 'close'>;

/** From one of our addresses, null if none leads there, to one of a node's. */
interface Way {
  readonly own: { readonly endpoint: Endpoint } | null;
  readonly endpoint: Endpoint;
}

/** What later versions may say says nothing to this one. */
function hearingOf(value: number): Hearing {
  return value === hearings.no || value === hearings.yes ? value : hearings.unsaid;
}

export class HeartbeatTransport {
  readonly #options: TransportOptions;
  readonly #sockets: Sockets;
  readonly #peers: Peers;
  readonly #networks: Networks;
  readonly #guard = new ReplayGuard();
  readonly #dropped = new Map<string, number>();
  readonly #unsent = new Map<string, number>();
  /** Of our addresses those that nodes are judged on; the others serve who has no such one. */
  #judged: ReadonlySet<string> = new Set();
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
    this.#networks = new Networks({ now: options.now, onLost: options.onNetworksLost });
    this.#sockets = openSockets({
      onDatagram: (bytes, own) => { this.#onDatagram(bytes, own); },
      onState: ({ text }, trouble) => { options.onListening(text, trouble); },
    });
  }

  /** The first key seals, each opens. None: nothing is sent, and nothing heard. */
  setKeys(keys: readonly HeartbeatKey[]): void {
    this.#keys = keys;
  }

  /**
   * `address:port`; what is no endpoint is left out. `judged`: those of them on networks that nodes
   * are judged on; the others are for nodes that are on none of these.
   */
  listen(addresses: readonly string[], judged: readonly string[] = addresses): void {
    this.#judged = new Set(judged);
    this.#networks.set(judged);
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

  /** At once, on every network shared with that node; a datagram of its own number for each. */
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
    for (const { own, endpoint } of this.#ways(peer)) {
      if (own === null) this.#notSent('no-own-address');
      else this.#sendTo(own, endpoint, to, heartbeat, key);
    }
    this.#networks.look(heartbeat.supportMs);
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

  /** From where to where: where judged networks lead to it, those alone. */
  #ways({ endpoints }: Peer): readonly Way[] {
    const ways = endpoints.map((endpoint) => (
      { endpoint, own: nearest(this.#sockets.own, endpoint) }));
    if (ways.length < 2) return ways;
    const judged = ways.filter(({ own }) => own !== null && this.#judged.has(own.endpoint.text));
    return judged.length > 0 ? judged : ways;
  }

  #sendTo(
    own: { readonly endpoint: Endpoint }, endpoint: Endpoint,
    to: { readonly node: string; readonly boot: number },
    heartbeat: Heartbeat, key: HeartbeatKey,
  ): void {
    this.#seq += 1;
    const hearing = this.#networks.sending(own.endpoint.text, to.node, heartbeat.supportMs);
    const bytes = sealHeartbeat(heartbeat, { to, seq: this.#seq, hearing }, key);
    const sent = this.#sockets.send(own, endpoint, bytes, (fault) => { this.#notSent(fault); });
    if (sent) this.#sent += 1;
  }

  #onDatagram(bytes: Uint8Array, own: string): void {
    this.#received += 1;
    const datagram = openDatagram(bytes, this.#keys);
    const drop = 'drop' in datagram ? datagram.drop : this.#whyNot(datagram);
    if (drop !== null) {
      this.#dropped.set(drop, (this.#dropped.get(drop) ?? 0) + 1);
      return;
    }
    this.#heard += 1;
    if ('heartbeat' in datagram) {
      this.#networks.heard(own, datagram.from.node, hearingOf(datagram.hearing));
      this.#options.onHeartbeat(datagram.heartbeat);
    }
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
