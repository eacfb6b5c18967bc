/** Lines of addresses, wherever they stand (alloc_ipaddress, vrrp_complete_instance). */
import type { AddressLine, TrackGroup } from '../model.ts';
import { addressFamily, canonicalAddress, isLinkLocal, prefixParts } from '../read/addresses.ts';
import type { Checker } from './checker.ts';
import type { Effective } from './effective.ts';

/** Options that do not go with each other or with the family. */
function checkLine(checker: Checker, line: AddressLine, keyword: string): void {
  const parts = prefixParts(line.address);
  if (!parts) return;
  const { family, length } = parts;
  const host = family === 4 ? 32 : 128;
  const say = (message: string) =>
    checker.say(line, `${keyword}: ${line.address}: ${message}`, { key: keyword });
  if (line.peer !== undefined) {
    if (addressFamily(line.peer) !== family) say(`the peer ${line.peer} is of the other family`);
    else if (length !== host) say('an address with a peer may not have a prefix length');
  }
  if (line.brd !== undefined) {
    if (family === 6) say('IPv6 has no broadcast address');
    else if (line.peer !== undefined) say('an address has either a peer or a broadcast address');
    else if ((line.brd === '+' || line.brd === '-') && length > 30) {
      say(`the prefix length ${length} leaves no room for a broadcast address`);
    }
  }
  if (family === 6) {
    if (line.scope !== undefined && !isUniverse(line.scope)) say('IPv6 addresses have no scope');
    if (line.label !== undefined) say('IPv6 addresses have no label');
  }
}

/** Scope 0, which is as if none were given. */
function isUniverse(scope: string): boolean {
  return scope === 'global' || /^0(x0+)?0*$/i.test(scope);
}

/** Addresses that move with an instance. */
export function checkVirtualAddresses(checker: Checker, effective: Effective): void {
  const { instance } = effective;
  const lists = ['virtual_ipaddress', 'virtual_ipaddress_excluded'] as const;
  for (const keyword of lists) {
    for (const line of instance[keyword] ?? []) {
      checkLine(checker, line, keyword);
      if (line.use_vmac === true) checkUseVmac(checker, effective, line, keyword);
      if (line.dev === undefined && instance.interface === undefined) {
        checker.say(line, `${keyword}: ${line.address} has no dev, and its vrrp_instance no interface`, {
          key: keyword, code: 'incomplete', value: line.address,
        });
      }
    }
  }
  checkRoom(checker, effective);
  checkFirst(checker, effective);
  if (checker.since('2.3.3')) checkTwice(checker, effective);
}

function checkUseVmac(
  checker: Checker, { instance, vmac, family }: Effective, line: AddressLine, keyword: string,
): void {
  const here = line.dev === undefined || line.dev === instance.interface;
  const same = prefixParts(line.address)?.family === family;
  if (here && same && vmac) {
    checker.say(line, `${keyword}: ${line.address}: use_vmac is set for the instance already`, {
      key: keyword,
    });
  } else if ((!here || !same) && instance.use_vmac_addr === true) {
    checker.say(line, `${keyword}: ${line.address}: use_vmac_addr is set for the instance already`, {
      key: keyword,
    });
  }
}

/** Bytes of the headers in front of the addresses of an advertisement. */
function headerLength({ instance, family, version }: Effective): number {
  const { auth_hmac: hmac } = instance;
  const trailer = hmac && hmac.mode !== 'receive-only' ? 28 : 0;
  if (family === 6) return 14 + 40 + 8 + trailer;
  const ah = instance.authentication?.auth_type === 'AH' ? 24 : 0;
  return 14 + 20 + 8 + (version === 2 ? 8 + ah : 0) + trailer;
}

/** An advertisement has to fit into a frame, and counts its addresses in one byte. */
function checkRoom(checker: Checker, effective: Effective): void {
  const { instance, family } = effective;
  const mtu = checker.interfaceFacts(instance.interface)?.mtu ?? 1500;
  const size = family === 4 ? 4 : 16;
  const most = Math.min(255, Math.floor((mtu - headerLength(effective)) / size));
  const count = instance.virtual_ipaddress?.length ?? 0;
  if (count > most) {
    checker.sayOf(instance, `its ${count} addresses do not fit into an advertisement, which has `
      + `room for ${most}; put the others into virtual_ipaddress_excluded`, {
      key: 'virtual_ipaddress', code: 'out-of-range', value: String(count), allowed: `0 to ${most}`,
    });
  }
}

/** RFC 5798 section 5.2.9: the first IPv6 address is link-local. */
function checkFirst(checker: Checker, { instance, family, unicast, strict }: Effective): void {
  const [first] = instance.virtual_ipaddress ?? [];
  if (!first || family !== 6 || unicast) return;
  const { address = '' } = prefixParts(first.address) ?? {};
  if (isLinkLocal(address)) return;
  checker.say(first, `vrrp_instance ${instance.name}: the first IPv6 address should be link-local`, {
    key: 'virtual_ipaddress', value: first.address, severity: strict ? 'error' : 'warning',
  });
}

function checkTwice(checker: Checker, { instance }: Effective): void {
  const taken: { address: string | undefined; dev: string | undefined; excluded: boolean }[] = [];
  const lists = ['virtual_ipaddress', 'virtual_ipaddress_excluded'] as const;
  for (const keyword of lists) {
    for (const line of instance[keyword] ?? []) {
      const excluded = keyword === 'virtual_ipaddress_excluded';
      const address = canonicalAddress(prefixParts(line.address)?.address ?? '');
      // One address may be in both lists if it is on different interfaces.
      if (taken.some((one) => one.address === address
        && ((!excluded && !one.excluded) || one.dev === line.dev))) {
        checker.say(line, `vrrp_instance ${instance.name}: ${line.address} is given twice`, {
          key: keyword, code: 'duplicate', value: line.address,
        });
      }
      taken.push({ address, dev: line.dev, excluded });
    }
  }
}

const defaultInterface = 'eth0';

/** Addresses that are set at start: their lines, interfaces and groups. */
export function checkStaticAddresses(checker: Checker): void {
  const name = checker.global.default_interface ?? defaultInterface;
  for (const line of checker.configuration.static_ipaddress ?? []) {
    checkLine(checker, line, 'static_ipaddress');
    const dynamic = checker.global.dynamic_interfaces !== undefined;
    if (line.dev === undefined && !checker.hasInterface(name) && !dynamic) {
      checker.say(line, `static_ipaddress: ${line.address} has no dev, and this host has no `
        + `interface ${name}`, { key: 'static_ipaddress', code: 'host', value: line.address });
    }
  }
}

/** Groups that static addresses, routes and rules follow have to be defined before them. */
export function checkTrackGroups(checker: Checker): void {
  const { configuration } = checker;
  const groups: readonly TrackGroup[] = configuration.track_group ?? [];
  const lists = ['static_ipaddress', 'static_routes', 'static_rules'] as const;
  for (const keyword of lists) {
    for (const line of configuration[keyword] ?? []) {
      const wanted = line.track_group;
      if (wanted === undefined) continue;
      const group = groups.find((one) => one.name === wanted);
      if (!group || !checker.isBefore(group, line)) {
        checker.say(line, `${keyword}: track_group ${wanted} is not defined${group ? ' before it' : ''}`, {
          key: keyword, code: 'undefined-name', value: wanted,
        });
      }
    }
  }
}
