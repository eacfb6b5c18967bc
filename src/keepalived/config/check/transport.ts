/** How an instance sends: unicast, VMAC, ipvlan, VRF. */
import { prefixParts } from '../read/addresses.ts';
import type { Checker } from './checker.ts';
import type { Effective } from './effective.ts';

/** Unicast, and what goes with it. */
export function checkUnicast(checker: Checker, effective: Effective): void {
  const { instance, unicast, unicastWanted } = effective;
  if (!unicast && instance.unicast_ttl !== undefined) {
    checker.sayOf(instance, 'unicast_ttl needs unicast_peer', { key: 'unicast_ttl' });
  }
  if (!unicast && unicastWanted && instance.unicast_fault_no_peer !== true) {
    checker.sayOf(instance, 'it has a keyword for unicast, but no unicast_peer', {
      code: 'deprecated', key: 'unicast_src_ip',
    });
  }
  if (unicast && instance.mcast_dst_ip !== undefined) {
    checker.sayOf(instance, 'mcast_dst_ip does not go with unicast_peer', { key: 'mcast_dst_ip' });
  }
  const seen = new Set<string>();
  for (const peer of instance.unicast_peer ?? []) {
    const { min_ttl: min = 0, max_ttl: max = 255 } = peer;
    if (min > max) {
      checker.say(peer, `vrrp_instance ${instance.name}: unicast_peer ${peer.address}: min_ttl ${min} `
        + `is above max_ttl ${max}, so no packet would do`, { key: 'unicast_peer', value: String(min) });
    }
    if (seen.has(peer.address) && checker.since('2.3.3')) {
      checker.say(peer, `vrrp_instance ${instance.name}: unicast_peer ${peer.address} is given twice`, {
        key: 'unicast_peer', code: 'duplicate', value: peer.address,
      });
    }
    seen.add(peer.address);
  }
  if (instance.vrf !== undefined) checkVrf(checker, effective);
}

function checkVrf(checker: Checker, { instance, unicast }: Effective): void {
  if (instance.interface !== undefined) {
    checker.sayOf(instance, 'vrf does not go with interface', { key: 'vrf' });
  } else if (!unicast) checker.sayOf(instance, 'vrf needs unicast_peer', { key: 'vrf' });
  if (checker.interfaceFacts(instance.vrf)?.loopback === true) {
    checker.sayOf(instance, 'vrf names a loopback', { key: 'vrf', code: 'host' });
  }
}

/** Virtual MAC addresses and ipvlan. */
export function checkVirtualInterface(checker: Checker, effective: Effective): void {
  const { instance, vmac, ipvlan, unicast, unicastWanted, family } = effective;
  const say = (key: string, message: string) => checker.sayOf(instance, message, { key });
  const key = vmac ? 'use_vmac' : 'use_ipvlan';
  const sends = checker.since('2.2.5') ? unicastWanted : unicast;
  if ((vmac || ipvlan) && sends) {
    if (!checker.since('2.2.0')) say(key, `${key} does not go with unicast`);
    else if (instance.interface === undefined) say(key, `${key} with unicast needs an interface`);
    else if (instance.vmac_xmit_base !== true) {
      say('vmac_xmit_base', `${key} with unicast needs vmac_xmit_base`);
    }
  }
  if (!vmac && sends && instance.use_vmac_addr === true && !checker.since('2.2.5')) {
    say('use_vmac_addr', 'use_vmac_addr does not go with unicast');
  }
  if (instance.vmac_xmit_base === true && !vmac) {
    say('vmac_xmit_base', 'vmac_xmit_base needs use_vmac');
  }
  if ((vmac || ipvlan) && instance.promote_secondaries === true) {
    say('promote_secondaries', `promote_secondaries does not go with ${key}, which sets it`);
  }
  if (!ipvlan) return;
  const address = instance.use_ipvlan?.address;
  if (address === undefined) {
    if (family === 4) say('use_ipvlan', 'use_ipvlan needs an address for IPv4');
  } else if (prefixParts(address)?.family !== family) {
    say('use_ipvlan', `use_ipvlan has an address of the other family than the instance`);
  }
}

/** Names of virtual interfaces may be used once. */
export function checkInterfaceNames(checker: Checker, all: readonly Effective[]): void {
  const users = new Map<string, string>();
  for (const { instance } of all) {
    const names = [instance.use_vmac?.interface, instance.use_ipvlan?.interface];
    for (const [index, name] of names.entries()) {
      if (name === undefined) continue;
      const user = users.get(name);
      if (user !== undefined) {
        checker.sayOf(instance, `vrrp_instance ${user} uses the interface name ${name} already`, {
          key: index === 0 ? 'use_vmac' : 'use_ipvlan', value: name, code: 'duplicate',
        });
      } else users.set(name, instance.name);
    }
  }
}

