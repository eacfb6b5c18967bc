import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { productionCore } from './core-module.ts';
import { expectedInQuorumMode } from './explore.ts';
import { mutations, withMutant } from './mutants.ts';
import { exploreMany } from './pool.ts';
import {
  changeEpochSlowly, dieChangingEpoch, longHoldMs, rejoin, restartAtOnce, succeed,
} from './succession.ts';
import { harms } from './violation.ts';
import { heartbeatMs, supportMs } from './world.ts';

const jobs = availableParallelism();

/** F, some heartbeats, then an eviction and a claim, for each of which nodes take turns. */
const viaStoreMs = supportMs + 5 * heartbeatMs + 1000;

/** A night explores others: `npm run simulate -- --first SEED`. */
const first = Number(process.env.TENURE_SIMULATION_SEED ?? '1');

describe('quorum mode under 3,000 schedules of faults', () => {
  it('never has two announcers, always comes to rest, and meets everything that can happen', async () => {
    const { violations, counts } = await exploreMany({ seeds: 3000, first, jobs, mode: 'quorum' });
    const told = violations.slice(0, 5).map(({ seed, violation }) => `seed ${String(seed)}: ${violation}`);
    assert.equal(violations.length, 0, told.join('\n'));
    const unmet = expectedInQuorumMode.filter((what) => !counts.get(what));
    assert.deepEqual(unmet, [], 'these never happened, so nothing was shown about them');
  });
});

describe('in a steady cluster, an address is without a holder for little more than F', () => {
  for (const storeDown of [false, true]) {
    for (const [nodes, deaths] of [[3, 1], [5, 2]] as const) {
      const whose = deaths === 1 ? 'its holder dies' : 'its holder dies, and then its heir';
      it(`with ${String(nodes)} nodes${storeDown ? ' and the store down' : ''}, when ${whose}`, () => {
        for (let seed = first; seed < first + 25; seed++) {
          const { gaps } = succeed(productionCore, { seed, nodes, storeDown, deaths });
          for (const gap of gaps) {
            const said = `seed ${String(seed)}: ${gaps.map(String).join(', ')} ms`;
            assert.ok(gap !== null && gap <= supportMs + 3 * heartbeatMs, said);
          }
        }
      });
    }
  }
});

describe('a holder that dies on its way to another epoch', () => {
  for (const [nodes, cause] of [[3, 'missed'], [5, 'missed'], [5, 'restarted']] as const) {
    it(`is evicted, and the hold is not waited for: ${String(nodes)} nodes, a voter ${cause}`, () => {
      for (let seed = first; seed < first + 10; seed++) {
        for (const afterMs of [0, 20, 100]) {
          const gap = dieChangingEpoch(productionCore, { seed, nodes, afterMs, cause });
          const said = `seed ${String(seed)}, after ${String(afterMs)} ms: ${String(gap)} ms`;
          assert.ok(gap !== null && gap <= viaStoreMs, said);
        }
      }
    });
  }
});

describe('a holder on its way to another epoch', () => {
  it('is not silent, however long the store takes to write that down', () => {
    for (let seed = first; seed < first + 25; seed++) {
      const silentMs = changeEpochSlowly(productionCore, seed);
      assert.ok(silentMs < heartbeatMs, `seed ${String(seed)}: ${String(silentMs)} ms without a holder`);
    }
  });
});

describe('machines that lose power all at once, or most of them', () => {
  for (const [nodes, lost] of [[3, 3], [3, 2], [5, 3], [7, 7]] as const) {
    it(`are back as soon as they run, whatever the hold is: ${String(lost)} of ${String(nodes)}`, () => {
      for (let seed = first; seed < first + 25; seed++) {
        const ms = restartAtOnce(productionCore, { seed, nodes, lost }, longHoldMs);
        assert.ok(ms !== null && ms <= viaStoreMs, `seed ${String(seed)}: ${String(ms)} ms`);
      }
    });
  }
});

describe('while the store is down', () => {
  it('a node that was cut off comes back, and what the others hold is not touched', () => {
    for (let seed = first; seed < first + 25; seed++) {
      // One voter of two is left: a datagram that is late by two beats may cost as much.
      const silentMs = rejoin(productionCore, seed);
      assert.ok(silentMs < 2 * heartbeatMs, `seed ${String(seed)}: ${String(silentMs)} ms without a holder`);
    }
  });
});

describe('without one of its rules, quorum mode fails', { concurrency: jobs }, () => {
  for (const mutation of mutations.filter(({ mode }) => mode === 'quorum')) {
    it(`${mutation.name}: ${mutation.rule}`, async () => {
      const found = await withMutant(mutation, (mutant) => exploreMany({
        seeds: 3000, first: mutation.seed ?? 1, jobs: 1, mode: 'quorum', mutant, seeks: mutation.harm,
        aim: mutation.aim ?? null,
      }));
      assert.ok(found.violations.some(({ violation }) => harms[mutation.harm].test(violation)),
        `not ${mutation.harm} announcers in ${String(found.explored)} schedules`);
    });
  }
});
