/**
 * What is known of the host that a configuration is meant for. Everything is optional: what is
 * not known is not checked.
 */
import type { Feature } from './table/shapes.ts';
import type { Version } from './version.ts';

/** One network interface. */
export interface InterfaceFacts {
  /** Bytes; 1500 if not known. */
  readonly mtu?: number;
  readonly loopback?: boolean;
  /** Whether it can multicast; yes if not known. */
  readonly multicast?: boolean;
  /** Whether it is of Ethernet's type; yes if not known. */
  readonly ethernet?: boolean;
  readonly vrf?: boolean;
  /** A macvlan or ipvlan that keepalived may take for its own. */
  readonly virtual?: boolean;
  /** Its first address of the family; null if it has none. */
  readonly ipv4?: string | null;
  readonly ipv6?: string | null;
}

/** Numbers of a user, as in /etc/passwd. */
export interface UserFacts {
  readonly uid: number;
  readonly gid: number;
}

/**
 * What keepalived finds when it looks at a script:
 * - `missing`: not there, or not reachable for the user who is to run it
 * - `wrong-type`: no regular file, or something on its path is no directory
 * - `not-executable`: for that user
 * - `insecure`: root would run it, and others than root can change it
 */
export type ScriptState = 'ok' | 'missing' | 'wrong-type' | 'not-executable' | 'insecure';

/** Names from iproute2's tables, beside those that keepalived knows by itself. */
export type RoutingNames = Readonly<Partial<Record<
  'rt_tables' | 'rt_dsfield' | 'rt_protos' | 'rt_scopes' | 'group' | 'rt_realms',
  ReadonlySet<string>
>>>;

export interface HostFacts {
  /** What keepalived was built with. */
  readonly features?: ReadonlySet<Feature>;
  /** All interfaces, by name. */
  readonly interfaces?: ReadonlyMap<string, InterfaceFacts>;
  readonly cpus?: number;
  readonly user?: (name: string) => UserFacts | undefined;
  readonly group?: (name: string) => number | undefined;
  /** Releases differ in how they look at links. */
  readonly script?: (command: string, user: UserFacts, version: Version) => ScriptState;
  readonly file?: (path: string) => 'missing' | 'file' | 'directory' | 'other';
  readonly routingNames?: RoutingNames;
}

/** Facts about an interface, if all interfaces are known and it is one of them. */
export function interfaceFacts(facts: HostFacts, name: string): InterfaceFacts | undefined {
  return facts.interfaces?.get(name);
}
