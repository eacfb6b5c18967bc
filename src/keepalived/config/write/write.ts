/** From the model to text that keepalived takes, or a refusal that says why not. */
import { type Finding, formatFinding } from '../finding.ts';
import type { HostFacts } from '../host.ts';
import type { Configuration } from '../model.ts';
import { read } from '../read/read.ts';
import { type Version, formatVersion, newestVersion, compareVersions, oldestVersion } from
  '../version.ts';
import { format } from './format.ts';

export interface WriteOptions {
  /** keepalived's version that is to read the text; the newest known by default. */
  readonly version?: Version;
  /** What is known of the host; what is not known is not checked. */
  readonly facts?: HostFacts;
  /** Lines of a comment at the top. */
  readonly header?: readonly string[];
  /** Name for positions in findings. */
  readonly file?: string;
}

/** A configuration that the version meant would not take, or that cannot be written at all. */
export class ConfigurationRefused extends Error {
  /** Positions are those in `text`. */
  readonly findings: readonly Finding[];
  /** What would have been written. */
  readonly text: string;

  constructor(findings: readonly Finding[], text: string, version: Version) {
    const list = findings.map(formatFinding).join('\n');
    super(`keepalived ${formatVersion(version)} would refuse this configuration:\n${list}`);
    this.name = 'ConfigurationRefused';
    this.findings = findings;
    this.text = text;
  }
}

/** Where two values differ, as a path; undefined if they say the same. */
function difference(a: unknown, b: unknown, path: string): string | undefined {
  if (a === b) return undefined;
  if (isEmpty(a) && isEmpty(b)) return undefined;
  if (typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) < 1e-9) return undefined;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return path;
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const inner = Array.isArray(a) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    const found = difference(left.get(key), right.get(key), inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Absent values, lists without entries and switches that are off say the same. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === false || (Array.isArray(value) && value.length === 0);
}

/**
 * Writes a configuration for one version of keepalived. The text is read back as keepalived
 * would read it, and has to be accepted and to say the same.
 *
 * @throws ConfigurationRefused naming each keyword, value, range and line at fault
 * @throws RangeError if the version is older than the table reaches
 */
export function write(configuration: Configuration, options: WriteOptions = {}): string {
  const { version = newestVersion, file = 'keepalived.conf', facts = {}, header = [] } = options;
  if (compareVersions(version, oldestVersion) < 0) {
    throw new RangeError(`keepalived ${formatVersion(version)} is too old to write for; `
      + `it has to be ${formatVersion(oldestVersion)} or later`);
  }
  const text = format(configuration, { header, version });
  const result = read(text, { file, version, facts });
  if (!result.accepted) throw new ConfigurationRefused(errorsOf(result.findings), text, version);
  const path = difference(configuration, result.configuration, '');
  if (path !== undefined) {
    const finding: Finding = {
      file, line: 1, column: 1, severity: 'error', code: 'unprintable', keyword: path,
      message: `${path} cannot be written so that keepalived reads it back; it may not hold double `
        + 'quotes, line ends or braces',
    };
    throw new ConfigurationRefused([finding], text, version);
  }
  return text;
}

function errorsOf(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ severity }) => severity === 'error');
}
