/** Which Eips of VRRP are on this node, where, and what keepalived is to run for them. Pure. */
import type { EipDocument } from '../../config/eip-document.ts';
import { isRefereed } from '../../config/eip-set.ts';
import { formatInterface } from '../../config/eip-fields.ts';
import type { Finding } from '../../core/model.ts';
import { matchesSelector } from '../../core/selector.ts';
import { planInstances, type Plan, type VipEip } from '../../keepalived/render/plan.ts';
import { resolveInterface } from '../../net/routes.ts';
import { addressesOf, formatAddress } from '../../wire/address.ts';
import type { HostNetwork } from '../fitness.ts';
import { fieldOf, usualWeight, type Standing } from './field.ts';

export interface PlacementInput {
  readonly node: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As configured: 100 is the usual share. */
  readonly weight: number;
  readonly failbackMs: number | null;
  readonly vrids: ReadonlyMap<string, number>;
  readonly documents: readonly EipDocument[];
  /** Nobody else is known unless given. */
  readonly standing?: Standing;
}

export interface PlacedEips {
  /** Where each Eip is, whether it has a VRID or not. */
  readonly places: readonly {
    readonly pool: string; readonly interface: string; readonly family: 4 | 6;
  }[];
  readonly plan: Plan;
  readonly findings: readonly Finding[];
}

const nobody: Standing = { nodes: [], unicast: null };
/** keepalived's limit of preempt_delay, s. */
const longestFailbackS = 1000;

export function placeEips(input: PlacementInput, network: HostNetwork): PlacedEips {
  const { node, labels, weight, vrids, documents, standing = nobody } = input;
  const findings: Finding[] = [];
  const here = documents.filter(({ disabled, settings }) =>
    !disabled && matchesSelector(settings.selector ?? [], labels));
  const placed = here.flatMap((document) => {
    const link = resolveInterface(
      formatInterface(document.interface), network, (family) => network.routes(family));
    if (!('error' in link)) return [{ document, on: link.name }];
    findings.push({ code: 'interface', subject: document.name, text: link.error });
    return [];
  });
  const eips = placed.flatMap(({ document, on }): VipEip[] => {
    const failbackMs = document.settings.failbackMs === undefined
      ? input.failbackMs : document.settings.failbackMs;
    const failbackS = failbackMs === null ? null
      : Math.min(longestFailbackS, Math.ceil(failbackMs / 1000));
    return [...addressesOf(document.block)].map((address) =>
      ({
        eip: formatAddress(address), pool: document.name, interface: on, failbackS,
        refereed: isRefereed(document),
      }));
  });
  return {
    places: placed.map(({ document: { name, block }, on }) =>
      ({ pool: name, interface: on, family: block.family })),
    plan: planInstances({
      node, weight: weight / usualWeight, eips, vrids,
      field: (pool, family) => fieldOf({ node, weight }, standing, family,
        here.find(({ name }) => name === pool)?.settings.selector ?? []),
    }),
    findings,
  };
}
