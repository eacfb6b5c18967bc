/** How a setting is refused: what every reader in src/config returns. */

/** Why a value was refused: a sentence that quotes it and says what would do. */
export interface Refusal {
  readonly error: string;
}

export type Parsed<T> = { readonly value: T } | Refusal;

/** One thing wrong with a file, a flag or a variable. */
export interface ConfigProblem {
  /** Where it stands: `tenure.yaml:7`, `--node-name`, `TENURE_NODE_NAME`, `default`. */
  readonly source: string;
  /** Path of the field, as in `store.etcd.endpoints`; null if the whole source is meant. */
  readonly field: string | null;
  /** What is wrong and what would do; quotes the value unless that is a secret. */
  readonly text: string;
}

/** One line: `tenure.yaml:7: lease.duration: "5": ...`. */
export function formatProblem(problem: ConfigProblem): string {
  const field = problem.field === null ? '' : `${problem.field}: `;
  return `${problem.source}: ${field}${problem.text}`;
}

/** By line; those without one come last. */
export function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const line = ({ source }: ConfigProblem): number => {
    const match = /:([0-9]+)$/.exec(source);
    return match === null ? Number.MAX_SAFE_INTEGER : Number(match[1]);
  };
  return problems.toSorted((a, b) => line(a) - line(b));
}

/** Longer values are cut where they are quoted. */
const longestShown = 100;

/** A value as it is shown in a sentence: quoted, control characters escaped, cut to fit a line. */
export function quote(value: string): string {
  const short = value.length > longestShown ? `${value.slice(0, longestShown)}...` : value;
  return JSON.stringify(short).replace(/[\u007f-\u009f]/g, (character) =>
    `\\u00${character.charCodeAt(0).toString(16)}`);
}

export function refuse(value: string, what: string): Refusal {
  return { error: `${quote(value)} ${what}` };
}
