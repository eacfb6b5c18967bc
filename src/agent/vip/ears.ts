/** Ears for VRRP on the interfaces of virtual routers, opened and closed as these change. */
import type { Logger } from 'pino';
import { openEar, type Ear } from '../../keepalived/watch/ear.ts';
import type { VrrpWatch } from '../../keepalived/watch/watch.ts';
import type { LinkTable } from '../../net/routes.ts';
import type { Finding } from '../../core/model.ts';
import { openPacketEar } from './packet-ear.ts';

export interface Place {
  readonly interface: string;
  readonly family: 4 | 6;
}

export interface EarsEvents {
  /** Another is master of a virtual router that this node says it is master of. */
  readonly onContest: () => void;
  /** The same, each time that it is heard where keepalived hears: behind the host's filters. */
  readonly onRival: (pool: string) => void;
}

interface OpenEar {
  readonly ifindex: number;
  readonly since: number;
  /** Null: it could not be opened. */
  readonly ear: Promise<Ear | null>;
}

export class Ears {
  readonly #watch: VrrpWatch;
  readonly #log: Logger;
  readonly #peers: readonly string[];
  readonly #events: EarsEvents;
  /** By interface and family. */
  readonly #ears = new Map<string, OpenEar>();
  /** Why nobody listens on an interface. */
  readonly #deaf = new Map<string, string>();

  /** `peers`: addresses of nodes, where VRRP is sent by unicast. */
  constructor(
    watch: VrrpWatch, { log, peers }: { readonly log: Logger; readonly peers: readonly string[] },
    events: EarsEvents,
  ) {
    this.#watch = watch;
    this.#log = log;
    this.#peers = peers;
    this.#events = events;
  }

  /** Listens there, and nowhere else. */
  listen(places: readonly Place[], links: LinkTable): void {
    const wanted = new Map(places.map((place) => [keyOf(place), place]));
    for (const [key, { ear, ifindex }] of this.#ears) {
      const place = wanted.get(key);
      if (place && links.byName(place.interface)?.ifindex === ifindex) continue;
      void ear.then((one) => one?.close());
      this.#ears.delete(key);
      this.#deaf.delete(key);
    }
    for (const [key, place] of wanted) {
      const link = links.byName(place.interface);
      if (this.#ears.has(key) || !link) continue;
      const { ifindex, name } = link;
      const ear = this.#open(key, { ifindex, name }, place.family);
      this.#ears.set(key, { ifindex, since: performance.now(), ear });
    }
  }

  /** For how long it has listened there, ms. */
  listenedMs(place: Place): number {
    const since = this.#ears.get(keyOf(place))?.since;
    return since === undefined ? 0 : performance.now() - since;
  }

  get findings(): readonly Finding[] {
    return [...this.#deaf].map(([key, text]) =>
      ({ code: 'vip-deaf', subject: key.replace(/ .*/, ''), text }));
  }

  close(): void {
    for (const { ear } of this.#ears.values()) void ear.then((one) => one?.close());
    this.#ears.clear();
  }

  async #open(
    key: string, link: { readonly name: string; readonly ifindex: number }, family: 4 | 6,
  ): Promise<Ear | null> {
    const options = {
      interface: link, family, peers: this.#peers,
      onPacket: (packet: Parameters<VrrpWatch['hear']>[1]) => {
        const now = performance.now();
        this.#watch.hear(link.name, packet, now);
        if (this.#watch.isContested(link.name, family, packet.vrid, now)) {
          this.#events.onContest();
        }
      },
      onDrop: (reason: string) => { this.#watch.dropped(reason); },
      onError: (text: string) => {
        this.#log.warn({ interface: link.name, text }, 'the watch on VRRP failed');
      },
    };
    const raw = await openEar({
      ...options,
      onPacket: (packet) => {
        const rival = this.#watch.rival(link.name, packet, performance.now());
        if (rival !== null) this.#events.onRival(rival);
        options.onPacket(packet);
      },
    });
    if (!('error' in raw)) return raw;
    try {
      const ear = openPacketEar(options);
      this.#log.debug({ interface: link.name, why: raw.error }, 'VRRP is heard by a packet socket');
      return ear;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#deaf.set(key, `VRRP is not listened to on ${link.name}: ${why}`);
      return null;
    }
  }
}

function keyOf({ interface: name, family }: Place): string {
  return `${name} ${family}`;
}
