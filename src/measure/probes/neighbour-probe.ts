/** Asks the LAN who has the address: ARP (RFC 826), or neighbour solicitations (RFC 4861 7.2.2). */
import { realtimeMs } from '../../net/clock.ts';
import { PacketSocket } from '../../net/packet-socket.ts';
import { encodeArp, noAddress } from '../../wire/arp.ts';
import { broadcastMac, etherTypes, zeroMac } from '../../wire/ethernet.ts';
import {
  dadSolicitation, encodeNeighbour, multicastMac, solicitedNodeGroup,
} from '../../wire/ndp.ts';
import type { HeardClaim } from '../ears.ts';
import { ProbeLog } from '../probe-log.ts';
import { Refusals, type Probe } from './probe.ts';

export interface NeighbourProbeOptions {
  readonly kind: 'arp' | 'ndp';
  readonly rate: number;
  readonly address: string;
  readonly link: { readonly ifindex: number; readonly name: string; readonly mac: string };
  /** This host's own address on that LAN; null if it has none there. */
  readonly own: string | null;
}

export class NeighbourProbe implements Probe {
  readonly name: string;
  readonly rate: number;
  readonly log = new ProbeLog(2 ** 17);
  readonly patienceMs = 250;
  readonly timestamps = 'kernel';
  readonly refusals = new Refusals();
  readonly #socket: PacketSocket;
  readonly #question: Uint8Array;
  #asked = -1;

  /** Throws SystemError (EPERM, ENODEV). */
  constructor({ kind, rate, address, link, own }: NeighbourProbeOptions) {
    this.name = kind;
    this.rate = rate;
    this.#question = kind === 'arp'
      ? arpQuestion(link.mac, own, address) : solicitation(link.mac, own, address);
    this.#socket = new PacketSocket({
      ifindex: link.ifindex, name: link.name,
      ethertype: kind === 'arp' ? etherTypes.arp : etherTypes.ipv6,
    });
  }

  send(): void {
    this.#asked = this.log.send(realtimeMs());
    const [error] = this.#socket.send([this.#question]);
    if (error !== null && error !== undefined) this.refusals.count(error);
  }

  /** An answer does not say which question it is to: it is taken to be to the latest. */
  onClaim({ at, kind, mac }: HeardClaim): void {
    if (kind === 'reply' && this.#asked >= 0) this.log.answer(this.#asked, at, mac);
  }

  onReply(): void {
    // Packets are no answers to the question who has the address.
  }

  sweep(): void {
    // A question that is not answered costs nothing.
  }

  close(): void {
    this.#socket.close();
  }
}

/** Without an address of its own it asks as RFC 5227 2.1.1 has it: that teaches nobody anything. */
function arpQuestion(mac: string, own: string | null, address: string): Uint8Array {
  return encodeArp({ destination: broadcastMac, source: mac }, {
    operation: 'request', senderMac: mac, senderAddress: own ?? noAddress,
    targetMac: zeroMac, targetAddress: address,
  });
}

function solicitation(mac: string, own: string | null, address: string): Uint8Array {
  if (own === null) return dadSolicitation(mac, address);
  const group = solicitedNodeGroup(address);
  return encodeNeighbour({ destination: multicastMac(group), source: mac }, {
    kind: 'solicitation', source: own, destination: group, target: address, sourceMac: mac,
  });
}
