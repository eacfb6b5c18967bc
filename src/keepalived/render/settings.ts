/** How keepalived is to run the instances: the same on every node, but for sources and peers. */

export interface VipSettings {
  /** Interval of advertisements: 10 to 40,950 ms, in steps of 10. */
  readonly advertMs: number;
  /** Advertisements missed until a backup takes over: three in RFC 9568 6.1. */
  readonly missed: number;
  /**
   * Null: a node that comes back leaves the addresses where they are. Else the seconds, 0 to 1000,
   * for which it waits before it takes them from a lower priority.
   */
  readonly failbackS: number | null;
  /** Null: multicast. */
  readonly unicast: Unicast | null;
  /** A virtual MAC address for each instance, so that neighbours keep what they learned. */
  readonly useVmac: boolean;
  readonly garp: GarpSettings;
  /** Interfaces, beside its own, without which an instance gives up. */
  readonly trackInterfaces: readonly string[];
  readonly trackScripts: readonly TrackScript[];
  readonly trackProcesses: readonly TrackProcess[];
  /** A file that holds a key of 32 bytes or more; keepalived 2.4.0 or later. */
  readonly hmacKeyFile: string | null;
}

export interface Unicast {
  /** This node's address of each family that it uses. */
  readonly source: Readonly<Partial<Record<4 | 6, string>>>;
  /** Addresses of all nodes; its own is left out. */
  readonly nodes: readonly string[];
}

/** Gratuitous ARP and unsolicited neighbour advertisements. */
export interface GarpSettings {
  /** Messages for each address on taking it over, and again after `againS`. */
  readonly repeat: number;
  readonly againS: number;
  /** Seconds between refreshes by the master; 0 for none. */
  readonly refreshS: number;
}

export interface TrackScript {
  readonly name: string;
  readonly command: string;
  readonly intervalS: number;
  readonly timeoutS: number;
}

export interface TrackProcess {
  readonly name: string;
  readonly process: string;
}

export const vipDefaults: VipSettings = {
  advertMs: 1000,
  missed: 3,
  failbackS: null,
  unicast: null,
  useVmac: false,
  // keepalived's own defaults are 5, 5 and 0: with no refresh a switch or a neighbour that missed
  // the burst, or that learned from the other side of a healed split, stays wrong for ever.
  garp: { repeat: 3, againS: 1, refreshS: 30 },
  trackInterfaces: [],
  trackScripts: [],
  trackProcesses: [],
  hmacKeyFile: null,
};
