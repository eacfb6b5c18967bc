/**
 * Whether the time of support fits this host and network: from how late heartbeats were, how often
 * a day this node would be deposed without having failed, and which time of support would do. Pure.
 */
import type { Lateness } from './lateness.ts';

export interface Observed {
  /** Time in quorum mode that the samples are of, ms. */
  readonly ms: number;
  /** How late our own beats were: all voters see that at once. */
  readonly own: Lateness;
  /** How late heartbeats of so many voters were together that no majority was left. */
  readonly joint: Lateness;
  /** How late a heartbeat of any voter was. */
  readonly any: Lateness;
}

export interface Timing {
  readonly supportMs: number;
  readonly intervalMs: number;
  readonly clockRateError: number;
}

export interface Fit extends Pick<Timing, 'supportMs' | 'intervalMs'> {
  /** `tight`: more than one false deposition a day; `slow`: a third of it would do, or less. */
  readonly verdict: 'tight' | 'slow' | 'fits';
  /** False depositions to be expected of this node a day. */
  readonly perDay: number;
  /** A time of support that would fit, ms; what is tight or slow now is far from it. */
  readonly fitMs: number;
  /** What is late, where it is too late: this host's own beats, or others' heartbeats. */
  readonly cause: 'host' | 'network';
}

const dayMs = 86_400_000;
const mostPerDay = 1;
/** What is recommended has room: one a month. */
const aimPerDay = 1 / 30;
/** And has three times what was ever met. */
const room = 3;
/** Where a tail looks endless, in the short time that it was looked at: so much, and no more. */
const mostRoom = 5;
const slowFrom = 3;
/** What seldom heartbeats have seen of a tail says little of how thin it is. */
const carefulSlope = 4;
/** As profiles have it: five heartbeats in the time of support. */
const beatsInSupport = 5;

/** What may be recommended, ms: `fast` is the least, `heartbeat.support` allows no more. */
const choices = [
  15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 7500, 10_000,
  15_000, 20_000, 30_000, 60_000,
];

export function fitOf(observed: Observed, timing: Timing): Fit {
  const { supportMs, intervalMs } = timing;
  const spare = spareOf(supportMs, intervalMs, timing);
  const host = perDay(observed, observed.own.expectedAbove(spare));
  const network = perDay(observed, observed.joint.expectedAbove(spare));
  const expected = host + network;
  const wider = choices.find((ms) => ms > supportMs && isEnough(observed, ms, intervalMs, timing))
    ?? choices.at(-1) ?? supportMs;
  const fitMs = expected > mostPerDay ? wider
    : choices.find((ms) => isPlenty(observed, ms, timing)) ?? supportMs;
  const verdict = expected > mostPerDay ? 'tight' : fitMs * slowFrom <= supportMs ? 'slow' : 'fits';
  return {
    supportMs, intervalMs, verdict, perDay: expected,
    fitMs: verdict === 'fits' ? supportMs : fitMs, cause: host >= network ? 'host' : 'network',
  };
}

/** A voter withdraws when a heartbeat is later than this. */
function spareOf(supportMs: number, intervalMs: number, { clockRateError }: Timing): number {
  return supportMs * (1 + 2 * clockRateError) - intervalMs;
}

function perDay({ ms }: Observed, events: number): number {
  return ms > 0 ? (events * dayMs) / ms : 0;
}

/** A longer support at the interval that was measured. */
function isEnough(
  observed: Observed, supportMs: number, intervalMs: number, timing: Timing,
): boolean {
  const spare = spareOf(supportMs, intervalMs, timing);
  const { own, joint } = observed;
  const events = own.expectedAbove(spare) + joint.expectedAbove(spare);
  const longest = Math.max(own.longest, joint.longest);
  if (spare < room * longest) return false;
  return spare >= mostRoom * longest || perDay(observed, events) <= aimPerDay;
}

/**
 * A shorter support at a shorter interval: seldom beats meet few of the delays that frequent ones
 * would, and one late voter is taken for all.
 */
function isPlenty(observed: Observed, supportMs: number, timing: Timing): boolean {
  const spare = spareOf(supportMs, supportMs / beatsInSupport, timing);
  const { own, any } = observed;
  if (spare < room * Math.max(own.longest, any.longest)) return false;
  const { intervalMs } = timing;
  const events = own.expectedAbove(spare, intervalMs, carefulSlope)
    + any.expectedAbove(spare, intervalMs, carefulSlope);
  return perDay(observed, events) <= aimPerDay;
}
