/** What a bench is: a file bench/<name>.bench.ts whose default export is one of these. */

export interface Bench {
  /** One sentence: what is measured, and against what. */
  readonly about: string;
  readonly run: (context: BenchContext) => Promise<readonly Figure[]>;
}

export interface BenchContext {
  /** How often to repeat, if the caller asked for another number than the bench's own. */
  readonly rounds: number | null;
  /** Progress, for whoever waits; `lasting`: something that is to stay on the screen. */
  readonly say: (text: string, lasting?: boolean) => void;
  /** Null: nothing is to be kept. Benches that do not use it have their figures kept. */
  readonly kept: KeptBench | null;
}

/** For benches that add up over several sittings, or draw something. */
export interface KeptBench {
  /** What this bench kept in earlier sittings of the same results; undefined: nothing. */
  readonly before: unknown;
  /**
   * Keeps `data` (JSON) in place of what was kept, at once. `shown` gives what is shown of it;
   * `svg` is the file name of its picture, for references.
   */
  keep(data: unknown, shown: (svg: string) => Shown): void;
}

export interface Shown {
  /** A section of the Markdown file, from its second-level heading on. */
  readonly markdown: string;
  readonly svg: string;
  /** Between the marks of README.md. */
  readonly readme: string;
}

/** One row of the table. */
export interface Figure {
  readonly what: string;
  readonly unit: 'ms' | 's' | '%' | 'MB' | '1/s' | 'claims' | 'requests' | 'moves' | 'packets' | 'addresses' | 'nodes';
  readonly samples: readonly number[];
  /** What it should be. */
  readonly wanted?: Goal | readonly Goal[];
  /** Name of another row, of the same run, to be set against. */
  readonly peer?: string;
}

/** Of a percentile (1: the largest) at most so much; or so many times that of the row `times`. */
export interface Goal {
  readonly percentile: number;
  readonly atMost: number;
  /** Name of another row of the same run. */
  readonly times?: string;
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

/** A goal and what came of it. */
export interface Judged extends Goal {
  readonly value: number;
  /** The same percentile of the row `times`. */
  readonly base: number | null;
  /** Null: there is nothing to set it against. */
  readonly met: boolean | null;
}

export function judged(
  { samples, wanted = [] }: Figure, figures: readonly Figure[],
): readonly Judged[] {
  const goals = 'atMost' in wanted ? [wanted] : wanted;
  return goals.map((goal): Judged => {
    const value = percentile(samples, goal.percentile);
    if (goal.times === undefined) return { ...goal, value, base: null, met: value <= goal.atMost };
    const peer = figures.find(({ what }) => what === goal.times);
    if (peer === undefined || peer.samples.length === 0) {
      return { ...goal, value, base: null, met: null };
    }
    const base = percentile(peer.samples, goal.percentile);
    return { ...goal, value, base, met: value <= goal.atMost * base };
  });
}

/** Null where nothing is asked of the figure. */
export function isMet(figure: Figure, figures: readonly Figure[]): boolean | null {
  const known = judged(figure, figures).filter(({ met }) => met !== null);
  return known.length === 0 ? null : known.every(({ met }) => met === true);
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
