/**
 * IPv4 and IPv6 addresses, and blocks of them, as values: text in, text out. Pure.
 *
 * Text is strict, so that one address has one spelling everywhere (logs, keys, lock names): IPv4 as
 * four decimal numbers without leading zeros (RFC 6943 3.1.1 tells what loose parsing costs), IPv6
 * as RFC 4291 2.2 in, RFC 5952 out. Zone ids are refused: they mean something on one host only.
 */

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  /** The address as a number in network order: 32 or 128 bits. */
  readonly value: bigint;
}

/** `first` to `last`, both included; `size` addresses. */
export interface Block {
  readonly family: Family;
  readonly first: Address;
  readonly last: Address;
  readonly size: bigint;
}

/** Why a text was refused: a sentence that names the text and what would do. */
export interface Refusal {
  readonly error: string;
}

const bits = { 4: 32, 6: 128 } as const;
const decimal = /^(0|[1-9][0-9]*)$/;
const hexGroup = /^[0-9a-f]{1,4}$/i;
/** Longer texts are refused before they are looked at, and cut where they are quoted. */
const longestText = 100;

function refuse(text: string, what: string): Refusal {
  const shown = text.length > longestText ? `${text.slice(0, longestText)}...` : text;
  return { error: `${JSON.stringify(shown)} ${what}` };
}

/** One address; a refusal names the text and the reason. */
export function parseAddress(text: string): Address | Refusal {
  const fault = faultOfShape(text);
  if (fault !== null) return refuse(text, fault);
  if (text.includes('/') || text.includes('-')) {
    return refuse(text, 'is not one address: write it without a prefix length or range.');
  }
  return parseOne(text);
}

/**
 * One address, a CIDR block, or a range: `a`, `a/length`, `a-b`. A CIDR block is masked to its base
 * and includes its network and broadcast addresses: `192.168.0.1/24` is .0 to .255.
 */
export function parseBlock(text: string): Block | Refusal {
  const fault = faultOfShape(text);
  if (fault !== null) return refuse(text, fault);
  if (text.includes('-')) return parseRange(text);
  if (text.includes('/')) return parseCidr(text);
  const address = parseOne(text);
  return 'error' in address ? address : blockOf(address, address);
}

function faultOfShape(text: string): string | null {
  if (text === '') return 'is empty: write an IPv4 or IPv6 address.';
  if (text.length > longestText) return 'is too long for an address or a range of two.';
  if (/\s/.test(text)) return 'contains white space: write it without.';
  if (text.includes('%')) {
    return 'has a zone id (%...), which means something on one host only: leave it out.';
  }
  return null;
}

function parseOne(text: string): Address | Refusal {
  return text.includes(':') ? parse6(text) : parse4(text);
}

function parseRange(text: string): Block | Refusal {
  const [low = '', high = '', ...more] = text.split('-');
  if (more.length > 0 || low === '' || high === '' || text.includes('/')) {
    return refuse(text, 'is not a range: write first-last, as in 192.0.2.10-192.0.2.20.');
  }
  const first = parseOne(low);
  if ('error' in first) return first;
  const last = parseOne(high);
  if ('error' in last) return last;
  if (first.family !== last.family) {
    return refuse(text, 'mixes IPv4 and IPv6: write two addresses of one family.');
  }
  if (first.value > last.value) {
    return refuse(text, `ends before it begins: write ${high}-${low}.`);
  }
  return blockOf(first, last);
}

function parseCidr(text: string): Block | Refusal {
  const [base = '', length = '', ...more] = text.split('/');
  if (more.length > 0) return refuse(text, 'has more than one slash: write address/length.');
  const address = parseOne(base);
  if ('error' in address) return address;
  const width = bits[address.family];
  if (length.includes('.')) {
    const mask = parse4(length);
    const known = 'error' in mask || address.family === 6 ? null : lengthOfMask(mask.value);
    const advice = known === null
      ? `a prefix length from 0 to ${width}`
      : `${base}/${known}`;
    return refuse(text, `has a netmask: write ${advice}.`);
  }
  if (!decimal.test(length) || Number(length) > width) {
    return refuse(text, `has no prefix length from 0 to ${width} after the slash.`);
  }
  const hosts = (1n << BigInt(width - Number(length))) - 1n;
  const first = (address.value | hosts) - hosts;
  return blockOf(
    { family: address.family, value: first },
    { family: address.family, value: first + hosts },
  );
}

/** The prefix length of a netmask; null if its ones are not all in front. */
function lengthOfMask(mask: bigint): number | null {
  const text = mask.toString(2).padStart(32, '0');
  return /^1*0*$/.test(text) ? text.replaceAll('0', '').length : null;
}

function parse4(text: string): Address | Refusal {
  const parts = text.split('.');
  if (parts.length !== 4) {
    return refuse(text, 'is not an address: write IPv4 as 192.0.2.1 or IPv6 as 2001:db8::1.');
  }
  let value = 0;
  for (const part of parts) {
    if (/^0[0-9]+$/.test(part)) {
      return refuse(text, 'has a leading zero, which some read as octal: write it without.');
    }
    if (!decimal.test(part) || part.length > 3 || Number(part) > 255) {
      return refuse(text, 'is not an IPv4 address: write four numbers from 0 to 255.');
    }
    value = value * 256 + Number(part);
  }
  return { family: 4, value: BigInt(value) };
}

