/** Addresses as people type them. */
import { formatAddress, parseAddress } from '../wire/address.ts';
import { usage } from './context.ts';

/** Canonical text of an address; throws a usage error. */
export function checkAddress(text: string): string {
  const address = parseAddress(text);
  if ('error' in address) throw usage(`address: ${address.error}`);
  return formatAddress(address);
}
