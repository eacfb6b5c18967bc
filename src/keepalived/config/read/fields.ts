/** Positional values and options of one line. */
import type { Word } from '../lines/line.ts';
import type { Fields, Flag, Lockable, Options, Scalar } from '../table/shapes.ts';
import { formatVersion, isAtLeast } from '../version.ts';
import type { Cursor } from './context.ts';
import { readScalar } from './scalars.ts';

/** Finds an option by its name or an alias. */
export function findOption(options: Options, name: string): string | undefined {
  if (Object.hasOwn(options, name)) return name;
  return Object.keys(options).find((key) => options[key]?.aliases?.includes(name));
}

function readOptionValue(
  shape: Scalar | Flag | Lockable, name: string, cursor: Cursor,
): unknown {
  if (shape.kind === 'flag') return true;
  const locked = shape.kind === 'lockable' && cursor.peek()?.text === 'lock';
  if (locked) cursor.next();
  const scalar = shape.kind === 'lockable' ? shape.of : shape;
  const word = cursor.need(`the value of ${name}`);
  const value = word && readScalar(scalar, word, cursor);
  return locked && value !== undefined ? { lock: value } : value;
}

/**
 * Reads the option that the cursor stands at into `into`. False if there is no such option,
 * and then nothing was read.
 */
export function readOption(
  options: Options, cursor: Cursor, into: Record<string, unknown>,
): boolean {
  const word = cursor.peek();
  const key = word && findOption(options, word.text);
  const found = key === undefined ? undefined : options[key];
  if (!word || key === undefined || !found) return false;
  const { version } = cursor.context;
  if (found.since !== undefined && !isAtLeast(version, found.since)) {
    cursor.next();
    cursor.error(word, {
      code: 'not-in-version',
      message: `${cursor.keyword}: keepalived ${formatVersion(version)} does not know `
        + `"${word.text}"; it came with ${found.since}`,
    });
    return true;
  }
  cursor.next();
  if (found.once === true && Object.hasOwn(into, key)) {
    cursor.error(word, {
      code: 'duplicate', message: `${cursor.keyword}: "${word.text}" may be given once`,
    });
  }
  const value = readOptionValue(found.shape, word.text, cursor);
  if (value !== undefined) into[key] = value;
  return true;
}

/** Reads a whole line of fields; undefined if a value that it needs cannot be read. */
export function readFields(shape: Fields, cursor: Cursor): Record<string, unknown> | undefined {
  const value: Record<string, unknown> = {};
  for (const [name, scalar] of Object.entries(shape.positional)) {
    if (scalar.kind === 'optional') {
      const word = cursor.next();
      const read = word && readScalar(scalar.of, word, cursor);
      if (read !== undefined) value[name] = read;
      continue;
    }
    const word = cursor.need(`the ${name}`);
    const read = word && readScalar(scalar, word, cursor);
    if (read === undefined) return undefined;
    value[name] = read;
  }
  while (cursor.peek()) {
    if (readOption(shape.options, cursor, value)) continue;
    const [word] = cursor.rest();
    if (word) refuseRest(shape, word, cursor);
  }
  return value;
}

function refuseRest(shape: Fields, word: Word, cursor: Cursor): void {
  const options = Object.keys(shape.options);
  if (shape.lenient === true) {
    cursor.warn(word, {
      code: 'ignored', message: `${cursor.keyword}: keepalived ignores "${word.text}" here`,
    });
    return;
  }
  const known = options.length === 0 ? 'nothing more may follow' : `it takes ${options.join(', ')}`;
  cursor.error(word, {
    code: 'unknown-option', allowed: options.join(', '),
    message: `${cursor.keyword}: "${word.text}" is not known here; ${known}`,
  });
}
