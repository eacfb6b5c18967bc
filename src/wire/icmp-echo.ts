/** ICMP echo (RFC 792, RFC 4443 4): a number out, and the same number back. Pure. */
import type { Family } from './address.ts';
import { internetChecksum } from './checksum.ts';
import { readUint16, writeUint16 } from './ethernet.ts';

export interface EchoReply {
  readonly identifier: number;
  /** What was sent in the first four bytes of the data. */
  readonly number: number;
}

const headerLength = 8;
const numberLength = 4;
/** As long as ping's: some networks treat shorter packets otherwise. */
const dataLength = 56;
const types = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;

/**
 * An echo request. In IPv6 its checksum, over addresses that only the kernel knows, is left to the
 * kernel (RFC 3542 3.1).
 */
export function encodeEcho(family: Family, identifier: number, number: number): Uint8Array {
  const bytes = new Uint8Array(headerLength + dataLength);
  bytes[0] = types[family].request;
  writeUint16(bytes, 4, identifier);
  writeUint16(bytes, 6, number & 0xffff);
  writeUint16(bytes, 8, number >>> 16);
  writeUint16(bytes, 10, number & 0xffff);
  if (family === 4) writeUint16(bytes, 2, internetChecksum(bytes));
  return bytes;
}

/** The reply in an ICMP message (without its IP header); null if it is none. */
export function decodeEchoReply(family: Family, bytes: Uint8Array): EchoReply | null {
  if (bytes.length < headerLength + numberLength) return null;
  if (bytes[0] !== types[family].reply || bytes[1] !== 0) return null;
  return {
    identifier: readUint16(bytes, 4),
    number: readUint16(bytes, 8) * 0x10000 + readUint16(bytes, 10),
  };
}

/** What follows the header of an IPv4 packet; null if that is cut or of no sense. */
export function payloadOfIpv4(packet: Uint8Array): Uint8Array | null {
  const length = ((packet[0] ?? 0) & 0x0f) * 4;
  if ((packet[0] ?? 0) >> 4 !== 4 || length < 20 || packet.length < length) return null;
  return packet.subarray(length);
}
