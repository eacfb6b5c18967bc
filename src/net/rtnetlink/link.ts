/** Links: RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK (linux/rtnetlink.h, linux/if_link.h). */
import {
  attribute, attributeMap, encodeMessage, littleEndian, readText, readU32, readU8, u32, viewOf,
  type NetlinkMessage,
} from '../netlink-message.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTNLGRP_LINK = 1;

const ifinfoLength = 16;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_EXT_MASK = 29;
const IFLA_CARRIER = 33;
const IFLA_PERM_ADDRESS = 54;
const IFLA_INFO_KIND = 1;
const RTEXT_FILTER_SKIP_STATS = 8;

/** linux/if.h */
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_LOWER_UP = 0x10000;

/** linux/if_arp.h: the ones with Ethernet frames. */
const ARPHRD_ETHER = 1;

export interface LinkInfo {
  readonly ifindex: number;
  readonly name: string;
  /** Lower-case hex with colons; empty where the link has none (tunnels). */
  readonly mac: string;
  /** What is burnt into the card, whatever it goes by now; empty: there is none, or before 5.6. */
  readonly permanentMac: string;
  readonly mtu: number;
  /** Administratively up, and with a carrier. */
  readonly up: boolean;
  readonly adminUp: boolean;
  readonly loopback: boolean;
  /** Carries Ethernet frames: ARP and NDP make sense on it. */
  readonly ethernet: boolean;
  /** `veth`, `bridge`, `vlan`, ...; null for hardware. */
  readonly kind: string | null;
  /** Index of the bridge or bond that it is a port of. */
  readonly master: number | null;
  /** Index of the link below it (VLAN, macvlan) or at its other end (veth). */
  readonly lower: number | null;
}

/** All links, without their counters. */
export function encodeLinkDump(): Uint8Array {
  const mask = attribute(IFLA_EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS));
  return encodeMessage(RTM_GETLINK, 0, new Uint8Array(ifinfoLength), mask);
}

/**
 * Null for anything but a link: also for what a bridge says of its ports, which comes as
 * RTM_NEWLINK and RTM_DELLINK of family AF_BRIDGE though the link stays.
 */
export function decodeLink(message: NetlinkMessage): LinkInfo | null {
  const { type, payload } = message;
  if (type !== RTM_NEWLINK && type !== RTM_DELLINK) return null;
  if (payload.length < ifinfoLength || payload[0] !== 0) return null;
  const view = viewOf(payload);
  const ifindex = view.getInt32(4, littleEndian);
  const flags = view.getUint32(8, littleEndian);
  const attributes = attributeMap(payload.subarray(ifinfoLength));
  const name = readText(attributes.get(IFLA_IFNAME));
  if (ifindex <= 0 || name === null) return null;
  const adminUp = (flags & IFF_UP) !== 0;
  const carrier = readU8(attributes.get(IFLA_CARRIER)) ?? ((flags & IFF_LOWER_UP) !== 0 ? 1 : 0);
  const info = attributes.get(IFLA_LINKINFO);
  return {
    ifindex,
    name,
    mac: macText(attributes.get(IFLA_ADDRESS)),
    permanentMac: macText(attributes.get(IFLA_PERM_ADDRESS)),
    mtu: readU32(attributes.get(IFLA_MTU)) ?? 0,
    up: adminUp && carrier !== 0,
    adminUp,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    ethernet: view.getUint16(2, littleEndian) === ARPHRD_ETHER,
    kind: info === undefined ? null : readText(attributeMap(info).get(IFLA_INFO_KIND)),
    master: readU32(attributes.get(IFLA_MASTER)),
    lower: readU32(attributes.get(IFLA_LINK)),
  };
}

function macText(bytes: Uint8Array | undefined): string {
  if (bytes?.length !== 6) return '';
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
