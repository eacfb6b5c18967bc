/** Reads fields out of a YAML value and collects what is wrong with them, each with its place. */
import type { ConfigProblem } from './problem.ts';
import { quote } from './problem.ts';
import { didYouMean } from './suggest.ts';
import type { YamlEntry, YamlValue } from './yaml-source.ts';

export class FieldReader {
  readonly problems: ConfigProblem[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  source(line: number): string {
    return `${this.#file}:${line}`;
  }

  report(line: number, field: string | null, text: string): void {
    this.problems.push({ source: this.source(line), field, text });
  }

  /** The fields of a map; one not in `known` is reported. Null (reported) if it is no map. */
  fields(value: YamlValue, path: string, known: readonly string[]): Map<string, YamlEntry> | null {
    const entries = this.entries(value, path);
    if (entries === null) return null;
    for (const [key, { line }] of entries) {
      if (!known.includes(key)) {
        this.report(line, join(path, key), `unknown field: ${didYouMean(key, known)}`);
      }
    }
    return entries;
  }

  /** The entries of a map whose keys are free. */
  entries(value: YamlValue, path: string): Map<string, YamlEntry> | null {
    if (value.kind !== 'map') {
      this.report(value.line, path === '' ? null : path, `${describe(value)} where fields were expected.`);
      return null;
    }
    return new Map(value.entries.map((entry) => [entry.key, entry]));
  }

  /** A string: numbers and booleans are refused, as Kubernetes does. */
  string(entry: YamlEntry, path: string): string | null {
    const { value } = entry;
    if (value.kind === 'scalar' && typeof value.value === 'string') return value.value;
    const advice = value.kind === 'scalar' && value.value !== null
      ? `put it in quotes: ${quote(value.text)}.`
      : 'write text.';
    this.report(value.line, path, `${describe(value)} where text was expected: ${advice}`);
    return null;
  }

  boolean(entry: YamlEntry, path: string): boolean | null {
    const { value } = entry;
    if (value.kind === 'scalar' && typeof value.value === 'boolean') return value.value;
    this.report(value.line, path, `${describe(value)} where true or false was expected.`);
    return null;
  }

  integer(entry: YamlEntry, path: string, least: number, most: number): number | null {
    const { value } = entry;
    if (value.kind === 'scalar' && typeof value.value === 'number' && Number.isInteger(value.value)
      && value.value >= least && value.value <= most) return value.value;
    this.report(value.line, path, `${describe(value)} where a whole number from ${least} to ${most} was expected.`);
    return null;
  }
}

export function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** A value as it is named in a sentence. */
export function describe(value: YamlValue): string {
  switch (value.kind) {
    case 'list': return 'a list stands';
    case 'map': return 'fields stand';
    case 'scalar':
      if (value.value === null) return 'nothing stands';
      return typeof value.value === 'string' ? `${quote(value.text)} stands` : `${value.text} stands`;
  }
}
