import type { Position } from '../finding.ts';

/**
 * One line as it travels through the reader: its text, and for each character the column it
 * came from, so that a finding can point into the file although the preprocessor changed the
 * line meanwhile.
 */
export interface Line {
  readonly text: string;
  readonly columns: readonly number[];
  readonly file: string;
  readonly line: number;
}

/** A word of a line, without the quotes it may have stood in. */
export interface Word {
  readonly text: string;
  readonly quoted: boolean;
  readonly at: Position;
}

/** A line straight from a file. */
export function lineOf(text: string, file: string, line: number): Line {
  return { text, columns: Array.from(text, (_, index) => index + 1), file, line };
}

/** Characters `from` (included) to `to` (excluded) of a line. */
export function cut(line: Line, from: number, to = line.text.length): Line {
  return { ...line, text: line.text.slice(from, to), columns: line.columns.slice(from, to) };
}

/** A text that the preprocessor made, all of it standing where `index` stood. */
export function madeAt(line: Line, index: number, text: string): Line {
  const { column } = positionOf(line, index);
  return { ...line, text, columns: Array.from(text, () => column) };
}

/** Two lines as one; the second's file and line number are dropped. */
export function join(a: Line, b: Line): Line {
  return { ...a, text: a.text + b.text, columns: [...a.columns, ...b.columns] };
}

/** Where a character of a line stands in its file. */
export function positionOf(line: Line, index = 0): Position {
  const last = line.columns.at(-1);
  const column = line.columns[index] ?? (last === undefined ? 1 : last + 1);
  return { file: line.file, line: line.line, column };
}

/** Drops spaces and tabs from both ends. */
export function trimBlanks(line: Line): Line {
  const from = line.text.length - line.text.replace(/^[ \t]+/, '').length;
  const to = line.text.replace(/[ \t]+$/, '').length;
  return from === 0 && to === line.text.length ? line : cut(line, from, Math.max(from, to));
}
