/**
 * Which addresses of this host heartbeats use. Unless told, those of the networks that its Eips are
 * on: then what is judged is what clients see. Pure.
 */
import type { HeartbeatSettings } from '../config/agent-config.ts';
import { formatInterface } from '../config/eip-fields.ts';
import type { EipSettings } from '../config/eip-set.ts';
import type { Eip, Finding } from '../core/model.ts';
import { formatEndpoint } from '../liveness/endpoint.ts';
import { resolveInterface } from '../net/routes.ts';
import type { InterfaceAddress } from '../net/rtnetlink/address.ts';
import { blockContains, formatAddress, parseAddress, parseBlock } from '../wire/address.ts';
import type { Block } from '../wire/address.ts';
import type { HostNetwork } from './fitness.ts';

export interface HeartbeatPlaces {
  /** `address:port` of each; none: this node neither votes nor is judged, for now. */
  readonly endpoints: readonly string[];
  /** Those of them that nodes are judged on: where Eips are; all, if Eips are on none of them. */
  readonly judged: readonly string[];
  /** By endpoint: the interface that its address is on, and the pools that are on that too. */
  readonly networks: ReadonlyMap<string, Network>;
  readonly findings: readonly Finding[];
}

export interface Network {
  readonly link: string;
  readonly pools: readonly string[];
}

export function heartbeatPlaces(
  settings: HeartbeatSettings, eips: ReadonlyMap<Eip, EipSettings>, host: HostNetwork,
): HeartbeatPlaces {
  const findings: Finding[] = [];
  const links = poolLinks(eips, host);
  const addresses = settings.addresses.length > 0
    ? named(settings.addresses, eips, host, findings)
    : usual(links, eips, host);
  if (addresses.length === 0 && findings.length === 0) {
    findings.push(missing('heartbeat.addresses', 'No interface of an Eip, nor that of the default '
      + 'route, has an address: this node has no heartbeats, and runs in lease mode.'));
  }
  const networks = new Map<string, Network>();
  for (const address of new Set(addresses)) {
    networks.set(formatEndpoint(address, settings.port), networkOf(address, links, host));
  }
  const endpoints = [...networks.keys()];
  const judged = endpoints.filter((endpoint) => (networks.get(endpoint)?.pools.length ?? 0) > 0);
  return { endpoints, judged: judged.length > 0 ? judged : endpoints, networks, findings };
}

function networkOf(
  address: string, links: PoolLinks, host: HostNetwork,
): Network {
  const link = host.list().find(({ ifindex }) => (
    host.addresses(ifindex).some((one) => one.address === address)));
  if (link === undefined) return { link: '', pools: [] };
  const pools = [...links].filter(([, ifindex]) => ifindex === link.ifindex);
  return { link: link.name, pools: pools.map(([pool]) => pool) };
}

/** The interface of each pool, where it is here. */
type PoolLinks = ReadonlyMap<string, number>;

function poolLinks(eips: ReadonlyMap<Eip, EipSettings>, host: HostNetwork): PoolLinks {
  const specs = new Map([...eips.values()].map(({ pool, interface: on }) => (
    [pool, formatInterface(on)])));
  const found = new Map<string, number | null>();
  const links = new Map<string, number>();
  for (const [pool, spec] of specs) {
    if (!found.has(spec)) {
      const link = resolveInterface(spec, host, (family) => host.routes(family));
      found.set(spec, 'error' in link ? null : link.ifindex);
    }
    const ifindex = found.get(spec) ?? null;
    if (ifindex !== null) links.set(pool, ifindex);
  }
  return links;
}

function missing(subject: string, text: string): Finding {
  return { code: 'heartbeat', subject, text };
}

/** An address that is named is taken though it is not there yet: it is tried until it is. */
function named(
  names: readonly string[], eips: ReadonlyMap<Eip, EipSettings>, host: HostNetwork,
  findings: Finding[],
): readonly string[] {
  const own = host.list().filter(({ loopback }) => !loopback)
    .flatMap(({ ifindex }) => host.addresses(ifindex));
  return names.flatMap((name) => {
    const block = parseBlock(name);
    if ('error' in block) return [];
    if (block.size === 1n) return [formatAddress(block.first)];
    const found = own.find((address) => isUsable(address, eips) && isIn(address, block));
    if (found !== undefined) return [found.address];
    findings.push(missing(name, `This host has no address in ${name} (heartbeat.addresses): is its `
      + 'interface up?'));
    return [];
  });
}

function usual(
  links: PoolLinks, eips: ReadonlyMap<Eip, EipSettings>, host: HostNetwork,
): readonly string[] {
  const chosen = links.size > 0 ? [...new Set(links.values())] : defaultLinks(host);
  return chosen.flatMap((ifindex) => addressOn(host.addresses(ifindex), eips) ?? []);
}

/** Where the default route leads: of IPv4 if there is one. */
function defaultLinks(host: HostNetwork): readonly number[] {
  for (const family of [4, 6] as const) {
    const [best] = host.routes(family)
      .filter(({ prefixLength, type }) => prefixLength === 0 && type === 'unicast')
      .sort((a, b) => a.metric - b.metric);
    const ifindex = best?.nexthops[0]?.ifindex ?? null;
    if (ifindex !== null) return [ifindex];
  }
  return [];
}

/** The first of IPv4, else of IPv6. */
function addressOn(
  addresses: readonly InterfaceAddress[], eips: ReadonlyMap<Eip, EipSettings>,
): string | null {
  const usable = addresses.filter((address) => isUsable(address, eips));
  const best = usable.find(({ family }) => family === 4) ?? usable[0];
  return best?.address ?? null;
}

/** Not an EIP, which may be elsewhere at any moment; of a subnet, and not of the link alone. */
function isUsable(
  { address, family, prefixLength }: InterfaceAddress, eips: ReadonlyMap<Eip, EipSettings>,
): boolean {
  if (eips.has(address) || prefixLength === (family === 4 ? 32 : 128)) return false;
  return !/^(fe[89ab]|169\.254\.)/.test(address);
}

function isIn({ address }: InterfaceAddress, block: Block): boolean {
  const parsed = parseAddress(address);
  return !('error' in parsed) && parsed.family === block.family && blockContains(block, parsed);
}
