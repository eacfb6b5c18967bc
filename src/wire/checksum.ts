/** The Internet checksum (RFC 1071) and the IPv6 pseudo-header (RFC 8200 8.1). */
import { readUint16 } from './ethernet.ts';

/** Sum of 16-bit words, not folded. Bytes up to 2^31 words: beyond any packet. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  const even = bytes.length & ~1;
  for (let i = 0; i < even; i += 2) sum += readUint16(bytes, i);
  if (even !== bytes.length) sum += (bytes[even] ?? 0) << 8;
  return sum;
}

/**
 * Checksum over `bytes`, with `start` (an unfolded sum) before them. Over bytes that contain a
 * right checksum it is 0.
 */
export function internetChecksum(bytes: Uint8Array, start = 0): number {
  let sum = start + sumOf(bytes);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** Unfolded sum of the pseudo-header: 16-byte addresses, length of the upper layer's packet. */
export function ipv6PseudoHeaderSum(
  source: Uint8Array, destination: Uint8Array, length: number, nextHeader: number,
): number {
  return sumOf(source) + sumOf(destination)
    + Math.floor(length / 0x10000) + (length & 0xffff) + nextHeader;
}
