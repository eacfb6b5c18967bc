import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReplayGuard, replayWindow } from '../../../../src/wire/heartbeat/replay.ts';

describe('datagrams that were heard before', () => {
  it('are heard once, in whatever order they come', () => {
    const steps = fc.oneof(fc.nat(20), fc.nat(3 * replayWindow));
    fc.assert(fc.property(fc.array(fc.tuple(steps, fc.nat(400)), { maxLength: 200 }), (moves) => {
      const guard = new ReplayGuard();
      const heard = new Set<number>();
      let latest = 0;
      for (const [forward, back] of moves) {
        const seq = Math.max(1, latest + forward - back);
        const fresh = seq + replayWindow > latest && !heard.has(seq);
        assert.equal(guard.accept('a', 1, seq), fresh, `${String(seq)} behind ${String(latest)}`);
        heard.add(seq);
        latest = Math.max(latest, seq);
      }
    }), { numRuns: 500 });
  });

  it('may come late, within the window, and not behind it', () => {
    const guard = new ReplayGuard();
    assert.equal(guard.accept('a', 1, 5000), true);
    assert.equal(guard.accept('a', 1, 5000 - replayWindow + 1), true);
    assert.equal(guard.accept('a', 1, 5000 - replayWindow), false);
  });

  it('of an earlier boot are over with the first of a later one', () => {
    const guard = new ReplayGuard();
    assert.equal(guard.accept('a', 3, 100), true);
    assert.equal(guard.accept('a', 4, 1), true);
    assert.equal(guard.accept('a', 3, 101), false);
    assert.equal(guard.accept('a', 4, 2), true);
    assert.equal(guard.bootOf('a'), 4);
  });

  it('are told apart by node, and the number of nodes is bounded', () => {
    const guard = new ReplayGuard(2);
    for (const node of ['a', 'b', 'a', 'c']) guard.accept(node, 1, node === 'a' ? guard.bootOf('a') + 1 : 1);
    assert.equal(guard.bootOf('b'), 0, 'the one heard longest ago is forgotten');
    assert.equal(guard.accept('a', 1, 1), false);
  });
});
