/** A model as text, without a look at whether keepalived would take it. */
import type { Configuration } from '../model.ts';
import type { Grammars } from '../table/grammar-types.ts';
import { root } from '../table/root.ts';
import { shapeFor } from '../table/shape-for.ts';
import type { Block, Fields, GrammarName, Keyword, Keywords, Shape, Special } from
  '../table/shapes.ts';
import type { OtherStatement } from '../table/value-types.ts';
import { type Version, isAtLeast, newestVersion } from '../version.ts';
import { grammarWords } from './grammars.ts';
import { fieldWords, scalarWord } from './values.ts';
import { quoteWord } from './words.ts';

export interface FormatOptions {
  /** Lines of a comment at the top. */
  readonly header?: readonly string[];
  readonly version?: Version;
}

const step = '    ';

type Values = ReadonlyMap<string, unknown>;

function entryWords(shape: Fields | Special, value: unknown): string[] {
  if (shape.kind === 'fields') return fieldWords(shape, value as object);
  return grammarWords(shape.grammar, value as Grammars[GrammarName]);
}

/** Words behind a keyword; undefined if the value says that the keyword is to be left out. */
function inlineWords(shape: Shape, value: unknown, version: Version): string[] | undefined {
  switch (shape.kind) {
    case 'flag': return value === true ? [] : undefined;
    case 'switch':
      if (value === true) return [];
      // Before its word counts, off is said by not giving the keyword.
      return shape.since !== undefined && !isAtLeast(version, shape.since) ? undefined : ['off'];
    case 'optional': return value === true ? [] : [scalarWord(shape.of, value)];
    case 'words': return (value as unknown[]).map((one) => scalarWord(shape.of, one));
    case 'fields': case 'special': return entryWords(shape, value);
    case 'list': case 'entries': case 'block': case 'opaque': return undefined;
    case 'whole': case 'decimal': case 'text': case 'choice': case 'interface': case 'address':
    case 'prefix': case 'routing-name': case 'either': case 'pattern':
      return [scalarWord(shape, value)];
  }
}

function line(indent: string, words: readonly string[]): string {
  return `${indent}${words.join(' ')}`;
}

function formatBlock(
  keyword: string, block: Block, value: object, indent: string, version: Version,
): string[] {
  const values: Values = new Map(Object.entries(value));
  const name = values.get('name');
  const head = block.header === 'none' || typeof name !== 'string' ? [keyword]
    : [keyword, quoteWord(name)];
  return [
    line(indent, [...head, '{']),
    ...formatKeywords(block.keywords, values, indent + step, version),
    line(indent, ['}']),
  ];
}

function formatKeyword(
  keyword: string, entry: Keyword, value: unknown, indent: string, version: Version,
): string[] {
  const shape = shapeFor(entry, version);
  if (shape.kind === 'block') {
    const blocks = (shape.many ? value : [value]) as readonly object[];
    return blocks.flatMap((block) => formatBlock(keyword, shape, block, indent, version));
  }
  if (shape.kind === 'list' || shape.kind === 'entries') {
    const rows = value as readonly unknown[];
    const words = (row: unknown) =>
      shape.kind === 'list' ? [scalarWord(shape.of, row)] : entryWords(shape.of, row);
    return [
      line(indent, [keyword, '{']),
      ...rows.map((row) => line(indent + step, words(row))),
      line(indent, ['}']),
    ];
  }
  const all = entry.repeat === 'adds' ? value as readonly unknown[] : [value];
  return all.flatMap((one) => {
    const words = inlineWords(shape, one, version);
    return words ? [line(indent, [keyword, ...words])] : [];
  });
}

function formatKeywords(
  keywords: Keywords, values: Values, indent: string, version: Version,
): string[] {
  const lines = Object.entries(keywords).flatMap(([keyword, entry]) => {
    const value = values.get(keyword);
    return value === undefined ? [] : formatKeyword(keyword, entry, value, indent, version);
  });
  const others = (values.get('other') ?? []) as readonly OtherStatement[];
  return [...lines, ...others.flatMap((other) => formatOther(other, indent))];
}

function formatOther({ words, block }: OtherStatement, indent: string): string[] {
  const head = words.map(quoteWord);
  if (!block) return [line(indent, head)];
  return [
    line(indent, [...head, '{']),
    ...block.flatMap((inner) => formatOther(inner, indent + step)),
    line(indent, ['}']),
  ];
}

/** Writes a configuration down. What keepalived makes of it, `write` tells. */
export function format(configuration: Configuration, options: FormatOptions = {}): string {
  const { header = [], version = newestVersion } = options;
  const lines = formatKeywords(root, new Map(Object.entries(configuration)), '', version);
  // A blank line before each block of the top level, for the eye.
  const spaced = lines.flatMap((one, index) =>
    index > 0 && one.endsWith('{') && !one.startsWith(' ') ? ['', one] : [one]);
  const comments = header.flatMap((text) => text.split(/[\r\n]/))
    .map((text) => text === '' ? '#' : `# ${text}`);
  return [...comments, ...spaced].map((one) => `${one}\n`).join('');
}
