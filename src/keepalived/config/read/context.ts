import type { Complaint, Findings, Position } from '../finding.ts';
import type { HostFacts } from '../host.ts';
import type { Line, Word } from '../lines/line.ts';
import type { Keyword, Shape } from '../table/shapes.ts';
import type { Version } from '../version.ts';

/** What everything that reads values needs. */
export interface ReadContext {
  readonly version: Version;
  readonly facts: HostFacts;
  readonly findings: Findings;
  /** `dynamic_interfaces` is set: interfaces may come later. */
  readonly dynamic: boolean;
}

/** One line of a value block, such as an address in virtual_ipaddress. */
export interface Row {
  readonly words: readonly Word[];
  readonly line: Line;
  readonly at: Position;
  /** Undefined if the line cannot be read. */
  value?: unknown;
}

/** One statement as keepalived's parser sees it. */
export interface Statement {
  /** The keyword first. */
  readonly words: readonly Word[];
  readonly line: Line;
  readonly at: Position;
  /** Absent if this version of keepalived does not know it. */
  readonly entry?: Keyword;
  /** The shape that this version gives it. */
  readonly shape?: Shape;
  /** What stands between its braces: statements of a block, or lines of a value block. */
  readonly body?: readonly Statement[];
  readonly rows?: readonly Row[];
  /** Undefined if it cannot be read. */
  value?: unknown;
}

/** Words being read one after another, with a place to complain. */
export class Cursor {
  readonly words: readonly Word[];
  readonly keyword: string;
  readonly context: ReadContext;
  readonly line: Line;
  readonly #end: Position;
  #next = 0;

  /** `end` is where to point when a word is missing. */
  constructor(
    words: readonly Word[], keyword: string, line: Line, end: Position, context: ReadContext,
  ) {
    this.words = words;
    this.keyword = keyword;
    this.line = line;
    this.#end = end;
    this.context = context;
  }

  peek(): Word | undefined {
    return this.words[this.#next];
  }

  next(): Word | undefined {
    const word = this.words[this.#next];
    if (word) this.#next += 1;
    return word;
  }

  /** The next word; if there is none, a complaint that `what` is missing. */
  need(what: string): Word | undefined {
    const word = this.next();
    if (!word) {
      this.error(undefined, {
        code: 'missing-value', allowed: what, message: `${this.keyword}: ${what} is missing`,
      });
    }
    return word;
  }

  /** Words that have not been read. */
  rest(): readonly Word[] {
    const rest = this.words.slice(this.#next);
    this.#next = this.words.length;
    return rest;
  }

  error(word: Word | undefined, complaint: CursorComplaint): undefined {
    this.context.findings.error(word?.at ?? this.#end, this.#complete(word, complaint));
  }

  warn(word: Word | undefined, complaint: CursorComplaint): undefined {
    this.context.findings.warn(word?.at ?? this.#end, this.#complete(word, complaint));
  }

  #complete(word: Word | undefined, complaint: CursorComplaint): Complaint {
    return { keyword: this.keyword, value: word?.text, ...complaint };
  }
}

type CursorComplaint = Omit<Complaint, 'keyword'>;
