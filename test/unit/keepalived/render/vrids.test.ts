import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { allocateVrids, deriveVrids, type VridPool } from
  '../../../../src/keepalived/render/vrids.ts';

const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 60 });
const anyPools = names.chain((all) => fc.tuple(...all.map((pool) => fc.record({
  pool: fc.constant(pool), family: fc.constantFrom(4 as const, 6 as const),
}))));

function unique(pools: readonly VridPool[], vrids: ReadonlyMap<string, number>): void {
  const keys = pools.flatMap(({ pool, family }) =>
    vrids.has(pool) ? [`${vrids.get(pool) ?? 0}/${family}`] : []);
  assert.equal(new Set(keys).size, keys.length);
}

describe('VRIDs of hosts that share nothing', () => {
  it('come from a pool alone: no other pool, and no order, changes them', () => {
    fc.assert(fc.property(anyPools, fc.nat(), (pools, at) => {
      const { vrids, findings } = deriveVrids(pools);
      assert.equal(vrids.size + findings.length, pools.length);
      unique(pools, vrids);
      const alone = pools[at % Math.max(1, pools.length)];
      if (alone && vrids.has(alone.pool)) {
        assert.equal(deriveVrids([alone]).vrids.get(alone.pool), vrids.get(alone.pool));
      }
      assert.deepEqual(deriveVrids(pools.toReversed()), { vrids, findings });
    }));
  });

  it('are those of the configuration where it names one', () => {
    const pools = [{ pool: 'a', family: 4, fixed: 51 }, { pool: 'b', family: 4 }] as const;
    assert.equal(deriveVrids(pools).vrids.get('a'), 51);
  });

  it('are refused, naming both pools and what helps, where two come to the same', () => {
    const pools = [{ pool: 'a', family: 4, fixed: 51 }, { pool: 'b', family: 4, fixed: 51 }] as const;
    const { vrids, findings } = deriveVrids(pools);
    assert.deepEqual([...vrids], [['a', 51]]);
    assert.match(findings[0]?.text ?? '', /^b and a both come to VRID 51 .*another VRID by configuration/);
    const families = [{ ...pools[0], family: 6 as const }, pools[1]];
    assert.equal(deriveVrids(families).vrids.size, 2);
  });
});

describe('VRIDs from a store', () => {
  it('stay with a pool whatever other pools come, go, or are heard', () => {
    const foreign = fc.array(fc.integer({ min: 1, max: 255 })).map((list) =>
      new Set(list.map((vrid) => `${vrid}/4` as const)));
    fc.assert(fc.property(anyPools, anyPools, foreign, (before, after, heard) => {
      const first = allocateVrids(before, new Map(), new Set());
      unique(before, first.vrids);
      const families = new Map(before.map(({ pool, family }) => [pool, family]));
      const next = after.map((one) => ({ ...one, family: families.get(one.pool) ?? one.family }));
      const second = allocateVrids(next, first.vrids, heard);
      unique(next, second.vrids);
      for (const { pool, family } of next) {
        const old = first.vrids.get(pool);
        const now = second.vrids.get(pool);
        if (old !== undefined) assert.equal(now, old);
        else assert.ok(!(family === 4 && heard.has(`${now ?? 0}/4`)), 'a stranger has it');
      }
    }));
  });

  it('say which pools have none left, and what helps', () => {
    const pools = Array.from({ length: 4 }, (_, index) => ({ pool: `p${index}`, family: 4 as const }));
    const { vrids, findings } = allocateVrids(pools, new Map(), new Set(['12/4']), { first: 10, last: 12 });
    assert.deepEqual([...vrids.values()].sort(), [10, 11]);
    assert.deepEqual(findings.map(({ code }) => code), ['vip-vrids-exhausted', 'vip-vrids-exhausted']);
    assert.match(findings[0]?.text ?? '', /from 10 to 12.*more addresses into one Eip/);
  });
});
