/** In whose name a host's kernel may ask for neighbours on an interface. */
import { isMac } from '../wire/ethernet.ts';
import type { OwnName } from './fence-state.ts';
import type { Interfaces } from './interfaces.ts';
import {
  IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE, type InterfaceAddress,
} from './rtnetlink/address.ts';

const unusable = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED;

/**
 * The first with a subnet that is in use and not managed; in IPv6 rather a link-local one, which
 * no neighbour takes for another network's (RFC 4861 7.2.2). Null if there is none.
 */
export function ownAddress(
  addresses: readonly InterfaceAddress[], version: 4 | 6, isManaged: (address: string) => boolean,
): string | null {
  const fit = addresses.filter(({ family, prefixLength, flags, address }) => (
    family === version && prefixLength < (version === 4 ? 32 : 128)
    && (flags & unusable) === 0 && !isManaged(address)));
  return (fit.find(({ address }) => /^fe[89ab]/.test(address)) ?? fit[0])?.address ?? null;
}

/** The same with the interface's MAC; null if it is gone, or has no such address. */
export function ownName(
  interfaces: Pick<Interfaces, 'addresses' | 'byIndex'>, ifindex: number, version: 4 | 6,
  isManaged: (address: string) => boolean,
): OwnName | null {
  const address = ownAddress(interfaces.addresses(ifindex), version, isManaged);
  const mac = interfaces.byIndex(ifindex)?.mac ?? '';
  return address === null || !isMac(mac) ? null : { address, mac };
}
