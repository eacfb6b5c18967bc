/** What goes into the core and what comes out of it. */
import type { Heartbeat, Obituary } from './heartbeat.ts';
import type { Eip, MoveReason, NodeLease, NodeRecord, TenureId, ViewChange, VoterId } from './model.ts';
import type { StoreAnswer, StoreRequest } from './requests.ts';
import type { Selector } from './selector.ts';

/** Fixed for a run of the agent. */
export interface CoreOptions {
  readonly node: string;
  /** Time to live of the node lease, ms. */
  readonly ttlMs: number;
  /** Bound on the error of a clock's rate, as a fraction; deadlines are shortened by twice that. */
  readonly clockRateError: number;
  /** A node claims nothing new in its first so many ms, so that nodes that start together share. */
  readonly settleMs: number;
  /** How long a node waits, per place in the order of preference, for a better placed one. */
  readonly patienceMs: number;
  /** Pause before a failed request is tried again, ms. */
  readonly retryMs: number;
  /** F: how long a voter's promise lasts, ms; 0: this node does not take part in quorum mode. */
  readonly supportMs: number;
  /** Pause between heartbeats, ms; a fraction of F. */
  readonly heartbeatMs: number;
  /** Time to live of the node lease in quorum mode, ms. */
  readonly holdMs: number;
  /** Length of a line of succession. */
  readonly heirs: number;
  /** A tenure that a node lost while it ran counts half after so long, ms; 0: nothing. */
  readonly doubtMs?: number;
  /** So many addresses are looked at in one step, the others in the next; all unless told. */
  readonly looksAtOnce?: number;
  /** Requests that change EIP leases, at most so many under way at once. */
  readonly swapsInFlight: number;
  /** At most so many changes in one of them; `maxSwaps` unless told. */
  readonly swapsPerRequest?: number;
}

/** An instant, read once by the caller for the whole step. */
export interface Now {
  /** CLOCK_BOOTTIME, ms: what deadlines are made of. */
  readonly boot: number;
  /** Wall clock, ms since 1970: for people. */
  readonly wall: number;
}

/** What the core needs to know of one EIP's settings. */
export interface EipPolicy {
  /** Name of the Eip document. */
  readonly pool: string;
  /** Nodes that may hold it. */
  readonly selector: Selector;
  /** Hand it back to the preferred node after that one was eligible for so long; null: never. */
  readonly failbackMs: number | null;
  /** False: the lease alone is kept, and somebody else announces the address. */
  readonly announced?: false;
}

/** What the agent knows of its own node; becomes the node record. */
export type SelfFacts = Omit<NodeRecord, 'boot' | 'draining' | 'epoch' | 'voters'>;

export type Event =
  /** Time has passed: `nextWake` says when one is due. */
  | { readonly kind: 'tick' }
  /** The outcome of a request; null: unknown (no answer within its time, or the way broke). */
  | { readonly kind: 'answer'; readonly id: number; readonly answer: StoreAnswer | null }
  | { readonly kind: 'view'; readonly change: ViewChange }
  /** A datagram of another agent, found authentic. What has arrived is heard before a `tick`. */
  | { readonly kind: 'heard'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'died'; readonly obituary: Obituary }
  | { readonly kind: 'policies'; readonly policies: ReadonlyMap<Eip, EipPolicy> }
  | { readonly kind: 'self'; readonly facts: SelfFacts }
  /** Hand over all there is, end the tenure, be done. */
  | { readonly kind: 'stop' };

/**
 * What is to be done, strictly in this order, each before the next begins:
 * `withdraw` and `arm` have taken effect in the kernel when they return, so that a `request` behind
 * them is sent only after the claims have ended. Requests are sent at once and not waited for.
 */
