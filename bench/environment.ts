/** What a caller may say of a bench besides its name and rounds. */

/** Those that a variable names, parted by commas; all unless it does. */
export function chosen<T extends string>(all: readonly T[], variable: string): readonly T[] {
  const words = (process.env[variable] ?? '').split(',').filter((word) => word !== '');
  const unknown = words.filter((word) => !all.some((one) => one === word));
  if (unknown.length > 0) {
    throw new Error(`${variable}: no ${unknown.join(', ')}; there are ${all.join(', ')}`);
  }
  return words.length === 0 ? all : all.filter((one) => words.includes(one));
}

/** BENCH_SECONDS: how long to watch, instead of `usual`. */
export function seconds(usual: number): number {
  const text = process.env.BENCH_SECONDS ?? '';
  if (text === '') return usual;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`BENCH_SECONDS is ${text}: give a number of seconds, such as ${String(usual)}`);
}
