/** Hears on the LAN what is said by, and in the name of, one address. Needs CAP_NET_RAW. */
import { assemble, packetIfindex, packetType, PACKET_OUTGOING, vlanTagPresent, type Condition } from '../net/bpf.ts';
import { PacketSocket } from '../net/packet-socket.ts';
import { addressToBytes, type Address } from '../wire/address.ts';
import { etherTypes } from '../wire/ethernet.ts';
import { readClaim, type ClaimKind } from './claim-log.ts';
import { readReply, type ReadReply } from './read-reply.ts';

export interface HeardClaim {
  /** Kernel receive time, wall-clock ms. */
  readonly at: number;
  readonly kind: ClaimKind;
  readonly mac: string;
}

export interface HeardReply extends ReadReply {
  readonly at: number;
}

export interface EarsOptions {
  readonly link: { readonly ifindex: number; readonly name: string };
  readonly address: Address;
  /** Its canonical text. */
  readonly text: string;
}

export interface Listener {
  readonly onClaim: (claim: HeardClaim) => void;
  readonly onReply: (reply: HeardReply) => void;
}

/** All headers up to a probe's number, with options, fit in. */
const snapLength = 192;
const receiveBuffer = 8 << 20;

/** Offsets in an Ethernet frame. */
const arpSender = 14 + 14;
const ipv4Source = 14 + 12;
const ipv6Source = 14 + 8;
const ipv6NextHeader = 14 + 6;
const icmpv6Type = 14 + 40;
const advertisementTarget = icmpv6Type + 8;

export class Ears {
  readonly #sockets: readonly PacketSocket[];

  /** Throws SystemError (EPERM, ENODEV). */
  constructor({ link, address, text }: EarsOptions, { onClaim, onReply }: Listener) {
    const bytes = addressToBytes(address);
    const opened: PacketSocket[] = [];
    const listen = (
      ethertype: number, conditions: readonly Condition[],
      hear: (frame: Uint8Array, at: number) => void,
    ): void => {
      const socket = new PacketSocket({
        ifindex: link.ifindex, name: link.name, ethertype, snapLength, receiveBuffer,
        filter: assemble([
          { at: packetIfindex, size: 4, is: [link.ifindex] },
          { at: packetType, size: 4, isNot: [PACKET_OUTGOING] },
          { at: vlanTagPresent, size: 4, is: [0] },
          ...conditions,
        ]),
      });
      opened.push(socket);
      // ENETDOWN: the cable was cut; frames come again when it is mended.
      socket.receive((packets) => { for (const packet of packets) hear(packet.bytes, packet.at); });
    };
    const claim = (frame: Uint8Array, at: number): void => {
      const read = readClaim(frame);
      if (read?.address === text) onClaim({ at, kind: read.kind, mac: read.mac });
    };
    const reply = (frame: Uint8Array, at: number): void => {
      const read = readReply(frame);
      if (read !== null) onReply({ ...read, at });
    };
    try {
      if (address.family === 4) {
        listen(etherTypes.arp, isAddress(arpSender, bytes), claim);
        listen(etherTypes.ipv4, isAddress(ipv4Source, bytes), reply);
      } else {
        const icmp: Condition = { at: ipv6NextHeader, size: 1, is: [58] };
        const advertisement: Condition = { at: icmpv6Type, size: 1, is: [136] };
        const solicitation: Condition = { at: icmpv6Type, size: 1, is: [135] };
        const target = isAddress(advertisementTarget, bytes);
        listen(etherTypes.ipv6, [icmp, advertisement, ...target], claim);
        listen(etherTypes.ipv6, [icmp, solicitation, ...isAddress(ipv6Source, bytes)], claim);
        listen(etherTypes.ipv6, isAddress(ipv6Source, bytes), reply);
      }
    } catch (error) {
      for (const socket of opened) socket.close();
      throw error;
    }
    this.#sockets = opened;
  }

  /** Frames that the kernel had no room for: what they said is not known. */
  dropped(): number {
    return this.#sockets.reduce((sum, socket) => sum + socket.statistics().dropped, 0);
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** An address of 4 or 16 bytes stands at `offset`. */
function isAddress(offset: number, bytes: Uint8Array): Condition[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, word) => ({
    at: offset + word * 4, size: 4, is: [view.getUint32(word * 4)],
  }));
}
