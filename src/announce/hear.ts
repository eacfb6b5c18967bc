/** What a received frame says, in words that ARP and neighbour discovery share. Pure. */
import type { Eip } from '../core/model.ts';
import { arpAnswer, decodeArp, meaningOfArp, noAddress, type ArpDrop } from '../wire/arp.ts';
import { isGroupMac, type Dropped } from '../wire/ethernet.ts';
import {
  decodeNeighbour, senderMacOf, solicitedAdvertisement, unspecified,
  type NdpDrop,
} from '../wire/ndp.ts';

export interface Heard {
  /** The interface that the sender says it is. */
  readonly mac: string;
  /** The interface that the frame came from: another one behind proxies and bridges. */
  readonly from: string;
  /** The address that the sender shows itself to use; null if it has none, or does not say. */
  readonly uses: Eip | null;
  /** The address that it asks about. */
  readonly asks: Eip | null;
  /** It asks because it would like to use that address itself. */
  readonly probes: boolean;
  /** The answer to what it asks, from the interface `mac`. */
  readonly answer: ((mac: string) => Uint8Array) | null;
}

export function hearArp(bytes: Uint8Array): Heard | Dropped<ArpDrop> {
  const frame = decodeArp(bytes);
  if ('drop' in frame) return frame;
  const meaning = meaningOfArp(frame);
  const asks = meaning === 'question' || meaning === 'probe';
  // Clusters exist that ask with a group address as their own: the frame's source is a station.
  const to = isGroupMac(frame.senderMac) ? frame.ethernet.source : frame.senderMac;
  return {
    mac: frame.senderMac, from: frame.ethernet.source,
    uses: frame.senderAddress === noAddress ? null : frame.senderAddress,
    asks: asks ? frame.targetAddress : null, probes: meaning === 'probe',
    answer: asks ? (mac) => arpAnswer(mac, frame, to) : null,
  };
}

export function hearNeighbour(bytes: Uint8Array): Heard | Dropped<NdpDrop> {
  const frame = decodeNeighbour(bytes);
  if ('drop' in frame) return frame;
  const mac = senderMacOf(frame);
  const from = frame.ethernet.source;
  if (frame.kind === 'advertisement') {
    return { mac, from, uses: frame.target, asks: null, probes: false, answer: null };
  }
  const probes = frame.source === unspecified;
  // Asking for the address that it sends from: it does not want to know.
  const asks = frame.source !== frame.target;
  return {
    mac, from, uses: probes ? null : frame.source, asks: asks ? frame.target : null, probes,
    answer: asks ? (own) => solicitedAdvertisement(own, frame, mac) : null,
  };
}