export type Effect =
  /** Stop claiming these. With `linger`, traffic that still arrives is served for a moment. */
  | { readonly kind: 'withdraw'; readonly eips: readonly Eip[]; readonly linger: boolean }
  /** The gate: claims pass until this instant of CLOCK_BOOTTIME (ms), and not after. */
  | { readonly kind: 'arm'; readonly until: number }
  | { readonly kind: 'announce'; readonly announcements: readonly Announcing[] }
  | { readonly kind: 'request'; readonly id: number; readonly request: StoreRequest }
  /** To be sent at once to every heartbeat address in that node's record. */
  | { readonly kind: 'heartbeat'; readonly to: string; readonly heartbeat: Heartbeat }
  | { readonly kind: 'tell'; readonly fact: Fact }
  /** All is handed over and the tenure ended. */
  | { readonly kind: 'stopped' }
  /** Another agent has this node's name, elsewhere, and keeps it: this one must not run. */
  | { readonly kind: 'name-taken'; readonly by: NodeLease };

export interface Announcing {
  readonly eip: Eip;
  readonly term: number;
  /** Nobody held it before: look for a stranger first. */
  readonly probe: boolean;
}

export type TenureEnd =
  /** The store says so: it expired, or was evicted. */
  | 'expired'
  | 'closed'
  | 'store-reset'
  /** A majority of our voters withdrew. */
  | 'deposed'
  /** They neither supported us for several F nor said why. */
  | 'unsupported';

/** For logs, metrics and coverage counters: what happened, not what to do. */
export type Fact =
  | { readonly kind: 'tenure-opened'; readonly tenure: TenureId }
  | { readonly kind: 'tenure-ended'; readonly tenure: TenureId; readonly why: TenureEnd }
  /** The store shows who judges us now. */
  | { readonly kind: 'quorum'; readonly epoch: number; readonly voters: readonly VoterId[] }
  /** These do not support us, though they live as far as the store knows; none: all do again. */
  | { readonly kind: 'mute'; readonly voters: readonly string[] }
  /** A majority of the voters of an epoch that we left promised never to withdraw it. */
  | { readonly kind: 'epoch-released'; readonly epoch: number }
  /** We withdrew from a node. */
  | { readonly kind: 'withdrew'; readonly of: TenureId; readonly epoch: number }
  /** A majority of a node's voters withdrew from it. */
  | { readonly kind: 'deposed'; readonly of: TenureId; readonly epoch: number }
  | { readonly kind: 'evicted'; readonly node: string }
  /** That node lost its tenure though its agent ran on: it is chosen last for a while. */
  | { readonly kind: 'doubted'; readonly of: TenureId }
  /** So many tenures were lost in a row for want of punctuality: no quorum mode for so long. */
  | { readonly kind: 'strained'; readonly losses: number; readonly ms: number }
  /** Inherited, and now written down. */
  | { readonly kind: 'confirmed'; readonly eip: Eip; readonly term: number }
  | { readonly kind: 'line'; readonly eip: Eip; readonly what: 'appointed' | 'struck' | 'freed' }
  | { readonly kind: 'renounced'; readonly eip: Eip }
  /** R2 or R3 has run out: everything held is silent until it holds again, or the tenure ends. */
  | { readonly kind: 'silenced'; readonly eips: number; readonly why: 'lease' | 'support' }
  | { readonly kind: 'resumed'; readonly eips: number }
  | { readonly kind: 'took'; readonly eip: Eip; readonly term: number; readonly reason: MoveReason; readonly from: string | null }
  | { readonly kind: 'gave'; readonly eip: Eip; readonly term: number; readonly reason: MoveReason; readonly to: string | null }
  /** The store names another holder than us for what we hold: not by our doing. */
  | { readonly kind: 'dropped'; readonly eip: Eip; readonly term: number; readonly holder: string | null }
  | { readonly kind: 'swap-lost'; readonly eip: Eip; readonly why: 'conflict' | 'refused' | 'unknown' }
  | { readonly kind: 'late-answer' }
  | { readonly kind: 'move-refused'; readonly eip: Eip; readonly to: string; readonly why: string }
  | { readonly kind: 'name-taken'; readonly by: TenureId; readonly host: string }
  /** The store's revision or a term went back: a restored backup, or someone's hand. */
  | { readonly kind: 'store-went-back'; readonly from: number; readonly to: number };
