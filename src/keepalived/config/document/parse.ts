import type { Block, Document, Item, Statement } from './document.ts';

/** Where the parser stands in the text. */
interface Scan {
  readonly text: string;
  at: number;
}

/** A piece of a line: up to a brace, a comment, or the end of the line. */
interface Piece {
  readonly source: string;
  /** What ended it; `''` at the end of the text. */
  readonly end: '{' | '}' | '#' | '\n' | '';
}

/** Reads a file. Never fails: what makes no sense is kept as it is. */
export function parseDocument(text: string): Document {
  const scan = { text, at: 0 };
  const items: Item[] = [];
  while (scan.at < text.length) {
    items.push(...parseItems(scan));
    if (scan.at < text.length) items.push({ kind: 'stray', text: takeThrough(scan, '}') });
  }
  return { items };
}

/** The rest of the line, with its end. */
function takeLine(scan: Scan): string {
  const end = scan.text.indexOf('\n', scan.at);
  const to = end < 0 ? scan.text.length : end + 1;
  const line = scan.text.slice(scan.at, to);
  scan.at = to;
  return line;
}

/** Everything up to a character, with it. */
function takeThrough(scan: Scan, char: string): string {
  const to = scan.text.indexOf(char, scan.at) + 1;
  const taken = scan.text.slice(scan.at, to);
  scan.at = to;
  return taken;
}

function takeBlanks(scan: Scan): string {
  const blanks = /^[ \t\r]*/.exec(scan.text.slice(scan.at, scan.at + 4096))?.[0] ?? '';
  scan.at += blanks.length;
  return blanks;
}

/** Looks ahead within the line, over quotes and escapes. */
function peekPiece(scan: Scan): Piece {
  let index = scan.at;
  let quote = false;
  const done = (end: Piece['end']): Piece => ({ source: scan.text.slice(scan.at, index), end });
  for (; index < scan.text.length; index += 1) {
    const char = scan.text[index];
    if (char === '\n') return done('\n');
    if (char === '\\' && scan.text[index + 1] !== '\n' && index + 1 < scan.text.length) index += 1;
    else if (char === '"') quote = !quote;
    else if (!quote && (char === '{' || char === '}')) return done(char);
    else if (!quote && (char === '#' || char === '!')) return done('#');
  }
  index = Math.min(index, scan.text.length);
  return done('');
}

/** Items up to a closing brace, which is left, or the end. */
function parseItems(scan: Scan): Item[] {
  const items: Item[] = [];
  while (scan.at < scan.text.length) {
    const start = scan.at;
    const indent = takeBlanks(scan);
    const char = scan.text[scan.at];
    if (char === undefined || char === '\n') {
      scan.at = start;
      items.push({ kind: 'blank', text: takeLine(scan) });
    } else if (char === '#' || char === '!') {
      scan.at = start;
      items.push({ kind: 'comment', text: takeLine(scan) });
    } else if (char === '}') {
      scan.at = start;
      return items;
    } else if (char === '{') {
      scan.at = start;
      items.push({ kind: 'stray', text: takeThrough(scan, '{') });
    } else items.push(parseDirective(scan, start) ?? parseStatement(scan, indent));
  }
  return items;
}

const definition = /^[ \t]*(@\S*[ \t]+)?\$[A-Za-z_]\w*=/;
const loop = /^[ \t]*(@\S*[ \t]+)?~(SEQ|LST)/;
const include = /^[ \t]*(@\S*[ \t]+)?include[rmwba]?[ \t]/;

/** A definition, a loop or an include, from the start of its line; undefined for anything else. */
function parseDirective(scan: Scan, start: number): Item | undefined {
  const end = scan.text.indexOf('\n', start);
  const line = scan.text.slice(start, end < 0 ? undefined : end);
  const directive = definition.test(line) ? 'definition' : loop.test(line) ? 'loop'
    : include.test(line) ? 'include' : undefined;
  if (directive === undefined) return undefined;
  scan.at = start;
  let text = takeLine(scan);
  while (directive === 'definition' && /\\[ \t\r]*\n$/.test(text) && scan.at < scan.text.length) {
    text += takeLine(scan);
  }
  return { kind: 'directive', directive, text };
}

function parseStatement(scan: Scan, indent: string): Statement {
  const condition = /^@\S*[ \t]+/.exec(scan.text.slice(scan.at, scan.at + 1024))?.[0] ?? '';
  scan.at += condition.length;
  const piece = peekPiece(scan);
  const source = piece.source.replace(/[ \t\r]+$/, '');
  scan.at += source.length;
  const block = parseBlock(scan);
  return {
    kind: 'statement', condition, indent, source, ...(block ? { block } : {}), tail: takeTail(scan),
  };
}

/** The block behind a statement: its brace may stand on one of the next lines. */
function parseBlock(scan: Scan): Block | undefined {
  const start = scan.at;
  for (;;) {
    takeBlanks(scan);
    const char = scan.text[scan.at];
    if (char === '{') break;
    if (char !== '\n' && char !== '#' && char !== '!') {
      scan.at = start;
      return undefined;
    }
    takeLine(scan);
  }
  scan.at += 1;
  const open = scan.text.slice(start, scan.at);
  const openTail = takeTail(scan);
  const items = parseItems(scan);
  const closeStart = scan.at;
  takeBlanks(scan);
  if (scan.text[scan.at] === '}') scan.at += 1;
  return { open, openTail, items, close: scan.text.slice(closeStart, scan.at) };
}

/** Blanks, comment and line end behind a statement; nothing if more follows on the line. */
function takeTail(scan: Scan): string {
  const start = scan.at;
  takeBlanks(scan);
  const char = scan.text[scan.at];
  const ends = char === undefined || char === '\n' || char === '#' || char === '!';
  scan.at = start;
  return ends ? takeLine(scan) : '';
}
