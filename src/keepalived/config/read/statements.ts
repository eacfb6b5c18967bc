/**
 * Puts lines together to statements as keepalived's parser does (`process_stream` and
 * `alloc_value_block` in keepalived's lib/parser.c), which goes by the keywords it knows.
 */
import type { FindingCode, Findings, Position } from '../finding.ts';
import type { HostFacts } from '../host.ts';
import { type IncludeChecks, forgiving } from '../lines/include.ts';
import { type Line, type Word, positionOf } from '../lines/line.ts';
import type { LineReader } from '../lines/line-reader.ts';
import { splitWords } from '../lines/words.ts';
import { shapeFor } from '../table/shape-for.ts';
import type { Block, Keyword, Keywords } from '../table/shapes.ts';
import {
  type Version, compareVersions, formatVersion, isAtLeast, parseVersion,
} from '../version.ts';
import type { Row, Statement } from './context.ts';
import { suggest } from './suggest.ts';

interface WordLine {
  readonly line: Line;
  readonly words: readonly [Word, ...Word[]];
  readonly at: Position;
}

/** Keywords whose second word may hold quotes that do not pair up, from 2.3.2 on. */
const scriptKeywords = ['script', 'command'];

const allChecks: IncludeChecks = { read: true, match: true, wildcard: true, brace: true };
const checkNames: Readonly<Record<string, keyof IncludeChecks>> = {
  read: 'read', match: 'match', wildcard_match: 'wildcard', brace_match: 'brace',
};

export class StatementReader {
  readonly #lines: LineReader;
  readonly #version: Version;
  readonly #facts: HostFacts;
  readonly #findings: Findings;
  #ahead: WordLine | undefined;

  constructor(lines: LineReader, version: Version, facts: HostFacts, findings: Findings) {
    this.#lines = lines;
    this.#version = version;
    this.#facts = facts;
    this.#findings = findings;
  }

  /** All statements of the file. */
  read(keywords: Keywords): Statement[] {
    return this.#statements(keywords, false, 0);
  }

