/** What a bench is: a file bench/<name>.bench.ts whose default export is one of these. */

export interface Bench {
  /** One sentence: what is measured, and against what. */
  readonly about: string;
  readonly run: (context: BenchContext) => Promise<readonly Figure[]>;
}

export interface BenchContext {
  /** How often to repeat, if the caller asked for another number than the bench's own. */
  readonly rounds: number | null;
  /** Progress, for whoever waits. */
  readonly say: (text: string) => void;
}

/** One row of the table. */
export interface Figure {
  readonly what: string;
  readonly unit: 'ms' | 's' | '%' | 'MB' | '1/s' | 'claims';
  readonly samples: readonly number[];
  /** What it should be: of a percentile (1: the largest) at most so much. */
  readonly wanted?: { readonly percentile: number; readonly atMost: number };
  /** Name of another row, of the same run, to be set against. */
  readonly peer?: string;
}

export interface Distribution {
  readonly n: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** By nearest rank: a value that was measured, none in between. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export function distribution(samples: readonly number[]): Distribution {
  return {
    n: samples.length, min: percentile(samples, 0), p50: percentile(samples, 0.5),
    p90: percentile(samples, 0.9), p99: percentile(samples, 0.99), max: percentile(samples, 1),
  };
}

/** Null where nothing is asked of the figure. */
export function isMet({ samples, wanted }: Figure): boolean | null {
  if (wanted === undefined) return null;
  return samples.length > 0 && percentile(samples, wanted.percentile) <= wanted.atMost;
}

/**
 * Runs each of `works` `rounds` times in turn, so that what the machine does meanwhile meets all of
 * them alike.
 */
export async function interleaved(
  rounds: number, works: readonly ((round: number) => Promise<void>)[],
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (const work of works) await work(round);
  }
}
