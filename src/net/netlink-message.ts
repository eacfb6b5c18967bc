/**
 * Netlink messages and attributes as bytes (linux/netlink.h): 16 bytes of header, a payload, and in
 * it attributes of length, type, value, each padded to four bytes. Numbers are in the machine's
 * byte order. Decoding never throws: what is malformed ends the list, which is then shorter.
 */
import { endianness } from 'node:os';

export const littleEndian = endianness() === 'LE';

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** On acks: the request is not repeated in full; attributes follow. */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

export const headerLength = 16;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly pid: number;
  readonly payload: Uint8Array;
}

export interface Attribute {
  /** Without the flags for nesting and byte order. */
  readonly type: number;
  readonly value: Uint8Array;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

const aligned = (length: number): number => (length + 3) & ~3;

/**
 * One message. The sequence number is given by the socket that sends it; the port is 0, "from me".
 * The parts are padded each, as attributes need.
 */
export function encodeMessage(type: number, flags: number, ...parts: Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + aligned(part.length), headerLength);
  const result = new Uint8Array(length);
  const view = viewOf(result);
  view.setUint32(0, length, littleEndian);
  view.setUint16(4, type, littleEndian);
  view.setUint16(6, flags, littleEndian);
  let at = headerLength;
  for (const part of parts) {
    result.set(part, at);
    at += aligned(part.length);
  }
  return result;
}

export interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** Where each message begins and ends, up to the first malformed one. */
export function messageBounds(bytes: Uint8Array): Bounds[] {
  const view = viewOf(bytes);
  const bounds: Bounds[] = [];
  let start = 0;
  while (bytes.length - start >= headerLength) {
    const length = view.getUint32(start, littleEndian);
    if (length < headerLength || length > bytes.length - start) break;
    bounds.push({ start, end: start + length });
    start += aligned(length);
  }
  return bounds;
}

/** The messages; their payloads are views of `bytes`. */
export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const view = viewOf(bytes);
  return messageBounds(bytes).map(({ start, end }) => ({
    type: view.getUint16(start + 4, littleEndian),
    flags: view.getUint16(start + 6, littleEndian),
    seq: view.getUint32(start + 8, littleEndian),
    pid: view.getUint32(start + 12, littleEndian),
    payload: bytes.subarray(start + headerLength, end),
  }));
}

/** Byte by byte: a dump has a hundred thousand attributes, and a DataView for each takes longer. */
function u16At(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const second = bytes[at + 1] ?? 0;
  return littleEndian ? first | second << 8 : first << 8 | second;
}

/** Calls for each attribute in order, from offset `at` on, with where its value begins and ends. */
export function eachAttribute(
  bytes: Uint8Array, at: number, found: (type: number, start: number, end: number) => void,
): void {
  let next = at;
  while (bytes.length - next >= 4) {
    const length = u16At(bytes, next);
    if (length < 4 || length > bytes.length - next) break;
    found(u16At(bytes, next + 2) & NLA_TYPE_MASK, next + 4, next + length);
    next += aligned(length);
  }
}

/** The attributes in order, also repeated ones; their values are views of `bytes`. */
export function decodeAttributes(bytes: Uint8Array): Attribute[] {
  const attributes: Attribute[] = [];
  eachAttribute(bytes, 0, (type, start, end) => {
    attributes.push({ type, value: bytes.subarray(start, end) });
  });
  return attributes;
}

/** The same by type; of repeated ones the last. */
export function attributeMap(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const map = new Map<number, Uint8Array>();
  eachAttribute(bytes, 0, (type, start, end) => { map.set(type, bytes.subarray(start, end)); });
  return map;
}

/** One attribute, padded. Throws if the value is over 65,531 bytes: its length has 16 bits. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const length = 4 + value.length;
  if (length > 0xffff) throw new RangeError(`netlink attribute ${type} is too long: ${value.length}`);
  const result = new Uint8Array(aligned(length));
  const view = viewOf(result);
  view.setUint16(0, length, littleEndian);
  view.setUint16(2, type, littleEndian);
  result.set(value, 4);
  return result;
}

/** An attribute made of attributes. */
export function nested(type: number, ...attributes: Uint8Array[]): Uint8Array {
  return attribute(type | NLA_F_NESTED, concat(attributes));
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number, little = littleEndian): Uint8Array {
  const bytes = new Uint8Array(2);
  viewOf(bytes).setUint16(0, value, little);
  return bytes;
}

export function u32(value: number, little = littleEndian): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, little);
  return bytes;
}

export function u64(value: bigint, little = littleEndian): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, value, little);
  return bytes;
}

/** Numbers in network order, as nfnetlink has them. */
export const be16 = (value: number): Uint8Array => u16(value, false);
export const be32 = (value: number): Uint8Array => u32(value, false);
export const be64 = (value: bigint): Uint8Array => u64(value, false);

/** Text with its closing zero. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(`${value}\0`);
}

export function readU8(value: Uint8Array | undefined): number | null {
  return value?.[0] ?? null;
}

export function readU16(value: Uint8Array | undefined, little = littleEndian): number | null {
  return value === undefined || value.length < 2 ? null : viewOf(value).getUint16(0, little);
}

export function readU32(value: Uint8Array | undefined, little = littleEndian): number | null {
  return value === undefined || value.length < 4 ? null : viewOf(value).getUint32(0, little);
}

export function readU64(value: Uint8Array | undefined, little = littleEndian): bigint | null {
  return value === undefined || value.length < 8 ? null : viewOf(value).getBigUint64(0, little);
}

const decoder = new TextDecoder();

/** Text up to its closing zero, if it has one. */
export function readText(value: Uint8Array | undefined): string | null {
  if (value === undefined) return null;
  const zero = value.indexOf(0);
  const bytes = zero < 0 ? value : value.subarray(0, zero);
  // Names are short and plain, and come by the ten thousand: faster than the decoder.
  return bytes.length < 16 && bytes.every((byte) => byte < 0x80)
    ? String.fromCharCode(...bytes)
    : decoder.decode(bytes);
}
