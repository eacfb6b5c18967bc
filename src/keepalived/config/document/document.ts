/**
 * A file as it is written: every byte of it has a place, so that printing a document gives back
 * the text it was read from, comments and odd spacing included. What the text means to
 * keepalived is not asked here; see read.ts for that.
 */
import { splitWords } from '../lines/words.ts';
import { lineOf } from '../lines/line.ts';

/** Anything that stands in a file or in a block. */
export type Item = Blank | Comment | Directive | Statement | Stray;

/** An empty line. */
export interface Blank {
  readonly kind: 'blank';
  readonly text: string;
}

/** A line that holds nothing but a comment. */
export interface Comment {
  readonly kind: 'comment';
  /** From the indentation to the end of the line. */
  readonly text: string;
}

/**
 * A line of the preprocessor: a definition with all its lines, a loop, or an include. It is kept
 * whole, because keepalived does not read it as a statement.
 */
export interface Directive {
  readonly kind: 'directive';
  readonly directive: 'definition' | 'loop' | 'include';
  readonly text: string;
}

/** A keyword with its values, and a block if one follows. */
export interface Statement {
  readonly kind: 'statement';
  /** `@id ` or `@^id `, with which the line is meant for some hosts alone. */
  readonly condition: string;
  /** Blanks before the first word (and before the condition). */
  readonly indent: string;
  /** The words and what stands between them, as written. */
  readonly source: string;
  readonly block?: Block;
  /** From the last word, or the closing brace, to the end of the line. */
  readonly tail: string;
}

/** What stands between braces. */
export interface Block {
  /** From the last word to the opening brace, with it; may hold line ends and comments. */
  readonly open: string;
  /** What follows the opening brace on its line. */
  readonly openTail: string;
  readonly items: readonly Item[];
  /** Blanks before the closing brace, and the brace; empty if the file ends before it. */
  readonly close: string;
}

/** A brace that belongs to nothing. */
export interface Stray {
  readonly kind: 'stray';
  readonly text: string;
}

export interface Document {
  readonly items: readonly Item[];
}

/** The words of a statement, the keyword first, without their quotes. */
export function wordsOf(statement: Statement): readonly string[] {
  return splitWords(lineOf(statement.source, '', 1)).words.map((word) => word.text);
}

/** The text of a document. */
export function printDocument(document: Document): string {
  return document.items.map(printItem).join('');
}

function printItem(item: Item): string {
  if (item.kind !== 'statement') return item.text;
  const { condition, indent, source, block, tail } = item;
  const inner = block
    ? `${block.open}${block.openTail}${block.items.map(printItem).join('')}${block.close}` : '';
  return `${indent}${condition}${source}${inner}${tail}`;
}
