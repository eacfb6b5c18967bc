/**
 * What may stand behind a keyword, as data. Reader, writer and documentation all work from
 * these; the types of the model are derived from them (value-types.ts).
 */

/** A whole number. keepalived reads signed and unsigned ones by different rules. */
export interface Whole {
  readonly kind: 'whole';
  readonly min: number;
  readonly max: number;
  /** Base of the digits; 0 takes 0x and leading 0 as C does. */
  readonly base: 10 | 0;
}

/** A number with decimal places, in seconds unless `unit` says otherwise. */
export interface Decimal {
  readonly kind: 'decimal';
  /** Limits in units of the last decimal place. */
  readonly min: number;
  readonly max: number;
  readonly digits: number;
  readonly unit: 's' | 'ms';
}

/** Any word; `max` is its greatest length in bytes, and `filled` says that it may not be "". */
export interface Text {
  readonly kind: 'text';
  readonly max?: number;
  readonly filled?: true;
}

/** One of some words. */
export interface Choice<T extends readonly string[] = readonly string[]> {
  readonly kind: 'choice';
  readonly of: T;
  readonly anyCase?: boolean;
}

/** The name of a network interface. */
export interface InterfaceName {
  readonly kind: 'interface';
  /**
   * - `exists`: it has to be there, unless `dynamic_interfaces` is set
   * - `vrf`: it has to be there, and to be a VRF
   * - `named`: only its length counts
   * - `new`: keepalived will make it
   */
  readonly need: 'exists' | 'named' | 'new' | 'vrf';
}

/** An IP address. */
export interface Address {
  readonly kind: 'address';
  readonly family?: 4 | 6;
  /** `link` is any for IPv4, and link-local for IPv6. */
  readonly multicast?: 'any' | 'link';
  /** Whether a part behind `/` or `-` is dropped, as for peers and source addresses. */
  readonly lax: boolean;
}

/** An IP address with an optional prefix length. */
export interface Prefix {
  readonly kind: 'prefix';
  /** Words that stand for the whole address space, such as `default`. */
  readonly words: readonly string[];
}

/** A name from one of iproute2's tables (rt_tables, rt_scopes, ...), or its number. */
export interface RoutingName {
  readonly kind: 'routing-name';
  readonly table: 'rt_tables' | 'rt_dsfield' | 'rt_protos' | 'rt_scopes' | 'rt_realms' | 'group';
  readonly max: number;
}

/** One of some words, or a scalar. */
export interface Either<
  T extends readonly string[] = readonly string[], S extends Simple = Simple,
> {
  readonly kind: 'either';
  readonly words: T;
  readonly of: S;
}

/** A word of a form of its own (patterns.ts). */
export interface Pattern {
  readonly kind: 'pattern';
  readonly pattern: PatternName;
}

export type PatternName =
  | 'rtt' | 'rttvar' | 'rto' | 'realms' | 'fwmark' | 'port-range' | 'uid-range' | 'ip-protocol'
  | 'mpls' | 'ila' | 'uint64';

export type Simple =
  | Whole | Decimal | Text | Choice | InterfaceName | Address | Prefix | RoutingName | Pattern;

export type Scalar = Simple | Either;

/** No value; the keyword alone says it. */
export interface Flag {
  readonly kind: 'flag';
}

/** on, true, yes, off, false or no; alone it means on. */
export interface Switch {
  readonly kind: 'switch';
  /** The release from which on the word behind it counts; before, the keyword means on. */
  readonly since?: string;
}

/** A scalar that may be left out. */
export interface Optional<S extends Scalar = Scalar> {
  readonly kind: 'optional';
  readonly of: S;
}

/** Words up to the end of the line. */
export interface Words<S extends Scalar = Scalar> {
  readonly kind: 'words';
  readonly of: S;
  readonly min: number;
}

/** `{ one two three }`: words over any number of lines. */
export interface List<S extends Scalar = Scalar> {
  readonly kind: 'list';
  readonly of: S;
  /** Whether keepalived refuses the empty list. */
  readonly filled: boolean;
}

/** An option within a line: its value, and since when keepalived knows it. */
export interface Option<S extends Scalar | Flag | Lockable = Scalar | Flag | Lockable> {
  readonly shape: S;
  readonly since?: string;
  /** Other spellings of the same option. */
  readonly aliases?: readonly string[];
  /** keepalived refuses the option if it was given before. */
  readonly once?: boolean;
}

