/** What the watched address sends: which probe a frame of it answers, if any. Pure. */
import type { Family } from '../wire/address.ts';
import { decodeEthernet, etherTypes, readUint16 } from '../wire/ethernet.ts';
import { decodeEchoReply, payloadOfIpv4 } from '../wire/icmp-echo.ts';

export type Reply =
  | { readonly kind: 'icmp'; readonly identifier: number; readonly number: number }
  | { readonly kind: 'udp'; readonly port: number; readonly to: number; readonly number: number }
  /** `opens`: SYN and ACK; `speaks`: it carries data. */
  | {
    readonly kind: 'tcp'; readonly port: number; readonly to: number;
    readonly opens: boolean; readonly speaks: boolean;
  };

export interface ReadReply {
  readonly family: Family;
  /** Who sent the frame. */
  readonly mac: string;
  readonly reply: Reply;
}

const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;
const ipv6HeaderLength = 40;
const udpHeaderLength = 8;
/** Every probe's packets begin with its number, big-endian. */
export const numberLength = 4;
const flags = { syn: 0x02, ack: 0x10 } as const;

/** Null for what answers no probe. The frame may be cut after its headers. */
export function readReply(frame: Uint8Array): ReadReply | null {
  const ethernet = decodeEthernet(frame);
  if ('drop' in ethernet) return null;
  const { type, payload, source } = ethernet;
  if (type === etherTypes.ipv4) {
    // A later fragment has no header of its own.
    if ((readUint16(payload, 6) & 0x1fff) !== 0) return null;
    const inner = payloadOfIpv4(payload);
    if (inner === null) return null;
    const length = readUint16(payload, 2) - (payload.length - inner.length);
    const reply = readInner(4, payload[9] ?? 0, inner, length);
    return reply === null ? null : { family: 4, mac: source, reply };
  }
  if (type !== etherTypes.ipv6 || payload.length < ipv6HeaderLength) return null;
  const inner = payload.subarray(ipv6HeaderLength);
  const reply = readInner(6, payload[6] ?? 0, inner, readUint16(payload, 4));
  return reply === null ? null : { family: 6, mac: source, reply };
}

/** `length`: of the inner packet on the wire, ahead of any cut and without padding. */
function readInner(
  family: Family, protocol: number, bytes: Uint8Array, length: number,
): Reply | null {
  switch (protocol) {
    case family === 4 ? protocols.icmp : protocols.icmpv6: {
      const echo = decodeEchoReply(family, bytes);
      return echo === null ? null : { kind: 'icmp', ...echo };
    }
    case protocols.udp: {
      if (Math.min(bytes.length, length) < udpHeaderLength + numberLength) return null;
      return {
        kind: 'udp', port: readUint16(bytes, 0), to: readUint16(bytes, 2),
        number: readUint16(bytes, 8) * 0x10000 + readUint16(bytes, 10),
      };
    }
    case protocols.tcp: {
      const headerLength = ((bytes[12] ?? 0) >> 4) * 4;
      if (headerLength < 20 || bytes.length < 20) return null;
      const set = bytes[13] ?? 0;
      return {
        kind: 'tcp', port: readUint16(bytes, 0), to: readUint16(bytes, 2),
        opens: (set & flags.syn) !== 0 && (set & flags.ack) !== 0, speaks: length > headerLength,
      };
    }
    default: return null;
  }
}
