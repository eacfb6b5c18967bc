/** Which interface an EIP belongs on: by its name, or by the routing table; and in which subnet. */
import {
  blockContains, compareAddresses, formatAddress, parseAddress, parseBlock, type Address,
  type Block, type Refusal,
} from '../wire/address.ts';
import { NetlinkError, type NetlinkSocket } from './netlink-socket.ts';
import type { InterfaceAddress } from './rtnetlink/address.ts';
import type { LinkInfo } from './rtnetlink/link.ts';
import { decodeRoute, encodeRouteDump, RT_TABLE_MAIN, type Nexthop, type Route } from './rtnetlink/route.ts';

/** What is asked of src/net/interfaces.ts. */
export interface LinkTable {
  list(): readonly LinkInfo[];
  byName(name: string): LinkInfo | null;
  byIndex(ifindex: number): LinkInfo | null;
  addresses(ifindex: number): readonly InterfaceAddress[];
}

const canReach = 'can_reach:';

/** Links whose ports hand what they receive to them, so that a port hears nothing by itself. */
const takesFramesOfPorts: ReadonlySet<string | null> = new Set(['bridge', 'bond', 'team', 'openvswitch']);

/** The main routing table: where others are. What this host answers for itself is not in it. */
export function mainRoutes(socket: NetlinkSocket, family: 4 | 6): Route[] {
  try {
    return socket.dump(encodeRouteDump(family, RT_TABLE_MAIN)).flatMap((message) => {
      const route = decodeRoute(message);
      return route?.table === RT_TABLE_MAIN ? [route] : [];
    });
  } catch (error) {
    // A kernel without the family, or where it has no route yet and so no table.
    if (error instanceof NetlinkError && ['ENOENT', 'EAFNOSUPPORT', 'EOPNOTSUPP'].includes(error.code)) {
      return [];
    }
    throw error;
  }
}

/**
 * `eth0`, or `can_reach:192.0.2.1`: the interface that the main routing table would use for that
 * address. The local table is left out: an address that is bound on this host, as an EIP may be,
 * leads to `lo` there. So is what IPv6 puts into the main table for a bound /128: a route to that
 * one address, on whatever interface has it (`lo`, kube-ipvs0). The longest prefix decides, also if
 * its link is down now (another route would lead into another LAN); then a live next hop, the
 * lowest metric, the highest weight.
 */
export function resolveInterface(
  spec: string, links: LinkTable, routes: (family: 4 | 6) => readonly Route[],
): LinkInfo | Refusal {
  if (!spec.startsWith(canReach)) return byName(spec, links);
  const text = spec.slice(canReach.length);
  const target = parseAddress(text);
  if ('error' in target) return { error: `${canReach} ${target.error}` };
  const all = routes(target.family);
  const own = hasAddress(links, formatAddress(target));
  const route = bestRoute(target, own ? all.filter((candidate) => !isToItself(candidate)) : all);
  if (route === null) {
    return { error: `${spec}: no route of the main table leads there: `
      + 'add one, or name the interface.' };
  }
  if (route.type !== 'unicast') {
    return { error: `${spec}: the route to ${prefixText(route)} says ${route.type}: `
      + 'name the interface, or an address that can be reached.' };
  }
  const ifindex = bestNexthop(route.nexthops)?.ifindex ?? null;
  const link = ifindex === null ? null : links.byIndex(ifindex);
  if (link === null) {
    return { error: `${spec}: the route to ${prefixText(route)} names no interface of this host: `
      + 'name the interface instead.' };
  }
  return usable(link, links, `${spec} leads to ${link.name}, which`);
}

function byName(name: string, links: LinkTable): LinkInfo | Refusal {
  const link = links.byName(name);
  if (link !== null) return usable(link, links, name);
  const names = links.list().filter((other) => other.ethernet).map((other) => other.name).sort();
  const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? ', ...' : '');
  return { error: `There is no interface ${JSON.stringify(name)} on this host: `
    + (names.length === 0 ? 'it has none.' : `it has ${shown}.`) };
}

