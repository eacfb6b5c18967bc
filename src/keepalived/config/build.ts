/** What `keepalived --version` tells of a build. */
import type { Feature } from './table/shapes.ts';
import { type Version, parseVersion } from './version.ts';

/** A keepalived as it is installed. */
export interface Build {
  readonly version: Version;
  readonly features: ReadonlySet<Feature>;
}

/** Parts that are listed by their own name when they are there. */
const listed: readonly Feature[] = [
  'NFTABLES', 'IPTABLES', 'LVS', 'REGEX', 'VRRP_AUTH', 'VRRP_VMAC', 'VRRP_IPVLAN', 'JSON', 'BFD',
  'OLD_CHKSUM_COMPAT', 'SNMP_VRRP', 'SNMP_CHECKER', 'SNMP_RFCV2', 'SNMP_RFCV3', 'DBUS', 'VRF',
];

/** Parts that are there unless another word is listed. */
const unlisted: readonly (readonly [Feature, string])[] = [
  ['LINKBEAT', 'NO_LINKBEAT'],
  ['TRACK_PROCESS', 'DISABLE_TRACK_PROCESS'],
];

/** Parts that are there if any of some others is. */
const anyOf: readonly (readonly [Feature, readonly Feature[]])[] = [
  ['SNMP', ['SNMP_VRRP', 'SNMP_CHECKER', 'SNMP_RFCV2', 'SNMP_RFCV3']],
  ['SNMP_RFC', ['SNMP_RFCV2', 'SNMP_RFCV3']],
  ['FIREWALL', ['IPTABLES', 'NFTABLES']],
];

/** Reads the output of `keepalived --version`; undefined if there is no version in it. */
export function parseBuild(text: string): Build | undefined {
  const version = parseVersion(/Keepalived v(\S+)/.exec(text)?.[1] ?? '');
  if (!version) return undefined;
  const options = [...text.matchAll(/^(?:Config|System) options:(.*)$/gm)]
    .flatMap((match) => (match[1] ?? '').trim().split(/\s+/));
  const features = new Set(listed.filter((feature) => options.includes(feature)));
  for (const [feature, absent] of unlisted) if (!options.includes(absent)) features.add(feature);
  if (options.some((option) => option.startsWith('LIBIPSET'))) features.add('IPSET');
  for (const [feature, members] of anyOf) {
    if (members.some((member) => features.has(member))) features.add(feature);
  }
  return { version, features };
}
