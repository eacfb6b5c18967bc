/**
 * What this host can announce: each Eip's interface, and why an address cannot be announced here.
 * A pure look at the interfaces and routes of the moment.
 */
import type { AnnounceSettings } from '../announce/types.ts';
import { formatInterface } from '../config/eip-fields.ts';
import type { EipSettings } from '../config/eip-set.ts';
import type { Eip, Finding } from '../core/model.ts';
import { resolveInterface, subnetCheck } from '../net/routes.ts';
import type { LinkTable } from '../net/routes.ts';
import type { InterfaceAddress } from '../net/rtnetlink/address.ts';
import type { LinkInfo } from '../net/rtnetlink/link.ts';
import type { Route } from '../net/rtnetlink/route.ts';

export interface HostNetwork extends LinkTable {
  addresses(ifindex: number): readonly InterfaceAddress[];
  routes(family: 4 | 6): readonly Route[];
}

export interface Fitness {
  /** What the announcer may be asked for; also where the link is down just now. */
  readonly settings: ReadonlyMap<Eip, AnnounceSettings>;
  /** By Eip name or address: why not here. */
  readonly unable: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
}

/** The node record stays small, whatever is wrong. */
const mostFindings = 20;

export function assessFitness(
  eips: ReadonlyMap<Eip, EipSettings>, host: HostNetwork,
): Fitness {
  const settings = new Map<Eip, AnnounceSettings>();
  const unable: Record<string, string> = {};
  const findings: Finding[] = [];
  const find = (code: string, subject: string, text: string): void => {
    if (findings.length < mostFindings) findings.push({ code, subject, text });
  };
  for (const [pool, members] of byPool(eips)) {
    const [first] = members;
    if (first === undefined) continue;
    const link = resolveInterface(
      formatInterface(first.interface), host, (family) => host.routes(family),
    );
    if ('error' in link) {
      unable[pool] = link.error;
      find('interface', pool, link.error);
      continue;
    }
    if (!link.up) {
      unable[pool] = `${link.name} is down`;
      find('link-down', pool, `${link.name} is down: check its cable, or 'ip link set ${link.name} up'.`);
    }
    placeMembers(pool, members, link, host, { settings, unable, find });
  }
  return { settings, unable, findings };
}

function byPool(eips: ReadonlyMap<Eip, EipSettings>): ReadonlyMap<string, readonly EipSettings[]> {
  const pools = new Map<string, EipSettings[]>();
  for (const settings of eips.values()) {
    const members = pools.get(settings.pool);
    if (members === undefined) pools.set(settings.pool, [settings]);
    else members.push(settings);
  }
  return pools;
}

interface Into {
  readonly settings: Map<Eip, AnnounceSettings>;
  readonly unable: Record<string, string>;
  readonly find: (code: string, subject: string, text: string) => void;
}

function placeMembers(
  pool: string, members: readonly EipSettings[], link: LinkInfo, host: HostNetwork, into: Into,
): void {
  const addresses = host.addresses(link.ifindex);
  const { ifindex, name, mac, mtu, up } = link;
  const port = { ifindex, name, mac, mtu, up };
  const refused: { readonly eip: Eip; readonly why: string }[] = [];
  for (const { eip, mode, burst, forceSubnet } of members) {
    const why = forceSubnet ? null : whyOutOfPlace(eip, link.name, addresses);
    if (why !== null) refused.push({ eip, why });
    into.settings.set(eip, { eip, link: port, mode, burst });
  }
  const [first] = refused;
  if (first === undefined) return;
  if (refused.length === members.length && members.length > 1) {
    into.unable[pool] ??= first.why;
  } else {
    for (const { eip, why } of refused) into.unable[eip] = why;
  }
  const others = refused.length > 1 ? ` (and ${String(refused.length - 1)} more addresses of ${pool})` : '';
  into.find('subnet', first.eip, `${first.eip}${others}: ${first.why}`);
}

function whyOutOfPlace(
  eip: Eip, link: string, addresses: readonly InterfaceAddress[],
): string | null {
  const place = subnetCheck(eip, addresses);
  if (place === null) {
    const subnets = addresses
      .filter(({ prefixLength, family }) => prefixLength < (family === 4 ? 32 : 128))
      .map(({ address, prefixLength }) => `${address}/${String(prefixLength)}`);
    const has = subnets.length === 0 ? 'which has none' : `which has ${subnets.join(', ')}`;
    return `in no subnet of ${link}, ${has}: give ${link} an address of its subnet, name another `
      + 'interface, or annotate the Eip with tenure.io/force-subnet: "true"';
  }
  if (place.role === 'host') return null;
  return `it is the ${place.role} address of ${place.subnet} on ${link}: leave it out of spec.address`;
}
