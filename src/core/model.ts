/**
 * The values that the ownership protocol speaks of. Plain, readonly and serialisable: the same
 * values cross the store, the simulator and the agent's threads.
 *
 * Times named `...Ms` without further word are durations in milliseconds; `now`, `until` and
 * `sentAt` are instants of the node's own monotonic clock (CLOCK_BOOTTIME, so that a suspended
 * machine finds its deadlines passed), in milliseconds; `since` and `at` are wall-clock
 * milliseconds since 1970 and are for people: nothing is ever decided by them.
 */

/** An address that Tenure keeps available: dotted quad, or RFC 5952 text for IPv6. */
export type Eip = string;

/** One tenure of a node: a holder's identity. Incarnations of a node only ever grow. */
export interface TenureId {
  readonly node: string;
  readonly incarnation: number;
}

/** One run of an agent, as a voter: a new boot has forgotten what the one before it promised. */
export interface VoterId {
  readonly node: string;
  readonly boot: number;
}

/** Something that an operator should know of a node; `code` is stable, `text` is a sentence. */
export interface Finding {
  readonly code: string;
  /** What it is about: an Eip's name, an address, an interface, the store. */
  readonly subject: string;
  readonly text: string;
}

/** VRRP's states (RFC 9568 section 6.4), keepalived's FAULT, and STOP: it does not run. */
export const vrrpStates = ['INIT', 'BACKUP', 'MASTER', 'FAULT', 'STOP'] as const;

/** One virtual router of a node, as its keepalived and its watch on the wire have it. */
export interface VrrpReport {
  /** Name of the Eip. */
  readonly eip: string;
  readonly vrid: number;
  readonly interface: string;
  readonly family: 4 | 6;
  /** As keepalived says. */
  readonly state: (typeof vrrpStates)[number];
  /** Where advertisements of another come from; null: none is heard. */
  readonly heard: string | null;
}

/** What a node finds of its own time of support: written down only where it does not fit. */
export interface TimingFit {
  /** `tight`: it is deposed without having failed; `slow`: much less would do. */
  readonly verdict: 'tight' | 'slow';
  /** F and the pause between heartbeats that it has, ms. */
  readonly supportMs: number;
  readonly intervalMs: number;
  /** False depositions of this node to be expected a day. */
  readonly perDay: number;
  /** F that would fit, ms. */
  readonly fitMs: number;
  /** What is late where it is too tight: the host's own timers, or heartbeats on their way. */
  readonly cause: 'host' | 'network';
}

/** A machine, as it is known again after a restart: it runs one kernel at a time. */
export interface Machine {
  readonly id: string;
  /** Identity of this run of its kernel: another after each restart. */
  readonly kernel: string;
}

/** What a node says of itself, kept beside its node lease. Changed rarely: never by the clock. */
export interface NodeRecord {
  /** Number of this run of the agent: its first incarnation. 0 until the store has given one. */
  readonly boot: number;
  /**
   * Identity of the kernel and network namespace that the agent's fence lives in: there the claims
   * of an earlier run are known to have ended. Stores only carry it.
   */
  readonly place: string;
  /** Left out: this machine cannot be told from others, or the version is an earlier one. */
  readonly machine?: Machine | undefined;
  readonly host: string;
  readonly version: string;
  /** Wall clock, ms: when this run of the agent began. */
  readonly startedAt: number;
  readonly weight: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The node is on its way out: it hands over what it holds and takes nothing. */
  readonly draining: boolean;
  /** Eips (by name) and addresses that this node could not announce now, each with the reason. */
  readonly unable: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
  /** Median time of a store request in ms, as last worth writing down. */
  readonly storeLatencyMs: number | null;
  /** Where it receives heartbeats, as `address:port`; empty: it neither votes nor is judged. */
  readonly heartbeat: readonly string[];
  /** It votes, and never holds. */
  readonly witness: boolean;
  /** Left out: the time of support fits, or was not observed for long enough. */
  readonly timing?: TimingFit | undefined;
  /** Quorum mode: the epoch that `voters` judge; 0 in lease mode. */
  readonly epoch: number;
  /** Empty in lease mode. */
  readonly voters: readonly VoterId[];
  /** Eips that keepalived keeps here; absent: none. */
  readonly vrrp?: readonly VrrpReport[] | undefined;
}

/** The store's record that a node is alive. It exists for as long as the tenure has not ended. */
export interface NodeLease {
  readonly id: TenureId;
  readonly record: NodeRecord;
  readonly revision: number;
}

