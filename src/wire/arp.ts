/**
 * ARP for IPv4 over Ethernet (RFC 826), with the probes and announcements of RFC 5227. Pure; never
 * throws on input.
 */
import { bytesOf, formatBytes } from './address.ts';
import {
  broadcastMac, decodeEthernet, ethernetHeaderLength, etherTypes, newFrame, readMac, readUint16,
  writeMac, writeUint16, zeroMac,
  type Dropped, type EthernetDrop, type EthernetHeader,
} from './ethernet.ts';

export interface ArpPacket {
  readonly operation: 'request' | 'reply';
  readonly senderMac: string;
  readonly senderAddress: string;
  readonly targetMac: string;
  readonly targetAddress: string;
}

export interface ArpFrame extends ArpPacket {
  readonly ethernet: EthernetHeader;
}

export type ArpDrop =
  | EthernetDrop
  | 'vlan-tagged' | 'arp-other-ethertype' | 'arp-truncated'
  | 'arp-not-ipv4-over-ethernet' | 'arp-other-operation';

/**
 * What a packet means. `probe`: is this address in use (RFC 5227 1.1: the sender has none yet);
 * `announcement`: I use this address (sender and target are the same; in either operation);
 * `question`: who has it; `answer`: a reply about the sender.
 */
export type ArpMeaning = 'probe' | 'announcement' | 'question' | 'answer';

const packetLength = 28;
const hardwareEthernet = 1;
const operations = { request: 1, reply: 2 } as const;
export const noAddress = '0.0.0.0';

/** Longer frames are padded ones (the least Ethernet payload is 46 bytes); the rest is ignored. */
export function decodeArp(bytes: Uint8Array): ArpFrame | Dropped<ArpDrop> {
  const frame = decodeEthernet(bytes);
  if ('drop' in frame) return frame;
  if (frame.type !== etherTypes.arp) return { drop: 'arp-other-ethertype' };
  if (frame.vlan !== null && frame.vlan !== 0) return { drop: 'vlan-tagged' };
  const arp = frame.payload;
  if (arp.length < packetLength) return { drop: 'arp-truncated' };
  const known = readUint16(arp, 0) === hardwareEthernet && readUint16(arp, 2) === etherTypes.ipv4
    && arp[4] === 6 && arp[5] === 4;
  if (!known) return { drop: 'arp-not-ipv4-over-ethernet' };
  const operation = readUint16(arp, 6);
  if (operation !== operations.request && operation !== operations.reply) {
    return { drop: 'arp-other-operation' };
  }
  return {
    ethernet: { destination: frame.destination, source: frame.source },
    operation: operation === operations.request ? 'request' : 'reply',
    senderMac: readMac(arp, 8),
    senderAddress: formatBytes(arp.subarray(14, 18)),
    targetMac: readMac(arp, 18),
    targetAddress: formatBytes(arp.subarray(24, 28)),
  };
}

export function meaningOfArp(packet: ArpPacket): ArpMeaning {
  if (packet.operation === 'request' && packet.senderAddress === noAddress) return 'probe';
  if (packet.senderAddress === packet.targetAddress) return 'announcement';
  return packet.operation === 'request' ? 'question' : 'answer';
}

/** 42 bytes; the interface pads it. Throws on what is no address: a bug here, never input. */
export function encodeArp(header: EthernetHeader, packet: ArpPacket): Uint8Array {
  const bytes = newFrame(header, etherTypes.arp, packetLength);
  const arp = bytes.subarray(ethernetHeaderLength);
  writeUint16(arp, 0, hardwareEthernet);
  writeUint16(arp, 2, etherTypes.ipv4);
  arp[4] = 6;
  arp[5] = 4;
  writeUint16(arp, 6, operations[packet.operation]);
  writeMac(arp, 8, packet.senderMac);
  const sender = addressBytes(packet.senderAddress);
  arp.set(sender, 14);
  writeMac(arp, 18, packet.targetMac);
  const same = packet.targetAddress === packet.senderAddress;
  arp.set(same ? sender : addressBytes(packet.targetAddress), 24);
  return bytes;
}

/** "Is `address` in use?", asked without teaching anyone anything (RFC 5227 2.1.1). */
export function arpProbe(mac: string, address: string): Uint8Array {
  return encodeArp({ destination: broadcastMac, source: mac }, {
    operation: 'request', senderMac: mac, senderAddress: noAddress,
    targetMac: zeroMac, targetAddress: address,
  });
}

/**
 * "`address` is at `mac`", to everyone, in both forms: the request of RFC 5227 2.3 and 3, and the
 * reply of RFC 5944 4.6 (once RFC 2002), where the target MAC is the sender's too. Some hosts learn
 * from one of them only.
 */
export function arpClaims(mac: string, address: string): readonly [Uint8Array, Uint8Array] {
  const request = encodeArp({ destination: broadcastMac, source: mac }, {
    operation: 'request', senderMac: mac, senderAddress: address,
    targetMac: zeroMac, targetAddress: address,
  });
  const reply = request.slice();
  writeUint16(reply, ethernetHeaderLength + 6, operations.reply);
  writeMac(reply, ethernetHeaderLength + 18, mac);
  return [request, reply];
}

/** The answer to a question or probe, to its sender alone. */
export function arpAnswer(mac: string, question: ArpFrame, destination: string): Uint8Array {
  return encodeArp({ destination, source: mac }, {
    operation: 'reply', senderMac: mac, senderAddress: question.targetAddress,
    targetMac: question.senderMac, targetAddress: question.senderAddress,
  });
}

function addressBytes(text: string): Uint8Array {
  const bytes = bytesOf(text);
  if (bytes.length !== 4) throw new TypeError(`${text} is not an IPv4 address`);
  return bytes;
}
