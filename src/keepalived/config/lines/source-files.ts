import { Buffer } from 'node:buffer';
import type { Findings } from '../finding.ts';
import { type Version, isAtLeast } from '../version.ts';
import { type Decommented, decomment } from './comments.ts';
import { type IncludeChecks, forgiving } from './include.ts';
import { type Line, lineOf, positionOf } from './line.ts';

/** keepalived reads lines into 1024 bytes, the terminating zero included. */
export const maxLineBytes = 1023;

interface OpenFile {
  readonly file: string;
  readonly lines: readonly string[];
  next: number;
  /** Checks in force when it was opened, to be restored at its end. */
  readonly checks: IncludeChecks;
}

/** The stack of files being read, and their lines without comments. */
export class SourceFiles {
  /** Checks that `include_check` of global_defs asked for; the parser sets them. */
  includeChecks: IncludeChecks = forgiving;
  /** How many braces are open where the next line stands, and the keyword of the outermost. */
  depth = 0;
  block = '';
  readonly #version: Version;
  readonly #findings: Findings;
  readonly #files: OpenFile[] = [];

  constructor(version: Version, findings: Findings) {
    this.#version = version;
    this.#findings = findings;
  }

  /** How many files are open. */
  get fileCount(): number {
    return this.#files.length;
  }

  /** The file whose lines come next. */
  get current(): string | undefined {
    return this.#files.at(-1)?.file;
  }

  /** The directory of an included file whose lines come next; undefined for the first file. */
  get includedFrom(): string | undefined {
    const file = this.#files.length > 1 ? this.current : undefined;
    return file?.includes('/') === true ? file.slice(0, file.lastIndexOf('/')) || '/' : undefined;
  }

  open(text: string, file: string): void {
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    this.#files.push({ file, lines, next: 0, checks: this.includeChecks });
  }

  close(): void {
    this.#files.length = 0;
  }

  /** The next line that is not empty; `blankEnds` returns empty lines of the file as well. */
  next(blankEnds: boolean): Line | undefined {
    for (let open = this.#files.at(-1); open; open = this.#files.at(-1)) {
      const text = open.lines[open.next];
      if (text === undefined) {
        this.includeChecks = open.checks;
        this.#files.pop();
        continue;
      }
      open.next += 1;
      const line = this.#physical(text, open);
      if (!line) continue;
      if (line.text === '' && blankEnds) return line;
      const bare = this.decomment(line);
      if (bare.text !== '') return bare;
    }
    return undefined;
  }

  /** Takes the comment from a line, as often as keepalived does. */
  decomment(line: Line): Line {
    if (!isAtLeast(this.#version, '2.2.0')) return this.#once(line).line;
    const { line: first, escaped } = this.#once(line);
    if (!escaped) return first;
    const second = decomment(first, !isAtLeast(this.#version, '2.4.0')).line;
    if (second.text !== first.text) this.#warnOfCopy(line, first.text, second.text);
    return second;
  }

  #once(line: Line): Decommented {
    const result = decomment(line, !isAtLeast(this.#version, '2.4.0'));
    if (result.unterminated) {
      this.#findings.error(positionOf(line), {
        code: 'structure', keyword: '', value: line.text.trim(),
        message: 'a double quote is opened and not closed on this line',
      });
    }
    return result;
  }

  /**
   * keepalived's first process writes the lines to a file for the others, which take comments
   * away again. In that file a line that starts with `!` ends it, and one that starts with `#`
   * names a file. The first process itself sees what the others do not: braces, which it
   * counts, and statements, which it minds outside of blocks and in global_defs.
   */
  #warnOfCopy(line: Line, copied: string, kept: string): void {
    const dropped = copied.slice(kept.length);
    const isStatement = /[{}]$/.test(kept) || /[{}]/.test(dropped)
      || (!copied.startsWith('$') && firstWord(kept) !== firstWord(copied));
    const depth = this.depth + openedBy(kept);
    const block = this.depth > 0 ? this.block : firstWord(kept);
    const isMinded = depth === 0 || block === 'global_defs';
    const fatal = copied.startsWith('!') || (isStatement && isMinded) || openedBy(dropped) !== 0;
    this.#findings[fatal ? 'error' : 'warn'](positionOf(line), {
      code: 'ignored', keyword: '', value: line.text.trim(),
      message: 'from 2.2.0 on keepalived reads a copy of the file from which the backslash '
        + 'before "#" or "!" is already gone, so the comment starts there; use double quotes',
    });
  }

  /** A line as read from the file: no line end, not too long. */
  #physical(text: string, open: OpenFile): Line | undefined {
    const line = lineOf(text.replace(/\r+$/, ''), open.file, open.next);
    const room = isAtLeast(this.#version, '2.4.0') ? maxLineBytes - 1 : maxLineBytes;
    const tooLong = Buffer.byteLength(text) > room;
    if (tooLong || text.includes('\0')) {
      const problem = tooLong ? `longer than ${room} bytes` : 'broken by a zero byte';
      this.#findings.error(positionOf(line), {
        code: 'preprocessor', keyword: '',
        message: `the line is ${problem}; keepalived cannot read it as one`,
      });
      return undefined;
    }
    return line;
  }
}

function firstWord(text: string): string {
  return /^[^\s{]*/.exec(text)?.[0] ?? '';
}

/** How many more braces a text opens than it closes, outside double quotes. */
function openedBy(text: string): number {
  const braces = text.replace(/"[^"]*"/g, '').match(/[{}]/g) ?? [];
  return braces.reduce((sum, brace) => sum + (brace === '{' ? 1 : -1), 0);
}
