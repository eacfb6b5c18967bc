/** One thing that the doctor looked at. */
export interface Check {
  /** What was looked at: `kernel fence`, `Eip web`. */
  readonly name: string;
  /** `fail`: addresses will not be served, or not safely; `warn`: they may not be. */
  readonly state: 'ok' | 'warn' | 'fail';
  /** What was found, as a sentence without its full stop. */
  readonly finding: string;
  /** The command or setting that mends it; null where nothing needs mending. */
  readonly fix: string | null;
}

export function ok(name: string, finding: string): Check {
  return { name, state: 'ok', finding, fix: null };
}

export function warn(name: string, finding: string, fix: string): Check {
  return { name, state: 'warn', finding, fix };
}

export function fail(name: string, finding: string, fix: string): Check {
  return { name, state: 'fail', finding, fix };
}
