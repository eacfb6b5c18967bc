/** The include statement: its forms, and the port by which files are found. */

/** Which faults of an include are errors; plain `include` forgives all. */
export interface IncludeChecks {
  /** A match that cannot be read, is a directory, or is executable. */
  readonly read: boolean;
  /** A name without wildcard that does not exist. */
  readonly match: boolean;
  /** A wildcard that matches nothing. */
  readonly wildcard: boolean;
  /** An alternative of `{a,b}` that does not exist. */
  readonly brace: boolean;
}

export const forgiving: IncludeChecks = {
  read: false, match: false, wildcard: false, brace: false,
};

const forms: Readonly<Record<string, IncludeChecks>> = {
  '': forgiving,
  r: { ...forgiving, read: true },
  m: { ...forgiving, read: true, match: true },
  w: { ...forgiving, read: true, match: true, wildcard: true },
  b: { ...forgiving, read: true, brace: true },
  a: { read: true, match: true, wildcard: true, brace: true },
};

/** One file that an include names. */
export interface IncludedFile {
  readonly path: string;
  /** Absent if `problem` says why it cannot be included. */
  readonly text?: string;
  readonly problem?: string;
}

/** What a pattern of an include stands for. */
export interface IncludeMatch {
  readonly files: readonly IncludedFile[];
  /** Some name without wildcard, or directory in front of a wildcard, does not exist. */
  readonly missing: boolean;
  readonly wildcard: boolean;
}

/** Finds the files of an include. `from` is the file that the statement stands in. */
export type IncludeSource = (pattern: string, from: string) => IncludeMatch;

/**
 * Reads `include PATTERN`, `includer PATTERN`, and so on; undefined for any other line. The forms
 * with a letter came with 2.2.0.
 */
export function readInclude(text: string, lettered: boolean):
  { checks: IncludeChecks; pattern: string; at: number } | undefined {
  const match = /^include([rmwba]?)[ \t\f\n\r\v][ \t]*/.exec(text);
  if (!match || (match[1] !== '' && !lettered)) return undefined;
  const at = match[0].length;
  return { checks: forms[match[1] ?? ''] ?? forgiving, pattern: text.slice(at), at };
}

/** Either set of checks asks for it. */
export function eitherChecks(a: IncludeChecks, b: IncludeChecks): IncludeChecks {
  return {
    read: a.read || b.read,
    match: a.match || b.match,
    wildcard: a.wildcard || b.wildcard,
    brace: a.brace || b.brace,
  };
}

/** What is wrong with a match, and which check makes it an error. */
export function matchProblem(pattern: string, match: IncludeMatch):
  { check: keyof IncludeChecks; problem: string } | undefined {
  const brace = pattern.includes('{');
  if (match.files.length === 0) {
    if (match.missing) return { check: brace ? 'brace' : 'match', problem: 'does not exist' };
    if (match.wildcard) return { check: 'wildcard', problem: 'matches no file' };
    return undefined;
  }
  return match.missing && brace
    ? { check: 'brace', problem: 'names some files that do not exist' } : undefined;
}
