/** Short ways to write the table down. Each returns plain data. */
import type {
  Address, Block, Choice, Decimal, Either, Entries, Fields, Flag, GrammarName, InterfaceName,
  Keyword, List, Lockable, Opaque, Option, Optional, Options, Pattern, PatternName, Positional,
  Prefix, RoutingName, Scalar, Shape, Simple, Special, Switch, Text, Whole, Words,
} from './shapes.ts';

export const uint32 = 4_294_967_295;
export const int32 = 2_147_483_647;
/** The most seconds whose microseconds fit into 32 bits. */
export const microsecondSeconds = 4294;

type Extra = Omit<Keyword, 'shape' | 'about'>;

export function keyword<const S extends Shape>(shape: S, about: string): Keyword<S>;
export function keyword<const S extends Shape, const E extends Extra>(
  shape: S, about: string, extra: E,
): Keyword<S> & E;
export function keyword(shape: Shape, about: string, extra: Extra = {}): Keyword {
  return { shape, about, ...extra };
}

export function whole(min: number, max: number, base: 10 | 0 = 10): Whole {
  return { kind: 'whole', min, max, base };
}

/** Seconds with up to six decimal places; the limits are given in seconds. */
export function seconds(min: number, max: number, digits = 6): Decimal {
  const scale = 10 ** digits;
  return {
    kind: 'decimal', min: Math.round(min * scale), max: Math.round(max * scale), digits, unit: 's',
  };
}

/** Milliseconds with up to three decimal places; the limits are given in milliseconds. */
export function milliseconds(min: number, max: number): Decimal {
  return { kind: 'decimal', min: min * 1000, max: max * 1000, digits: 3, unit: 'ms' };
}

export function text(max?: number): Text {
  return max === undefined ? { kind: 'text' } : { kind: 'text', max };
}

/** A word that may not be empty. */
export const filledText: Text = { kind: 'text', filled: true };

export function choice<const T extends readonly string[]>(...of: T): Choice<T> {
  return { kind: 'choice', of };
}

export function interfaceName(need: InterfaceName['need'] = 'exists'): InterfaceName {
  return { kind: 'interface', need };
}

export function address(extra: Partial<Omit<Address, 'kind'>> = {}): Address {
  return { kind: 'address', lax: true, ...extra };
}

export function prefix(...words: readonly string[]): Prefix {
  return { kind: 'prefix', words };
}

export function routingName(table: RoutingName['table'], max: number): RoutingName {
  return { kind: 'routing-name', table, max };
}

export function pattern(name: PatternName): Pattern {
  return { kind: 'pattern', pattern: name };
}

export function either<const T extends readonly string[], const S extends Simple>(
  words: T, of: S,
): Either<T, S> {
  return { kind: 'either', words, of };
}

export const flag: Flag = { kind: 'flag' };

export const onOff: Switch = { kind: 'switch' };

/** A flag that takes on or off from a release on. */
export function onOffSince(since: string): Switch {
  return { kind: 'switch', since };
}

export function optional<const S extends Scalar>(of: S): Optional<S> {
  return { kind: 'optional', of };
}

export function words<const S extends Scalar>(of: S, min = 1): Words<S> {
  return { kind: 'words', of, min };
}

export function list<const S extends Scalar>(of: S, filled = true): List<S> {
  return { kind: 'list', of, filled };
}

export function option<const S extends Scalar | Flag | Lockable>(
  shape: S, extra: Omit<Option<S>, 'shape'> = {},
): Option<S> {
  return { shape, ...extra };
}

export function lockable<const S extends Scalar>(of: S): Lockable<S> {
  return { kind: 'lockable', of };
}

export function fields<const P extends Positional, const O extends Options>(
  positional: P, options: O,
): Fields<P, O> {
  return { kind: 'fields', positional, options };
}

export function special<const N extends GrammarName>(
  grammar: N, usage: string, limits: { min?: number; max?: number } = {},
): Special<N> {
  return { kind: 'special', grammar, usage, ...limits };
}

export function entries<const E extends Fields | Special>(of: E): Entries<E> {
  return { kind: 'entries', of };
}

/** A block that is there once; a second one adds to the first. */
export function block<const K>(keywords: K): Block<K, 'none', false> {
  return { kind: 'block', keywords, header: 'none', many: false };
}

/** Blocks without a name. */
export function blocks<const K>(keywords: K): Block<K, 'none', true> {
  return { kind: 'block', keywords, header: 'none', many: true };
}

/** Blocks with a name. */
export function named<const K, const H extends 'name' | 'only-name'>(
  header: H, keywords: K, maxName?: number,
): Block<K, H, true> {
  return {
    kind: 'block', keywords, header, many: true, ...(maxName === undefined ? {} : { maxName }),
  };
}

export function opaque(of: Shape): Opaque {
  return { kind: 'opaque', of };
}
