/**
 * VRRP in whole packets: Ethernet (or none), IPv4 (RFC 791) or IPv6 (RFC 8200). Pure; never throws
 * on input.
 */
import { bytesOf, formatBytes } from '../address.ts';
import { internetChecksum } from '../checksum.ts';
import {
  decodeEthernet, ethernetHeaderLength, etherTypes, newFrame, readUint16, writeUint16,
  type Dropped, type EthernetDrop, type EthernetHeader,
} from '../ethernet.ts';
import { decodeVrrp, encodeVrrp, vrrpProtocol, type VrrpAdvert, type VrrpDrop } from './message.ts';

/** The groups that advertisements go to (RFC 9568 5.1.1.2 and 5.1.2.2). */
export const vrrpGroups = { 4: '224.0.0.18', 6: 'ff02::12' } as const;

/** An advertisement with what its IP header says. */
export interface VrrpPacket extends VrrpAdvert {
  readonly source: string;
  /** A group, or a unicast peer. */
  readonly destination: string;
  /** 255 unless it passed a router, or was sent by unicast with another. */
  readonly ttl: number;
}

export type VrrpFrame = VrrpPacket & { readonly ethernet: EthernetHeader };

export type VrrpPacketDrop =
  | VrrpDrop
  | 'vrrp-not-ip' | 'vrrp-other-protocol' | 'vrrp-fragment' | 'vrrp-ttl' | 'vrrp-source-is-group';

export type VrrpFrameDrop =
  | VrrpPacketDrop | EthernetDrop | 'vlan-tagged' | 'vrrp-other-ethertype';

const ipv6HeaderLength = 40;
const ipv4HeaderLength = 20;
/** Nothing that came through a router has it any more (RFC 9568 5.1.1.3 and 5.1.2.3). */
const fullTtl = 255;

export function decodeVrrpFrame(bytes: Uint8Array): VrrpFrame | Dropped<VrrpFrameDrop> {
  const frame = decodeEthernet(bytes);
  if ('drop' in frame) return frame;
  const isIp = frame.type === etherTypes.ipv4 || frame.type === etherTypes.ipv6;
  if (!isIp) return { drop: 'vrrp-other-ethertype' };
  if (frame.vlan !== null && frame.vlan !== 0) return { drop: 'vlan-tagged' };
  const packet = decodeVrrpPacket(frame.payload);
  if ('drop' in packet) return packet;
  return { ...packet, ethernet: { destination: frame.destination, source: frame.source } };
}

/** A packet that starts with its IP header; padding behind it is ignored. */
export function decodeVrrpPacket(bytes: Uint8Array): VrrpPacket | Dropped<VrrpPacketDrop> {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) return decodeIpv4(bytes);
  return version === 6 ? decodeIpv6(bytes) : { drop: 'vrrp-not-ip' };
}

function decodeIpv4(bytes: Uint8Array): VrrpPacket | Dropped<VrrpPacketDrop> {
  const start = ((bytes[0] ?? 0) & 0x0f) * 4;
  if (start < ipv4HeaderLength || bytes.length < start) return { drop: 'vrrp-truncated' };
  if (bytes[9] !== vrrpProtocol) return { drop: 'vrrp-other-protocol' };
  // More fragments, or an offset: nobody cuts an advertisement, which is smaller than a frame.
  if ((readUint16(bytes, 6) & 0x3fff) !== 0) return { drop: 'vrrp-fragment' };
  const length = readUint16(bytes, 2);
  if (length < start || bytes.length < length) return { drop: 'vrrp-truncated' };
  return decodeBehindIp(bytes.subarray(start, length), {
    source: bytes.subarray(12, 16), destination: bytes.subarray(16, 20), ttl: bytes[8] ?? 0,
  });
}

function decodeIpv6(bytes: Uint8Array): VrrpPacket | Dropped<VrrpPacketDrop> {
  if (bytes.length < ipv6HeaderLength) return { drop: 'vrrp-truncated' };
  if (bytes[6] !== vrrpProtocol) return { drop: 'vrrp-other-protocol' };
  const end = ipv6HeaderLength + readUint16(bytes, 4);
  if (bytes.length < end) return { drop: 'vrrp-truncated' };
  return decodeBehindIp(bytes.subarray(ipv6HeaderLength, end), {
    source: bytes.subarray(8, 24), destination: bytes.subarray(24, 40), ttl: bytes[7] ?? 0,
  });
}

/** What an IP header says of a message. */
interface IpHeader {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly ttl: number;
}

function decodeBehindIp(
  message: Uint8Array, { source, destination, ttl }: IpHeader,
): VrrpPacket | Dropped<VrrpPacketDrop> {
  if (isGroup(source)) return { drop: 'vrrp-source-is-group' };
  if (isGroup(destination) && ttl !== fullTtl) return { drop: 'vrrp-ttl' };
  const advert = decodeVrrp(message, { source, destination });
  if ('drop' in advert) return advert;
  return { ...advert, source: formatBytes(source), destination: formatBytes(destination), ttl };
}

function isGroup(bytes: Uint8Array): boolean {
  return bytes.length === 4 ? (bytes[0] ?? 0) >> 4 === 0xe : bytes[0] === 0xff;
}

/** A whole frame. Throws on what does not go into one: a bug of the caller, never input. */
export function encodeVrrpFrame(header: EthernetHeader, packet: VrrpPacket): Uint8Array {
  const [source, destination] = [bytesOf(packet.source), bytesOf(packet.destination)];
  if (source.length !== destination.length) {
    throw new TypeError(`${packet.source} and ${packet.destination} are of different families`);
  }
  const message = encodeVrrp(packet, { source, destination });
  const isIpv4 = source.length === 4;
  const ipLength = isIpv4 ? ipv4HeaderLength : ipv6HeaderLength;
  const type = isIpv4 ? etherTypes.ipv4 : etherTypes.ipv6;
  const bytes = newFrame(header, type, ipLength + message.length);
  const ip = bytes.subarray(ethernetHeaderLength);
  if (isIpv4) {
    ip.set([0x45, 0xc0]);
    writeUint16(ip, 2, ip.length);
    ip.set([packet.ttl, vrrpProtocol], 8);
    ip.set(source, 12);
    ip.set(destination, 16);
    writeUint16(ip, 10, internetChecksum(ip.subarray(0, ipLength)));
  } else {
    ip.set([0x6c, 0]);
    writeUint16(ip, 4, message.length);
    ip.set([vrrpProtocol, packet.ttl], 6);
    ip.set(source, 8);
    ip.set(destination, 24);
  }
  ip.set(message, ipLength);
  return bytes;
}
