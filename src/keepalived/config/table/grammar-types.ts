/** What the grammars of their own hold (see `Special` in shapes.ts). */
import type { Locked } from './value-types.ts';

/** A line of virtual_ipaddress, virtual_ipaddress_excluded or static_ipaddress. */
export interface AddressLine {
  /** `10.0.0.1/24`; without length it is a host address. */
  readonly address: string;
  readonly dev?: string;
  readonly scope?: string;
  /** An address, or `+` or `-` for the last or first of the subnet. */
  readonly brd?: string;
  readonly label?: string;
  readonly peer?: string;
  readonly home?: true;
  readonly '-nodad'?: true;
  readonly mngtmpaddr?: true;
  readonly noprefixroute?: true;
  readonly autojoin?: true;
  readonly no_track?: true;
  /** Seconds. */
  readonly preferred_lft?: number | 'forever';
  /** Not for static addresses. */
  readonly use_vmac?: true;
  /** For static addresses alone. */
  readonly track_group?: string;
}

/** Encapsulation of a route. */
export type Encapsulation =
  | {
    readonly type: 'ip';
    readonly id?: string;
    readonly dst?: string;
    readonly src?: string;
    readonly tos?: string;
    readonly ttl?: number;
    readonly flags?: number;
  }
  | {
    readonly type: 'ip6';
    readonly id?: string;
    readonly dst?: string;
    readonly src?: string;
    readonly tc?: string;
    readonly hoplimit?: number;
    readonly flags?: number;
  }
  | { readonly type: 'mpls'; readonly labels: string }
  | { readonly type: 'ila'; readonly locator: string };

/** One way of a route with several. */
export interface NextHop {
  readonly via?: string;
  readonly dev?: string;
  /** 1 to 256. */
  readonly weight?: number;
  readonly onlink?: true;
  readonly encap?: Encapsulation;
  readonly realms?: string;
}

/** A line of virtual_routes or static_routes, in the words of `ip route`. */
export interface RouteLine {
  /** `default`, or `10.0.0.0/8`. */
  readonly to: string;
  /** `unicast`, `blackhole`, ... */
  readonly type?: string;
  readonly family?: 'inet' | 'inet6';
  readonly src?: string;
  readonly via?: string;
  readonly from?: string;
  readonly tos?: string;
  readonly table?: string;
  readonly protocol?: string;
  readonly scope?: string;
  readonly metric?: number;
  readonly dev?: string;
  readonly onlink?: true;
  readonly encap?: Encapsulation;
  readonly expires?: number;
  readonly mtu?: number | Locked<number>;
  readonly hoplimit?: number;
  readonly advmss?: number | Locked<number>;
  /** `200`, `0.2s` or `200ms`. */
  readonly rtt?: string | Locked<string>;
  readonly rttvar?: string | Locked<string>;
  readonly rto_min?: string | Locked<string>;
  readonly reordering?: number | Locked<number>;
  readonly window?: number;
  readonly cwnd?: number | Locked<number>;
  readonly ssthresh?: number | Locked<number>;
  readonly realms?: string;
  readonly initcwnd?: number;
  readonly initrwnd?: number;
  readonly features?: 'ecn';
  readonly quickack?: number;
  readonly congctl?: string | Locked<string>;
  readonly pref?: string;
  readonly 'ttl-propagate'?: 'enabled' | 'disabled';
  readonly fastopen_no_cookie?: number;
  /** How it is put beside other routes to the same destination. */
  readonly mode?: 'add' | 'prepend' | 'append';
  readonly vrf?: string;
  readonly no_track?: true;
  /** For static routes alone. */
  readonly track_group?: string;
  readonly nexthops?: readonly NextHop[];
}

/** A line of virtual_rules or static_rules, in the words of `ip rule`. */
export interface RuleLine {
  readonly family?: 'inet' | 'inet6';
  readonly not?: true;
  readonly from?: string;
  readonly to?: string;
  readonly tos?: string;
  /** `1` or `0x10/0xff`. */
  readonly fwmark?: string;
  readonly iif?: string;
  readonly oif?: string;
  readonly 'tunnel-id'?: string;
  /** `1000-1999`. */
  readonly uidrange?: string;
  readonly ipproto?: string;
  /** `80-443`. */
  readonly sport?: string;
  readonly dport?: string;
  readonly protocol?: number;
  readonly preference?: number;
  readonly table?: string;
  readonly l3mdev?: true;
  readonly suppress_prefixlength?: number;
  readonly suppress_ifgroup?: string;
  readonly realms?: string;
  /** What to do instead of looking into a table. */
  readonly type?: string;
  /** Preference of the rule to go on with. */
  readonly goto?: number;
  readonly no_track?: true;
  /** For static rules alone. */
  readonly track_group?: string;
}

/** A line of a track_... block. */
export interface TrackLine {
  readonly name: string;
  readonly weight?: number;
  /** `reverse`, or `noreverse` to take back that of the item tracked; only beside a weight. */
  readonly direction?: 'reverse' | 'noreverse';
}

/** A weight, perhaps counted the other way round. */
export interface Weight {
  readonly weight: number;
  readonly reverse?: true;
}

/** A script, and who runs it. */
export interface Script {
  /**
   * Command line as keepalived gets it: words in quotes may hold blanks, a backslash escapes.
   * It is not run by a shell.
   */
  readonly command: string;
  readonly user?: string;
  readonly group?: string;
}

/** Values by grammar. */
export interface Grammars {
  readonly address: AddressLine;
  readonly route: RouteLine;
  readonly rule: RuleLine;
  readonly track: TrackLine;
  readonly weight: Weight;
  readonly vmac: {
    readonly interface?: string;
    /** Six bytes, or five to end in the VRID. */
    readonly mac?: string;
    readonly group?: string;
    readonly netlink_notify_msg?: true;
  };
  readonly ipvlan: {
    readonly interface?: string;
    readonly address?: string;
    readonly mode?: 'bridge' | 'private' | 'vepa';
    readonly group?: string;
  };
  readonly 'garp-extra-if': { readonly seconds: number; readonly all?: true };
  readonly script: Script | true;
  readonly command: string;
  readonly user: { readonly user: string; readonly group?: string };
  readonly process: { readonly path: string; readonly parameters?: readonly string[] };
  readonly 'init-file': { readonly value?: number; readonly overwrite?: true };
  readonly umask: string;
  readonly 'rx-bufs-policy': 'MTU' | 'ADVERT' | number;
  readonly fifo: { readonly path: string; readonly user?: string; readonly group?: string };
  readonly 'lvs-sync-daemon': {
    readonly interface: string;
    readonly inst?: string;
    readonly id?: number;
    readonly maxlen?: number;
    readonly port?: number;
    readonly ttl?: number;
    readonly group?: string;
  };
  readonly 'lvs-timeouts': {
    readonly tcp?: number; readonly tcpfin?: number; readonly udp?: number;
  };
  readonly 'include-check': readonly string[];
  readonly 'dynamic-interfaces': true | 'allow_if_changes';
  readonly 'hmac-key': { readonly id: number; readonly key: string };
  readonly forwarding: readonly string[];
  readonly 'server-group-entry': readonly string[];
  readonly 'status-codes': readonly string[];
}
