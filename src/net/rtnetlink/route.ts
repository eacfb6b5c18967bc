/** Routes: RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE (linux/rtnetlink.h). */
import { addressToBytes, formatBytes, parseAddress } from '../../wire/address.ts';
import {
  attribute, attributeMap, encodeMessage, littleEndian, readU32, u32, viewOf, type NetlinkMessage,
} from '../netlink-message.ts';

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
/** Routes to where others are. */
export const RT_TABLE_MAIN = 254;
/** What this host itself answers for. */
export const RT_TABLE_LOCAL = 255;

const AF_INET = 2;
const AF_INET6 = 10;
const rtmsgLength = 12;
const rtnexthopLength = 8;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_NH_ID = 30;

const RT_SCOPE_HOST = 254;
const RTN_LOCAL = 2;

const RTNH_F_DEAD = 1;
const RTNH_F_LINKDOWN = 16;
/** A cached copy of another route. */
const RTM_F_CLONED = 0x200;

/** rtm_type, as `ip route` prints it. */
const types = [
  'unspec', 'unicast', 'local', 'broadcast', 'anycast', 'multicast', 'blackhole', 'unreachable',
  'prohibit', 'throw', 'nat', 'xresolve',
] as const;
export type RouteType = (typeof types)[number];

export interface Nexthop {
  /** Of the link that it leads out on; null where the kernel gave none. */
  readonly ifindex: number | null;
  readonly gateway: string | null;
  readonly weight: number;
  /** Its link is down (RTNH_F_DEAD), or without a carrier (RTNH_F_LINKDOWN). */
  readonly dead: boolean;
}

export interface Route {
  readonly family: 4 | 6;
  readonly destination: string;
  readonly prefixLength: number;
  readonly table: number;
  readonly type: RouteType;
  /** Who made it (rtm_protocol). */
  readonly protocol: number;
  /** Of two routes to one destination the lower is taken. */
  readonly metric: number;
  readonly nexthops: readonly Nexthop[];
}

/** All routes of one table; kernels before 4.20 give those of the other tables too. */
export function encodeRouteDump(family: 4 | 6, table: number): Uint8Array {
  const rtmsg = new Uint8Array(rtmsgLength);
  rtmsg[0] = family === 4 ? AF_INET : AF_INET6;
  rtmsg[4] = table;
  return encodeMessage(RTM_GETROUTE, 0, rtmsg);
}

/** A local route to one IPv4 address. */
export interface LocalRoute {
  readonly address: string;
  readonly ifindex: number;
  readonly protocol: number;
}

/** `flags` are NLM_F_CREATE and the like. Throws on text that is no IPv4 address. */
export function encodeLocalRoute(flags: number, route: LocalRoute): Uint8Array {
  return encodeMessage(RTM_NEWROUTE, flags, ...localRoute(route));
}

/** Throws on text that is no IPv4 address. */
export function encodeDeleteLocalRoute(route: LocalRoute): Uint8Array {
  return encodeMessage(RTM_DELROUTE, 0, ...localRoute(route));
}

/** As the kernel makes it for an address on an interface, but for the protocol. */
function localRoute({ address, ifindex, protocol }: LocalRoute): Uint8Array[] {
  const parsed = parseAddress(address);
  if ('error' in parsed || parsed.family !== 4) throw new TypeError(`${address} is no IPv4 address`);
  const bytes = addressToBytes(parsed);
  const rtmsg = Uint8Array.of(
    AF_INET, 32, 0, 0, RT_TABLE_LOCAL, protocol, RT_SCOPE_HOST, RTN_LOCAL, 0, 0, 0, 0);
  return [
    rtmsg, attribute(RTA_DST, bytes), attribute(RTA_OIF, u32(ifindex)),
    attribute(RTA_PREFSRC, bytes),
  ];
}

/** Null for anything but a route of IPv4 or IPv6, and for cached copies of routes. */
export function decodeRoute(message: NetlinkMessage): Route | null {
  const { type, payload } = message;
  if (type !== RTM_NEWROUTE || payload.length < rtmsgLength) return null;
  const view = viewOf(payload);
  const family = view.getUint8(0) === AF_INET ? 4 : view.getUint8(0) === AF_INET6 ? 6 : null;
  const flags = view.getUint32(8, littleEndian);
  if (family === null || (flags & RTM_F_CLONED) !== 0) return null;
  const attributes = attributeMap(payload.subarray(rtmsgLength));
  const destination = attributes.get(RTA_DST);
  const length = family === 4 ? 4 : 16;
  if (destination !== undefined && destination.length !== length) return null;
  const several = attributes.get(RTA_MULTIPATH);
  return {
    family,
    destination: formatBytes(destination ?? new Uint8Array(length)),
    prefixLength: view.getUint8(1),
    table: readU32(attributes.get(RTA_TABLE)) ?? view.getUint8(4),
    type: types[view.getUint8(7)] ?? 'unspec',
    protocol: view.getUint8(5),
    metric: readU32(attributes.get(RTA_PRIORITY)) ?? 0,
    nexthops: several === undefined
      ? single(attributes, flags)
      : multipath(several, length),
  };
}

function single(attributes: ReadonlyMap<number, Uint8Array>, flags: number): Nexthop[] {
  const ifindex = readU32(attributes.get(RTA_OIF));
  // A blackhole has none; a nexthop object may be named without being described.
  if (ifindex === null && !attributes.has(RTA_NH_ID)) return [];
  const gateway = attributes.get(RTA_GATEWAY);
  return [{ ifindex, gateway: gatewayText(gateway), weight: 1, dead: isDead(flags) }];
}

/** struct rtnexthop[]: length, flags, weight - 1, ifindex, and attributes of its own each. */
function multipath(bytes: Uint8Array, addressLength: number): Nexthop[] {
  const view = viewOf(bytes);
  const nexthops: Nexthop[] = [];
  let at = 0;
  while (bytes.length - at >= rtnexthopLength) {
    const length = view.getUint16(at, littleEndian);
    if (length < rtnexthopLength || length > bytes.length - at) break;
    const attributes = attributeMap(bytes.subarray(at + rtnexthopLength, at + length));
    const gateway = attributes.get(RTA_GATEWAY);
    nexthops.push({
      ifindex: view.getUint32(at + 4, littleEndian),
      gateway: gateway?.length === addressLength ? gatewayText(gateway) : null,
      weight: view.getUint8(at + 3) + 1,
      dead: isDead(view.getUint8(at + 2)),
    });
    at += (length + 3) & ~3;
  }
  return nexthops;
}

function gatewayText(bytes: Uint8Array | undefined): string | null {
  return bytes?.length === 4 || bytes?.length === 16 ? formatBytes(bytes) : null;
}

function isDead(flags: number): boolean {
  return (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) !== 0;
}