/** `[lock] VALUE`, as routes have it. */
export interface Lockable<S extends Scalar = Scalar> {
  readonly kind: 'lockable';
  readonly of: S;
}

export type Options = Readonly<Record<string, Option>>;

export type Positional = Readonly<Record<string, Scalar | Optional>>;

/** Positional values, then options by name in any order. */
export interface Fields<P extends Positional = Positional, O extends Options = Options> {
  readonly kind: 'fields';
  readonly positional: P;
  readonly options: O;
  /** keepalived ignores what is left at the end of the line, instead of refusing it. */
  readonly lenient?: boolean;
}

/** A line or a keyword with a grammar of its own (grammars.ts). */
export interface Special<N extends GrammarName = GrammarName> {
  readonly kind: 'special';
  readonly grammar: N;
  /** For people: what may stand here. */
  readonly usage: string;
  /** Limits, where the grammar has any. */
  readonly min?: number;
  readonly max?: number;
}

/** One entry a line, between braces. */
export interface Entries<E extends Fields | Special = Fields | Special> {
  readonly kind: 'entries';
  readonly of: E;
}

/**
 * What stands between a block's keyword and its brace: nothing, a `name` (more words are
 * ignored), one `only-name` (more words are refused), or the `address` of a server.
 */
export type Header = 'none' | 'name' | 'only-name' | 'address';

/** A block of keywords. */
export interface Block<K = Keywords, H extends Header = Header, M extends boolean = boolean> {
  readonly kind: 'block';
  readonly keywords: K;
  readonly header: H;
  /** Whether there may be several; otherwise a second one adds to the first. */
  readonly many: M;
  /** The greatest length of its name in bytes. */
  readonly maxName?: number;
}

/** Kept as it is written, and checked, but not part of the typed model. */
export interface Opaque {
  readonly kind: 'opaque';
  readonly of: Shape;
}

export type Shape =
  | Scalar | Flag | Switch | Optional | Words | List | Fields | Special | Entries | Block | Opaque;

/** Grammars that cannot be said with the shapes above. */
export type GrammarName =
  | 'address' | 'route' | 'rule' | 'track' | 'weight' | 'vmac' | 'ipvlan' | 'garp-extra-if'
  | 'script' | 'command' | 'user' | 'process' | 'init-file' | 'umask' | 'rx-bufs-policy' | 'fifo'
  | 'lvs-sync-daemon' | 'lvs-timeouts' | 'include-check' | 'dynamic-interfaces' | 'hmac-key'
  | 'forwarding' | 'server-group-entry' | 'status-codes';

/** Parts of keepalived that a build may lack (the `Config options` of `keepalived --version`). */
export type Feature =
  | 'NFTABLES' | 'IPTABLES' | 'IPSET' | 'LVS' | 'REGEX' | 'VRRP_AUTH' | 'VRRP_VMAC' | 'VRRP_IPVLAN'
  | 'JSON' | 'BFD' | 'OLD_CHKSUM_COMPAT' | 'SNMP_VRRP' | 'SNMP_CHECKER' | 'SNMP_RFCV2'
  | 'SNMP_RFCV3' | 'DBUS' | 'VRF' | 'LINKBEAT' | 'TRACK_PROCESS'
  // Any of several: one of SNMP's; one of its RFC MIBs; iptables or nftables.
  | 'SNMP' | 'SNMP_RFC' | 'FIREWALL';

/** One keyword of a block. */
export interface Keyword<S extends Shape = Shape> {
  readonly shape: S;
  /** One sentence for people, without the ranges, which the shape tells. */
  readonly about: string;
  /** The first release that knows it; absent if 2.1.0 did. */
  readonly since?: string;
  /** The last release that knows it. */
  readonly until?: string;
  /** Shapes of later releases, each from the release named on. */
  readonly later?: readonly { readonly since: string; readonly shape: Shape }[];
  /**
   * What a second one in the same block does: `last` wins (the default), it `adds`, or
   * keepalived refuses it.
   */
  readonly repeat?: 'last' | 'adds' | 'refused';
  /** Keywords whose effect this one takes back. */
  readonly cancels?: readonly string[];
  /** What to write instead; `from` is the release from which on keepalived refuses it. */
  readonly deprecated?: { readonly use: string; readonly from?: string };
  readonly needs?: Feature;
  /** keepalived refuses words beyond the shape, instead of ignoring them; from a release on. */
  readonly exact?: string;
}

export type Keywords = Readonly<Record<string, Keyword>>;