export const moveReasons = [
  /** Nobody held it before. */
  'claimed',
  /** The holder's node lease ended. */
  'takeover',
  /** The holder's voters deposed it, and its heir took over without waiting for the store. */
  'inherited',
  /** The holder's agent was restarted, and its node took the address up again. */
  'returned',
  /** The holder was being drained, or its agent stopped. */
  'drain',
  /** The holder's interface lost its link, or cannot carry the address. */
  'unfit',
  /** Someone asked for it: `tenure move`. */
  'move',
  /** Handed to the node that placement prefers. */
  'failback',
  /** The store named this node but the answer that said so was lost: a new term voids it. */
  'reclaimed',
  /** The Eip was deleted or disabled: nobody holds it now. */
  'released',
] as const;
export type MoveReason = (typeof moveReasons)[number];

/**
 * When what happened on the way of a move, in ms before (less than 0) and after the new holder knew
 * that it was its turn, by its own clock. What is not known, or not yet written down, is left out.
 */
export interface MovePath {
  /** The last heartbeat that it heard of the old holder, if it was one of that one's voters. */
  readonly heard?: number | undefined;
  /** The first withdrawal from the old holder that it knew of. */
  readonly withdrawn?: number | undefined;
  /** A majority had withdrawn. */
  readonly certified?: number | undefined;
  /** The fence was open. */
  readonly opened?: number | undefined;
  /** The first claim left. */
  readonly claimed?: number | undefined;
  /** The first question of anybody on the LAN was answered. */
  readonly served?: number | undefined;
  /** The store had confirmed it. */
  readonly confirmed?: number | undefined;
}

/** How many of the past moves keep their path. */
export const pathsKept = 4;

/** One change of owner, as `tenure history` shows it. */
export interface Move {
  readonly term: number;
  readonly holder: string | null;
  readonly reason: MoveReason;
  /** Wall clock, ms. */
  readonly at: number;
  readonly path?: MovePath | undefined;
}

/** How many past moves an EIP lease remembers, the current one included. */
export const movesKept = 8;

/** The store's record of one EIP. Written only when ownership (or the line) changes. */
export interface EipLease {
  readonly eip: Eip;
  readonly holder: TenureId | null;
  /** Fencing token: +1 at every change of owner. */
  readonly term: number;
  /** Wall clock, ms: when this term began. */
  readonly since: number;
  readonly reason: MoveReason;
  /** Line of succession, first heir first. */
  readonly heirs: readonly TenureId[];
  /** Struck from the line, but perhaps not yet aware of it. */
  readonly former: readonly TenureId[];
  /** The last moves, newest first, at most `movesKept`. */
  readonly moves: readonly Move[];
  /** The store's revision of this record; what compare-and-swap compares. 0: no record yet. */
  readonly revision: number;
}

/** An EIP lease as it is written: the store adds the revision. */
export type EipLeaseValue = Omit<EipLease, 'revision'>;

/** What an operator asked for by `tenure move`. */
export interface MoveRequest {
  readonly eip: Eip;
  readonly to: string;
  /** Wall clock, ms. */
  readonly at: number;
}

/** What the store holds, as far as this node has heard. */
export interface View {
  /** Latest store revision that this view has reached. */
  readonly revision: number;
  readonly nodes: ReadonlyMap<string, NodeLease>;
  readonly leases: ReadonlyMap<Eip, EipLease>;
  /** Nodes that an operator drained. */
  readonly drains: ReadonlyMap<string, true>;
  readonly moves: ReadonlyMap<Eip, MoveRequest>;
}

/**
 * A step of the view: everything that changed up to `revision`, in one piece. With `reset` the
 * lists are the whole content, and what they do not name is gone (a first list, or a re-list
 * after the store compacted the watch away). `null` values are deletions.
 */
export interface ViewChange {
  readonly revision: number;
  readonly reset: boolean;
  readonly nodes: readonly { readonly node: string; readonly lease: NodeLease | null }[];
  readonly leases: readonly { readonly eip: Eip; readonly lease: EipLease | null }[];
  readonly drains: readonly { readonly node: string; readonly drained: boolean }[];
  readonly moves: readonly { readonly eip: Eip; readonly move: MoveRequest | null }[];
}

export const emptyView: View = {
  revision: 0, nodes: new Map(), leases: new Map(), drains: new Map(), moves: new Map(),
};

export function sameTenure(a: TenureId | null, b: TenureId | null): boolean {
  return a !== null && b !== null && a.node === b.node && a.incarnation === b.incarnation;
}

/** Where `id` stands in a line of succession, the first heir at 0; -1: it does not. */
export function placeIn(heirs: readonly TenureId[], id: TenureId): number {
  return heirs.findIndex((heir) => sameTenure(heir, id));
}

/** Whether the view shows `id`'s tenure as over: expired, closed, or replaced by a later one. */
export function endedIn(view: View, id: TenureId): boolean {
  return view.nodes.get(id.node)?.id.incarnation !== id.incarnation;
}
