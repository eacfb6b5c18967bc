/**
 * Neighbour solicitations and advertisements (RFC 4861 4.3, 4.4) in whole Ethernet frames, checked
 * as 7.1.1 and 7.1.2 demand. Pure; never throws on input.
 */
import { bytesOf, formatBytes } from './address.ts';
import { internetChecksum, ipv6PseudoHeaderSum } from './checksum.ts';
import {
  decodeEthernet, etherTypes, ethernetHeaderLength, isGroupMac, newFrame, readMac, readUint16,
  writeMac, writeUint16,
  type Dropped, type EthernetDrop, type EthernetHeader,
} from './ethernet.ts';

interface NdpPacket {
  readonly source: string;
  readonly destination: string;
  readonly target: string;
}

export interface Solicitation extends NdpPacket {
  readonly kind: 'solicitation';
  /** Source link-layer address option. Never there when the source is `::` (a DAD question). */
  readonly sourceMac: string | null;
}

export interface Advertisement extends NdpPacket {
  readonly kind: 'advertisement';
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  /** Target link-layer address option. */
  readonly targetMac: string | null;
}

export type NeighbourPacket = Solicitation | Advertisement;
export type NeighbourFrame = NeighbourPacket & { readonly ethernet: EthernetHeader };

export type NdpDrop =
  | EthernetDrop
  | 'vlan-tagged' | 'ndp-other-ethertype' | 'ndp-truncated' | 'ndp-not-ipv6' | 'ndp-not-icmpv6'
  | 'ndp-hop-limit' | 'ndp-checksum' | 'ndp-other-type' | 'ndp-code' | 'ndp-target-is-group'
  | 'ndp-bad-option' | 'ndp-bad-dad' | 'ndp-source-is-group' | 'ndp-solicited-to-group';

export const unspecified = '::';
export const allNodes = 'ff02::1';
const allNodesMac = '33:33:00:00:00:01';

const ipv6HeaderLength = 40;
/** Both messages: type, code, checksum, flags or reserved, target. */
const messageLength = 24;
const icmpv6 = 58;
/** A router would have lowered it, so it proves that the packet is from this link. */
const hopLimit = 255;
const types = { solicitation: 135, advertisement: 136 } as const;
const options = { sourceMac: 1, targetMac: 2 } as const;
const linkLayerOptionLength = 8;
const flags = { router: 0x80, solicited: 0x40, override: 0x20 } as const;

export function decodeNeighbour(bytes: Uint8Array): NeighbourFrame | Dropped<NdpDrop> {
  const frame = decodeEthernet(bytes);
  if ('drop' in frame) return frame;
  if (frame.type !== etherTypes.ipv6) return { drop: 'ndp-other-ethertype' };
  if (frame.vlan !== null && frame.vlan !== 0) return { drop: 'vlan-tagged' };
  const ip = frame.payload;
  if (ip.length < ipv6HeaderLength) return { drop: 'ndp-truncated' };
  if ((ip[0] ?? 0) >> 4 !== 6) return { drop: 'ndp-not-ipv6' };
  // Extension headers are allowed, but nobody sends them here, and fragments are forbidden
  // (RFC 6980 5).
  if (ip[6] !== icmpv6) return { drop: 'ndp-not-icmpv6' };
  const length = readUint16(ip, 4);
  if (length === 0 || ip.length < ipv6HeaderLength + length) return { drop: 'ndp-truncated' };
  const message = ip.subarray(ipv6HeaderLength, ipv6HeaderLength + length);
  const type = message[0];
  if (type !== types.solicitation && type !== types.advertisement) {
    return { drop: 'ndp-other-type' };
  }
  if (length < messageLength) return { drop: 'ndp-truncated' };
  if (ip[7] !== hopLimit) return { drop: 'ndp-hop-limit' };
  if (message[1] !== 0) return { drop: 'ndp-code' };
  const source = ip.subarray(8, 24);
  const destination = ip.subarray(24, 40);
  const sum = ipv6PseudoHeaderSum(source, destination, length, icmpv6);
  if (internetChecksum(message, sum) !== 0) return { drop: 'ndp-checksum' };
  const ethernet = { destination: frame.destination, source: frame.source };
  return decodeMessage(ethernet, message, source, destination);
}

/** The ICMPv6 part, its length, type, code and checksum already seen to be right. */
function decodeMessage(
  ethernet: EthernetHeader, message: Uint8Array, from: Uint8Array, to: Uint8Array,
): NeighbourFrame | Dropped<NdpDrop> {
  const about = message.subarray(8, 24);
  if (isGroup(about)) return { drop: 'ndp-target-is-group' };
  if (isGroup(from)) return { drop: 'ndp-source-is-group' };
  const macs = readOptions(message.subarray(messageLength));
  if (macs === null) return { drop: 'ndp-bad-option' };
  const [source, destination, target] = [formatBytes(from), formatBytes(to), formatBytes(about)];
  if (message[0] === types.solicitation) {
    const { sourceMac } = macs;
    const sane = source !== unspecified || (sourceMac === null && isSolicitedNodeGroup(to));
    if (!sane) return { drop: 'ndp-bad-dad' };
    return { kind: 'solicitation', source, destination, target, sourceMac, ethernet };
  }
  const set = message[4] ?? 0;
  const solicited = (set & flags.solicited) !== 0;
  if (solicited && isGroup(to)) return { drop: 'ndp-solicited-to-group' };
  return {
    kind: 'advertisement', source, destination, target, solicited, targetMac: macs.targetMac,
    router: (set & flags.router) !== 0, override: (set & flags.override) !== 0, ethernet,
  };
}

