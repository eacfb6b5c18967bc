/**
 * Explores schedules: `npm run simulate -- --seeds N --first SEED [--jobs J]`. Prints the seed of
 * every violation, and a summary as its last line; exits 1 if there was one.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { exploreMany } from './pool.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    first: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'quorum' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});

function wholeNumber(name: 'seeds' | 'first' | 'jobs'): number {
  const text = values[name];
  if (!/^[1-9][0-9]{0,9}$/.test(text)) {
    console.error(`simulate: --${name} ${text}: give a whole number of at least 1`);
    process.exit(2);
  }
  return Number(text);
}

const { mode } = values;
if (mode !== 'lease' && mode !== 'quorum') {
  console.error(`simulate: --mode ${mode}: it is lease or quorum`);
  process.exit(2);
}

const started = performance.now();
const seeds = wholeNumber('seeds');
const first = wholeNumber('first');
const result = await exploreMany({ seeds, first, mode, jobs: wholeNumber('jobs') });
for (const { seed, violation } of result.violations.slice(0, 20)) {
  console.log(`seed ${String(seed)}: ${violation}\n  replay: npm run simulate -- --mode ${mode} --seeds 1 --first ${String(seed)}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
for (const [what, count] of [...result.counts].sort()) console.log(`  ${what.padEnd(24)} ${String(count)}`);
console.log(
  `${String(seeds)} schedules from seed ${String(first)} in ${seconds} s: `
  + `${String(result.violations.length)} with a violation; digest ${result.digest}`,
);
process.exitCode = result.violations.length > 0 ? 1 : 0;
