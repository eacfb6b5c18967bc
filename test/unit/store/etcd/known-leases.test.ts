import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EipLease, TenureId } from '../../../../src/core/model.ts';
import { KnownLeases } from '../../../../src/store/etcd/known-leases.ts';

const a = { node: 'a', incarnation: 1 };
const eip = '192.0.2.1';

function lease(revision: number, term: number, holder: TenureId | null = a): EipLease {
  return {
    eip, holder, term, since: 0, reason: 'claimed', heirs: [], former: [], moves: [], revision,
  };
}

function swap(revision: number, term: number) {
  const { revision: _, ...next } = lease(0, term);
  return { eip, revision, next, ended: [], live: [] };
}

describe('the EIP leases that an agent has seen', () => {
  it('go on as they were when a hand spoils them, later by revision', () => {
    const known = new KnownLeases();
    known.saw(lease(10, 3));
    assert.deepEqual(known.lost(eip, 12, false), lease(12, 3));
    assert.equal(known.revisionFor(swap(12, 4)), 12);
    known.saw(lease(15, 4));
    assert.deepEqual(known.lost(eip, 12, false), lease(15, 4), 'news of the past change nothing');
  });

  it('are compared as absent once they were deleted, and only at the revision that says so', () => {
    const known = new KnownLeases();
    known.saw(lease(10, 3));
    assert.deepEqual(known.lost(eip, 12, true), lease(12, 3));
    assert.equal(known.revisionFor(swap(12, 4)), 0);
    assert.equal(known.revisionFor(swap(10, 4)), 10);
    known.saw(lease(13, 3));
    assert.equal(known.revisionFor(swap(13, 4)), 13);
  });

  it('may go where nobody held them', () => {
    const known = new KnownLeases();
    known.saw(lease(10, 3, null));
    assert.equal(known.lost(eip, 12, true), null);
    assert.equal(known.lost(eip, 13, false), null);
    assert.equal(known.lost('192.0.2.2', 13, true), null);
  });

  it('outlive a store that comes back without them', () => {
    const known = new KnownLeases();
    known.saw(lease(1_000, 3));
    known.startAnew();
    assert.deepEqual(known.lostFrom(new Set(), 5), [lease(5, 3)]);
    assert.equal(known.revisionFor(swap(5, 4)), 0);
    known.startAnew();
    known.saw(lease(4, 9));
    assert.deepEqual(known.lostFrom(new Set([eip]), 6), []);
    assert.deepEqual(known.lost(eip, 3, true), lease(4, 9));
  });

  it('do not let a term go back', () => {
    const known = new KnownLeases();
    known.saw(lease(10, 3));
    known.check(swap(10, 3));
    known.check(swap(9, 1));
    assert.throws(() => known.check(swap(10, 2)), { code: 'invalid', message: /from 3 to 2/ });
  });
});
