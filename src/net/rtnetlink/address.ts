/** Addresses of links: RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR (linux/if_addr.h). */
import { addressToBytes, formatBytes, parseAddress } from '../../wire/address.ts';
import {
  attribute, concat, eachAttribute, encodeMessage, headerLength, littleEndian, readText, u32, u8,
  viewOf, type NetlinkMessage,
} from '../netlink-message.ts';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTNLGRP_IPV4_IFADDR = 5;
export const RTNLGRP_IPV6_IFADDR = 9;

const AF_INET = 2;
const AF_INET6 = 10;
const ifaddrLength = 8;
const attributeHeaderLength = 4;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;

export const IFA_F_NODAD = 0x02;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_NOPREFIXROUTE = 0x200;

/** Lifetimes are seconds; this one never ends. */
export const forever = 0xffffffff;

export interface InterfaceAddress {
  readonly ifindex: number;
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  /** An address in its subnet: the same one, but on point-to-point links the peer's. */
  readonly subnetOf: string;
  readonly broadcast: string | null;
  /** IPv4 only. */
  readonly label: string | null;
  readonly flags: number;
  /** Who put it there (IFA_PROTO); null if that was not said, or by kernels before 5.18. */
  readonly proto: number | null;
  /** Seconds from when the kernel said so; `forever` for ever. */
  readonly validSeconds: number;
  readonly preferredSeconds: number;
}

/** What to put on a link. */
export interface NewAddress {
  readonly ifindex: number;
  readonly address: string;
  readonly prefixLength: number;
  readonly flags: number;
  readonly proto: number;
  readonly validSeconds: number;
  readonly preferredSeconds: number;
}

/** All addresses of a family, or of all; of one link, or of all (0). */
export function encodeAddressDump(family: 4 | 6 | 0 = 0, ifindex = 0): Uint8Array {
  return encodeMessage(RTM_GETADDR, 0, ifaddrmsg(afOf(family), 0, 0, ifindex));
}

/** RTM_NEWADDR; `flags` are NLM_F_CREATE and the like. Throws on text that is no address. */
export function encodeNewAddress(flags: number, entry: NewAddress): Uint8Array {
  const { family, bytes } = required(entry.address);
  const lifetimes = new Uint8Array(16);
  viewOf(lifetimes).setUint32(0, entry.preferredSeconds, littleEndian);
  viewOf(lifetimes).setUint32(4, entry.validSeconds, littleEndian);
  return encodeMessage(RTM_NEWADDR, flags, concat([
    ifaddrmsg(afOf(family), entry.prefixLength, entry.flags & 0xff, entry.ifindex),
    attribute(IFA_LOCAL, bytes),
    attribute(IFA_ADDRESS, bytes),
    attribute(IFA_FLAGS, u32(entry.flags)),
    attribute(IFA_CACHEINFO, lifetimes),
    attribute(IFA_PROTO, u8(entry.proto)),
  ]));
}

/** Where encodeNewAddress puts the address: into IFA_LOCAL and, behind it, IFA_ADDRESS. */
const localAt = headerLength + ifaddrLength + attributeHeaderLength;

/**
 * What encodeNewAddress made, for another address of the same family, in a third of the time: a
 * takeover makes thousands of them. Throws on text that is no such address.
 */
export function readdress(message: Uint8Array, address: string): Uint8Array {
  const { family, bytes } = required(address);
  const known = message[headerLength] === AF_INET ? 4 : 6;
  if (family !== known) throw new TypeError(`${address} is no IPv${known} address`);
  const copy = message.slice();
  copy.set(bytes, localAt);
  copy.set(bytes, localAt + bytes.length + attributeHeaderLength);
  return copy;
}

/** RTM_DELADDR. Throws on text that is no address. */
export function encodeDeleteAddress(
  entry: Pick<NewAddress, 'ifindex' | 'address' | 'prefixLength'>,
): Uint8Array {
  const { family, bytes } = required(entry.address);
  return encodeMessage(RTM_DELADDR, 0, concat([
    ifaddrmsg(afOf(family), entry.prefixLength, 0, entry.ifindex),
    attribute(IFA_LOCAL, bytes),
    attribute(IFA_ADDRESS, bytes),
  ]));
}

