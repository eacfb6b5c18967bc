/** What a measurement tells: as it happens, and in sum. Times are wall-clock ms since 1970. */
import type { Late, Sign } from './holders.ts';

export interface ProbeInfo {
  readonly probe: string;
  /** Questions a second. */
  readonly rate: number;
  readonly timestamps: 'kernel' | 'program';
}

export interface StartEvent {
  readonly event: 'start';
  readonly at: number;
  readonly address: string;
  /** Where it leads to; null: by a router, or by no Ethernet at all. */
  readonly interface: string | null;
  readonly watchesClaims: boolean;
  readonly probes: readonly ProbeInfo[];
  /** What cannot be seen from here, and why: sentences. */
  readonly notes: readonly string[];
}

/** Somebody has the address: the first sign of it. */
export interface HeldEvent {
  readonly event: 'held';
  readonly at: number;
  readonly mac: string;
  readonly by: Sign;
}

/** The first answer to a probe. */
export interface AnsweredEvent {
  readonly event: 'answered';
  readonly at: number;
  readonly probe: string;
  /** Null: it cannot be seen from here. */
  readonly mac: string | null;
}

/** Nobody has answered for a while, and still does not. */
export interface SilentEvent {
  readonly event: 'silent';
  readonly at: number;
  readonly probe: string;
  /** Receipt of the last answer; null: there was none yet. */
  readonly since: number | null;
  /** Why questions were refused, as errno names. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** From the last answer before it to the first after it. */
export interface GapEvent {
  readonly event: 'gap';
  readonly probe: string;
  readonly from: number;
  readonly to: number;
  readonly ms: number;
  readonly lost: number;
  /** Who answered before and after; null: it cannot be seen. */
  readonly before: string | null;
  readonly after: string | null;
  /** For so long within it this program was kept from asking: then it says less. */
  readonly ownStallMs: number;
}

export interface TakenEvent {
  readonly event: 'taken';
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly by: Sign;
}

export interface LateClaimEvent {
  readonly event: 'late-claim';
  readonly at: number;
  readonly mac: string;
  readonly newHolder: string;
  /** After the new holder's first claim. */
  readonly ms: number;
}

export interface MoveGap {
  readonly probe: string;
  /** Last answer before and first after; null with `ms`: nobody has answered since. */
  readonly from: number | null;
  readonly to: number | null;
  readonly ms: number | null;
  readonly lost: number;
  readonly ownStallMs: number;
}

/** A change of holder, once it is settled and the probes are answered again. */
export interface MoveEvent {
  readonly event: 'move';
  /** The new holder's first claim (or answer). */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly by: Sign;
  /** From the old holder's last claim before to the new one's first; null: none was heard. */
  readonly pauseMs: number | null;
  /** Claims by anyone else after the new holder's first. */
  readonly late: Late;
  /** The measurement ended while several claimed it: `late` has not ended. */
  readonly open: boolean;
  readonly gaps: readonly MoveGap[];
}

/** Somebody claimed the address, and the holder kept it. */
export interface DisputedEvent {
  readonly event: 'disputed';
  readonly at: number;
  readonly holder: string;
  readonly claims: number;
  readonly ms: number;
}

export interface ProbeSummary extends ProbeInfo {
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  /** Second answers to one question: two holders, or a packet that came twice. */
  readonly duplicates: number;
  readonly gaps: number;
  readonly longestGapMs: number;
  readonly roundTripMs: { readonly p50: number | null; readonly p99: number | null };
  readonly answeredBy: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
}

export interface SummaryEvent {
  readonly event: 'summary';
  readonly at: number;
  readonly address: string;
  readonly durationMs: number;
  readonly holder: string | null;
  readonly moves: number;
  /** After another one's first: of moves, and where the holder kept the address. */
  readonly lateClaims: number;
  readonly claims: Readonly<Record<string, number>>;
  /** Frames that this host had no room for, and claims beyond what is kept: not all was seen. */
  readonly missed: number;
  /** The longest time in which this program was kept from asking. */
  readonly longestOwnStallMs: number;
  readonly probes: readonly ProbeSummary[];
}

export type MeasureEvent =
  | StartEvent | HeldEvent | AnsweredEvent | SilentEvent | GapEvent | TakenEvent | LateClaimEvent
  | MoveEvent | DisputedEvent | SummaryEvent;
