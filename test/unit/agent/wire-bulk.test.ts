import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  MapBuilder, MapFollower, pieceLength, piecesOfView, ViewBuilder,
} from '../../../src/agent/wire/bulk.ts';
import type { ViewChange } from '../../../src/core/model.ts';

const change = (count: number): ViewChange => ({
  revision: 7, reset: true, drains: [], moves: [], nodes: [{ node: 'a', lease: null }],
  leases: Array.from({ length: count }, (_, i) => ({ eip: String(i), lease: null })),
});

describe('large values on their way to the wire thread', () => {
  for (const count of [0, 1, pieceLength, pieceLength + 1, 3 * pieceLength, 10_000]) {
    it(`come together again from pieces: a change of ${String(count)} leases`, () => {
      const builder = new ViewBuilder();
      let whole: ViewChange | null = null;
      for (const piece of piecesOfView(change(count))) {
        assert.equal(whole, null, 'the change is the last piece');
        if (piece.kind === 'leases') builder.add(piece.leases);
        if (piece.kind === 'view') {
          assert.ok(piece.change.leases.length <= pieceLength, 'a piece is too large');
          whole = builder.finish(piece.change);
        }
      }
      assert.deepEqual(whole, change(count));
    });
  }

  it('of maps, only what is different travels, and the map is the same on the other side', () => {
    const maps = fc.array(fc.dictionary(fc.string({ maxLength: 2 }), fc.nat(3)), { maxLength: 8 });
    fc.assert(fc.property(maps, (versions) => {
      const follower = new MapFollower<number>((a, b) => a === b);
      const builder = new MapBuilder<number>();
      let built: ReadonlyMap<string, number> = new Map();
      for (const [i, version] of versions.entries()) {
        const next = new Map(Object.entries(version));
        const pieces = [...follower.pieces(next)];
        assert.ok(i > 0 || pieces.length > 0, 'the first is told, however empty');
        for (const piece of pieces) built = builder.take(piece) ?? built;
        assert.deepEqual(new Map([...built].sort()), new Map([...next].sort()));
      }
    }));
  });

  it('of a map that is the same nothing travels', () => {
    const follower = new MapFollower<number>((a, b) => a === b);
    assert.equal([...follower.pieces(new Map([['a', 1]]))].length, 1);
    assert.equal([...follower.pieces(new Map([['a', 1]]))].length, 0);
  });
});
