import { type Line } from './line.ts';

/** A line without its comment. */
export interface Decommented {
  readonly line: Line;
  /** A double quote was opened and not closed. */
  readonly unterminated: boolean;
  /** A backslash took the meaning from a comment character. */
  readonly escaped: boolean;
}

/**
 * Takes comment, surrounding blanks, and the backslash of `\#` and `\!` from a line. `#` and
 * `!` start a comment anywhere outside double quotes. A backslash at the very end stays: it
 * continues a multi-line definition.
 *
 * Up to 2.3.4 a backslash that ends a comment stays as well, alone on its line; keepalived
 * then takes it for a keyword (`lingering`).
 */
export function decomment(line: Line, lingering: boolean): Decommented {
  const { text } = line;
  const kept: number[] = [];
  let quote = false;
  let escaped = false;
  let commentAt = -1;
  let backslashAt = -1;
  let index = /^[ \t]*/.exec(text)?.[0].length ?? 0;
  while (index < text.length) {
    const char = text[index];
    if (char === '\\') {
      const next = text[index + 1];
      if (next === undefined) {
        backslashAt = index;
        break;
      }
      const drops = !quote && (next === '#' || next === '!');
      escaped ||= drops && commentAt < 0;
      kept.push(...(drops ? [index + 1] : [index, index + 1]));
      index += 2;
      continue;
    }
    if (char === '"' && commentAt < 0) quote = !quote;
    if ((char === '#' || char === '!') && !quote && commentAt < 0) {
      if (!lingering) break;
      commentAt = kept.length;
    }
    kept.push(index);
    index += 1;
  }
  if (commentAt >= 0) kept.length = commentAt;
  while (kept.length > 0 && /[ \t]/.test(text[kept.at(-1) ?? 0] ?? '')) kept.pop();
  if (backslashAt >= 0) kept.push(backslashAt);
  return {
    line: {
      ...line,
      text: kept.map((at) => text[at]).join(''),
      columns: kept.map((at) => line.columns[at] ?? 1),
    },
    unterminated: quote,
    escaped,
  };
}
