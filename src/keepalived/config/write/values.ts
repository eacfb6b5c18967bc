/** Values as words, by their shape. */
import type { Fields, Flag, Lockable, Options, Scalar } from '../table/shapes.ts';
import { quoteWord } from './words.ts';

/** A number with decimal places, all of those that it has, so that the reader can judge them. */
function decimalText(value: number, digits: number): string {
  const text = value.toFixed(Math.min(digits + 3, 20));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** One word. */
export function scalarWord(shape: Scalar, value: unknown): string {
  if (shape.kind === 'decimal' && typeof value === 'number') {
    return decimalText(value, shape.digits);
  }
  if (shape.kind === 'either' && typeof value === 'number') return scalarWord(shape.of, value);
  return quoteWord(String(value));
}

function optionValueWords(shape: Scalar | Flag | Lockable, value: unknown): string[] {
  if (shape.kind === 'flag') return [];
  if (shape.kind !== 'lockable') return [scalarWord(shape, value)];
  return typeof value === 'object' && value !== null && 'lock' in value
    ? ['lock', scalarWord(shape.of, value.lock)] : [scalarWord(shape.of, value)];
}

/** Options in the order of the table. */
export function optionWords(options: Options, values: object): string[] {
  const given = new Map<string, unknown>(Object.entries(values));
  return Object.entries(options).flatMap(([name, { shape }]) => {
    const value = given.get(name);
    return value === undefined ? [] : [name, ...optionValueWords(shape, value)];
  });
}

/** Positional values, then options. */
export function fieldWords(shape: Fields, values: object): string[] {
  const given = new Map<string, unknown>(Object.entries(values));
  const positional = Object.entries(shape.positional).flatMap(([name, scalar]) => {
    const value = given.get(name);
    return value === undefined ? []
      : [scalarWord(scalar.kind === 'optional' ? scalar.of : scalar, value)];
  });
  return [...positional, ...optionWords(shape.options, values)];
}
