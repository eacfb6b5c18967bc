import { type Line, type Word, positionOf } from './line.ts';

const space = /[ \t\f\n\r\v]/;

/** Words of a line, and where a double quote was left open, if it was. */
export interface Words {
  readonly words: readonly Word[];
  readonly unmatchedAt?: number;
}

/**
 * Splits a line as most keywords have it: words end at white space and at a double quote; a
 * double quote starts a word that ends at the next one. There is no escape.
 */
export function splitWords(line: Line): Words {
  const { text } = line;
  const words: Word[] = [];
  let index = 0;
  for (;;) {
    while (index < text.length && space.test(text[index] ?? '')) index += 1;
    if (index >= text.length) return { words };
    const at = positionOf(line, index);
    if (text[index] === '"') {
      const end = text.indexOf('"', index + 1);
      if (end < 0) return { words, unmatchedAt: index };
      words.push({ text: text.slice(index + 1, end), quoted: true, at });
      index = end + 1;
      continue;
    }
    const start = index;
    while (index < text.length && !/[ \t\f\n\r\v"]/.test(text[index] ?? '')) index += 1;
    words.push({ text: text.slice(start, index), quoted: false, at });
  }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07', b: '\b', E: '\x1b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v',
};

/** One backslash escape, standing at `index`; undefined if the text ends in it. */
function readEscape(text: string, index: number, hexDigits: number) {
  const rest = text.slice(index + 1);
  if (rest === '') return undefined;
  const hex = new RegExp(`^x([0-9a-fA-F]{1,${hexDigits}})`).exec(rest);
  const octal = /^[0-7]{1,3}/.exec(rest);
  const code = hex?.[1] === undefined
    ? octal && parseInt(octal[0], 8) : parseInt(hex[1].slice(-2), 16);
  if (code !== null) {
    const length = (hex ?? octal)?.[0].length ?? 0;
    return { char: String.fromCharCode(code & 0xff), length: length + 1 };
  }
  if (rest.startsWith('c') && rest.length > 1) {
    return { char: String.fromCharCode(rest.charCodeAt(1) & 0x1f), length: 3 };
  }
  const char = rest[0] ?? '';
  return { char: simpleEscapes[char] ?? char, length: 2 };
}

/**
 * Splits a line as keywords that name a script have it: single and double quotes may stand
 * inside a word, and a backslash escapes (`\n`, `\x41`, `\101`, `\cA`, `\"`). Undefined if a
 * quote or an escape is left open. `hexDigits` is how many digits `\x` takes: two from 2.3.2
 * on, before that all there are.
 */
export function splitScriptWords(line: Line, hexDigits = 64): readonly Word[] | undefined {
  const { text } = line;
  const words: Word[] = [];
  let index = 0;
  for (;;) {
    while (index < text.length && space.test(text[index] ?? '')) index += 1;
    if (index >= text.length) return words;
    const at = positionOf(line, index);
    let word = '';
    let quote = '';
    let quoted = false;
    while (index < text.length) {
      const char = text[index] ?? '';
      if (char === '\\') {
        const escape = readEscape(text, index, hexDigits);
        if (!escape) return undefined;
        word += escape.char;
        index += escape.length;
        continue;
      }
      if (quote === '' && space.test(char)) break;
      index += 1;
      if (char === quote) quote = '';
      else if (quote === '' && (char === '"' || char === "'")) {
        // keepalived does not miss the end of a quote that opens behind everything else.
        quote = index < text.length ? char : '';
        quoted = true;
      } else word += char;
    }
    if (quote !== '') return undefined;
    words.push({ text: word, quoted, at });
  }
}
