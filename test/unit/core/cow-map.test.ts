import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BucketMap } from '../../../src/core/bucket-map.ts';
import { CowMap } from '../../../src/core/cow-map.ts';

type Change = { readonly set: string; readonly to: number } | { readonly remove: string };

const sorted = (map: ReadonlyMap<string, number>): [string, number][] => (
  [...map].sort(([a], [b]) => (a < b ? -1 : 1)));

const key = fc.nat(900).map((n) => `10.0.${n >> 8}.${n & 255}`);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ set: key, to: fc.nat(9) }), fc.record({ remove: key }));

function apply(map: Pick<Map<string, number>, 'set' | 'delete'>, one: Change): void {
  if ('set' in one) map.set(one.set, one.to);
  else map.delete(one.remove);
}

/** Of this process alone: others may have the processors meanwhile. */
function cpuMs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

describe('a map that is copied on its first change', () => {
  it('reads as a map does after any changes, and leaves every earlier version as it was', () => {
    const steps = fc.array(fc.array(change, { maxLength: 300 }), { maxLength: 8 });
    fc.assert(fc.property(fc.nat(1200), steps, (count, rounds) => {
      const model = new Map<string, number>();
      for (let n = 0; n < count; n += 1) model.set(`10.0.${n >> 8}.${n & 255}`, n);
      let version: ReadonlyMap<string, number> = new Map(model);
      const earlier: { map: ReadonlyMap<string, number>; entries: [string, number][] }[] = [];
      for (const changes of rounds) {
        earlier.push({ map: version, entries: sorted(version) });
        const draft = new CowMap(version);
        for (const one of changes) {
          if ('set' in one) draft.set(one.set, one.to);
          else draft.delete(one.remove);
          apply(model, one);
        }
        version = draft.value;
        assert.equal(version.size, model.size, 'its size');
        assert.deepEqual(sorted(version), sorted(model));
        assert.deepEqual([...version.keys()], [...version].map(([name]) => name));
        assert.deepEqual([...version.values()], [...version].map(([, value]) => value));
        for (const one of changes) {
          const name = 'set' in one ? one.set : one.remove;
          assert.equal(version.get(name), model.get(name), name);
          assert.equal(version.has(name), model.has(name), name);
        }
      }
      for (const { map, entries } of earlier) assert.deepEqual(sorted(map), entries);
    }), { numRuns: 60 });
  });

  it('is the same object after changes that change nothing', () => {
    const base = new Map(Array.from({ length: 1000 }, (_, n) => [`k${n}`, n]));
    const large = new CowMap<string, number>(base);
    large.set('k7', 7);
    large.delete('k1000');
    assert.equal(large.value, base);
  });

  it('copies only a part of a large map', () => {
    const base = BucketMap.from(new Map(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, n])));
    let version: ReadonlyMap<string, number> = base;
    const inPart = cpuMs(() => {
      for (let round = 0; round < 200; round += 1) {
        const draft = new CowMap(version);
        draft.set(`k${round}`, -1);
        version = draft.value;
      }
    });
    const whole = cpuMs(() => {
      for (let round = 0; round < 50; round += 1) new Map(base);
    });
    assert.ok(inPart < whole, `200 versions took ${inPart} ms, and 50 whole copies ${whole} ms`);
    assert.equal(base.get('k3'), 3);
    assert.equal(version.get('k3'), -1);
  });
});
