/** tenure.yaml: finds each option's value in the file, and refuses what is no option. */
import { FieldReader, describe, join } from './field-reader.ts';
import { readText } from './option.ts';
import type { Option } from './option.ts';
import { options } from './options.ts';
import { quote } from './problem.ts';
import type { ConfigProblem, Parsed } from './problem.ts';
import type { ReadFile } from './read-file.ts';
import { didYouMean } from './suggest.ts';
import { readYaml } from './yaml-source.ts';
import type { YamlEntry, YamlValue } from './yaml-source.ts';

/** A value that was given somewhere, still to be read. */
export interface Given {
  /** `tenure.yaml:7`, `--node-name`, `TENURE_NODE_NAME`, `default`. */
  readonly source: string;
  readonly field: string | null;
  /** As it would be written on a command line. */
  readonly text: string;
  readonly fromFile: boolean;
  readonly read: () => Parsed<unknown>;
}

export interface ConfigFile {
  /** By the option's path. */
  readonly values: ReadonlyMap<string, Given>;
  readonly problems: readonly ConfigProblem[];
}

const byPath: ReadonlyMap<string, Option<unknown>> = new Map(
  Object.values(options).map((option: Option<unknown>) => [option.path, option]));

/** `demandedBy`: what named the file; null: the default place, where it may be missing. */
export function readConfigFile(
  path: string, demandedBy: string | null, readFile: ReadFile,
): ConfigFile {
  const read = readFile(path);
  if (read.kind === 'text') return parseConfigFile(path, read.text);
  if (read.kind === 'missing' && demandedBy === null) return { values: new Map(), problems: [] };
  const text = read.kind === 'missing'
    ? `${quote(path)} is not there: name the file that holds the configuration.`
    : `${quote(path)} ${read.why}`;
  return {
    values: new Map(), problems: [{ source: demandedBy ?? 'default', field: 'config', text }],
  };
}

/** An empty file is a configuration: all defaults. */
export function parseConfigFile(path: string, text: string): ConfigFile {
  const { documents, faults } = readYaml(text);
  const reader = new FieldReader(path);
  for (const fault of faults) reader.report(fault.line, null, fault.text);
  const [first, second] = documents;
  if (second !== undefined) {
    reader.report(second.line, null, 'is a second YAML document: write one alone.');
  }
  const values = new Map<string, Given>();
  if (first !== undefined) {
    if (isManifest(first.root)) {
      reader.report(first.line, null, 'is a manifest, not a configuration of the agent: use "tenure apply -f".');
    } else {
      walk(reader, first.root, '', values);
    }
  }
  return { values, problems: reader.problems };
}

function isManifest(value: YamlValue): boolean {
  return value.kind === 'map' && value.entries.some(({ key }) => key === 'apiVersion');
}

function walk(
  reader: FieldReader, value: YamlValue, path: string, values: Map<string, Given>,
): void {
  if (value.kind === 'scalar' && value.value === null) return;
  const entries = reader.entries(value, path);
  for (const [key, entry] of entries ?? []) {
    const at = join(path, key);
    const option = byPath.get(at);
    const kind = byPath.get(`${at}.kind`);
    if (option !== undefined) {
      const given = givenBy(reader, option, entry);
      if (given !== null) values.set(at, given);
    } else if (kind !== undefined && isWord(entry.value)) {
      // `store: kubernetes`, short for what follows it.
      const given = givenBy(reader, kind, entry);
      if (given !== null) values.set(kind.path, given);
    } else if ([...byPath.keys()].some((known) => known.startsWith(`${at}.`))) {
      walk(reader, entry.value, at, values);
    } else {
      reader.report(entry.line, at, `unknown field: ${guess(path, key)}`);
    }
  }
}

function isWord(value: YamlValue): boolean {
  return value.kind === 'scalar' && typeof value.value === 'string';
}

/** A known field here that is spelled alike, else one of that name elsewhere. */
function guess(path: string, key: string): string {
  const here = [...byPath.keys()]
    .filter((known) => path === '' || known.startsWith(`${path}.`))
    .map((known) => known.slice(path === '' ? 0 : path.length + 1).split('.')[0] ?? '');
  const elsewhere = [...byPath.keys()].find((known) => known.endsWith(`.${key}`));
  const advice = didYouMean(key, [...new Set(here)]);
  return elsewhere !== undefined && !advice.startsWith('did')
    ? `did you mean "${elsewhere}"?`
    : advice;
}

function givenBy(
  reader: FieldReader, option: Option<unknown>, { value, line }: YamlEntry,
): Given | null {
  const source = reader.source(value.kind === 'scalar' ? value.line : line);
  const given = (text: string, read: () => Parsed<unknown>): Given => ({
    source, field: option.path, text, fromFile: true, read,
  });
  if (value.kind === 'scalar') {
    if (value.value === null) {
      reader.report(line, option.path, 'has no value: leave it out, or write one.');
      return null;
    }
    return given(value.text, () => readText(option.reader, value.text));
  }
  const { reader: shape } = option;
  if (shape.form === 'list' && value.kind === 'list') {
    const items = value.items.map((item) => scalarText(reader, option.path, item));
    if (items.includes(null)) return null;
    const texts = items.filter((item) => item !== null);
    return given(texts.join(','), () => shape.read(texts));
  }
  if (shape.form === 'map' && value.kind === 'map') {
    const pairs: [string, string][] = [];
    for (const entry of value.entries) {
      const text = scalarText(reader, join(option.path, entry.key), entry.value);
      if (text === null) return null;
      pairs.push([entry.key, text]);
    }
    return given(pairs.map((pair) => pair.join('=')).join(','), () => shape.read(pairs));
  }
  reader.report(line, option.path, `${describe(value)} where ${expected[shape.form]} was expected.`);
  return null;
}

const expected = { text: 'one value', list: 'a list', map: 'a map' } as const;

function scalarText(reader: FieldReader, path: string, value: YamlValue): string | null {
  if (value.kind === 'scalar' && value.value !== null) return value.text;
  reader.report(value.line, path, `${describe(value)} where one value was expected.`);
  return null;
}