function usable(link: LinkInfo, links: LinkTable, subject: string): LinkInfo | Refusal {
  if (link.loopback) {
    return { error: `${subject} is the loopback interface, which no other host hears: `
      + 'name the interface of the LAN.' };
  }
  if (!link.ethernet) {
    return { error: `${subject} carries no Ethernet frames, so nobody asks for addresses there: `
      + 'name an interface of the LAN.' };
  }
  const master = link.master === null ? null : links.byIndex(link.master);
  if (master !== null && takesFramesOfPorts.has(master.kind)) {
    return { error: `${subject} is a port of ${master.name}, which takes its frames: `
      + `name ${master.name}.` };
  }
  return link;
}

function hasAddress(links: LinkTable, address: string): boolean {
  return links.list().some(({ ifindex }) => (
    links.addresses(ifindex).some((entry) => entry.address === address)));
}

/** To a single address, without a gateway. */
function isToItself({ family, prefixLength, nexthops }: Route): boolean {
  return prefixLength === (family === 4 ? 32 : 128)
    && nexthops.every(({ gateway }) => gateway === null);
}

function bestRoute(target: Address, routes: readonly Route[]): Route | null {
  let best: Route | null = null;
  for (const route of routes) {
    if (contains(route, target) && (best === null || isBetter(route, best))) best = route;
  }
  return best;
}

function isBetter(route: Route, best: Route): boolean {
  if (route.prefixLength !== best.prefixLength) return route.prefixLength > best.prefixLength;
  const alive = isAlive(route);
  if (alive !== isAlive(best)) return alive;
  return route.metric < best.metric;
}

/** A route that refuses (blackhole) does so always. */
function isAlive(route: Route): boolean {
  return route.type !== 'unicast' || route.nexthops.some((nexthop) => !nexthop.dead);
}

function bestNexthop(nexthops: readonly Nexthop[]): Nexthop | null {
  let best: Nexthop | null = null;
  for (const nexthop of nexthops) {
    const better = best === null || (best.dead && !nexthop.dead)
      || (best.dead === nexthop.dead && nexthop.weight > best.weight);
    if (better) best = nexthop;
  }
  return best;
}

function contains(route: Route, target: Address): boolean {
  if (route.family !== target.family) return false;
  const block = blockOf(route.destination, route.prefixLength);
  return block !== null && blockContains(block, target);
}

function prefixText({ destination, prefixLength }: Route): string {
  return `${destination}/${prefixLength}`;
}

function blockOf(address: string, prefixLength: number): Block | null {
  const block = parseBlock(`${address}/${prefixLength}`);
  return 'error' in block ? null : block;
}

/** Where an address stands in a subnet of an interface. */
export interface SubnetPlace {
  /** `192.0.2.0/24` */
  readonly subnet: string;
  /**
   * `network`: the subnet's first address, in IPv6 that of all its routers (RFC 4291 2.6.1);
   * `broadcast`: its last, in IPv4. Subnets of two addresses have neither (RFC 3021, RFC 6164).
   */
  readonly role: 'host' | 'network' | 'broadcast';
}

/**
 * The smallest subnet of the interface's addresses that holds `address`; null if none does. Single
 * addresses (/32, /128) are no subnets: EIPs that are bound there are such.
 */
export function subnetCheck(
  address: string, addresses: readonly InterfaceAddress[],
): SubnetPlace | null {
  const target = parseAddress(address);
  if ('error' in target) return null;
  const width = target.family === 4 ? 32 : 128;
  let best: InterfaceAddress | null = null;
  for (const entry of addresses) {
    if (entry.family !== target.family || entry.prefixLength === width) continue;
    const block = blockOf(entry.subnetOf, entry.prefixLength);
    if (block === null || !blockContains(block, target)) continue;
    if (best === null || entry.prefixLength > best.prefixLength) best = entry;
  }
  const block = best === null ? null : blockOf(best.subnetOf, best.prefixLength);
  if (best === null || block === null) return null;
  const subnet = `${formatAddress(block.first)}/${best.prefixLength}`;
  if (best.prefixLength >= width - 1) return { subnet, role: 'host' };
  if (compareAddresses(target, block.first) === 0) return { subnet, role: 'network' };
  const isLast = target.family === 4 && compareAddresses(target, block.last) === 0;
  return { subnet, role: isLast || best.broadcast === formatAddress(target) ? 'broadcast' : 'host' };
}
