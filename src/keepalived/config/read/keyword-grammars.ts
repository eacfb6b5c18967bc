/** Grammars of keywords that have their value on the same line. */
import { Buffer } from 'node:buffer';
import { joinWords } from '../describe.ts';
import type { Grammars, Weight } from '../table/grammar-types.ts';
import { choice, uint32, whole } from '../table/make.ts';
import type { Special } from '../table/shapes.ts';
import type { Cursor } from './context.ts';
import { readScalar, refuse } from './scalars.ts';
import { ignoreRest } from './script-grammars.ts';

/** `N [reverse]`. */
export function readWeight(shape: Special, cursor: Cursor): Weight | undefined {
  const word = cursor.need('the weight');
  const weight = word && readScalar(whole(shape.min ?? 0, shape.max ?? 0), word, cursor);
  const direction = cursor.next();
  const reverse = direction && readScalar(choice('reverse'), direction, cursor);
  ignoreRest(cursor);
  return typeof weight === 'number'
    ? { weight, ...(reverse === 'reverse' ? { reverse: true } : {}) } : undefined;
}

/** `[all] SECONDS`. */
export function readGarpExtraIf(
  shape: Special, cursor: Cursor,
): Grammars['garp-extra-if'] | undefined {
  let all = false;
  let seconds: number | undefined;
  for (let word = cursor.next(); word; word = cursor.next()) {
    if (word.text === 'all') {
      all = true;
      continue;
    }
    const read = readScalar(whole(shape.min ?? 0, shape.max ?? 0), word, cursor);
    if (typeof read !== 'number') return undefined;
    seconds = read;
  }
  if (seconds === undefined) return void cursor.need('the number of seconds');
  return { seconds, ...(all ? { all: true as const } : {}) };
}

/** `NAME [PARAMETER ...]`. */
export function readProcess(cursor: Cursor): Grammars['process'] | undefined {
  const path = cursor.need('the name of the process');
  const parameters = cursor.rest().map((word) => word.text);
  return path && { path: path.text, ...(parameters.length === 0 ? {} : { parameters }) };
}

/** `[N] [overwrite]`. */
export function readInitFile(shape: Special, cursor: Cursor): Grammars['init-file'] {
  const value: { value?: number; overwrite?: true } = {};
  for (let word = cursor.next(); word; word = cursor.next()) {
    if (/^\s*[\d-]/.test(word.text)) {
      const number = readScalar(whole(shape.min ?? 0, shape.max ?? 0), word, cursor);
      if (typeof number === 'number') value.value = number;
    } else if (word.text.trimStart() === 'overwrite') value.overwrite = true;
    else refuse(cursor, word, 'unknown-option', 'is not known here', shape.usage);
  }
  return value;
}

const umaskBits = ['IRUSR', 'IWUSR', 'IXUSR', 'IRGRP', 'IWGRP', 'IXGRP', 'IROTH', 'IWOTH', 'IXOTH'];

/** An octal number, or bits joined by `|`; blanks may stand anywhere between. */
export function readUmask(cursor: Cursor): string | undefined {
  const first = cursor.need('the mask');
  if (!first) return undefined;
  const given = [first, ...cursor.rest()].map((word) => word.text);
  if (/^\d/.test(first.text)) {
    const octal = /^0[0-7]*$/.test(first.text) ? parseInt(first.text, 8)
      : /^0[xX][0-9a-fA-F]+$|^[1-9]\d*$/.test(first.text) ? Number(first.text) : -1;
    return given.length === 1 && octal >= 0 && octal <= 0o777 ? first.text
      : refuse(cursor, first, 'out-of-range', 'is no mask', '0 to 0777');
  }
  const bits = given.join('').split('|');
  return bits.every((bit) => umaskBits.includes(bit)) ? given.join('')
    : refuse(cursor, first, 'not-allowed', 'is no mask', joinWords(umaskBits, 'or'));
}

/** MTU, ADVERT or a size, of which keepalived takes one (vrrp_rx_bufs_policy_handler). */
export function readRxBufsPolicy(cursor: Cursor): Grammars['rx-bufs-policy'] | undefined {
  const word = cursor.need('MTU, ADVERT or a size');
  if (!word) return undefined;
  const extra = cursor.next();
  const bothNumbers = /^\s*\d/.test(word.text) && extra !== undefined && /^\s*\d/.test(extra.text);
  if (extra && !bothNumbers && extra.text.toUpperCase() !== word.text.toUpperCase()) {
    return refuse(cursor, extra, 'conflict', 'contradicts what stands before it', 'one of them');
  }
  const name = word.text.toUpperCase();
  if (name === 'MTU' || name === 'ADVERT') return name;
  const size = readScalar(whole(0, uint32), word, cursor);
  return typeof size === 'number' ? size : undefined;
}

const includeChecks = ['read', 'match', 'wildcard_match', 'brace_match'];

/** `[+|-] read, match, wildcard_match, brace_match`; with nothing behind it, all of them. */
export function readIncludeCheck(cursor: Cursor): readonly string[] {
  const given = cursor.rest();
  for (const [index, word] of given.entries()) {
    const name = word.text.replace(/^[+-]/, '');
    if (!includeChecks.includes(name)) {
      refuse(cursor, word, 'not-allowed', 'is not known', joinWords(includeChecks, 'or'));
    } else if (index > 0 && name === word.text) {
      refuse(cursor, word, 'duplicate', 'needs a + or -', `+${name} or -${name}`);
    }
  }
  return given.map((word) => word.text);
}

/** `[allow_if_changes]`. */
export function readDynamicInterfaces(cursor: Cursor): Grammars['dynamic-interfaces'] {
  const word = cursor.next();
  ignoreRest(cursor);
  if (!word) return true;
  return readScalar(choice('allow_if_changes'), word, cursor) === undefined
    ? true : 'allow_if_changes';
}

/** `ID KEY`; the key has 32 to 64 bytes (vrrp_auth_hmac_key_handler). */
export function readHmacKey(cursor: Cursor): Grammars['hmac-key'] | undefined {
  const idWord = cursor.need('the id of the key');
  const keyWord = idWord && cursor.need('the key');
  if (!keyWord) return undefined;
  const id = readScalar(whole(1, 255), idWord, cursor);
  const key = keyWord.text;
  const hex = key.slice(4).replace(/[ \t]/g, '');
  const length = key.startsWith('hex:')
    ? /^[0-9a-fA-F]*$/.test(hex) ? Math.ceil(hex.length / 2) : 0 : Buffer.byteLength(key);
  if (!key.startsWith('file:') && (length < 32 || length > 64)) {
    // The key itself is a secret and stays out of the message.
    return cursor.error(keyWord, {
      code: 'out-of-range', value: '', allowed: '32 to 64 bytes',
      message: `${cursor.keyword}: the key has ${length} bytes; it may have 32 to 64`,
    });
  }
  return typeof id === 'number' ? { id, key } : undefined;
}

