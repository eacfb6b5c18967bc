import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { expectedInLeaseMode } from './explore.ts';
import { mutations, withMutant } from './mutants.ts';
import { exploreMany } from './pool.ts';
import { harms } from './violation.ts';

const jobs = availableParallelism();

/** A night explores others: `npm run simulate -- --first SEED`. */
const first = Number(process.env.TENURE_SIMULATION_SEED ?? '1');

describe('lease mode under 3,000 schedules of faults', () => {
  it('never has two announcers, always comes to rest, and meets everything that can happen', async () => {
    const { violations, counts } = await exploreMany({ seeds: 3000, first, jobs });
    const told = violations.slice(0, 5).map(({ seed, violation }) => `seed ${String(seed)}: ${violation}`);
    assert.equal(violations.length, 0, told.join('\n'));
    const unmet = expectedInLeaseMode.filter((what) => !counts.get(what));
    assert.deepEqual(unmet, [], 'these never happened, so nothing was shown about them');
  });

  it('replays a seed to the last event', async () => {
    const runs = [
      await exploreMany({ seeds: 20, first: 77, jobs: 1 }),
      await exploreMany({ seeds: 20, first: 77, jobs: 1 }),
    ];
    assert.equal(runs[0]?.digest, runs[1]?.digest);
  });
});

describe('without one of its rules, the protocol fails', { concurrency: jobs }, () => {
  for (const mutation of mutations.filter(({ mode }) => mode === 'lease')) {
    it(`${mutation.name}: ${mutation.rule}`, async () => {
      const found = await withMutant(mutation, (mutant) => exploreMany({
        seeds: 6000, first: mutation.seed ?? 1, jobs: 1, mutant, seeks: mutation.harm,
        aim: mutation.aim ?? null,
      }));
      assert.ok(found.violations.some(({ violation }) => harms[mutation.harm].test(violation)),
        `not ${mutation.harm} announcers in ${String(found.explored)} schedules`);
    });
  }
});
