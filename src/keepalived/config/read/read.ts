/** From text to the typed model and findings. */
import { checkConfiguration } from '../check/check.ts';
import { type Finding, Findings } from '../finding.ts';
import type { HostFacts } from '../host.ts';
import { LineReader, type ReaderOptions } from '../lines/line-reader.ts';
import type { Configuration } from '../model.ts';
import { root } from '../table/root.ts';
import { type Version, newestVersion } from '../version.ts';
import type { Statement } from './context.ts';
import { type Positions, buildModel } from './model.ts';
import { StatementReader } from './statements.ts';
import { readValue } from './values.ts';

export interface ReadOptions extends Partial<ReaderOptions> {
  /** Name of the file, for positions; `keepalived.conf` by default. */
  readonly file?: string;
  /** keepalived's version; the newest known by default. */
  readonly version?: Version;
  /** What is known of the host. */
  readonly facts?: HostFacts;
}

export interface ReadResult {
  /** What could be read. */
  readonly configuration: Configuration;
  /** Where its parts stood. */
  readonly positions: Positions;
  /** By position. */
  readonly findings: readonly Finding[];
  /** Whether keepalived would take it: there is no finding of severity `error`. */
  readonly accepted: boolean;
}

function isDynamic(statements: readonly Statement[]): boolean {
  return statements.some(({ words, body }) => words[0]?.text === 'global_defs'
    && body?.some((inner) => inner.words[0]?.text === 'dynamic_interfaces'));
}

/**
 * Reads a configuration as keepalived would, and says what keepalived would refuse and what it
 * would take otherwise than meant. Never throws because of the text.
 */
export function read(text: string, options: ReadOptions = {}): ReadResult {
  const { file = 'keepalived.conf', version = newestVersion, facts = {} } = options;
  const findings = new Findings();
  const lines = new LineReader(text, file, { ...options, version }, findings);
  const statements = new StatementReader(lines, version, facts, findings).read(root);
  const context = { version, facts, findings, dynamic: isDynamic(statements) };
  for (const statement of statements) readValue(statement, context);
  const { configuration, positions } = buildModel(statements);
  checkConfiguration({ configuration, positions, statements, version, facts, findings });
  const sorted = findings.sorted();
  return {
    configuration,
    positions,
    findings: sorted,
    accepted: sorted.every(({ severity }) => severity !== 'error'),
  };
}
