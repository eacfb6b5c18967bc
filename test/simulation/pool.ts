/** Explores many schedules on several cores: child processes, each with its share of the seeds. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Mode } from './explore.ts';
import type { Aim } from './scripts.ts';
import type { Harm } from './violation.ts';

export interface Job {
  readonly seeds: number;
  readonly first: number;
  /** Every `stride`th seed. */
  readonly stride: number;
  /** Folder of a mutated core; null: the production core. */
  readonly mutant: string | null;
  /** Looks for this, and for nothing after it; null: for whatever there is. */
  readonly seeks: Harm | null;
  readonly mode: Mode;
  readonly aim: Aim | null;
}

export interface Found {
  readonly seed: number;
  readonly violation: string;
}

export interface JobResult {
  readonly violations: readonly Found[];
  readonly counts: readonly (readonly [string, number])[];
  readonly explored: number;
  readonly digest: number;
}

/** What a process says of its work. */
export type Message =
  | { readonly kind: 'at'; readonly seed: number }
  | { readonly kind: 'done'; readonly result: JobResult };

export interface Explored {
  readonly violations: readonly Found[];
  readonly counts: ReadonlyMap<string, number>;
  readonly explored: number;
  readonly digest: string;
}

/** A schedule takes a fraction of a second: one that takes so long, ms, does not end. */
const longestScheduleMs = 120_000;

export async function exploreMany(
  { seeds, first, jobs, mode = 'lease', mutant = null, seeks = null, aim = null }: {
    seeds: number; first: number; jobs: number; mode?: Mode; mutant?: string | null;
    seeks?: Harm | null; aim?: Aim | null;
  },
): Promise<Explored> {
  const used = Math.min(jobs, seeds);
  const results = await Promise.all(Array.from({ length: used }, (_, i) => run({
    seeds: Math.ceil((seeds - i) / used), first: first + i, stride: used, mutant, seeks, mode,
    aim,
  })));
  const counts = new Map<string, number>();
  for (const [what, count] of results.flatMap((result) => result.counts)) {
    counts.set(what, (counts.get(what) ?? 0) + count);
  }
  const digest = results.reduce((sum, result) => (sum + result.digest) >>> 0, 0);
  return {
    violations: results.flatMap(({ violations }) => violations).sort((a, b) => a.seed - b.seed),
    counts,
    explored: results.reduce((sum, { explored }) => sum + explored, 0),
    digest: digest.toString(16).padStart(8, '0'),
  };
}

function run(job: Job): Promise<JobResult> {
  const path = fileURLToPath(new URL('./worker.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = fork(path, [JSON.stringify(job)], { execArgv: ['--import', 'tsx'] });
    let result: JobResult | null = null;
    let at: number | null = null;
    const watch = setTimeout(() => child.kill('SIGKILL'), longestScheduleMs);
    child.on('message', (message: Message) => {
      watch.refresh();
      if (message.kind === 'at') at = message.seed;
      else result = message.result;
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(watch);
      if (result !== null) return resolve(result);
      const how = signal === null ? `code ${String(code)}` : `signal ${signal}`;
      const where = at === null ? 'before its first schedule' : `in seed ${String(at)}`;
      reject(new Error(`a simulation process ended with ${how} ${where}, and no result`));
    });
  });
}
