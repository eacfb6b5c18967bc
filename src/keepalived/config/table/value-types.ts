/** Types of the model, derived from the table. */
import type { Grammars } from './grammar-types.ts';
import type {
  Block, Choice, Decimal, Either, Entries, Fields, Flag, Header, Keyword, List, Lockable, Opaque,
  Option, Optional, Scalar, Special, Switch, Whole, Words,
} from './shapes.ts';

type ScalarValue<S> =
  S extends Either<infer W, infer T> ? W[number] | SimpleValue<T> : SimpleValue<S>;

type SimpleValue<S> =
  S extends Whole | Decimal ? number
    : S extends Choice<infer T> ? T[number]
      : string;

type OptionValue<S> =
  S extends Flag ? true
    : S extends Lockable<infer T> ? ScalarValue<T> | Locked<ScalarValue<T>>
      : ScalarValue<S>;

/** A metric of a route that the kernel may not change. */
export interface Locked<T> {
  readonly lock: T;
}

type FieldsValue<F> = F extends Fields<infer P, infer O> ? Flatten<
  & { readonly [K in keyof P as P[K] extends Optional ? never : K]: ScalarValue<P[K]> }
  & { readonly [K in keyof P as P[K] extends Optional ? K : never]?:
      P[K] extends Optional<infer T> ? ScalarValue<T> : never }
  & { readonly [K in keyof O]?: O[K] extends Option<infer S> ? OptionValue<S> : never }
> : never;

type Flatten<T> = { [K in keyof T]: T[K] };

/** What a shape holds. */
export type ValueOf<S> =
  S extends Flag ? true
    : S extends Switch ? boolean
      : S extends Optional<infer T> ? ScalarValue<T> | true
        : S extends Scalar ? ScalarValue<S>
          : S extends Words<infer T> | List<infer T> ? readonly ScalarValue<T>[]
            : S extends Special<infer N> ? Grammars[N]
              : S extends Fields ? FieldsValue<S>
                : S extends Entries<infer E> ? readonly ValueOf<E>[]
                  : S extends Block<infer K, infer H, infer M> ? BlockValue<K, H, M>
                    : S extends Opaque ? never
                      : never;

type BlockValue<K, H extends Header, M extends boolean> =
  M extends true ? readonly BlockOf<K, H>[] : BlockOf<K, H>;

/** What a block of keywords holds: each keyword that was set, and what the table lacks. */
export type BlockOf<K, H extends Header = 'none'> = Flatten<
  & (H extends 'name' | 'only-name' ? { readonly name: string } : unknown)
  & { readonly [P in keyof K as Modelled<K[P]> extends true ? P : never]?: KeywordValue<K[P]> }
  & {
    /** Statements that the table does not know, or does not model. */
    readonly other?: readonly OtherStatement[];
  }
>;

type Modelled<T> = T extends Keyword<infer S> ? (S extends Opaque ? false : true) : false;

type KeywordValue<T> = OwnValue<T> | LaterValue<T>;

type LaterValue<T> =
  T extends { readonly later: readonly { readonly shape: infer S }[] } ? ValueOf<S> : never;

type OwnValue<T> = T extends Keyword<infer S>
  ? T extends { readonly repeat: 'adds' }
    ? ValueOf<S> extends readonly unknown[] ? ValueOf<S>
      : S extends Block ? ValueOf<S> : readonly ValueOf<S>[]
    : ValueOf<S>
  : never;

/** A statement as written: its words, and what stands between its braces. */
export interface OtherStatement {
  readonly words: readonly string[];
  readonly block?: readonly OtherStatement[];
}
