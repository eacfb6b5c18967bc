/** What keepalived makes of an instance once its defaults are filled in. */
import type { VrrpInstance } from '../model.ts';
import { type Family, addressFamily, bareAddress, prefixParts } from '../read/addresses.ts';
import type { Statement } from '../read/context.ts';
import { type Checker, statementsOf } from './checker.ts';

/** An instance as keepalived will run it. */
export interface Effective {
  readonly instance: VrrpInstance;
  readonly statement: Statement;
  readonly family: Family;
  readonly version: 2 | 3;
  readonly priority: number;
  /** State to start in. */
  readonly state: 'MASTER' | 'BACKUP';
  readonly strict: boolean;
  /** It has peers, and sends to them. */
  readonly unicast: boolean;
  /** A keyword that is about unicast was given. */
  readonly unicastWanted: boolean;
  readonly vmac: boolean;
  readonly ipvlan: boolean;
}

const owner = 255;

/** Families in the order in which keepalived hears of them, with the statement that says so. */
interface FamilySource {
  readonly family: Family;
  readonly at: Statement['at'];
  readonly keyword: string;
  readonly text: string;
}

function sourcesOf(statement: Statement): FamilySource[] {
  const keyword = statement.words[0]?.text ?? '';
  const { value, at } = statement;
  const source = (text: string, place = at): FamilySource[] => {
    const family = addressFamily(bareAddress(text)) ?? prefixParts(text)?.family;
    return family === undefined ? [] : [{ family, at: place, keyword, text }];
  };
  switch (keyword) {
    case 'mcast_src_ip': case 'unicast_src_ip': case 'mcast_dst_ip':
      return typeof value === 'string' ? source(value) : [];
    case 'use_ipvlan': {
      const given = (value as { address?: string } | undefined)?.address;
      return given === undefined ? [] : source(given);
    }
    case 'unicast_peer': case 'virtual_ipaddress':
      return (statement.rows ?? []).flatMap((row) => {
        const given = (row.value as { address?: string } | undefined)?.address;
        return given === undefined ? [] : source(given, row.at);
      });
    default: return [];
  }
}

/** Follows family and VRRP version through an instance, and complains where they change. */
export function traceFamily(checker: Checker, instance: VrrpInstance, statement: Statement):
  { family: Family | undefined; version: 2 | 3 | undefined } {
  let family: Family | undefined;
  let version: 2 | 3 | undefined;
  for (const inner of statement.body ?? []) {
    const keyword = inner.words[0]?.text;
    if (keyword === 'native_ipv6') {
      if (family === 4) {
        checker.sayAt(inner.at, `vrrp_instance ${instance.name}: native_ipv6 does not go with the `
          + 'IPv4 addresses before it', { key: 'native_ipv6' });
        continue;
      }
      family = 6;
      version = 3;
    } else if (keyword === 'version' && (inner.value === 2 || inner.value === 3)) {
      const problem = version !== undefined && version !== inner.value ? `version ${version}`
        : inner.value === 2 && family === 6 ? 'IPv6' : undefined;
      if (problem === undefined) version = inner.value;
      else {
        checker.sayAt(inner.at, `vrrp_instance ${instance.name}: version ${inner.value} does not go `
          + `with ${problem}, which was set before`, { key: 'version', value: String(inner.value) });
      }
    }
    for (const source of sourcesOf(inner)) {
      if (family !== undefined && family !== source.family) {
        checker.sayAt(source.at, `vrrp_instance ${instance.name}: ${source.keyword} ${source.text} `
          + `is IPv${source.family}, but the instance is for IPv${family}`, {
          key: source.keyword, value: source.text, allowed: `IPv${family}`,
        });
      }
      family ??= source.family;
    }
  }
  return { family, version };
}

const unicastKeywords = [
  'unicast_peer', 'unicast_fault_no_peer', 'check_unicast_src', 'old_unicast_checksum',
  'unicast_src_ip',
];

/** Fills in the defaults of an instance. */
export function effectiveInstance(
  checker: Checker, instance: VrrpInstance, statement: Statement,
): Effective {
  const { family: traced, version: stated } = traceFamily(checker, instance, statement);
  const strict = instance.strict_mode ?? checker.global.vrrp_strict ?? false;
  const family = traced ?? 4;
  const priority = instance.priority ?? (instance.state === 'MASTER' ? owner : 100);
  if (family === 6 && stated === 2 && strict) {
    checker.sayOf(instance, 'IPv6 needs VRRP version 3 in strict mode', { key: 'version' });
  }
  const version = family === 6 && stated === 2 && strict ? 3
    : stated ?? (family === 6 ? 3 : checker.global.vrrp_version === 3 ? 3 : 2);
  const unicast = (instance.unicast_peer?.length ?? 0) > 0;
  return {
    instance,
    statement,
    family,
    version,
    priority,
    state: instance.state ?? (priority === owner ? 'MASTER' : 'BACKUP'),
    strict,
    unicast,
    unicastWanted: checker.since('2.2.5')
      ? statementsOf(statement.body, ...unicastKeywords).length > 0 : unicast,
    vmac: instance.use_vmac !== undefined,
    ipvlan: instance.use_ipvlan !== undefined,
  };
}

/** Whether an instance owns its addresses. */
export function isOwner({ priority }: Effective): boolean {
  return priority === owner;
}
