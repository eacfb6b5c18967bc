/** What the reader and the writer have to say about a configuration. */

/** A place in a file. Lines and columns count from 1; a column counts UTF-16 units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * - `error`: keepalived's own check (`keepalived --config-test`) rejects the configuration.
 * - `warning`: keepalived takes it, but not as its author will have meant.
 */
export type Severity = 'error' | 'warning';

/** What kind of fault it is, for programs to branch on. */
export type FindingCode =
  | 'structure'
  | 'preprocessor'
  | 'include'
  | 'unknown-keyword'
  | 'not-in-version'
  | 'not-in-build'
  | 'deprecated'
  | 'missing-value'
  | 'not-a-number'
  | 'out-of-range'
  | 'not-allowed'
  | 'too-long'
  | 'not-an-address'
  | 'unknown-option'
  | 'ignored'
  | 'duplicate'
  | 'undefined-name'
  | 'conflict'
  | 'incomplete'
  | 'host'
  | 'security'
  | 'unprintable';

/** One finding. `message` is a whole sentence without the position. */
export interface Finding extends Position {
  readonly severity: Severity;
  readonly code: FindingCode;
  /** The keyword it is about; empty for the file as a whole. */
  readonly keyword: string;
  /** The value at fault, as written. */
  readonly value?: string;
  /** What would do, for a person to read: `1 to 255`, `MASTER or BACKUP`. */
  readonly allowed?: string;
  readonly message: string;
}

/** What a check says; the collector adds the rest. */
export interface Complaint {
  readonly code: FindingCode;
  readonly keyword: string;
  readonly value?: string | undefined;
  readonly allowed?: string | undefined;
  readonly message: string;
}

/** Collects findings in the order in which they are made. */
export class Findings {
  readonly list: Finding[] = [];

  error(at: Position, complaint: Complaint): void {
    this.#add('error', at, complaint);
  }

  warn(at: Position, complaint: Complaint): void {
    this.#add('warning', at, complaint);
  }

  /** By file as first met, then by line and column; equal findings once. */
  sorted(): Finding[] {
    const files = [...new Set(this.list.map(({ file }) => file))];
    const seen = new Set<string>();
    return this.list
      .filter((finding) => {
        const key = `${finding.file}:${finding.line}:${finding.column}:${finding.message}`;
        return !seen.has(key) && seen.add(key);
      })
      .sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file)
        || a.line - b.line || a.column - b.column);
  }

  #add(severity: Severity, at: Position, complaint: Complaint): void {
    const { code, keyword, value, allowed, message } = complaint;
    this.list.push({
      file: at.file,
      line: at.line,
      column: at.column,
      severity,
      code,
      keyword,
      ...(value === undefined ? {} : { value }),
      ...(allowed === undefined ? {} : { allowed }),
      message,
    });
  }
}

/**
 * `file:line:column: severity: sentence`, as compilers print. Characters that a terminal would obey
 * or hide are written as `\u{1b}`.
 */
export function formatFinding(finding: Finding): string {
  const { file, line, column, severity, message } = finding;
  return `${file}:${line}:${column}: ${severity}: ${message}`
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) =>
      `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`);
}
