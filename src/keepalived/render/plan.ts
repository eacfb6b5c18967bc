/**
 * What keepalived is to run on this node: Eips grouped into virtual routers. Pure: the same Eips
 * make the same instances and VRIDs on every node, whichever nodes there are; who they are goes
 * into priorities alone.
 */
import type { Finding } from '../../core/model.ts';
import { compareAddresses, parseAddress, type Address } from '../../wire/address.ts';
import { priorityOf, refereedPriorityOf, type Candidate } from './priority.ts';

/** One address that this node may hold by VRRP. */
export interface VipEip {
  /** Canonical. */
  readonly eip: string;
  /** Name of its Eip document, all of whose addresses make one virtual router. */
  readonly pool: string;
  /** Interface of this node. */
  readonly interface: string;
  /** Of its Eip: see `VipSettings.failbackS`, which it stands for. */
  readonly failbackS?: number | null;
  /** Of its Eip: a lease says where it is to be. */
  readonly refereed?: boolean;
}

/** One vrrp_instance. Its identity for keepalived is VRID, family and interface. */
export interface InstancePlan {
  /** In configuration, logs and dumps: `vip-POOL`. */
  readonly name: string;
  readonly pool: string;
  readonly interface: string;
  readonly family: 4 | 6;
  readonly vrid: number;
  /** 1 to 254. */
  readonly priority: number;
  /**
   * Ascending. The first alone is in advertisements: backups drop those of a master whose list
   * differs from theirs, and then there are two. The others may change in a reload at any time.
   */
  readonly addresses: readonly string[];
  /** Stands for `VipSettings.failbackS`. */
  readonly failbackS?: number | null;
  /** A file moves its priority (referee.ts); it then takes over from whoever has a lower one. */
  readonly refereed?: true;
}

/** Those who stand for a virtual router, by names that all of them use. */
export interface Field {
  /** This node. */
  readonly own: string;
  readonly others: readonly Candidate[];
}

export interface PlanInput {
  readonly node: string;
  /** Share of the addresses relative to other nodes; 0 takes them only if nobody else can. */
  readonly weight: number;
  /** Stands for all of this node's priorities; computed from the weight if absent. */
  readonly priority?: number | undefined;
  readonly eips: readonly VipEip[];
  /** By pool. A pool without one is left out; whoever made the map has said why. */
  readonly vrids: ReadonlyMap<string, number>;
  /** By pool and family; null, or none at all: it is not known who else there is. */
  readonly field?: ((pool: string, family: 4 | 6) => Field | null) | undefined;
}

export interface Plan {
  /** By name. */
  readonly instances: readonly InstancePlan[];
  readonly findings: readonly Finding[];
}

/** Groups the addresses of each pool into one instance. */
export function planInstances(input: PlanInput): Plan {
  const { vrids } = input;
  const findings: Finding[] = [];
  const instances: InstancePlan[] = [];
  for (const [pool, eips] of byPool(input.eips)) {
    const vrid = vrids.get(pool);
    if (vrid === undefined) continue;
    const [first] = eips;
    const interfaces = new Set(eips.map((eip) => eip.interface));
    const families = new Set(eips.map(({ address }) => address.family));
    if (!first || interfaces.size > 1 || families.size > 1) {
      findings.push({
        code: 'vip-mixed-pool', subject: pool,
        text: `the addresses of ${pool} are on ${[...interfaces].join(' and ')}, of `
          + `${families.size} families: a virtual router has one interface and one family; make `
          + 'an Eip for each',
      });
      continue;
    }
    instances.push({
      name: `vip-${pool}`, pool, interface: first.interface, family: first.address.family, vrid,
      priority: priorityFor(input, first),
      addresses: eips.map(({ eip }) => eip),
      ...first.failbackS === undefined ? {} : { failbackS: first.failbackS },
      ...first.refereed === true ? { refereed: true as const, failbackS: 0 } : {},
    });
  }
  return { instances: withoutClashes(instances, findings), findings };
}

type Parsed = VipEip & { readonly address: Address };

function priorityFor({ node, weight, priority, field }: PlanInput, first: Parsed): number {
  const { pool, refereed, address: { family } } = first;
  if (priority !== undefined) return priority;
  if (refereed === true) return refereedPriorityOf(node, pool, weight);
  const { own, others } = field?.(pool, family) ?? { own: node, others: [] };
  return priorityOf({ name: own, weight }, others, pool);
}

function byPool(eips: readonly VipEip[]): [string, readonly Parsed[]][] {
  const pools = new Map<string, Parsed[]>();
  for (const eip of eips) {
    const address = parseAddress(eip.eip);
    if ('error' in address) throw new TypeError(address.error);
    const list = pools.get(eip.pool) ?? [];
    list.push({ ...eip, address });
    pools.set(eip.pool, list);
  }
  for (const list of pools.values()) list.sort((a, b) => compareAddresses(a.address, b.address));
  return [...pools].sort(([a], [b]) => a < b ? -1 : 1);
}

/** keepalived refuses two instances of one VRID; the first by name keeps it. */
function withoutClashes(
  instances: readonly InstancePlan[], findings: Finding[],
): readonly InstancePlan[] {
  const taken = new Map<string, InstancePlan>();
  return instances.filter((instance) => {
    const key = `${instance.vrid} ${instance.family} ${instance.interface}`;
    const other = taken.get(key);
    if (!other) return taken.set(key, instance);
    findings.push({
      code: 'vip-vrid-clash', subject: instance.pool,
      text: `${instance.pool} has VRID ${instance.vrid} on ${instance.interface}, as ${other.pool} `
        + 'has: give one of them another by configuration',
    });
    return false;
  });
}
