/**
 * Log lines of lapses, in which all addresses are silent here. The first is said as it begins;
 * those that follow soon are counted, and said together, but for one that lasts: on a host that is
 * too busy for its profile there may be hundreds, of some milliseconds each.
 */
import type { Logger } from 'pino';

/** After a line, short lapses are counted for so long. */
const countedForMs = 10_000;
/** A lapse of that length is said by itself. */
const longMs = 1_000;

const silent = {
  lease: 'the node lease could not be renewed in time: all addresses are silent here',
  support: 'most voters have not supported this node in time: all addresses are silent here',
} as const;

interface Lapse {
  readonly at: number;
  said: boolean;
}

export class SilenceLines {
  readonly #log: Pick<Logger, 'error' | 'warn'>;
  #lapse: Lapse | null = null;
  #long: NodeJS.Timeout | undefined;
  /** What was not said of the last `countedForMs`. */
  #counted: { times: number; ms: number } | null = null;

  constructor(log: Pick<Logger, 'error' | 'warn'>) {
    this.#log = log;
  }

  /** `at` in ms, of any clock. */
  silenced(eips: number, why: keyof typeof silent, at: number): void {
    const lapse: Lapse = { at, said: this.#counted === null };
    const say = (): void => { this.#log.error({ eips }, silent[why]); };
    this.#lapse = lapse;
    if (lapse.said) {
      say();
      this.#count();
      return;
    }
    this.#long = setTimeout(() => {
      lapse.said = true;
      say();
    }, longMs).unref();
  }

  resumed(eips: number, at: number): void {
    const lapse = this.#over(at);
    if (lapse === null) return;
    const ms = Math.round(at - lapse.at);
    if (lapse.said) this.#log.warn({ eips, ms }, 'addresses are announced again');
  }

  /** The tenure is over, and with it the lapse that it may have been in. */
  ended(at: number): void {
    this.#over(at);
  }

  #over(at: number): Lapse | null {
    const lapse = this.#lapse;
    this.#lapse = null;
    clearTimeout(this.#long);
    if (lapse !== null && !lapse.said && this.#counted !== null) {
      this.#counted.times += 1;
      this.#counted.ms += at - lapse.at;
    }
    return lapse;
  }

  #count(): void {
    this.#counted = { times: 0, ms: 0 };
    setTimeout(() => { this.#sayCounted(); }, countedForMs).unref();
  }

  #sayCounted(): void {
    const { times = 0, ms = 0 } = this.#counted ?? {};
    this.#counted = null;
    if (times === 0) return;
    this.#log.warn({ times, ms: Math.round(ms) }, 'all addresses were silent here more times, for a moment each');
    this.#count();
  }
}
