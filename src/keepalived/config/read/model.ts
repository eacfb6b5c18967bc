/** Puts statements together to the typed model, and remembers where each part of it stood. */
import type { Position } from '../finding.ts';
import type { Configuration } from '../model.ts';
import type { Block } from '../table/shapes.ts';
import type { OtherStatement } from '../table/value-types.ts';
import type { Statement } from './context.ts';

/** A block of the model that is being put together. */
type Target = Record<string, unknown>;

/**
 * Where the parts of a model stood: of each block and line itself, and of each keyword that was
 * set in a block.
 */
export class Positions {
  /** In the order in which the parts stood. */
  readonly #own = new Map<object, { readonly at: Position; readonly order: number }>();
  readonly #keys = new Map<object, Map<string, Position>>();

  /** Where a block or a line starts, or where a keyword of a block stands. */
  of(part: object, key?: string): Position | undefined {
    const keyed = key === undefined ? undefined : this.#keys.get(part)?.get(key);
    return keyed ?? this.#own.get(part)?.at;
  }

  /** Whether a part stood before another. */
  isBefore(part: object, other: object): boolean {
    return (this.#own.get(part)?.order ?? 0) < (this.#own.get(other)?.order ?? 0);
  }

  set(part: object, at: Position): void {
    this.#own.set(part, { at, order: this.#own.size });
  }

  setKey(part: object, key: string, at: Position): void {
    const keys = this.#keys.get(part) ?? new Map<string, Position>();
    keys.set(key, at);
    this.#keys.set(part, keys);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A statement as written, with what stands in its braces. */
export function otherStatement(statement: Statement): OtherStatement {
  const words = statement.words.map((word) => word.text);
  if (statement.body) return { words, block: statement.body.map(otherStatement) };
  if (!statement.rows) return { words };
  return {
    words,
    block: statement.rows.map((row) => ({ words: row.words.map((word) => word.text) })),
  };
}

function keep(target: Target, statement: Statement): void {
  const others = (target.other ?? []) as OtherStatement[];
  target.other = [...others, otherStatement(statement)];
}

/** Appends to the list under a key, without a cost that grows with its length. */
function append(target: Target, key: string, values: readonly unknown[]): void {
  const list = target[key];
  if (Array.isArray(list)) list.push(...values);
  else target[key] = [...values];
}

function addBlock(
  target: Target, key: string, block: Block, statement: Statement, positions: Positions,
): void {
  const previous = target[key];
  const fresh = block.many || !isObject(previous);
  const inner: Target = fresh ? {} : previous as Target;
  const name = statement.words[1]?.text;
  if (block.header === 'name' || block.header === 'only-name') {
    if (name === undefined) return;
    inner.name = name;
  }
  if (fresh) positions.set(inner, statement.at);
  fill(inner, statement.body ?? [], positions);
  if (block.many) append(target, key, [inner]);
  else target[key] = inner;
}

function addValue(target: Target, key: string, statement: Statement, positions: Positions): void {
  const { entry, shape, value, rows } = statement;
  if (value === undefined) return;
  for (const row of rows ?? []) if (isObject(row.value)) positions.set(row.value, row.at);
  if (isObject(value) && !rows) positions.set(value, statement.at);
  const isList = shape?.kind === 'entries' || shape?.kind === 'list';
  if (entry?.repeat === 'adds') append(target, key, isList ? value as unknown[] : [value]);
  else if (entry?.repeat !== 'refused' || !Object.hasOwn(target, key)) target[key] = value;
  for (const cancelled of entry?.cancels ?? []) Reflect.deleteProperty(target, cancelled);
}

/** Adds statements to a block of the model. */
function fill(target: Target, statements: readonly Statement[], positions: Positions): void {
  for (const statement of statements) {
    const { entry, shape, words, at } = statement;
    const key = words[0]?.text ?? '';
    if (!entry || !shape || shape.kind === 'opaque') {
      keep(target, statement);
      continue;
    }
    positions.setKey(target, key, at);
    if (shape.kind === 'block') addBlock(target, key, shape, statement, positions);
    else addValue(target, key, statement, positions);
  }
}

/** The model of a whole configuration. What could not be read is not in it. */
export function buildModel(statements: readonly Statement[]): {
  readonly configuration: Configuration;
  readonly positions: Positions;
} {
  const positions = new Positions();
  const target: Target = {};
  fill(target, statements, positions);
  return { configuration: target, positions };
}
