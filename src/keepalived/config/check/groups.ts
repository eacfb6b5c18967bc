/** Sync groups, and instances that get in each other's way. */
import type { VrrpSyncGroup } from '../model.ts';
import { bareAddress, canonicalAddress } from '../read/addresses.ts';
import type { Checker } from './checker.ts';
import { type Effective, isOwner } from './effective.ts';

/** Members of each sync group, as far as they are there. */
export type Membership = ReadonlyMap<VrrpSyncGroup, readonly Effective[]>;

/** Puts instances into their groups, and complains about groups that keepalived refuses. */
export function checkSyncGroups(checker: Checker, all: readonly Effective[]): Membership {
  const taken = new Map<Effective, VrrpSyncGroup>();
  const membership = new Map<VrrpSyncGroup, readonly Effective[]>();
  for (const group of checker.configuration.vrrp_sync_group ?? []) {
    const say = (message: string, value?: string) =>
      checker.say(group, `vrrp_sync_group ${group.name}: ${message}`, { key: 'group', value });
    const members: Effective[] = [];
    for (const name of group.group ?? []) {
      const found = all.find(({ instance }) => instance.name === name);
      const other = found && taken.get(found);
      if (!found) say(`there is no vrrp_instance ${name}`, name);
      else if (other) say(`vrrp_instance ${name} is in vrrp_sync_group ${other.name} already`, name);
      else {
        taken.set(found, group);
        members.push(found);
      }
    }
    if (group.group === undefined) say('it has no group { ... }');
    else if (members.length === 0) say('it has no members');
    else if (members.length === 1) say('it has one member only');
    checkOwners(checker, group, members);
    membership.set(group, members);
  }
  return membership;
}

/** The group starts as master if all members own their addresses, and has to agree on that. */
function checkOwners(
  checker: Checker, group: VrrpSyncGroup, members: readonly Effective[],
): void {
  let master = false;
  for (const [index, member] of members.entries()) {
    if (master && member.instance.state === 'BACKUP') {
      checker.say(group, `vrrp_sync_group ${group.name}: ${member.instance.name} starts as backup, `
        + 'the members before it as owners of their addresses', { key: 'group' });
    }
    const { state, priority } = member.instance;
    const owns = state === 'MASTER' && (priority === undefined ? false : isOwner(member));
    master = (index === 0 || master) && owns;
  }
}

/** What tells VRRP routers apart on one host: family, VRID, and where they send. */
export function checkVrids(checker: Checker, all: readonly Effective[]): void {
  for (const [index, one] of all.entries()) {
    for (const other of all.slice(index + 1)) {
      const vrid = one.instance.virtual_router_id;
      if (vrid === undefined || vrid !== other.instance.virtual_router_id
        || one.family !== other.family || one.unicast !== other.unicast) continue;
      const clash = one.unicast ? unicastClash(checker, one, other)
        : multicastClash(checker, one, other);
      if (!clash) continue;
      checker.sayOf(other.instance, `it has the VRID ${vrid} of vrrp_instance ${one.instance.name}, `
        + `which is of the same family and ${clash}`, {
        key: 'virtual_router_id', code: 'duplicate', value: String(vrid),
      });
    }
  }
}

function multicastClash(checker: Checker, one: Effective, other: Effective): string | undefined {
  const name = one.instance.interface;
  if (name === undefined || name !== other.instance.interface || !checker.hasInterface(name)) {
    return undefined;
  }
  const groups = [one, other].map(({ instance, family }) => canonicalAddress(bareAddress(
    instance.mcast_dst_ip ?? (family === 4 ? checker.global.vrrp_mcast_group4 ?? '224.0.0.18'
      : checker.global.vrrp_mcast_group6 ?? 'ff02::12'))));
  return groups[0] === groups[1] ? `on the interface ${name}` : undefined;
}

/** Two unicast instances clash if they send from one address to one peer. */
function unicastClash(checker: Checker, one: Effective, other: Effective): string | undefined {
  if (one.vmac || one.ipvlan || other.vmac || other.ipvlan) return undefined;
  const [name, otherName] = [one.instance.interface, other.instance.interface];
  if (name !== undefined && otherName !== undefined && name !== otherName) return undefined;
  const sources = [one, other].map(({ instance, family }) => {
    const given = instance.unicast_src_ip ?? instance.mcast_src_ip;
    if (given !== undefined) return canonicalAddress(bareAddress(given));
    const facts = checker.interfaceFacts(instance.interface);
    const own = family === 4 ? facts?.ipv4 : facts?.ipv6;
    if (own === null) return undefined;
    // Without facts the interface is taken to have an address, the same for both.
    return own === undefined ? instance.interface : canonicalAddress(own);
  });
  if (sources[0] === undefined || sources[0] !== sources[1]) return undefined;
  const peers = ({ instance }: Effective) =>
    (instance.unicast_peer ?? []).map(({ address }) => canonicalAddress(bareAddress(address)));
  const shared = peers(one).find((peer) => peers(other).includes(peer));
  return shared === undefined ? undefined : `sends to the same peer ${shared}`;
}
