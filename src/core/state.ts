/**
 * What the core knows. Readonly: a step makes a new state, or returns the same one.
 *
 *   phase:  closed --open--> open --ended--> closed …            (another tenure, same boot)
 *                              \--stop, all handed over--> closing --> stopped
 *           closed --name taken by a live agent elsewhere--> stopped
 */
import type { Doubt } from './doubt.ts';
import type { CoreOptions, EipPolicy, SelfFacts } from './events.ts';
import { emptyView } from './model.ts';
import type { Eip, EipLease, NodeLease, TenureId, View } from './model.ts';
import { calm } from './quorum/strain.ts';
import type { Strain } from './quorum/strain.ts';
import { supportDeadline } from './quorum/support.ts';
import { initialVoting, takesPart, withdrawnEpoch } from './quorum/types.ts';
import type { Judged, Voting } from './quorum/types.ts';
import type { Swap } from './requests.ts';
import type { Tally } from './tally.ts';

export type Phase =
  | Closed
  | Open
  /** The node lease is being ended. */
  | { readonly kind: 'closing'; readonly request: number | null; readonly retryAt: number }
  | { readonly kind: 'stopped' };

/** Without a tenure: nothing is held. */
export interface Closed {
  readonly kind: 'closed';
  readonly request: number | null;
  readonly retryAt: number;
  /** Incarnation of the live lease of our name that the next `open` may replace; 0: none. */
  readonly replaces: number;
  /** Since when, and by whom, our name is taken elsewhere. */
  readonly taken: { readonly by: NodeLease; readonly since: number } | null;
}

/** With a tenure. */
export interface Open {
  readonly kind: 'open';
  readonly lease: NodeLease;
  readonly openedAt: number;
  /** R2: claims end here. */
  readonly deadline: number;
  /** R2 or R3 has run out: the gate is closed. */
  readonly silent: boolean;
  /** R2 has run out: what we hold was withdrawn, until the store confirms the lease. */
  readonly muted: boolean;
  readonly judged: Judged;
  /** When the store last answered. */
  readonly answeredAt: number;
  readonly renewal: number | null;
  readonly renewAt: number;
  readonly update: number | null;
  readonly updateAt: number;
}

/** An EIP in our hands. */
export interface Holding {
  readonly term: number;
  /** Inherited by this record, which the store is yet to be told of; null: as the store has it. */
  readonly inherited: EipLease | null;
  /** Wall clock, ms: when it was inherited. */
  readonly since: number;
  /** CLOCK_BOOTTIME ms: when it came to us. */
  readonly takenAt: number;
}

/** A change of an EIP lease that was decided on; it waits for its turn, or for its answer. */
export interface Plan {
  readonly action:
    | 'claim' | 'reclaim' | 'hand-over' | 'release'
    /** Write down what was inherited. */
    | 'confirm'
    /** As holder: name heirs, strike them out, free former ones. */
    | 'line'
    /** As former heir: strike ourselves out. */
    | 'renounce';
  readonly swap: Swap;
  /** The record that it was decided on; null: there was none. */
  readonly lease: EipLease | null;
  /** An operator asked for it: the request to move is settled by its success. */
  readonly asked: boolean;
}

export type Pending =
  | { readonly kind: 'open' | 'renew' | 'update' | 'close' | 'settle'; readonly sentAt: number }
  | { readonly kind: 'evict'; readonly sentAt: number; readonly node: string }
  | { readonly kind: 'swap'; readonly sentAt: number; readonly plans: readonly Plan[] };

/** EIPs to look at in the ticks that follow, once we are not silent. */
export interface Postponed {
  readonly eips: readonly Eip[];
  /** Since when the first of them could have been looked at, CLOCK_BOOTTIME ms. */
  readonly since: number;
}

export const nothingPostponed: Postponed = { eips: [], since: 0 };

