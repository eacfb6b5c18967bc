/**
 * What the node says of its time of support, from what the wire thread measures. It is written into
 * the node record, so it is said seldom: when it becomes another verdict, and stays that.
 */
import type { Logger } from 'pino';
import type { TimingFit } from '../core/model.ts';
import type { Fit } from '../liveness/timing/fit.ts';

/** A verdict counts once it was the same in so many looks in a row. */
const steadyLooks = 3;
/** Figures are said anew when they are so many times what was said. */
const otherTimes = 4;
/** What was said, or taken back, stands for so long, unless it has become too tight. */
const standsMs = 30 * 60_000;

export class ProfileWatch {
  readonly #log: Logger;
  readonly #now: () => number;
  #said: TimingFit | null = null;
  #saidAt = -Infinity;
  #verdict: Fit['verdict'] = 'fits';
  #looks = 0;

  /** `now`: ms of any clock that only grows. */
  constructor(log: Logger, now = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Null: the time of support fits. */
  get said(): TimingFit | null {
    return this.#said;
  }

  /** Takes in how it looks now. Whether the node record has something else to say. */
  look(fit: Fit | null): boolean {
    if (fit === null) return false;
    const { verdict } = fit;
    this.#looks = verdict === this.#verdict ? this.#looks + 1 : 1;
    this.#verdict = verdict;
    if (this.#looks < steadyLooks) return false;
    const urgent = verdict === 'tight' && this.#said?.verdict !== 'tight';
    if (!urgent && this.#now() - this.#saidAt < standsMs) return false;
    if (verdict === 'fits') return this.#withdraw();
    const before = this.#said;
    if (before?.verdict === verdict && near(before.fitMs, fit.fitMs)
      && (verdict === 'slow' || near(before.perDay, fit.perDay))) return false;
    const { supportMs, intervalMs, fitMs, cause } = fit;
    const perDay = Number(fit.perDay.toPrecision(2));
    this.#said = { verdict, supportMs, intervalMs, perDay, fitMs, cause };
    this.#saidAt = this.#now();
    if (verdict === 'tight') {
      this.#log.warn({ supportMs, perDay, fitMs, cause },
        'heartbeat.support is too tight: this node will be deposed though it has not failed');
    } else {
      this.#log.info({ supportMs, fitMs }, 'heartbeat.support is longer than it need be');
    }
    return true;
  }

  #withdraw(): boolean {
    if (this.#said === null) return false;
    this.#said = null;
    this.#saidAt = this.#now();
    this.#log.info('heartbeat.support fits this host and network');
    return true;
  }
}

function near(a: number, b: number): boolean {
  return a <= otherTimes * b && b <= otherTimes * a;
}
