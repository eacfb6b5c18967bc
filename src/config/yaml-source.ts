/**
 * YAML (and JSON, its subset) as values that remember their lines, so that what is wrong with one
 * can be said with its place. Bounded: deep nesting and exploding aliases are refused. Never
 * throws.
 */
import {
  CST, isAlias, isMap, isPair, isScalar, isSeq, Lexer, LineCounter, parseAllDocuments,
} from 'yaml';
import type { Document, Node, YAMLError, YAMLWarning } from 'yaml';

export interface YamlScalar {
  readonly kind: 'scalar';
  readonly line: number;
  readonly value: string | number | boolean | null;
  /** As written, without quotes: `007` where the value is 7. */
  readonly text: string;
}

export interface YamlList {
  readonly kind: 'list';
  readonly line: number;
  readonly items: readonly YamlValue[];
}

export interface YamlEntry {
  readonly key: string;
  readonly line: number;
  readonly value: YamlValue;
}

export interface YamlMap {
  readonly kind: 'map';
  readonly line: number;
  readonly entries: readonly YamlEntry[];
}

export type YamlValue = YamlScalar | YamlList | YamlMap;

export interface YamlDocument {
  readonly line: number;
  /** The document as written, without its separators. */
  readonly text: string;
  readonly root: YamlValue;
}

export interface YamlFault {
  readonly line: number;
  readonly text: string;
}

const deepest = 32;
const nested = `is nested more than ${deepest} deep.`;
/** Values that one document's aliases may stand for, all together. */
const mostAliased = 10_000;

/** The documents that are not empty, and what is wrong with the text; both may be non-empty. */
export function readYaml(text: string): { documents: YamlDocument[]; faults: YamlFault[] } {
  const lines = new LineCounter();
  const documents: YamlDocument[] = [];
  const faults: YamlFault[] = [];
  const tooDeep = tooDeepAt(text);
  if (tooDeep !== null) return { documents, faults: [{ line: tooDeep, text: nested }] };
  const parsed: readonly Document[] = parseAllDocuments(
    text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  let end = 0;
  for (const document of parsed) {
    // From the end of the one before: comments above a document are part of it.
    const start = end;
    end = document.range?.[2] ?? text.length;
    const reader = new Reader(document, lines);
    for (const error of [...document.errors, ...document.warnings]) {
      faults.push({ line: reader.lineAt(error.pos[0]), text: explain(error) });
    }
    if (document.directives?.yaml.version === '1.1') {
      faults.push({ line: 1, text: 'asks for YAML 1.1, where "no" means false: take out the %YAML line.' });
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    const root = reader.read(document.contents, 0);
    faults.push(...reader.faults);
    if (root.kind === 'scalar' && root.value === null) continue;
    documents.push({ line: root.line, text: withoutMarkers(text.slice(start, end)), root });
  }
  return { documents, faults };
}

/** Tokens that begin nothing. */
const unseen = ['space', 'newline', 'comment', 'byte-order-mark'];

/**
 * The line where nesting goes far beyond what is taken; null if it nowhere does. The library's
 * parser recurses, and near the end of the stack V8 does not throw but ends the process (it cannot
 * compile a regular expression there), so this is found out before, from the lexer's tokens.
 */
function tooDeepAt(text: string): number | null {
  const indents: number[] = [];
  let line = 1;
  let column = 0;
  let flow = 0;
  let lineStart = true;
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token) ?? '';
    const indicator = token === '-' || token === '?';
    if (type.startsWith('flow-') && type.endsWith('-start')) flow += 1;
    else if (type.startsWith('flow-') && type.endsWith('-end')) flow = Math.max(0, flow - 1);
    else if (!unseen.includes(type) && flow === 0 && (lineStart || indicator)) {
      while ((indents.at(-1) ?? -1) >= column) indents.pop();
      indents.push(column);
      lineStart = indicator;
    }
    if (indents.length + flow > 3 * deepest) return line;
    const breaks = token.split('\n').length - 1;
    line += breaks;
    column = breaks > 0 ? token.length - token.lastIndexOf('\n') - 1 : column + token.length;
    lineStart ||= breaks > 0;
  }
  return null;
}

