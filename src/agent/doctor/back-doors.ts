/**
 * Interfaces that no Eip names, on the same segment as one that an Eip does. With arp_ignore 0 the
 * kernel answers there for every address of the host, whichever interface it is on (ip-sysctl.rst),
 * and the fence guards the interfaces of Eips alone: a bound address would be claimed twice.
 */
import { readFileSync } from 'node:fs';
import type { Interfaces } from '../../net/interfaces.ts';
import type { InterfaceAddress } from '../../net/rtnetlink/address.ts';
import { addressToBytes, parseAddress } from '../../wire/address.ts';
import { warn } from './check.ts';
import type { Check } from './check.ts';

/** `listed`: indices of the links that Eips are announced on. */
export function backDoors(
  interfaces: Pick<Interfaces, 'list' | 'addresses'>, listed: ReadonlySet<number>,
): readonly Check[] {
  const links = interfaces.list();
  const fronts = links.filter(({ ifindex }) => listed.has(ifindex));
  return links.flatMap((link) => {
    // A port of a bridge or bond hands its frames on, and answers nothing itself.
    const canAnswer = link.up && link.ethernet && !link.loopback && link.master === null;
    if (!canAnswer || listed.has(link.ifindex) || !answersForAll(link.name)) return [];
    const front = fronts.find(({ ifindex }) => (
      shareSubnet(interfaces.addresses(link.ifindex), interfaces.addresses(ifindex))));
    if (front === undefined) return [];
    return [warn(`interface ${link.name}`, `is in one subnet with ${front.name}, and its arp_ignore is 0: `
      + `the kernel answers there for addresses that are bound on ${front.name}`, quietCommand(link.name))];
  });
}

/** The larger of the two settings counts. */
export function answersForAll(name: string): boolean {
  return ['all', name].every((scope) => arpIgnore(scope) === 0);
}

export function quietCommand(name: string): string {
  // With slashes, since a VLAN's name has a dot in it.
  return `sysctl -w net/ipv4/conf/${name}/arp_ignore=1`;
}

function arpIgnore(scope: string): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/conf/${scope}/arp_ignore`, 'utf8'));
  } catch {
    // An interface without IPv4 answers no ARP.
    return 1;
  }
}

function shareSubnet(
  ours: readonly InterfaceAddress[], theirs: readonly InterfaceAddress[],
): boolean {
  return ours.some((a) => theirs.some((b) => {
    const length = Math.min(a.prefixLength, b.prefixLength);
    // Single addresses are EIPs, ours or another program's: no subnet.
    return a.family === 4 && b.family === 4 && length > 0 && length < 32
      && networkOf(a.address, length) === networkOf(b.address, length);
  }));
}

function networkOf(address: string, length: number): number {
  const parsed = parseAddress(address);
  if ('error' in parsed) return -1;
  const bytes = addressToBytes(parsed);
  const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return Math.floor(value / 2 ** (32 - length));
}
