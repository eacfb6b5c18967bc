/** What can be set of an announcer, and the defaults with their reasons. */
import type { AnnouncerEvent } from './types.ts';

export interface AnnouncerTiming {
  /**
   * Probes before a first claim (RFC 5227 2.1.1: three). The RFC's 1 to 2 s between them and 2 s of
   * waiting are for networks of the dial-in age; a host on a LAN answers within a few ms, and a
   * busy one within 100. So about 150 ms apart, a last wait of 200, and the claim is there in half
   * a second, with three chances for a lost frame.
   */
  readonly probeCount: number;
  readonly probeIntervalMs: number;
  /** Each interval is up to this much shorter or longer, so that nodes do not probe in step. */
  readonly probeJitterMs: number;
  readonly probeWaitMs: number;
  /** An address that a stranger uses is probed again this often. */
  readonly reprobeMs: number;
  /** DEFEND_INTERVAL of RFC 5227 1.1: one defence, and one report, per address in this time. */
  readonly defendMs: number;
  /** A conflict after the first claim is over when no foreign claim was heard for this long. */
  readonly conflictQuietMs: number;
  /**
   * Who asks and hears nothing asks again after this. What was asked while the gate was shut for
   * less is answered late; shut for longer, it may have cost more, and all is claimed anew.
   */
  readonly askedAgainMs: number;
  /** How long an address stays bound after it was withdrawn with `linger`. */
  readonly lingerMs: number;
  /** Addresses that an earlier run left, and that nobody announces again, go after this. */
  readonly leftoverMs: number;
  /** The kernel's backstop of bound addresses is renewed this often, while the gate is open. */
  readonly backstopMs: number;
  /** What could not leave at once, for want of room, goes on after this, */
  readonly tickMs: number;
  /** and after this where the turn was over: others have theirs. */
  readonly breatherMs: number;
  /** First claims keep coming while the last of them is no longer ago than this. */
  readonly calmMs: number;
  /**
   * A turn of claiming ends after this, whatever is left: binding an address takes the kernel
   * 0.1 ms (IPv4) to 0.5 ms (IPv6), and heartbeats are sent by the same thread.
   */
  readonly turnMs: number;
  /**
   * While addresses keep being given away, none later than this after the last, those that have
   * been are left bound: to go on giving is more urgent, and what still arrives for them is
   * served. But for no longer than the most.
   */
  readonly busyMs: number;
  readonly busyMostMs: number;
  /** Unbinding many takes turns of `turnMs`, with this between them. */
  readonly unbindPauseMs: number;
  /** Refreshes, where they are rare, wait for the next multiple of this. */
  readonly refreshTogetherMs: number;
  /** The kernel's gate is armed anew at most this often because it dropped what may pass. */
  readonly rearmMs: number;
  /** A claim that failed is tried again after this, and twice as long each time, up to the most. */
  readonly retryMs: number;
  readonly retryMostMs: number;
  /** One report of one kind of trouble in this time. */
  readonly troubleMs: number;
}

export interface AnnouncerLimits {
  /**
   * Frames that may leave a link per ms, and at once: 10,000 IPv4 addresses (two frames each) are
   * claimed in a third of a second, and half of an interface's usual queue of 1,000 is never
   * exceeded.
   */
  readonly framesPerMs: number;
  readonly framesAtOnce: number;
  /** The same for later claims of a burst, while first claims of other addresses keep coming. */
  readonly laterFramesPerMs: number;
  readonly laterFramesAtOnce: number;
  /** While more wait for their first claim, the form of a reply is left for the next one. */
  readonly claimsInFull: number;
  /** Addresses for which the fence is opened in one transaction. */
  readonly holdsAtOnce: number;
  /** Addresses that are bound, and then claimed, before the clock is looked at. */
  readonly bindsAtOnce: number;
  /** Addresses that are unbound before the clock is looked at. */
  readonly unbindsAtOnce: number;
  /** Frames handled of one batch that was received; the rest is counted and left. */
  readonly framesPerBatch: number;
  /** Questions that are answered late, of one lapse of the gate. */
  readonly lateAnswers: number;
  /** Conflicts reported in `defendMs` for all addresses together: a forger cannot fill the log. */
  readonly conflictReports: number;
}

export interface AnnouncerOptions {
  /** Called in the order of what happened, never while the announcer is in the middle of a step. */
  readonly onEvent: (event: AnnouncerEvent) => void;
  /** A number in [0, 1); Math.random if absent. */
  readonly random?: () => number;
  readonly timing?: Partial<AnnouncerTiming>;
  readonly limits?: Partial<AnnouncerLimits>;
}

export const defaultTiming: AnnouncerTiming = {
  probeCount: 3, probeIntervalMs: 150, probeJitterMs: 50, probeWaitMs: 200,
  reprobeMs: 10_000, defendMs: 10_000, conflictQuietMs: 30_000,
  askedAgainMs: 1_000, lingerMs: 1_000, leftoverMs: 30_000, backstopMs: 120_000,
  tickMs: 4, breatherMs: 1, calmMs: 100, turnMs: 5,
  busyMs: 2_500, busyMostMs: 30_000, unbindPauseMs: 15,
  refreshTogetherMs: 250, rearmMs: 100, retryMs: 20, retryMostMs: 1_000, troubleMs: 10_000,
};

export const defaultLimits: AnnouncerLimits = {
  framesPerMs: 64, framesAtOnce: 512, laterFramesPerMs: 0.25, laterFramesAtOnce: 64,
  claimsInFull: 16,
  holdsAtOnce: 256, bindsAtOnce: 32, unbindsAtOnce: 16, framesPerBatch: 512, lateAnswers: 256,
  conflictReports: 100,
};

export interface Settled {
  readonly random: () => number;
  readonly timing: AnnouncerTiming;
  readonly limits: AnnouncerLimits;
}

export function settle(options: AnnouncerOptions): Settled {
  const limits = { ...defaultLimits, ...options.limits };
  return {
    random: options.random ?? Math.random,
    timing: { ...defaultTiming, ...options.timing },
    // A claim of an IPv4 address is two frames: with less, none would ever leave.
    limits: { ...limits, framesAtOnce: Math.max(2, limits.framesAtOnce) },
  };
}
