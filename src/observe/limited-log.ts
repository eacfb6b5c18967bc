/** Says the same thing about the same subject once in a while, and how often it was left unsaid. */
import type { Logger } from 'pino';

export interface LimitedLogOptions {
  /** One line per sentence and subject in so many ms. */
  readonly intervalMs: number;
  /** Subjects remembered; of the one seen longest ago the next line is then said at once. */
  readonly subjects?: number;
}

interface Said {
  readonly at: number;
  suppressed: number;
}

type Level = 'error' | 'warn' | 'info' | 'debug';

export class LimitedLog {
  readonly #log: Pick<Logger, Level>;
  readonly #now: () => number;
  readonly #intervalMs: number;
  readonly #subjects: number;
  /** By sentence and subject, those said longest ago first. */
  readonly #said = new Map<string, Said>();

  /** `now` in ms, of any clock that does not go back. */
  constructor(
    options: LimitedLogOptions,
    modules: { readonly log: Pick<Logger, Level>; readonly now: () => number },
  ) {
    this.#log = modules.log;
    this.#now = modules.now;
    this.#intervalMs = options.intervalMs;
    this.#subjects = options.subjects ?? 1000;
  }

  error(sentence: string, subject: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#say('error', sentence, subject, fields);
  }

  warn(sentence: string, subject: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#say('warn', sentence, subject, fields);
  }

  info(sentence: string, subject: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#say('info', sentence, subject, fields);
  }

  #say(
    level: Level, sentence: string, subject: string, fields: Readonly<Record<string, unknown>>,
  ): void {
    const key = `${sentence}\n${subject}`;
    const now = this.#now();
    const said = this.#said.get(key);
    if (said !== undefined && now - said.at < this.#intervalMs) {
      said.suppressed += 1;
      return;
    }
    this.#said.delete(key);
    this.#said.set(key, { at: now, suppressed: 0 });
    if (this.#said.size > this.#subjects) {
      for (const oldest of this.#said.keys()) {
        this.#said.delete(oldest);
        break;
      }
    }
    const suppressed = said?.suppressed ?? 0;
    this.#log[level](suppressed > 0 ? { ...fields, suppressed } : fields, sentence);
  }
}
