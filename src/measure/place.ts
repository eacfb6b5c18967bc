/** Where an address is, as seen from this host: on a LAN of it, behind a router, or here. */
import { Interfaces } from '../net/interfaces.ts';
import { NetlinkSocket } from '../net/netlink-socket.ts';
import { mainRoutes, resolveInterface, subnetCheck } from '../net/routes.ts';
import type { LinkInfo } from '../net/rtnetlink/link.ts';
import type { Address } from '../wire/address.ts';
import { MeasureError } from './measure-error.ts';

export interface Lan {
  readonly link: LinkInfo;
  /** This host's own address in the same subnet, or its link-local one; null if it has none. */
  readonly own: string | null;
}

export type Place = { readonly lan: Lan } | {
  readonly lan: null;
  /** Why nothing of the LAN can be heard: a clause. */
  readonly why: string;
};

/**
 * Throws MeasureError for an interface that is none, that is not the LAN's, or for an address that
 * is on this host.
 */
export function findPlace(address: Address, text: string, wanted: string | null): Place {
  const interfaces = new Interfaces();
  const netlink = new NetlinkSocket({ protocol: 'route' });
  try {
    return look(address, text, wanted, interfaces, netlink);
  } finally {
    interfaces.close();
    netlink.close();
  }
}

function look(
  address: Address, text: string, wanted: string | null, interfaces: Interfaces,
  netlink: NetlinkSocket,
): Place {
  const isLoopback = text.startsWith('127.') || text === '::1';
  const owner = interfaces.list().find(({ ifindex }) => (
    interfaces.addresses(ifindex).some((one) => one.address === text)));
  if (owner !== undefined && !isLoopback) {
    throw new MeasureError('address', text, `is an address of this host itself, on ${owner.name}: run this on another host of its LAN, as a client of it would be`);
  }
  const link = resolveInterface(
    wanted ?? `can_reach:${text}`, interfaces, (family) => mainRoutes(netlink, family));
  if (isLoopback && wanted === null) {
    return { lan: null, why: `${text} is an address of this host itself` };
  }
  if ('error' in link) {
    if (wanted !== null) throw new MeasureError('--interface', wanted, link.error);
    return { lan: null, why: sentence(link.error) };
  }
  const addresses = interfaces.addresses(link.ifindex);
  const isOnLink = wanted !== null || subnetCheck(text, addresses) !== null || isLinkLocal(text);
  if (!isOnLink) return { lan: null, why: `${text} is in no subnet of ${link.name}, so a router is between` };
  const same = addresses.filter(({ family, prefixLength }) => (
    family === address.family && prefixLength !== (family === 4 ? 32 : 128)));
  const own = same.find((one) => subnetCheck(text, [one]) !== null) ?? same[0];
  return { lan: { link, own: own?.address ?? null } };
}

function isLinkLocal(text: string): boolean {
  return /^fe[89ab]/.test(text);
}

/** As the end of a sentence of ours. */
function sentence(text: string): string {
  return text.replace(/\.$/, '');
}
