/**
 * Classic BPF programs (linux/filter.h) for packet sockets, as far as they are needed here: a list
 * of conditions that must all hold. They run in the kernel, on the frame from its Ethernet header
 * on; what they refuse is not even queued.
 */
import { littleEndian } from './netlink-message.ts';

/** One of the values must (`is`), or none may (`isNot`), stand at `at`: big-endian, unsigned. */
export type Condition =
  | { readonly at: number; readonly size: 1 | 2 | 4; readonly is: readonly number[] }
  | { readonly at: number; readonly size: 1 | 2 | 4; readonly isNot: readonly number[] };

/** What the kernel knows of a frame besides its bytes: SKF_AD_OFF + ... */
const aboutFrame = -0x1000;
export const packetType = aboutFrame + 4;
export const packetIfindex = aboutFrame + 8;
export const vlanTagPresent = aboutFrame + 48;

/** linux/if_packet.h */
export const PACKET_HOST = 0;
export const PACKET_OTHERHOST = 3;
export const PACKET_OUTGOING = 4;

const LD = { 1: 0x30, 2: 0x28, 4: 0x20 } as const;
const JEQ = 0x15;
const RET = 0x06;
/** Longer than any frame: keep all of it. */
const wholeFrame = 0x40000;

/** The program as struct sock_filter[]: code, where to if true, where to if not, operand. */
export function assemble(conditions: readonly Condition[]): Uint8Array {
  const length = conditions.reduce((sum, condition) => sum + 1 + valuesOf(condition).length, 2);
  const refuse = length - 1;
  const code: [number, number, number, number][] = [];
  for (const condition of conditions) {
    const values = valuesOf(condition);
    if (values.length === 0) throw new RangeError('BPF: a condition without values');
    const next = code.length + 1 + values.length;
    code.push([LD[condition.size], 0, 0, condition.at]);
    for (const [index, value] of values.entries()) {
      const here = code.length + 1;
      const last = index === values.length - 1;
      const [hit, miss] = 'is' in condition ? [next, last ? refuse : here] : [refuse, here];
      code.push([JEQ, hit - here, miss - here, value]);
    }
  }
  code.push([RET, 0, 0, wholeFrame], [RET, 0, 0, 0]);
  if (code.length > 255) throw new RangeError(`BPF: ${code.length} instructions, 255 at most`);
  return encode(code);
}

function valuesOf(condition: Condition): readonly number[] {
  return 'is' in condition ? condition.is : condition.isNot;
}

function encode(code: readonly (readonly [number, number, number, number])[]): Uint8Array {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, [operation, hit, miss, operand]] of code.entries()) {
    view.setUint16(index * 8, operation, littleEndian);
    view.setUint8(index * 8 + 2, hit);
    view.setUint8(index * 8 + 3, miss);
    view.setUint32(index * 8 + 4, operand >>> 0, littleEndian);
  }
  return bytes;
}

/**
 * Untagged frames to this interface, that others sent. A frame of a VLAN comes to sockets on the
 * interface below as well: with the VLAN interface's index where there is one, and else as one for
 * another host; on sockets for all ethertypes its tag is still there.
 */
function toInterface(ifindex: number): readonly Condition[] {
  return [
    { at: packetIfindex, size: 4, is: [ifindex] },
    { at: packetType, size: 4, isNot: [PACKET_OTHERHOST, PACKET_OUTGOING] },
    { at: vlanTagPresent, size: 4, is: [0] },
  ];
}

/** ARP (RFC 826) on one interface. */
export function arpFilter(ifindex: number): Uint8Array {
  return assemble([...toInterface(ifindex), { at: 12, size: 2, is: [0x0806] }]);
}

/**
 * Neighbour solicitations and advertisements (RFC 4861 4.3, 4.4) on one interface: ICMPv6 right
 * after the IPv6 header, hop limit 255 (from this link, 7.1.1), type 135 or 136.
 */
export function neighbourFilter(ifindex: number): Uint8Array {
  return assemble([
    ...toInterface(ifindex),
    { at: 12, size: 2, is: [0x86dd] },
    { at: 20, size: 1, is: [58] },
    { at: 21, size: 1, is: [255] },
    { at: 54, size: 1, is: [135, 136] },
  ]);
}