  #next(keywords?: Keywords): WordLine | undefined {
    const ahead = this.#ahead;
    if (ahead) {
      this.#ahead = undefined;
      return ahead;
    }
    for (let line = this.#lines.next(); line; line = this.#lines.next()) {
      const { words: [first, ...others], unmatchedAt } = splitWords(line);
      if (unmatchedAt !== undefined && !this.#mayBeUnmatched(first, others, keywords)) {
        this.#error(positionOf(line, unmatchedAt), 'structure', first?.text ?? '',
          'a double quote is opened and not closed');
      }
      if (first) return { line, words: [first, ...others], at: first.at };
    }
    return undefined;
  }

  #mayBeUnmatched(first: Word | undefined, others: readonly Word[], keywords?: Keywords): boolean {
    const shape = first && keywords && own(keywords, first.text)?.shape;
    return shape?.kind === 'special' && scriptKeywords.includes(shape.grammar)
      && others.length > 0 && isAtLeast(this.#version, '2.3.2');
  }

  #peek(): WordLine | undefined {
    this.#ahead ??= this.#next();
    return this.#ahead;
  }

  #statements(keywords: Keywords, needsBrace: boolean, level: number): Statement[] {
    const statements: Statement[] = [];
    let waiting = needsBrace;
    for (let found = this.#next(keywords); found; found = this.#next(keywords)) {
      const keyword = found.words[0].text;
      if (waiting) {
        waiting = false;
        if (keyword === '{') continue;
        this.#error(found.at, 'structure', keyword, `a "{" is missing before "${keyword}"`);
      } else if (keyword === '{') {
        this.#error(found.at, 'structure', '{', 'this "{" is not expected here');
        continue;
      }
      if (keyword === '}' && level > 0) return statements;
      const statement = this.#statement(found, keywords, level);
      if (statement) statements.push(statement);
    }
    return statements;
  }

  #statement(found: WordLine, keywords: Keywords, level: number): Statement | undefined {
    const { line, words, at } = found;
    const keyword = words[0].text;
    // The reader of lines has already complained about it.
    if (keyword === '}') return undefined;
    const entry = own(keywords, keyword);
    const known = entry && this.#isKnown(keyword, entry, at);
    if (!entry || known !== true) {
      if (!entry) {
        this.#error(at, 'unknown-keyword', keyword,
          `"${keyword}" is not a keyword here${suggest(keyword, keywords)}`);
      }
      return { line, words, at, ...this.#unknownBody() };
    }
    const shape = shapeFor(entry, this.#version);
    const statement = { line, words, at, entry, shape };
    const plain = shape.kind === 'opaque' ? shape.of : shape;
    if (keyword === 'include_check') this.#setIncludeChecks(words);
    if (plain.kind === 'block') {
      const last = words.length > 1 ? words.at(-1)?.text : undefined;
      // A quoted brace at the end is taken for the brace that opens the block.
      this.#checkHeader(plain, last === '{' ? { ...found, words: butLast(words) } : found);
      return { ...statement, body: this.#statements(plain.keywords, last !== '{', level + 1) };
    }
    if (plain.kind === 'entries' || plain.kind === 'list') {
      return { ...statement, rows: this.#rows(found, shape.kind === 'opaque' ? 2 : 1) };
    }
    return statement;
  }

  /** Whether this release, and this build of it, knows a keyword. */
  #isKnown(keyword: string, entry: Keyword, at: Position): boolean {
    const here = `keepalived ${formatVersion(this.#version)}`;
    const { since, until, needs, deprecated } = entry;
    if (since !== undefined && !isAtLeast(this.#version, since)) {
      this.#error(at, 'not-in-version', keyword,
        `${here} does not know "${keyword}"; it came with ${since}`);
      return false;
    }
    const last = until === undefined ? undefined : parseVersion(until);
    if (last && compareVersions(this.#version, last) > 0) {
      this.#error(at, 'not-in-version', keyword,
        `${here} does not know "${keyword}" any more; the last to know it is ${formatVersion(last)}`);
      return false;
    }
    if (needs !== undefined && this.#facts.features && !this.#facts.features.has(needs)) {
      this.#error(at, 'not-in-build', keyword,
        `the keepalived of this host is built without ${needs}, which "${keyword}" needs`);
      return false;
    }
    if (deprecated) {
      const refused = deprecated.from !== undefined && isAtLeast(this.#version, deprecated.from);
      this.#findings[refused ? 'error' : 'warn'](at, {
        code: 'deprecated', keyword, allowed: deprecated.use,
        message: `"${keyword}" is deprecated${refused ? ` and refused by ${here}` : ''}; `
          + `use ${deprecated.use}`,
      });
    }
    return true;
  }

  #checkHeader(block: Block, found: WordLine): void {
    const { words } = found;
    const [keyword, name, extra] = words;
    const rest = block.header === 'none' ? name : extra;
    if (block.header !== 'none' && !name) {
      this.#error(found.at, 'missing-value', keyword.text, `${keyword.text}: the name is missing`);
    }
    if (block.maxName !== undefined && (name?.text.length ?? 0) > block.maxName) {
      this.#error(name?.at ?? found.at, 'too-long', keyword.text,
        `${keyword.text}: the name "${name?.text ?? ''}" is too long; it may have at most `
        + `${block.maxName} characters`);
    }
    if (!rest || block.header === 'address') return;
    this.#findings[block.header === 'only-name' ? 'error' : 'warn'](rest.at, {
      code: 'ignored', keyword: keyword.text, value: rest.text,
      message: `${keyword.text}: "${rest.text}" may not stand here; `
        + 'a name with blanks needs double quotes',
    });
  }

  /** Lines between braces that are no keywords. `named` words stand before the brace. */
  #rows(found: WordLine, named: number): Row[] {
    const [keyword] = found.words;
    const extra = found.words[named];
    if (extra) {
      this.#error(extra.at, 'structure', keyword.text,
        `${keyword.text}: "${extra.text}" stands before the "{"`);
    }
    const rows: Row[] = [];
    let waiting = true;
    for (let row = this.#next(); row; row = this.#next()) {
      const only = row.words.length === 1 ? row.words[0].text : '';
      if (waiting) {
        waiting = false;
        if (only === '{') continue;
        this.#findings.warn(row.at, {
          code: 'structure', keyword: keyword.text, message: `${keyword.text}: its "{" is missing`,
        });
      }
      if (only === '}') break;
      rows.push(row);
    }
    return rows;
  }

  /** What stands between the braces of a keyword that is not known: kept, not looked at. */
  #unknownBody(): { body?: Statement[] } {
    if (this.#peek()?.words[0].text !== '{') return {};
    this.#next();
    const body: Statement[] = [];
    for (let found = this.#next(); found; found = this.#next()) {
      if (found.words[0].text === '}') break;
      body.push({ ...found, ...this.#unknownBody() });
    }
    return { body };
  }

  #setIncludeChecks(words: readonly Word[]): void {
    const names = words.slice(1).map((word) => word.text);
    const isChange = /^[+-]/.test(names[0] ?? '');
    let checks = names.length === 0 ? allChecks : isChange ? this.#lines.includeChecks : forgiving;
    for (const name of names) {
      const key = checkNames[name.replace(/^[+-]/, '')];
      if (key === undefined) continue;
      if (!/^[+-]/.test(name)) checks = { ...checks, read: true };
      checks = { ...checks, [key]: !name.startsWith('-') };
    }
    this.#lines.includeChecks = checks;
  }

  #error(at: Position, code: FindingCode, keyword: string, message: string): void {
    this.#findings.error(at, { code, keyword, message });
  }
}

function butLast(words: WordLine['words']): WordLine['words'] {
  return [words[0], ...words.slice(1, -1)];
}

function own(keywords: Keywords, name: string): Keyword | undefined {
  return Object.hasOwn(keywords, name) ? keywords[name] : undefined;
}