/** Null for anything but a well-formed address. A dump may have ten thousands: no detours. */
export function decodeAddress(message: NetlinkMessage): InterfaceAddress | null {
  const { type, payload } = message;
  if (type !== RTM_NEWADDR && type !== RTM_DELADDR) return null;
  if (payload.length < ifaddrLength) return null;
  const view = viewOf(payload);
  const family = view.getUint8(0) === AF_INET ? 4 : view.getUint8(0) === AF_INET6 ? 6 : null;
  if (family === null) return null;
  starts.fill(0);
  ends.fill(0);
  eachAttribute(payload, ifaddrLength, (attributeType, start, end) => {
    starts[attributeType] = start;
    ends[attributeType] = end;
  });
  const length = family === 4 ? 4 : 16;
  const subnetOf = addressText(payload, IFA_ADDRESS, length);
  const address = addressText(payload, IFA_LOCAL, length, subnetOf) ?? subnetOf;
  if (address === null) return null;
  return {
    ifindex: view.getUint32(4, littleEndian),
    family,
    address,
    prefixLength: view.getUint8(1),
    subnetOf: subnetOf ?? address,
    broadcast: addressText(payload, IFA_BROADCAST, length),
    label: labelText(payload),
    flags: u32At(view, IFA_FLAGS, 0) ?? view.getUint8(2),
    proto: lengthOf(IFA_PROTO) < 1 ? null : payload[starts[IFA_PROTO] ?? 0] ?? null,
    validSeconds: u32At(view, IFA_CACHEINFO, 4) ?? forever,
    preferredSeconds: u32At(view, IFA_CACHEINFO, 0) ?? forever,
  };
}

/** Where the attributes of the message in hand are; made once, for all of them. */
const starts = new Int32Array(IFA_PROTO + 1);
const ends = new Int32Array(IFA_PROTO + 1);

function lengthOf(type: number): number {
  return (ends[type] ?? 0) - (starts[type] ?? 0);
}

/** All addresses of a link mostly have one label: its text is made once for a run of them. */
let lastLabel = new Uint8Array(0);
let lastLabelText: string | null = null;

function labelText(payload: Uint8Array): string | null {
  const length = lengthOf(IFA_LABEL);
  if (length === 0) return null;
  const start = starts[IFA_LABEL] ?? 0;
  let same = lastLabel.length === length;
  for (let i = 0; same && i < length; i += 1) same = lastLabel[i] === payload[start + i];
  if (!same) {
    lastLabel = payload.slice(start, start + length);
    lastLabelText = readText(lastLabel);
  }
  return lastLabelText;
}

/** `same`: the text of IFA_ADDRESS, which IFA_LOCAL mostly repeats. */
function addressText(
  payload: Uint8Array, type: number, length: number, same: string | null = null,
): string | null {
  if (lengthOf(type) !== length) return null;
  const value = payload.subarray(starts[type], ends[type]);
  if (same !== null) {
    const other = starts[IFA_ADDRESS] ?? 0;
    if (value.every((byte, index) => byte === payload[other + index])) return same;
  }
  return formatBytes(value);
}

function u32At(view: DataView, type: number, offset: number): number | null {
  if (lengthOf(type) < offset + 4) return null;
  return view.getUint32((starts[type] ?? 0) + offset, littleEndian);
}

function ifaddrmsg(af: number, prefixLength: number, flags: number, ifindex: number): Uint8Array {
  const bytes = Uint8Array.of(af, prefixLength, flags, 0, 0, 0, 0, 0);
  viewOf(bytes).setUint32(4, ifindex, littleEndian);
  return bytes;
}

function afOf(family: 4 | 6 | 0): number {
  return family === 4 ? AF_INET : family === 6 ? AF_INET6 : 0;
}

function required(text: string): { family: 4 | 6; bytes: Uint8Array } {
  const address = parseAddress(text);
  if ('error' in address) throw new TypeError(address.error);
  return { family: address.family, bytes: addressToBytes(address) };
}