export interface State {
  readonly options: CoreOptions;
  readonly phase: Phase;
  /** Number of this run: the first incarnation that it was given; 0 before. */
  readonly boot: number;
  /** The latest incarnation that it was given. */
  readonly lastIncarnation: number;
  /** The gate passes until then, CLOCK_BOOTTIME ms; 0: it is closed. */
  readonly armed: number;
  readonly voting: Voting;
  readonly stopping: boolean;
  readonly facts: SelfFacts;
  readonly policies: ReadonlyMap<Eip, EipPolicy>;
  readonly view: View;
  /** The view has been listed at least once. */
  readonly listed: boolean;
  /** R1: what this tenure may claim, by the store's word, and has not given up. */
  readonly held: ReadonlyMap<Eip, Holding>;
  /** Highest term of each EIP that is over for us: no late word brings it back. */
  readonly past: ReadonlyMap<Eip, number>;
  readonly pending: ReadonlyMap<number, Pending>;
  readonly nextRequest: number;
  readonly queue: readonly Plan[];
  /** EIPs with a plan in the queue or under way: nothing else is decided about them. */
  readonly busy: ReadonlyMap<Eip, Plan>;
  /** Of every tenure that has, or will have, anything. */
  readonly tallies: ReadonlyMap<string, Tally>;
  /** The node record in the store is not what we would have it say. */
  readonly recordStale: boolean;
  readonly postponed: Postponed;
  /** EIPs to look at again at an instant. */
  readonly later: ReadonlyMap<Eip, number>;
  readonly nextLater: number;
  /** EIP leases that have this node in their line: those that a takeover looks at. */
  readonly lines: ReadonlyMap<Eip, EipLease>;
  /** Since when an EIP has nobody, as far as we saw. */
  readonly freeSince: ReadonlyMap<Eip, number>;
  /** Since when each tenure has been fit to hold addresses, as far as we saw: for failback. */
  readonly fitSince: ReadonlyMap<string, { readonly incarnation: number; readonly at: number }>;
  readonly doubts: ReadonlyMap<string, Doubt>;
  /** How often of late we did not keep time. */
  readonly strain: Strain;
  /** Of each node the last tenure that we saw end in the store, if no voter ever judged it. */
  readonly ends: ReadonlyMap<string, TenureEnding>;
}

/** That a tenure is over by the store's own order of things. */
export interface TenureEnding {
  readonly incarnation: number;
  /** The view had reached this store revision when it showed the end. */
  readonly revision: number;
  /** And this one right before: whatever the store has up to it was there before the end. */
  readonly before: number;
}

export function initialState(options: CoreOptions, facts: SelfFacts, now: number): State {
  return {
    options, facts, boot: 0, lastIncarnation: 0, armed: 0, voting: initialVoting(now),
    stopping: false, listed: false, view: emptyView,
    phase: { kind: 'closed', request: null, retryAt: now, replaces: 0, taken: null },
    policies: new Map(), held: new Map(), past: new Map(), pending: new Map(), nextRequest: 1,
    queue: [], busy: new Map(), tallies: new Map(), recordStale: false,
    postponed: nothingPostponed, later: new Map(),
    nextLater: Infinity, lines: new Map(), freeSince: new Map(), fitSince: new Map(),
    doubts: new Map(), strain: calm, ends: new Map(),
  };
}

/** This node's tenure, if it has one. */
export function tenureOf(state: Pick<State, 'phase'>): TenureId | null {
  return state.phase.kind === 'open' ? state.phase.lease.id : null;
}

/** Claims end here: R2, and R3 for every epoch that may bind us. */
export function claimsEnd(open: Open): number {
  return Math.min(open.deadline, supportDeadline(open));
}

/** When the core wants a `tick`, in CLOCK_BOOTTIME ms; Infinity: not before something happens. */
export function nextWake(state: State): number {
  return Math.min(nextOfTenure(state), nextOfVoting(state));
}

function nextOfTenure(state: State): number {
  const { phase } = state;
  switch (phase.kind) {
    case 'closed':
    case 'closing':
      return phase.request === null ? phase.retryAt : Infinity;
    case 'open':
      return Math.min(
        phase.renewal === null ? phase.renewAt : Infinity,
        phase.silent ? Infinity : claimsEnd(phase),
        state.recordStale && phase.update === null ? phase.updateAt : Infinity,
        state.nextLater,
        phase.silent || state.postponed.eips.length === 0 ? Infinity : state.postponed.since,
      );
    case 'stopped':
      return Infinity;
  }
}

function nextOfVoting(state: State): number {
  const { voting, options, phase } = state;
  if (!takesPart(state) || phase.kind === 'stopped') return Infinity;
  let next = voting.heartbeatAt;
  for (const [node, { incarnation, epoch, until }] of voting.promises) {
    if (withdrawnEpoch(voting, { node, incarnation }) >= epoch) continue;
    next = Math.min(next, Math.max(until, voting.startedAt + 2 * options.supportMs));
  }
  if (phase.kind === 'open') {
    for (const at of voting.evictAt.values()) next = Math.min(next, at);
  }
  return next;
}
