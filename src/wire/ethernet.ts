/**
 * Ethernet II frames (IEEE 802.3 3.2.6), one 802.1Q tag recognised. Pure; never throws on input.
 * MAC addresses are lower-case hex with colons.
 */

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;
export const broadcastMac = 'ff:ff:ff:ff:ff:ff';
export const zeroMac = '00:00:00:00:00:00';
export const ethernetHeaderLength = 14;

/** Type fields below this are lengths of 802.3 frames with LLC. */
const leastEtherType = 0x0600;
const tagLength = 4;

export interface EthernetHeader {
  readonly destination: string;
  readonly source: string;
}

export interface EthernetFrame extends EthernetHeader {
  /** Of the payload, behind the tag where there is one. */
  readonly type: number;
  /** VLAN id; 0 is a priority tag (no VLAN), null no tag. */
  readonly vlan: number | null;
  /** A view of the frame's bytes, padding included. */
  readonly payload: Uint8Array;
}

export type EthernetDrop = 'ethernet-truncated' | 'ethernet-not-ii' | 'ethernet-source-is-group';

/** Why a frame was not acted on: a word for counters, from a closed list. */
export interface Dropped<Reason extends string> {
  readonly drop: Reason;
}

const macPattern = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
const hex = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'));

export function decodeEthernet(bytes: Uint8Array): EthernetFrame | Dropped<EthernetDrop> {
  if (bytes.length < ethernetHeaderLength) return { drop: 'ethernet-truncated' };
  let type = readUint16(bytes, 12);
  let vlan: number | null = null;
  let start = ethernetHeaderLength;
  if (type === etherTypes.vlan) {
    if (bytes.length < ethernetHeaderLength + tagLength) return { drop: 'ethernet-truncated' };
    vlan = readUint16(bytes, 14) & 0x0fff;
    type = readUint16(bytes, 16);
    start += tagLength;
  }
  if (type < leastEtherType) return { drop: 'ethernet-not-ii' };
  // No station has a group address: an answer to it would go to many (IEEE 802.3 3.2.3).
  if (((bytes[6] ?? 0) & 1) === 1) return { drop: 'ethernet-source-is-group' };
  return {
    destination: readMac(bytes, 0), source: readMac(bytes, 6), type, vlan,
    payload: bytes.subarray(start),
  };
}

/** A frame of `length` payload bytes, header written, payload zero. Untagged. */
export function newFrame(header: EthernetHeader, type: number, length: number): Uint8Array {
  const bytes = new Uint8Array(ethernetHeaderLength + length);
  writeMac(bytes, 0, header.destination);
  writeMac(bytes, 6, header.source);
  writeUint16(bytes, 12, type);
  return bytes;
}

/** Whether the text is a MAC address in the one spelling used here. */
export function isMac(text: string): boolean {
  return macPattern.test(text);
}

/** Multicast or broadcast: the lowest bit of the first byte (IEEE 802.3 3.2.3). */
export function isGroupMac(mac: string): boolean {
  return (parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** The MAC address at `offset`; the caller has checked that it is there. */
export function readMac(bytes: Uint8Array, offset: number): string {
  let text = hex[bytes[offset] ?? 0] ?? '';
  for (let i = 1; i < 6; i += 1) text += `:${hex[bytes[offset + i] ?? 0] ?? ''}`;
  return text;
}

/** Throws on what is no MAC address: that is a bug here, never input. */
export function writeMac(bytes: Uint8Array, offset: number, mac: string): void {
  if (!isMac(mac)) throw new TypeError(`${JSON.stringify(mac)} is not a MAC address`);
  for (let i = 0; i < 6; i += 1) {
    bytes[offset + i] = digitAt(mac, i * 3) << 4 | digitAt(mac, i * 3 + 1);
  }
}

/** Of a lower-case hex digit: '0' is 48, 'a' is 97. */
function digitAt(text: string, place: number): number {
  const code = text.charCodeAt(place);
  return code < 58 ? code - 48 : code - 87;
}

export function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) << 8 | (bytes[offset + 1] ?? 0);
}

export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >> 8;
  bytes[offset + 1] = value & 0xff;
}
