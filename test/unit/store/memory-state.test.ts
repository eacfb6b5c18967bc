import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EipLeaseValue, NodeRecord, TenureId } from '../../../src/core/model.ts';
import type { Swap } from '../../../src/core/requests.ts';
import { MemoryState } from '../../../src/store/memory/memory-state.ts';

const record: NodeRecord = {
  boot: 0, place: 'p1', host: 'h', version: '0', startedAt: 0, weight: 1, labels: {},
  draining: false, unable: {}, findings: [], storeLatencyMs: null,
  heartbeat: [], witness: false, epoch: 0, voters: [],
};

function open(state: MemoryState, node: string, now: number): TenureId {
  const answer = state.apply({ kind: 'open', node, replaces: 0, ttlMs: 1000, record }, now);
  return answer.kind === 'opened' ? answer.lease.id : assert.fail(answer.kind);
}

function value(eip: string, holder: TenureId, term: number): EipLeaseValue {
  return { eip, holder, term, since: 0, reason: 'claimed', heirs: [], former: [], moves: [] };
}

function swap(eip: string, holder: TenureId, term: number, revision: number): Swap {
  return { eip, revision, next: value(eip, holder, term), ended: [], live: [] };
}

describe('the memory store as a state machine', () => {
  it('keeps a lease past its time until the scan comes, but does not revive it', () => {
    const state = new MemoryState();
    const a = open(state, 'a', 0);
    assert.equal(state.nextExpiry(), 1000);
    assert.equal(state.apply({ kind: 'renew', tenure: a, ttlMs: 1000 }, 999).kind, 'renewed');
    assert.equal(state.isLive(a), true);
    assert.equal(state.apply({ kind: 'renew', tenure: a, ttlMs: 1000 }, 1999).kind, 'ended');
    assert.equal(state.isLive(a), false);
  });

  it('ends leases in the order of their expiry, each by a revision of its own', () => {
    const state = new MemoryState();
    open(state, 'b', 0);
    open(state, 'a', 10);
    const before = state.revision;
    state.expire(1009);
    assert.deepEqual(state.changesSince(before).nodes, [{ node: 'b', lease: null }]);
    state.expire(1010);
    assert.equal(state.revision, before + 2);
    assert.equal(state.nextExpiry(), null);
  });

  it('gives one revision to all swaps of a request, and none where nothing was applied', () => {
    const state = new MemoryState();
    const a = open(state, 'a', 0);
    const before = state.revision;
    const swaps = [swap('192.0.2.1', a, 1, 0), swap('192.0.2.2', a, 1, 0)];
    state.apply({ kind: 'swap', tenure: a, swaps }, 1);
    assert.equal(state.revision, before + 1);
    const again = state.apply({ kind: 'swap', tenure: a, swaps }, 1);
    assert.equal(state.revision, before + 1);
    assert.deepEqual(again.kind === 'swapped' && again.outcomes.map(({ kind }) => kind), [
      'conflict', 'conflict',
    ]);
  });

  it('applies nothing of a request in which one term goes back', () => {
    const state = new MemoryState();
    const a = open(state, 'a', 0);
    state.apply({ kind: 'swap', tenure: a, swaps: [swap('192.0.2.1', a, 5, 0)] }, 1);
    const { revision } = state;
    const swaps = [swap('192.0.2.2', a, 1, 0), swap('192.0.2.1', a, 4, revision)];
    assert.throws(() => state.apply({ kind: 'swap', tenure: a, swaps }, 1), {
      code: 'invalid', message: /192\.0\.2\.1.* from 5 to 4/,
    });
    assert.equal(state.lease('192.0.2.2'), undefined);
    assert.equal(state.revision, revision);
  });

  it('tells of a change that is older than it remembers by a reset', () => {
    const state = new MemoryState({ changesKept: 2 });
    const a = open(state, 'a', 0);
    const early = state.revision;
    for (let n = 1; n <= 8; n += 1) {
      state.apply({ kind: 'swap', tenure: a, swaps: [swap(`192.0.2.${n}`, a, 1, 0)] }, 1);
    }
    const change = state.changesSince(early);
    assert.equal(change.reset, true);
    assert.equal(change.leases.length, 8);
    assert.deepEqual(change.nodes.map(({ node }) => node), ['a']);
    const late = state.changesSince(state.revision - 1);
    assert.equal(late.reset, false);
    assert.deepEqual(late.leases.map(({ eip }) => eip), ['192.0.2.8']);
  });

  it('hands out views that later changes leave alone', () => {
    const state = new MemoryState();
    const a = open(state, 'a', 0);
    const view = state.view();
    state.apply({ kind: 'close', tenure: a }, 1);
    assert.deepEqual(view.nodes.get('a')?.id, a);
    assert.equal(state.view().nodes.size, 0);
  });
});
