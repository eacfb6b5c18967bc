/**
 * Explores schedules: `npm run simulate -- --seeds N --first SEED [--jobs J] [--mode lease]
 * [--aim AIM]`. Prints the seed of every violation, and a summary as its last line; exits 1 if
 * there was one. With `--mutant NAME` looks for the harm that a core without that rule does.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Mode } from './explore.ts';
import { mutations, withMutant } from './mutants.ts';
import { exploreMany } from './pool.ts';
import type { Explored } from './pool.ts';
import { aims } from './scripts.ts';
import type { Aim } from './scripts.ts';

const usage = 'simulate: [--seeds N] [--first SEED] [--jobs J] [--mode lease|quorum] [--aim AIM] [--mutant NAME]';

function refuse(why: string): never {
  console.error(`simulate: ${why}`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: '2000' },
        first: { type: 'string', default: '1' },
        mode: { type: 'string', default: 'quorum' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        aim: { type: 'string' },
        mutant: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return refuse(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

const values = readArguments();
if (values.help) {
  console.log(`${usage}\n  aims: ${aims.join(', ')}\n  mutants: ${mutations.map(({ name }) => name).join(', ')}`);
  process.exit(0);
}

function wholeNumber(name: 'seeds' | 'first' | 'jobs'): number {
  const text = values[name];
  if (!/^[1-9][0-9]{0,9}$/.test(text)) refuse(`--${name} ${text}: give a whole number of at least 1`);
  return Number(text);
}

function oneOf<T extends string>(name: string, text: string, known: readonly T[]): T {
  return known.find((each) => each === text)
    ?? refuse(`--${name} ${text}: it is one of ${known.join(', ')}`);
}

const mode: Mode = oneOf('mode', values.mode, ['lease', 'quorum']);
const aim: Aim | null = values.aim === undefined ? null : oneOf('aim', values.aim, aims);
const seeds = wholeNumber('seeds');
const first = wholeNumber('first');
const jobs = wholeNumber('jobs');

function run(): Promise<Explored> {
  const plan = { seeds, first, mode, jobs };
  if (values.mutant === undefined) return exploreMany({ ...plan, aim });
  const known = mutations.filter((each) => each.mode === mode);
  const name = oneOf('mutant', values.mutant, known.map((each) => each.name));
  const mutation = known.find((each) => each.name === name) ?? refuse(`--mutant ${name}`);
  return withMutant(mutation, (mutant) =>
    exploreMany({ ...plan, mutant, seeks: mutation.harm, aim: aim ?? mutation.aim ?? null }));
}

const started = performance.now();
const result = await run();
const again = `npm run simulate -- --mode ${mode}${aim === null ? '' : ` --aim ${aim}`} --seeds 1 --first`;
for (const { seed, violation } of result.violations.slice(0, 20)) {
  console.log(`seed ${String(seed)}: ${violation}\n  replay: ${again} ${String(seed)}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
for (const [what, count] of [...result.counts].sort()) console.log(`  ${what.padEnd(24)} ${String(count)}`);
console.log(
  `${String(result.explored)} schedules from seed ${String(first)} in ${seconds} s: `
  + `${String(result.violations.length)} with a violation; digest ${result.digest}`,
);
process.exitCode = result.violations.length > 0 ? 1 : 0;
