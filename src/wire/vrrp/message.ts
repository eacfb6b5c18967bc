/**
 * VRRP advertisements: version 2 (RFC 3768 section 5) and version 3 (RFC 9568 section 5), of IPv4
 * and IPv6. What follows the IP header, and nothing else; see frame.ts for the rest. Pure; never
 * throws on input.
 */
import { bytesOf, formatBytes, type Family } from '../address.ts';
import { internetChecksum, ipv6PseudoHeaderSum } from '../checksum.ts';
import { readUint16, writeUint16, type Dropped } from '../ethernet.ts';

export const vrrpProtocol = 112;
/** Sent by a master that gives up (RFC 9568 section 5.2.4). */
export const priorityReleased = 0;
/** The owner of the addresses (same place). */
export const priorityOwner = 255;

export interface VrrpAdvert {
  readonly version: 2 | 3;
  /** 1 to 255. */
  readonly vrid: number;
  /** 0 to 255. */
  readonly priority: number;
  /** Whole seconds in version 2; 10 to 40,950 in steps of 10 in version 3. */
  readonly intervalMs: number;
  /** Of one family, that of the packet. */
  readonly addresses: readonly string[];
  /** Version 2: 0 none, 1 password, 2 IP authentication header. What it holds is not kept. */
  readonly authentication: number;
  /**
   * Whether the checksum covers the pseudo-header. Always with IPv6, never in version 2; in version
   * 3 over IPv4 both are in use: RFC 9568 5.2.8 leaves it out, keepalived puts it in.
   */
  readonly pseudoHeader: boolean;
  /** Bytes behind the message: an authentication trailer of keepalived 2.4, for one. */
  readonly trailer: number;
}

export type VrrpDrop =
  | 'vrrp-truncated' | 'vrrp-other-version' | 'vrrp-other-type' | 'vrrp-vrid-0' | 'vrrp-interval-0'
  | 'vrrp-v2-over-ipv6' | 'vrrp-checksum';

const headerLength = 8;
/** Behind the addresses, in version 2 alone, whatever the authentication (RFC 3768 5.3.10). */
const v2DataLength = 8;
const advertisement = 1;

/** What goes before the message for its checksum: the addresses of the IP header. */
export interface Ends {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

export function decodeVrrp(bytes: Uint8Array, ends: Ends): VrrpAdvert | Dropped<VrrpDrop> {
  if (bytes.length < headerLength) return { drop: 'vrrp-truncated' };
  const family: Family = ends.source.length === 4 ? 4 : 6;
  const version = (bytes[0] ?? 0) >> 4;
  if (version !== 2 && version !== 3) return { drop: 'vrrp-other-version' };
  if (((bytes[0] ?? 0) & 0x0f) !== advertisement) return { drop: 'vrrp-other-type' };
  if (version === 2 && family === 6) return { drop: 'vrrp-v2-over-ipv6' };
  const [, vrid = 0, priority = 0, count = 0, authentication = 0, seconds = 0] = bytes;
  if (vrid === 0) return { drop: 'vrrp-vrid-0' };
  const size = family === 4 ? 4 : 16;
  const length = headerLength + count * size + (version === 2 ? v2DataLength : 0);
  if (bytes.length < length) return { drop: 'vrrp-truncated' };
  const intervalMs = version === 2 ? seconds * 1000 : (readUint16(bytes, 4) & 0x0fff) * 10;
  if (intervalMs === 0) return { drop: 'vrrp-interval-0' };
  const pseudoHeader = coveredBy(bytes, length, ends, version);
  if (pseudoHeader === undefined) return { drop: 'vrrp-checksum' };
  return {
    version, vrid, priority, intervalMs,
    addresses: Array.from({ length: count }, (_, index) => {
      const at = headerLength + index * size;
      return formatBytes(bytes.subarray(at, at + size));
    }),
    authentication: version === 2 ? authentication : 0,
    pseudoHeader,
    trailer: bytes.length - length,
  };
}

/** Whether the checksum is right with or without pseudo-header; undefined if with neither. */
function coveredBy(
  bytes: Uint8Array, length: number, ends: Ends, version: 2 | 3,
): boolean | undefined {
  const whole = length === bytes.length ? [bytes] : [bytes.subarray(0, length), bytes];
  if (version === 3) {
    const isRight = (part: Uint8Array) =>
      internetChecksum(part, pseudoSum(ends, part.length)) === 0;
    if (whole.some(isRight)) return true;
    if (ends.source.length === 16) return undefined;
  }
  return whole.some((part) => internetChecksum(part) === 0) ? false : undefined;
}

/** RFC 8200 8.1; over IPv4 the words that differ in place are the same in sum. */
function pseudoSum({ source, destination }: Ends, length: number): number {
  return ipv6PseudoHeaderSum(source, destination, length, vrrpProtocol);
}

/** Throws on what does not go into a packet: a bug of the caller, never input. */
export function encodeVrrp(advert: VrrpAdvert, ends: Ends): Uint8Array {
  const { version, vrid, priority, intervalMs, addresses, trailer } = advert;
  checkRanges(advert);
  const size = ends.source.length;
  const length = headerLength + addresses.length * size + (version === 2 ? v2DataLength : 0);
  const bytes = new Uint8Array(length + trailer);
  bytes.set([version << 4 | advertisement, vrid, priority, addresses.length]);
  if (version === 2) bytes.set([advert.authentication, intervalMs / 1000], 4);
  else writeUint16(bytes, 4, intervalMs / 10);
  for (const [index, text] of addresses.entries()) {
    bytes.set(bytesOfSize(text, size), headerLength + index * size);
  }
  const start = advert.pseudoHeader ? pseudoSum(ends, length) : 0;
  writeUint16(bytes, 6, internetChecksum(bytes.subarray(0, length), start));
  return bytes;
}

function checkRanges({ version, vrid, priority, intervalMs, addresses }: VrrpAdvert): void {
  const step = version === 2 ? 1000 : 10;
  const most = version === 2 ? 255 : 0x0fff;
  const isWhole = (value: number, min: number, max: number) =>
    Number.isInteger(value) && value >= min && value <= max;
  const fits = isWhole(vrid, 1, 255) && isWhole(priority, 0, 255) && addresses.length <= 255
    && isWhole(intervalMs / step, 1, most);
  if (!fits) {
    throw new RangeError(`an advertisement cannot hold VRID ${vrid}, priority ${priority}, `
      + `${intervalMs} ms and ${addresses.length} addresses`);
  }
}

function bytesOfSize(text: string, size: number): Uint8Array {
  const bytes = bytesOf(text);
  if (bytes.length !== size) throw new TypeError(`${text} is of another family than the packet`);
  return bytes;
}
