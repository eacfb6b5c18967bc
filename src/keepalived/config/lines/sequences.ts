/** The loops of the preprocessor: `~SEQ(var, 1, 5) text` and `~LST(var, a, b, c) text`. */

/** Values for the loop's variables, round by round, and the text that is read each time. */
export interface Loop {
  readonly rounds: Iterator<readonly (readonly [name: string, value: string])[]>;
  /** Where the repeated text starts in the line. */
  readonly textAt: number;
}

/** Either a loop, or what is wrong with it. */
export type LoopResult = { readonly loop: Loop } | { readonly problem: string };

/** C's strtol with base 0: decimal, 0x hexadecimal, 0 octal; what is no number counts as 0. */
function readLong(text: string): { value: number; length: number } {
  const match = /^[ \t]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/.exec(text);
  if (!match) return { value: 0, length: 0 };
  const digits = match[2] ?? '0';
  const base = /^0[xX]/.test(digits) ? 16 : digits.startsWith('0') ? 8 : 10;
  const size = parseInt(base === 16 ? digits.slice(2) : digits, base);
  return { value: match[1] === '-' ? -size : size, length: match[0].length };
}

/** The one to three numbers of ~SEQ, as start, step and end. */
function seqBounds(numbers: readonly number[]): [number, number, number] {
  const [one = 0, two, three] = numbers;
  if (two === undefined) return [one < 0 ? -1 : 1, one < 1 ? -1 : 1, one];
  if (three === undefined) return [one, one <= two ? 1 : -1, two];
  return [one, two, three];
}

function* count(name: string, bounds: [number, number, number], hex: boolean) {
  const [start, step, end] = bounds;
  for (let value = start; step > 0 ? value <= end : value >= end; value += step) {
    yield [[name, value.toString(hex ? 16 : 10)] as const];
  }
}

/**
 * Reads a line that starts with `~SEQ` or `~SEQx` (hexadecimal). `expand` replaces definitions
 * in the numbers.
 */
export function readSeq(text: string, expand: (text: string) => string): LoopResult {
  // keepalived skips whatever stands behind the name, be it a comma or not.
  const head = /^~SEQ(x?)[ \t]*\([ \t]*([^ \t,)]+)[ \t]*[^)][ \t]*/.exec(text);
  if (!head) return { problem: 'write it as ~SEQ(NAME, END), (NAME, START, END) or (NAME, START, STEP, END)' };
  const from = head[0].length;
  const close = text.indexOf(')', from);
  if (close < 0) return { problem: 'the closing parenthesis is missing' };
  // keepalived has room for three 64 bit numbers here.
  if (close - from + 2 > 64) return { problem: 'its numbers are too long' };
  let rest = `${expand(text.slice(from, close))})`;
  const numbers: number[] = [];
  for (;;) {
    const { value, length } = readLong(rest);
    numbers.push(value);
    rest = rest.slice(length).replace(/^[ \t]+/, '');
    if (rest.startsWith(')')) break;
    if (!rest.startsWith(',') || numbers.length === 3) {
      return { problem: 'it takes one to three whole numbers after the name' };
    }
    rest = rest.slice(1);
  }
  const bounds = seqBounds(numbers);
  const [start, step, end] = bounds;
  if (step === 0 || (start < end && step < 0) || (start > end && step > 0)) {
    return { problem: `it never gets from ${start} to ${end} in steps of ${step}` };
  }
  if (head[1] === 'x' && (start < 0 || end < 0)) {
    return { problem: '~SEQx counts positive numbers only' };
  }
  const blanks = /^[ \t]*/.exec(text.slice(close + 1))?.[0].length ?? 0;
  return {
    loop: {
      rounds: count(head[2] ?? '', bounds, head[1] === 'x'),
      textAt: close + 1 + blanks,
    },
  };
}

/** One `{a, b}` or bare `a`; the place after it and the blanks behind it. */
function readSet(text: string, from: number): { values: string[]; next: number } | undefined {
  const braced = /^\{([^{}]*)\}[ \t]*/.exec(text.slice(from));
  if (braced) {
    const values = (braced[1] ?? '').split(',').map((value) => value.trim());
    return values.some((value) => /[ \t)]/.test(value))
      ? undefined : { values, next: from + braced[0].length };
  }
  const bare = /^([^ \t,})]*)[ \t]*/.exec(text.slice(from));
  return bare ? { values: [bare[1] ?? ''], next: from + bare[0].length } : undefined;
}

/** Reads a line that starts with `~LST`. */
export function readLst(text: string): LoopResult {
  const usage = {
    problem: 'write it as ~LST(NAME, VALUE, ...) or ~LST({NAME, NAME}, {VALUE, VALUE}, ...)',
  };
  const head = /^~LST[ \t]*\([ \t]*/.exec(text);
  const names = head && readSet(text, head[0].length);
  if (!names) return usage;
  const sets: string[][] = [];
  let at = names.next;
  while (text[at] === ',') {
    at += 1 + (/^[ \t]*/.exec(text.slice(at + 1))?.[0].length ?? 0);
    const set = readSet(text, at);
    if (!set) return usage;
    if (set.values.length > names.values.length) {
      return { problem: `it has ${names.values.length} name(s) but more values in one set` };
    }
    sets.push(set.values);
    at = set.next;
  }
  if (text[at] !== ')' || sets.length === 0) return usage;
  const blanks = /^[ \t]*/.exec(text.slice(at + 1))?.[0].length ?? 0;
  const rounds = sets.map((set) =>
    names.values.map((name, index) => [name, set[index] ?? ''] as const));
  return { loop: { rounds: rounds.values(), textAt: at + 1 + blanks } };
}
