/** Follows one probe: its silences as they end, and its sums over any length of time. */
import type { GapEvent, ProbeSummary } from './events.ts';
import type { Answer, Silence } from './probe-log.ts';
import { unseen, type Probe } from './probes/probe.ts';

export interface MeterEvents {
  readonly onAnswered: (probe: string, at: number, mac: string | null) => void;
  /** A silence longer than the threshold, or one in which the answerer changed. */
  readonly onGap: (gap: GapEvent) => void;
  readonly onSilent: (probe: string, since: number | null, at: number) => void;
}

/** After so long a silence is told before it has ended. */
const silentMs = 1000;
/** Windows begin behind the last instant of the one before. */
const least = 1e-3;

export class ProbeMeter {
  readonly probe: Probe;
  readonly #thresholdMs: number;
  readonly #events: MeterEvents;
  readonly #sums = { sent: 0, answered: 0, lost: 0, duplicates: 0, gaps: 0 };
  readonly #answeredBy = new Map<string, number>();
  readonly #begun: number;
  #longestGapMs = 0;
  #until: number;
  #lastAnswer: Answer | null = null;
  #answered = false;
  #silentTold = false;

  constructor(probe: Probe, begun: number, thresholdMs: number, events: MeterEvents) {
    this.probe = probe;
    this.#thresholdMs = thresholdMs;
    this.#events = events;
    this.#begun = begun;
    this.#until = begun;
  }

  /** Of those that have been looked at; null before any. */
  get lastAnswer(): Answer | null {
    return this.#lastAnswer;
  }

  /** Looks at what became of the questions asked before `until`. */
  advance(until: number): void {
    if (until <= this.#until) return;
    const report = this.probe.log.report(this.#until + least, until, this.#thresholdMs, true);
    this.#lastAnswer = this.probe.log.answersBetween(this.#until, until).at(-1) ?? this.#lastAnswer;
    this.#until = until;
    const sums = this.#sums;
    sums.sent += report.sent;
    sums.answered += report.answered;
    sums.lost += report.lost;
    sums.duplicates += report.duplicates;
    for (const [by, count] of Object.entries(report.answeredBy)) {
      if (by !== unseen) this.#answeredBy.set(by, (this.#answeredBy.get(by) ?? 0) + count);
    }
    for (const silence of report.silences) this.#onSilence(silence);
    this.#noticeAnswer(until);
    this.#noticeSilence(until);
  }

  #noticeAnswer(until: number): void {
    if (this.#answered || this.#lastAnswer === null) return;
    const [first] = this.probe.log.answersBetween(this.#begun, until);
    if (first === undefined) return;
    this.#answered = true;
    this.#events.onAnswered(this.probe.name, first.at, seen(first.by));
  }

  #noticeSilence(until: number): void {
    const last = this.#lastAnswer?.at ?? null;
    if (until - (last ?? this.#begun) < silentMs) {
      this.#silentTold = false;
    } else if (!this.#silentTold) {
      this.#silentTold = true;
      this.#events.onSilent(this.probe.name, last, until);
    }
  }

  #onSilence(silence: Silence): void {
    const { name } = this.probe;
    // It has not ended; or there was no answer before, and so nothing to miss.
    if (silence.after === null || silence.before === null) return;
    const { from, to, ms, lost, ownStallMs } = silence;
    // Nothing was asked, so nothing was missed: that is told in sum, as a stall of this program.
    const isOurs = lost === 0 && ownStallMs > ms / 2 && silence.before === silence.after;
    if (isOurs) return;
    if (ms > this.#thresholdMs) this.#sums.gaps += 1;
    this.#longestGapMs = Math.max(this.#longestGapMs, ms);
    this.#events.onGap({
      event: 'gap', probe: name, from, to, ms, lost, before: seen(silence.before),
      after: seen(silence.after), ownStallMs: Math.max(0, ownStallMs),
    });
  }

  summary(): ProbeSummary {
    const { probe } = this;
    const { roundTripMs } = probe.log.report(this.#begun, this.#until, Infinity);
    const known = (ms: number): number | null => (Number.isNaN(ms) ? null : ms);
    return {
      probe: probe.name, rate: probe.rate, timestamps: probe.timestamps, ...this.#sums,
      longestGapMs: this.#longestGapMs,
      roundTripMs: { p50: known(roundTripMs.p50), p99: known(roundTripMs.p99) },
      answeredBy: Object.fromEntries(this.#answeredBy),
      refusals: Object.fromEntries(probe.refusals),
    };
  }
}

function seen(by: string | null): string | null {
  return by === unseen ? null : by;
}