/** The link-layer addresses among the options; null if an option has no length or is cut. */
function readOptions(
  bytes: Uint8Array,
): { readonly sourceMac: string | null; readonly targetMac: string | null } | null {
  let sourceMac: string | null = null;
  let targetMac: string | null = null;
  let rest = bytes;
  while (rest.length > 0) {
    const length = (rest[1] ?? 0) * 8;
    if (length === 0 || length > rest.length) return null;
    const ours = length === linkLayerOptionLength;
    if (ours && rest[0] === options.sourceMac) sourceMac = readMac(rest, 2);
    if (ours && rest[0] === options.targetMac) targetMac = readMac(rest, 2);
    rest = rest.subarray(length);
  }
  return { sourceMac, targetMac };
}

/** Throws on what is no address: a bug here, never input. */
export function encodeNeighbour(header: EthernetHeader, packet: NeighbourPacket): Uint8Array {
  const mac = packet.kind === 'solicitation' ? packet.sourceMac : packet.targetMac;
  const length = messageLength + (mac === null ? 0 : linkLayerOptionLength);
  const bytes = newFrame(header, etherTypes.ipv6, ipv6HeaderLength + length);
  const ip = bytes.subarray(ethernetHeaderLength);
  const source = addressBytes(packet.source);
  const destination = addressBytes(packet.destination);
  ip[0] = 0x60;
  writeUint16(ip, 4, length);
  ip[6] = icmpv6;
  ip[7] = hopLimit;
  ip.set(source, 8);
  ip.set(destination, 24);
  const message = ip.subarray(ipv6HeaderLength);
  message[0] = types[packet.kind];
  if (packet.kind === 'advertisement') {
    message[4] = (packet.router ? flags.router : 0) | (packet.solicited ? flags.solicited : 0)
      | (packet.override ? flags.override : 0);
  }
  message.set(packet.target === packet.source ? source : addressBytes(packet.target), 8);
  if (mac !== null) {
    message[messageLength] =
      packet.kind === 'solicitation' ? options.sourceMac : options.targetMac;
    message[messageLength + 1] = linkLayerOptionLength / 8;
    writeMac(message, messageLength + 2, mac);
  }
  const sum = ipv6PseudoHeaderSum(source, destination, length, icmpv6);
  writeUint16(message, 2, internetChecksum(message, sum));
  return bytes;
}

/** "Is `address` in use?", of duplicate address detection (RFC 4862 5.4.2). */
export function dadSolicitation(mac: string, address: string): Uint8Array {
  const group = solicitedNodeGroup(address);
  return encodeNeighbour({ destination: multicastMac(group), source: mac }, {
    kind: 'solicitation', source: unspecified, destination: group, target: address,
    sourceMac: null,
  });
}

/** "Who has `address`?", asked by `source` as hosts do that want to talk to it (RFC 4861 7.2.2). */
export function solicitationOf(mac: string, source: string, address: string): Uint8Array {
  const group = solicitedNodeGroup(address);
  return encodeNeighbour({ destination: multicastMac(group), source: mac }, {
    kind: 'solicitation', source, destination: group, target: address, sourceMac: mac,
  });
}

/**
 * "`address` is at `mac`", to everyone, unasked (RFC 4861 7.2.6). The source is the address itself:
 * it is ours, and one that hosts may use is all that 4.4 demands.
 */
export function unsolicitedAdvertisement(mac: string, address: string): Uint8Array {
  return encodeNeighbour({ destination: allNodesMac, source: mac }, {
    kind: 'advertisement', source: address, destination: allNodes, target: address,
    router: false, solicited: false, override: true, targetMac: mac,
  });
}

/**
 * The answer to a solicitation: to the asker at `destination`, or to all nodes if it asked from
 * `::`, and then not marked as solicited (RFC 4861 7.2.4).
 */
export function solicitedAdvertisement(
  mac: string, question: Solicitation, destination: string,
): Uint8Array {
  const dad = question.source === unspecified;
  const header = { destination: dad ? allNodesMac : destination, source: mac };
  return encodeNeighbour(header, {
    kind: 'advertisement', source: question.target,
    destination: dad ? allNodes : question.source, target: question.target,
    router: false, solicited: !dad, override: true, targetMac: mac,
  });
}

/** The sender's MAC as it states it, or as the frame shows it. */
export function senderMacOf(frame: NeighbourFrame): string {
  const stated = frame.kind === 'solicitation' ? frame.sourceMac : frame.targetMac;
  return stated === null || isGroupMac(stated) ? frame.ethernet.source : stated;
}

/** ff02::1:ffXX:XXXX with the last 24 bits of the address (RFC 4291 2.7.1). */
export function solicitedNodeGroup(address: string): string {
  const bytes = solicitedNodePrefix.slice();
  bytes.set(addressBytes(address).subarray(13), 13);
  return formatBytes(bytes);
}

/** 33:33 and the last four bytes of the group (RFC 2464 7). */
export function multicastMac(group: string): string {
  const mac = new Uint8Array(6).fill(0x33);
  mac.set(addressBytes(group).subarray(12), 2);
  return readMac(mac, 0);
}

const allNodesBytes = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const solicitedNodePrefix = addressBytes('ff02::1:ff00:0');

function isSolicitedNodeGroup(bytes: Uint8Array): boolean {
  return solicitedNodePrefix.subarray(0, 13).every((byte, index) => bytes[index] === byte);
}

function isGroup(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff;
}

function addressBytes(text: string): Uint8Array {
  if (text === allNodes) return allNodesBytes;
  const bytes = bytesOf(text);
  if (bytes.length !== 16) throw new TypeError(`${text} is not an IPv6 address`);
  return bytes;
}
