/** The fields of an Eip that have a grammar of their own: address and interface. Pure. */
import {
  blocksOverlap, formatAddress, parseAddress, parseBlock, whyNotClaimable,
} from '../wire/address.ts';
import type { Block } from '../wire/address.ts';
import { whyNotInterface } from './names.ts';
import { refuse } from './problem.ts';
import type { Parsed } from './problem.ts';

/** Where the addresses of an Eip are announced. */
export type InterfaceSpec =
  | { readonly kind: 'name'; readonly name: string }
  /** The interface by which this address is reached. */
  | { readonly kind: 'can-reach'; readonly address: string };

/**
 * Most addresses of one Eip: each has a lease of its own, and a /16 of them is more than a LAN
 * carries well.
 */
export const mostAddresses = 65_536;

const linkLocal = ['169.254.0.0/16', 'fe80::/10'].map((text) => parseBlock(text));

/** `a`, or `a to b`. */
export function rangeText(range: Pick<Block, 'first' | 'last'>): string {
  const first = formatAddress(range.first);
  const last = formatAddress(range.last);
  return first === last ? first : `${first} to ${last}`;
}

/** One address, a CIDR block or a range that hosts can announce. */
export function parseEipAddress(text: string): Parsed<Block> {
  const block = parseBlock(text);
  if ('error' in block) return block;
  const reserved = whyNotClaimable(block);
  if (reserved !== null) {
    return refuse(text, `has addresses that are ${reserved}: no host can claim these on a LAN.`);
  }
  const local = linkLocal.some((range) => !('error' in range) && blocksOverlap(range, block));
  if (local) {
    return refuse(text, 'has link-local addresses, which belong to every interface: write others, as of the LAN\'s subnet.');
  }
  if (block.size > BigInt(mostAddresses)) {
    return refuse(text, `has ${block.size} addresses, and every one would be announced: write a block of at most ${mostAddresses}, or split it into several Eips.`);
  }
  return { value: block };
}

const canReach = 'can_reach:';

export function parseInterface(text: string): Parsed<InterfaceSpec> {
  if (!text.startsWith(canReach)) {
    const fault = whyNotInterface(text);
    return fault === null ? { value: { kind: 'name', name: text } } : refuse(text, fault);
  }
  const address = parseAddress(text.slice(canReach.length));
  if ('error' in address) return { error: `after can_reach: ${address.error}` };
  const block = { family: address.family, first: address, last: address, size: 1n };
  const reserved = whyNotClaimable(block);
  if (reserved !== null) return refuse(text, `names an address that is ${reserved}: name a neighbour on the LAN, as the router.`);
  return { value: { kind: 'can-reach', address: formatAddress(address) } };
}

export function formatInterface(on: InterfaceSpec): string {
  return on.kind === 'name' ? on.name : `${canReach}${on.address}`;
}