function parse6(text: string): Address | Refusal {
  const bad = refuse(
    text, 'is not an IPv6 address: write up to eight groups of hex digits, as in 2001:db8::1.');
  const halves = text.split('::');
  if (halves.length > 2) return bad;
  const head = groupsOf(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : [];
  if (head === null || tail === null) return bad;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group (RFC 5952 4.2.2 counts one as a bad spelling, not an error).
  if (halves.length === 1 ? missing !== 0 : missing < 1) return bad;
  const zeros = new Array<number>(missing).fill(0);
  let value = 0n;
  for (const group of [...head, ...zeros, ...tail]) value = value << 16n | BigInt(group);
  return { family: 6, value };
}

/** Groups of a half of an IPv6 text; null if one is none. The last may be a dotted quad. */
function groupsOf(half: string, last: boolean): number[] | null {
  if (half === '') return [];
  const groups: number[] = [];
  const parts = half.split(':');
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes('.')) {
      const quad = parse4(part);
      if ('error' in quad) return null;
      groups.push(Number(quad.value >> 16n), Number(quad.value & 0xffffn));
    } else if (hexGroup.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return null;
    }
  }
  return groups;
}

function blockOf(first: Address, last: Address): Block {
  return { family: first.family, first, last, size: last.value - first.value + 1n };
}

/** Canonical text: dotted quad, or RFC 5952 (with the dotted form of 5 for ::ffff:0:0/96). */
export function formatAddress(address: Address): string {
  return formatBytes(addressToBytes(address));
}

/** Canonical text of 4 or 16 bytes in network order. Other lengths throw: a bug of the caller. */
export function formatBytes(bytes: Uint8Array): string {
  if (bytes.length === 4) {
    return `${bytes[0] ?? 0}.${bytes[1] ?? 0}.${bytes[2] ?? 0}.${bytes[3] ?? 0}`;
  }
  if (bytes.length !== 16) throw new RangeError(`an address of ${bytes.length} bytes`);
  // The longest run of zero groups, the first of equals, and none of one group (RFC 5952 4.2).
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8;) {
    let end = i;
    while (end < 8 && groupAt(bytes, end) === 0) end += 1;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
    i = end + 1;
  }
  if (start === 0 && length === 5 && groupAt(bytes, 5) === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  let text = '';
  for (let i = 0; i < 8; i += 1) {
    if (i === start) {
      text += '::';
      i += length - 1;
    } else {
      if (i > 0 && i !== start + length) text += ':';
      text += groupAt(bytes, i).toString(16);
    }
  }
  return text;
}

/** The 16-bit group at place 0 to 7. */
function groupAt(bytes: Uint8Array, place: number): number {
  return (bytes[2 * place] ?? 0) << 8 | (bytes[2 * place + 1] ?? 0);
}

/** 4 or 16 bytes in network order, of what was checked before. Throws TypeError for no address. */
export function bytesOf(text: string): Uint8Array {
  const address = parseAddress(text);
  if ('error' in address) throw new TypeError(address.error);
  return addressToBytes(address);
}

/** 4 or 16 bytes in network order. */
export function addressToBytes(address: Address): Uint8Array {
  if (address.family === 4) {
    const value = Number(address.value);
    return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  }
  const bytes = new Uint8Array(16);
  let rest = address.value;
  for (let i = bytes.length - 1; i >= 0; i -= 1) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The address of 4 or 16 bytes in network order; null for any other length. */
export function addressFromBytes(bytes: Uint8Array): Address | null {
  if (bytes.length !== 4 && bytes.length !== 16) return null;
  let value = 0n;
  for (const byte of bytes) value = value << 8n | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

/** For sorting: IPv4 before IPv6, then ascending. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

export function blockContains(block: Block, address: Address): boolean {
  return block.family === address.family
    && block.first.value <= address.value && address.value <= block.last.value;
}

export function blocksOverlap(a: Block, b: Block): boolean {
  return a.family === b.family
    && a.first.value <= b.last.value && b.first.value <= a.last.value;
}

/** The addresses of a block, ascending and one at a time: a block may have 2^128 of them. */
export function* addressesOf(block: Block): Generator<Address, void, undefined> {
  for (let value = block.first.value; value <= block.last.value; value += 1n) {
    yield { family: block.family, value };
  }
}

/** Blocks of which no address can be an EIP, each with what it is (RFC 6890, RFC 4291 2.4). */
const reserved: readonly (readonly [string, string])[] = [
  ['0.0.0.0/8', '"this network" (0.0.0.0/8)'],
  ['127.0.0.0/8', 'loopback (127.0.0.0/8)'],
  ['224.0.0.0/4', 'multicast (224.0.0.0/4)'],
  ['240.0.0.0/4', 'reserved or broadcast (240.0.0.0/4)'],
  ['::/127', 'unspecified or loopback (::/127)'],
  ['::ffff:0:0/96', 'IPv4 in IPv6 clothes (::ffff:0:0/96)'],
  ['ff00::/8', 'multicast (ff00::/8)'],
];
const reservedBlocks = reserved.flatMap(([text, what]) => {
  const block = parseBlock(text);
  return 'error' in block ? [] : [{ block, what }];
});

/** What keeps every host from claiming an address of this block on a LAN; null if nothing does. */
export function whyNotClaimable(block: Block): string | null {
  return reservedBlocks.find((entry) => blocksOverlap(entry.block, block))?.what ?? null;
}
