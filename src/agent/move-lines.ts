/**
 * Log lines of addresses that change hands: a line each, or one for many that did so at once and
 * for one reason, with all of them in it. A thousand lines in a moment are read by nobody, and take
 * time that a takeover needs.
 */
import type { Logger } from 'pino';

/** So many, and no more, have a line of their own. */
const mostLines = 8;

type Fields = Readonly<Record<string, unknown>>;

interface Line {
  readonly eip: string;
  readonly term: number;
  /** Of this address alone. */
  readonly own: Fields;
}

interface Group {
  readonly what: string;
  readonly common: Fields;
  readonly lines: Line[];
}

export class MoveLines {
  readonly #log: Logger;
  /** By sentence and what the lines have in common. */
  readonly #groups = new Map<string, Group>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Written with the next `flush`; `what` is a verb: `took`. */
  add(what: string, eip: string, term: number, common: Fields, own: Fields = {}): void {
    const key = `${what} ${Object.values(common).join(' ')}`;
    const group = this.#groups.get(key) ?? { what, common, lines: [] };
    this.#groups.set(key, group);
    group.lines.push({ eip, term, own });
  }

  flush(): void {
    for (const { what, common, lines } of this.#groups.values()) {
      if (lines.length > mostLines) {
        const terms = Object.fromEntries(lines.map(({ eip, term }) => [eip, term]));
        this.#log.info({ count: lines.length, ...common, terms }, `${what} addresses`);
        continue;
      }
      for (const { eip, term, own } of lines) {
        this.#log.info({ eip, term, ...own, ...common }, `${what} the address`);
      }
    }
    this.#groups.clear();
  }
}
