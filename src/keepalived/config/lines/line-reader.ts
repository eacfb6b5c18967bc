/**
 * Hands out the lines of a configuration as keepalived's own line reader hands them to its
 * parser (`read_line` in keepalived's lib/parser.c): comments gone, definitions replaced, loops
 * unrolled, other hosts' lines left out, files included, and every brace on a line of its own.
 */
import { Buffer } from 'node:buffer';
import type { Findings } from '../finding.ts';
import { type Version, isAtLeast } from '../version.ts';
import { Definitions, definitionLine, readDefinition } from './definitions.ts';
import {
  type IncludeChecks, type IncludeSource, eitherChecks, matchProblem, readInclude,
} from './include.ts';
import { type Line, cut, lineOf, madeAt, positionOf, trimBlanks } from './line.ts';
import { type Loop, readLst, readSeq } from './sequences.ts';
import { SourceFiles, maxLineBytes } from './source-files.ts';

/** What the preprocessor needs to know beside the text. */
export interface ReaderOptions {
  readonly version: Version;
  /** What `@id` lines are compared with: by default the host's name up to the first dot. */
  readonly configId?: string;
  /** For `$_PWD`: the directory of the first file. Includes bring their own. */
  readonly directory?: string;
  /** For `${_ENV X}`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Without it, includes are reported and not followed. */
  readonly include?: IncludeSource;
}

interface Unfinished {
  readonly text: string;
  /** Where the definition was used. */
  readonly origin: Line;
  readonly loops: number;
}

const maxDepth = 64;
const maxLines = 1_000_000;

export class LineReader {
  readonly #options: ReaderOptions;
  readonly #findings: Findings;
  readonly #definitions: Definitions;
  readonly #files: SourceFiles;
  readonly #loops: { readonly loop: Loop; readonly text: Line; pending: Round }[] = [];
  readonly #unfinished: Unfinished[] = [];
  #residue: Line | undefined;
  #depth = 0;
  #count = 0;
  #last: Line;

