/**
 * Which addresses of this host heartbeats use. Unless told, those of the networks that its Eips are
 * on: then what is judged is what clients see. Pure.
 */
import type { HeartbeatSettings } from '../config/agent-config.ts';
import { formatInterface } from '../config/eip-fields.ts';
import type { EipSettings } from '../config/eip-set.ts';
import type { Eip, Finding } from '../core/model.ts';
import { resolveInterface } from '../net/routes.ts';
import type { InterfaceAddress } from '../net/rtnetlink/address.ts';
import { blockContains, formatAddress, parseAddress, parseBlock } from '../wire/address.ts';
import type { Block } from '../wire/address.ts';
import type { HostNetwork } from './fitness.ts';

export interface HeartbeatPlaces {
  /** `address:port` of each; none: this node neither votes nor is judged, for now. */
  readonly endpoints: readonly string[];
  readonly findings: readonly Finding[];
}

export function heartbeatPlaces(
  settings: HeartbeatSettings, eips: ReadonlyMap<Eip, EipSettings>, host: HostNetwork,
): HeartbeatPlaces {
  const findings: Finding[] = [];
  const addresses = settings.addresses.length > 0
    ? named(settings.addresses, eips, host, findings)
    : usual(eips, host);
  if (addresses.length === 0 && findings.length === 0) {
    findings.push(missing('heartbeat.addresses', 'No interface of an Eip, nor that of the default '
      + 'route, has an address: this node has no heartbeats, and runs in lease mode.'));
  }
  const endpoints = [...new Set(addresses)].map((address) => (
    `${address.includes(':') ? `[${address}]` : address}:${String(settings.port)}`));
  return { endpoints, findings };
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

function usual(eips: ReadonlyMap<Eip, EipSettings>, host: HostNetwork): readonly string[] {
  const specs = new Set([...eips.values()].map(({ interface: on }) => formatInterface(on)));
  const links = new Set<number>();
  for (const spec of specs) {
    const link = resolveInterface(spec, host, (family) => host.routes(family));
    if (!('error' in link)) links.add(link.ifindex);
  }
  const chosen = links.size > 0 ? [...links] : defaultLinks(host);
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
