/** What the agent tells the announcer, and what it hears from it. Plain data. */
import type { Eip } from '../core/model.ts';
import type { Link } from './ports.ts';

export interface BurstOptions {
  /** Claims per address on taking over, the first at once. */
  readonly count: number;
  /** Time to the second claim, in ms. */
  readonly intervalMs: number;
  /** Each later interval is this many times the one before. */
  readonly growth: number;
  /** Thereafter a claim every so often, in ms; 0: never. */
  readonly refreshMs: number;
}

/** How one EIP is announced on this node. */
export interface AnnounceSettings {
  readonly eip: Eip;
  readonly link: Link;
  readonly mode: 'respond' | 'bind';
  readonly burst: BurstOptions;
}

export interface Announcement {
  readonly eip: Eip;
  readonly term: number;
  /** Nobody held it before: look for a stranger that uses it first (RFC 5227 2.1.1). */
  readonly probe: boolean;
}

export type AnnouncerEvent =
  /** The first claim of this term left, the fence open since `openAt` (CLOCK_BOOTTIME ms). */
  | {
    readonly kind: 'announced'; readonly eip: Eip; readonly term: number; readonly at: number;
    readonly openAt: number;
  }
  /** The first question for it in this term was answered: somebody has use for it. */
  | { readonly kind: 'served'; readonly eip: Eip; readonly term: number; readonly at: number }
  /**
   * A stranger uses the address: `before` our first claim (we stay silent), or `after` it. A
   * withdrawal ends a conflict without a word.
   */
  | {
    readonly kind: 'conflict'; readonly eip: Eip; readonly mac: string;
    readonly when: 'before' | 'after'; readonly defended: boolean;
  }
  /** The stranger is gone: probing found nobody, or nothing was heard of it for half a minute. */
  | { readonly kind: 'conflict-over'; readonly eip: Eip }
  /** The address could not be put on its interface, or frames could not be sent. */
  | { readonly kind: 'trouble'; readonly eip: Eip | null; readonly text: string };

/** Counters since the start, for metrics. */
export interface AnnouncerCounters {
  /** Of an address once, in however many forms and frames. */
  readonly claimsSent: number;
  readonly questionsAnswered: number;
  /** Frames received and not acted on, by reason. */
  readonly framesDropped: Readonly<Record<string, number>>;
  readonly sendErrors: Readonly<Record<string, number>>;
  readonly conflicts: number;
  readonly defences: number;
}

export interface Announcer {
  /**
   * The whole set of EIPs that this node may ever be asked to announce now. What is no longer
   * listed is withdrawn; a changed link re-announces what is held there.
   */
  configure(settings: ReadonlyMap<Eip, AnnounceSettings>): void;
  /** R2: nothing is claimed at or after `until`; 0 silences at once. */
  arm(until: number): void;
  /** The same term of an address again changes nothing; a new one is claimed anew. */
  announce(announcements: readonly Announcement[]): void;
  /** On return nothing claims these any more; with `linger`, `bind` serves what still arrives. */
  withdraw(eips: readonly Eip[], linger: boolean): void;
  counters(): AnnouncerCounters;
  /** Withdraws all, unbinds what is ours, removes the fence. */
  close(): void;
}