/** What stands in the file may be secret: the library's quotations of it are left out. */
function explain(error: YAMLError | YAMLWarning): string {
  if (error.code === 'DUPLICATE_KEY') return 'is a key that this map has already.';
  if (error.code === 'TAG_RESOLVE_FAILED') return 'has a tag ("!..."): write the value without.';
  if (error.code === 'BAD_DIRECTIVE') return 'begins with "%", which is for directives: put it in quotes.';
  return `is not valid YAML: ${error.message.replace(/:? ".*$|: .*$/s, '')}.`;
}

function withoutMarkers(text: string): string {
  const body = text.replace(/^\s*---[ \t]*\n?/, '').replace(/\n(---|\.\.\.)\s*$/, '\n');
  return `${body.trimEnd()}\n`;
}

class Reader {
  readonly faults: YamlFault[] = [];
  readonly #document: Document;
  readonly #lines: LineCounter;
  #aliased = 0;
  #inAlias = 0;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  lineAt(offset: number): number {
    return Math.max(1, this.#lines.linePos(offset).line);
  }

  read(node: unknown, depth: number): YamlValue {
    const line = this.#lineOf(node);
    if (depth > deepest) return this.#refuse(line, nested);
    if (this.#inAlias > 0) {
      this.#aliased += 1;
      if (this.#aliased > mostAliased) {
        // Said once: everything after the first is the same fault.
        const text = 'has aliases that stand for too many values: write them out.';
        return this.#aliased === mostAliased + 1 ? this.#refuse(line, text) : nothing(line);
      }
    }
    if (isAlias(node)) return this.#readAlias(node.resolve(this.#document), line, depth);
    if (isScalar(node)) return this.#readScalar(node.value, node.source, line);
    if (isSeq(node)) {
      return { kind: 'list', line, items: node.items.map((item) => this.read(item, depth + 1)) };
    }
    if (isMap(node)) {
      const entries: YamlEntry[] = [];
      for (const pair of node.items) {
        if (!isPair(pair)) continue;
        const key = pair.key;
        if (!isScalar(key)) {
          this.#refuse(this.#lineOf(key), 'has a key that is not plain text.');
          continue;
        }
        const value = this.read(pair.value, depth + 1);
        entries.push({
          key: typeof key.value === 'string' ? key.value : key.source ?? String(key.value),
          line: this.#lineOf(key),
          value: pair.value === null ? { ...nothing(this.#lineOf(key)) } : value,
        });
      }
      return { kind: 'map', line, entries };
    }
    return nothing(line);
  }

  #readAlias(target: Node | undefined, line: number, depth: number): YamlValue {
    if (target === undefined) return this.#refuse(line, 'has an alias of something unknown.');
    this.#inAlias += 1;
    const value = this.read(target, depth + 1);
    this.#inAlias -= 1;
    return value;
  }

  #readScalar(value: unknown, source: string | undefined, line: number): YamlScalar {
    if (typeof value === 'string') return { kind: 'scalar', line, value, text: value };
    if (typeof value === 'number' || typeof value === 'boolean') {
      return { kind: 'scalar', line, value, text: source ?? String(value) };
    }
    return nothing(line);
  }

  #lineOf(node: unknown): number {
    const range = (node as { range?: readonly number[] | null } | null)?.range;
    return this.lineAt(range?.[0] ?? 0);
  }

  #refuse(line: number, text: string): YamlScalar {
    this.faults.push({ line, text });
    return nothing(line);
  }
}

function nothing(line: number): YamlScalar {
  return { kind: 'scalar', line, value: null, text: '' };
}

/** The value without lines, as JSON has it. */
export function toPlain(value: YamlValue): unknown {
  switch (value.kind) {
    case 'scalar': return value.value;
    case 'list': return value.items.map(toPlain);
    // fromEntries defines properties: a key "__proto__" is one among others.
    case 'map': return Object.fromEntries(value.entries.map(({ key, value: v }) => [key, toPlain(v)]));
  }
}
