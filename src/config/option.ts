/** What an option is, and how a value of it is read. The options are in options.ts. */
import { splitPairs } from './burst.ts';
import type { Parsed } from './problem.ts';

type Pairs = readonly (readonly [string, string])[];

/** What a value looks like: in YAML a scalar, a list or a map; elsewhere text, with commas. */
export type Reader<T> =
  | { readonly form: 'text'; readonly read: (text: string) => Parsed<T> }
  | { readonly form: 'list'; readonly read: (items: readonly string[]) => Parsed<T> }
  | { readonly form: 'map'; readonly read: (pairs: Pairs) => Parsed<T> };

export interface Option<T> {
  /** Place in tenure.yaml. */
  readonly path: string;
  /** Without its dashes; null: not to be had as a flag. The variable is made from it. */
  readonly flag: string | null;
  readonly variable: string;
  /** What stands for the value in help, without brackets. */
  readonly argument: string;
  /** For a line of help. */
  readonly brief: string;
  /** For the docs, in Markdown. */
  readonly about: string;
  readonly reader: Reader<T>;
  /** The default as it would be written; null: none. */
  readonly fallback: string | null;
  /** How the default is shown where it is not a fixed text. */
  readonly fallbackShown: string | null;
  /** Never printed. */
  readonly secret: boolean;
  /** Commands that only talk to the store take it as well. */
  readonly client: boolean;
  /** Names a file that must be readable. */
  readonly file: boolean;
}

interface Entry<T> {
  readonly path: string;
  readonly flag?: string;
  readonly variable?: string;
  readonly argument: string;
  /** For a line of help. */
  readonly brief: string;
  /** For the docs, in Markdown. */
  readonly about: string;
  readonly reader: Reader<T>;
  readonly fallback?: string;
  readonly fallbackShown?: string;
  readonly secret?: boolean;
  readonly client?: boolean;
  readonly file?: boolean;
}

export function option<T>(entry: Entry<T> & { readonly fallback: string }): Option<T>;
export function option<T>(entry: Entry<T>): Option<T | null>;
export function option<T>(entry: Entry<T>): Option<T | null> {
  const flag = entry.flag ?? null;
  return {
    path: entry.path, argument: entry.argument, brief: entry.brief, about: entry.about,
    reader: entry.reader, flag,
    variable: entry.variable ?? `TENURE_${(flag ?? entry.path).replace(/[-.]/g, '_').toUpperCase()}`,
    fallback: entry.fallback ?? null, fallbackShown: entry.fallbackShown ?? null,
    secret: entry.secret ?? false, client: entry.client ?? false, file: entry.file ?? false,
  };
}

export function text<T>(read: (text: string) => Parsed<T>): Reader<T> {
  return { form: 'text', read };
}

/** What a list in text has between its commas. */
function splitList(text: string): readonly string[] {
  return text.split(',').map((item) => item.trim()).filter((item) => item !== '');
}

/** Reads a value from a flag, a variable or a default. */
export function readText<T>(reader: Reader<T>, text: string): Parsed<T> {
  switch (reader.form) {
    case 'text': return reader.read(text);
    case 'list': return reader.read(splitList(text));
    case 'map': {
      if (text.trim() === '') return reader.read([]);
      const pairs = splitPairs(text);
      return 'error' in pairs ? pairs : reader.read(pairs.value);
    }
  }
}
