/** Addresses as inet_pton(3) and keepalived's parser take them. */
import { isIPv4, isIPv6 } from 'node:net';

export type Family = 4 | 6;

/** The family of an address without prefix length; undefined if it is none. */
export function addressFamily(text: string): Family | undefined {
  if (isIPv4(text)) return 4;
  return isIPv6(text) && !text.includes('%') ? 6 : undefined;
}

/** The address without what keepalived drops from peers and sources: `/24`, `-20`. */
export function bareAddress(text: string): string {
  const dash = text.indexOf('-');
  const slash = text.indexOf('/');
  const end = dash >= 0 ? dash : slash;
  return end < 0 ? text : text.slice(0, end);
}

/** The eight groups of an IPv6 address, or the four bytes of an IPv4 address. */
export function addressParts(text: string): readonly number[] | undefined {
  const family = addressFamily(text);
  if (family === undefined) return undefined;
  if (family === 4) return text.split('.').map(Number);
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const hex = (high: string | undefined, low: string | undefined) =>
    (Number(high) * 256 + Number(low)).toString(16);
  const plain = dotted
    ? `${dotted[1] ?? ''}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}` : text;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16));
  if (tail === undefined) return groups(head);
  const gap = 8 - groups(head).length - groups(tail).length;
  return [...groups(head), ...Array.from({ length: gap }, () => 0), ...groups(tail)];
}

/** One spelling for each address, to compare by. */
export function canonicalAddress(text: string): string | undefined {
  const parts = addressParts(text);
  if (!parts) return undefined;
  return parts.length === 4 ? parts.join('.')
    : parts.map((group) => group.toString(16)).join(':');
}

/** Whether it is a multicast address; `link` asks that an IPv6 one be of link-local scope. */
export function isMulticast(text: string, scope: 'any' | 'link'): boolean {
  const parts = addressParts(text);
  const first = parts?.[0] ?? 0;
  if (parts?.length === 4) return first >= 224 && first <= 239;
  return first >> 8 === 0xff && (scope === 'any' || (first & 0xf) === 2);
}

/** Whether it is an IPv6 link-local address (fe80::/10). */
export function isLinkLocal(text: string): boolean {
  const parts = addressParts(text);
  return parts?.length === 8 && ((parts[0] ?? 0) & 0xffc0) === 0xfe80;
}

/** An address and its prefix length, as `10.0.0.1/24`. */
export interface PrefixParts {
  readonly address: string;
  readonly family: Family;
  readonly length: number;
}

/** Splits `ADDRESS[/LENGTH]`; the length is that of a host if it is missing. */
export function prefixParts(text: string): PrefixParts | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const family = addressFamily(address);
  if (family === undefined) return undefined;
  const most = family === 4 ? 32 : 128;
  return { address, family, length: slash < 0 ? most : Number(text.slice(slash + 1)) };
}