  constructor(text: string, file: string, options: ReaderOptions, findings: Findings) {
    this.#options = options;
    this.#findings = findings;
    this.#last = lineOf('', file, 1);
    this.#definitions = new Definitions({
      configId: options.configId ?? '',
      directory: () => this.#files.includedFrom ?? options.directory ?? '',
      environment: options.environment ?? {},
      hasEnvironment: isAtLeast(options.version, '2.4.0'),
    });
    this.#files = new SourceFiles(options.version, findings);
    this.#files.open(text, file);
  }

  /** What `include_check` of global_defs asks of the includes from here on. */
  get includeChecks(): IncludeChecks {
    return this.#files.includeChecks;
  }

  set includeChecks(checks: IncludeChecks) {
    this.#files.includeChecks = checks;
  }

  /** The next line; it is not empty, and is `{`, `}` or without braces outside quotes. */
  next(): Line | undefined {
    for (;;) {
      this.#files.depth = this.#depth;
      const raw = this.#raw(false);
      this.#count += 1;
      if (!raw || this.#count > maxLines) return this.#end(raw);
      const line = this.#preprocess(raw);
      if (!line || line.text === '' || this.#include(line)) continue;
      const split = this.#split(line);
      this.#last = split;
      this.#countBraces(split);
      return split;
    }
  }

  #end(beyond: Line | undefined): undefined {
    const at = positionOf(this.#last, this.#last.text.length);
    if (beyond) {
      this.#findings.error(at, {
        code: 'preprocessor', keyword: '',
        message: `the loops unroll to more than ${maxLines} lines; the rest was not read`,
      });
      this.#files.close();
    } else if (this.#depth > 0) {
      const count = this.#depth === 1 ? 'a closing "}" is' : `${this.#depth} closing "}" are`;
      this.#findings.error(at, {
        code: 'structure', keyword: '}', message: `${count} missing at the end of the file`,
      });
      this.#depth = 0;
    }
    return undefined;
  }

  /** The next line of whatever is being read; `blankEnds` returns blank lines of files too. */
  #raw(blankEnds: boolean): Line | undefined {
    const residue = this.#residue;
    if (residue) {
      this.#residue = undefined;
      return residue;
    }
    const unfinished = this.#unfinished.at(-1);
    const looped = this.#loops.length > (unfinished?.loops ?? 0) ? this.#nextRound() : undefined;
    if (looped) return looped;
    if (unfinished) {
      this.#unfinished.pop();
      const end = unfinished.text.indexOf('\n');
      if (end >= 0) this.#unfinished.push({ ...unfinished, text: unfinished.text.slice(end + 1) });
      return madeAt(unfinished.origin, 0, unfinished.text.slice(0, end < 0 ? undefined : end));
    }
    return this.#files.next(blankEnds);
  }

  #nextRound(): Line | undefined {
    const current = this.#loops.at(-1);
    if (!current || current.pending.done === true) {
      this.#loops.pop();
      return undefined;
    }
    for (const [name, value] of current.pending.value) {
      this.#definitions.set({ name, value, multiline: false });
    }
    current.pending = current.loop.rounds.next();
    if (current.pending.done === true) this.#loops.pop();
    return current.text;
  }

  /** Conditions, definitions, loops; undefined if nothing of the line is left. */
  #preprocess(raw: Line): Line | undefined {
    let line = raw;
    for (;;) {
      if (line.text.startsWith('@')) {
        const wanted = this.#condition(line);
        if (!wanted) return undefined;
        line = wanted;
      }
      const definition = line.text.startsWith('$') ? readDefinition(line.text) : undefined;
      if (definition) return this.#define(definition.name, definition.value);
      if (/^~(SEQ|LST)/.test(line.text)) return this.#loop(line);
      if (line.text.startsWith('~') || !line.text.includes('$')) return line;
      const expanded = this.#expand(line);
      if (!expanded) return line;
      line = this.#files.decomment(expanded);
      if (!line.text.startsWith('@') && !line.text.includes('$')) return line;
    }
  }

  #expand(line: Line): Line | undefined {
    const expansion = this.#definitions.expand(line);
    const at = positionOf(line);
    if (expansion.endless) {
      this.#findings.error(at, {
        code: 'preprocessor', keyword: '', value: line.text,
        message: 'a definition refers to itself; keepalived would never finish reading it',
      });
    }
    for (const name of expansion.misused) {
      this.#findings[isAtLeast(this.#options.version, '2.4.0') ? 'error' : 'warn'](at, {
        code: 'preprocessor', keyword: '', value: name,
        message: `\${${name}} does not take these parameters`,
      });
    }
    if (!expansion.changed) return undefined;
    if (expansion.rest !== undefined) {
      const loops = this.#loops.length;
      this.#unfinished.push({ text: expansion.rest, origin: line, loops });
    }
    if (Buffer.byteLength(expansion.line.text) > maxLineBytes) {
      this.#findings.error(at, {
        code: 'preprocessor', keyword: '',
        message: `with its definitions replaced the line is longer than ${maxLineBytes} bytes`,
      });
      return undefined;
    }
    return expansion.line;
  }

  /** The line behind `@id` or `@^id`, if it is meant for this host. */
  #condition(line: Line): Line | undefined {
    const match = /^@(\^?)([^ \t]*)[ \t]+/.exec(line.text);
    if (!match) return undefined;
    const same = match[2] === (this.#options.configId ?? '');
    return same === (match[1] === '') ? cut(line, match[0].length) : undefined;
  }

  #define(name: string, value: string): undefined {
    let { text, more } = definitionLine(value);
    const lines = [text];
    const multiline = more;
    while (more) {
      const line = this.#raw(true);
      if (!line || line.text === '') break;
      ({ text, more } = definitionLine(line.text));
      lines.push(text);
    }
    // A blank line in between is not kept; neither is one at the end.
    const kept = lines.filter((one) => one !== '');
    this.#definitions.set({
      name, value: kept.join('\n'), multiline: multiline && kept.length > 0,
    });
  }

  #loop(line: Line): undefined {
    const result = line.text.startsWith('~SEQ')
      ? readSeq(line.text, (text) => this.#definitions.expand(lineOf(text, '', 1)).line.text)
      : readLst(line.text);
    if ('problem' in result) {
      this.#findings.error(positionOf(line), {
        code: 'preprocessor', keyword: line.text.slice(0, 4), value: line.text,
        message: `${line.text.slice(0, 4)} cannot be read: ${result.problem}`,
      });
      return;
    }
    const text = cut(line, result.loop.textAt);
    this.#loops.push({ loop: result.loop, text, pending: result.loop.rounds.next() });
  }

  /** Opens the files of an include statement; false if the line is none. */
  #include(line: Line): boolean {
    const include = readInclude(line.text, isAtLeast(this.#options.version, '2.2.0'));
    if (!include) return false;
    const { pattern, checks } = include;
    const at = positionOf(line, include.at);
    const complain = (check: keyof IncludeChecks, what: string, problem: string) => {
      const strict = eitherChecks(checks, this.#files.includeChecks)[check];
      this.#findings[strict ? 'error' : 'warn'](at, {
        code: 'include', keyword: 'include', value: what, message: `include: "${what}" ${problem}`,
      });
    };
    if (!this.#options.include) {
      complain('brace', pattern, 'was not followed');
      return true;
    }
    if (this.#files.fileCount >= maxDepth) {
      this.#findings.error(at, {
        code: 'include', keyword: 'include', value: pattern,
        message: `files include one another more than ${maxDepth} deep`,
      });
      return true;
    }
    const match = this.#options.include(pattern, this.#files.current ?? line.file);
    const problem = matchProblem(pattern, match);
    if (problem) complain(problem.check, pattern, problem.problem);
    for (const file of match.files.toReversed()) {
      if (file.text === undefined) {
        complain('read', file.path, file.problem ?? 'cannot be read');
      } else this.#files.open(file.text, file.path);
    }
    return true;
  }

  /** Puts a brace on a line of its own; what stands behind it is read next. */
  #split(line: Line): Line {
    const { text } = line;
    if (text.startsWith('{') || text.startsWith('}')) {
      const rest = trimBlanks(cut(line, 1));
      if (rest.text !== '') this.#residue = rest;
      return cut(line, 0, 1);
    }
    const brace = /^(?:[^{}"]|"[^"]*")*(?=[{}])/.exec(text);
    if (!brace) return trimBlanks(line);
    this.#residue = trimBlanks(cut(line, brace[0].length));
    return trimBlanks(cut(line, 0, brace[0].length));
  }

  #countBraces(line: Line): void {
    if (line.text === '{') this.#depth += 1;
    else if (this.#depth === 0) this.#files.block = /^\S*/.exec(line.text)?.[0] ?? '';
    if (line.text !== '}') return;
    if (this.#depth > 0) this.#depth -= 1;
    else {
      this.#findings.error(positionOf(line), {
        code: 'structure', keyword: '}', message: 'this "}" closes nothing',
      });
    }
  }
}

type Round = IteratorResult<readonly (readonly [name: string, value: string])[], unknown>;
