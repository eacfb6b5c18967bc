/** Logs each finding when it appears, and when it is over. */
import type { Logger } from 'pino';
import type { Finding } from '../../core/model.ts';

export class FindingLog {
  readonly #log: Logger;
  #known: ReadonlySet<string> = new Set();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** All that there are now. */
  say(findings: readonly Finding[]): void {
    for (const finding of findings) {
      const { code, subject, text } = finding;
      if (!this.#known.has(keyOf(finding))) this.#log.warn({ code, subject }, text);
    }
    const now = new Set(findings.map(keyOf));
    for (const was of this.#known) if (!now.has(was)) this.#log.info({ was }, 'settled');
    this.#known = now;
  }
}

function keyOf({ code, subject, text }: Finding): string {
  return `${code} ${subject}: ${text}`;
}
