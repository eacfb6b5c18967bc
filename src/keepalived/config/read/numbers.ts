/**
 * Numbers as keepalived's parser reads them (read_int, read_unsigned and
 * read_decimal_unsigned in keepalived's lib/parser.c).
 */

/** A number in units of its last decimal place, or what is wrong with the text. */
export type NumberResult =
  | { readonly ok: true; readonly value: bigint }
  | { readonly ok: false; readonly problem: 'not-a-number' | 'negative' | 'too-precise' };

const invalid: NumberResult = { ok: false, problem: 'not-a-number' };

/** Digits of C's strtol: base 10, or by prefix for base 0. An empty text counts as 0. */
function digits(text: string, base: 10 | 0): bigint | undefined {
  if (text === '') return 0n;
  if (base === 10) return /^\d+$/.test(text) ? BigInt(text) : undefined;
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return BigInt(text);
  if (/^0[0-7]*$/.test(text)) return BigInt(`0o0${text}`);
  return /^[1-9]\d*$/.test(text) ? BigInt(text) : undefined;
}

/** A whole number with an optional sign. White space may stand in front of it. */
export function readSigned(text: string): NumberResult {
  const match = /^[ \t\f\n\r\v]*([+-]?)(\d+)$/.exec(text);
  if (!match) return text === '' ? { ok: true, value: 0n } : invalid;
  const value = BigInt(match[2] ?? '0');
  return { ok: true, value: match[1] === '-' ? -value : value };
}

/** A whole number that is not negative. */
export function readUnsigned(text: string, base: 10 | 0 = 10): NumberResult {
  const bare = text.replace(/^[ \t\f\n\r\v]+/, '');
  if (bare.startsWith('-')) return { ok: false, problem: 'negative' };
  const value = digits(bare.replace(/^\+(?=.)/, ''), base);
  return value === undefined ? invalid : { ok: true, value };
}

/**
 * A number with up to `places` decimal places, in units of the last of them: `1.5` with six
 * places is 1500000.
 */
export function readDecimal(text: string, places: number): NumberResult {
  if (text.startsWith('-')) return { ok: false, problem: 'negative' };
  const dot = text.indexOf('.');
  const fraction = dot < 0 ? '' : text.slice(dot + 1);
  if (fraction.length > places) return { ok: false, problem: 'too-precise' };
  const plain = `${dot < 0 ? text : text.slice(0, dot)}${fraction.padEnd(places, '0')}`;
  const match = /^[ \t\f\n\r\v]*\+?(\d*)$/.exec(plain);
  return match ? { ok: true, value: BigInt(match[1] === '' ? '0' : match[1] ?? '0') } : invalid;
}

/** The text of a number with decimal places, without needless zeros: 1500000 is `1.5`. */
export function formatDecimal(value: bigint, places: number): string {
  const text = value.toString().padStart(places + 1, '0');
  const whole = text.slice(0, text.length - places);
  const fraction = text.slice(text.length - places).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** A number that C's strtoul takes in any base, cut to 32 bits; undefined if it is none. */
export function looseNumber(text: string): number | undefined {
  const match = /^[ \t\f\n\r\v]*([+-]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text);
  const digits = match?.[2] ?? '';
  const octal = /^0[0-7]+$/.test(digits);
  if (!match || (/^0\d/.test(digits) && !octal)) return undefined;
  const value = BigInt(octal ? `0o${digits}` : digits);
  const wide = value > 0xffff_ffff_ffff_ffffn ? 0xffff_ffff_ffff_ffffn : value;
  return Number(BigInt.asUintN(32, match[1] === '-' ? -wide : wide));
}
