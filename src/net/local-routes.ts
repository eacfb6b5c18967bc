/**
 * Local routes that stand in for IPv4 addresses until these are on their interface: with one the
 * kernel takes packets for the address, and answers in its name, as if it had it. Where thousands
 * are taken over a route costs a sixth of an address, and does not cost more the more there are.
 *
 * What is ours is known by its route protocol, also after a restart.
 */
import { NLM_F_CREATE, NLM_F_EXCL } from './netlink-message.ts';
import type { NetlinkSocket } from './netlink-socket.ts';
import {
  decodeRoute, encodeDeleteLocalRoute, encodeLocalRoute, encodeRouteDump, RT_TABLE_LOCAL,
  type LocalRoute,
} from './rtnetlink/route.ts';

/** `ip route show table local` shows it as `proto 84`: no routing daemon has it. */
export const routeProtocol = 0x54;

export interface Place {
  readonly eip: string;
  readonly link: { readonly ifindex: number };
}

export class LocalRoutes {
  readonly #socket: NetlinkSocket;
  readonly #there = new Set<string>();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  has(place: Place): boolean {
    return this.#there.has(keyOf(place));
  }

  /** Of each whether it has a route now; not where there is another's, or an address. */
  add(places: readonly Place[]): readonly boolean[] {
    const errors = this.#socket.transactEach(places.map((place) => (
      encodeLocalRoute(NLM_F_CREATE | NLM_F_EXCL, routeOf(place)))));
    return places.map((place, index) => {
      if ((errors[index] ?? null) === null) this.#there.add(keyOf(place));
      return this.has(place);
    });
  }

  /** Takes those away that are there. */
  remove(places: readonly Place[]): void {
    const ours = places.filter((place) => this.has(place));
    if (ours.length === 0) return;
    // What is gone already, with its link or by hand, is what was wanted.
    this.#socket.transactEach(ours.map((place) => encodeDeleteLocalRoute(routeOf(place))));
    for (const place of ours) this.#there.delete(keyOf(place));
  }

  /** Those of an earlier run; from now on they are ours. */
  adopt(): readonly { readonly eip: string; readonly ifindex: number }[] {
    return this.#socket.dump(encodeRouteDump(4, RT_TABLE_LOCAL)).flatMap((message) => {
      const route = decodeRoute(message);
      const ifindex = route?.nexthops[0]?.ifindex ?? null;
      if (route?.protocol !== routeProtocol || route.type !== 'local' || ifindex === null) return [];
      const place = { eip: route.destination, link: { ifindex } };
      if (this.has(place)) return [];
      this.#there.add(keyOf(place));
      return [{ eip: route.destination, ifindex }];
    });
  }
}

function routeOf({ eip, link: { ifindex } }: Place): LocalRoute {
  return { address: eip, ifindex, protocol: routeProtocol };
}

/** One string for each place. */
export function keyOf({ eip, link }: Place): string {
  return `${link.ifindex} ${eip}`;
}
