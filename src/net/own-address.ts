/** The address of the host on an interface in whose name the kernel may ask for neighbours. */
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
