import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Timeline } from '../../../src/agent/wire/timeline.ts';
import type { Heartbeat, Withdrawal } from '../../../src/core/heartbeat.ts';
import type { EipLeaseValue, Move } from '../../../src/core/model.ts';
import type { StoreRequest } from '../../../src/core/requests.ts';

const eip = '192.0.2.1';
const of = { node: 'old', incarnation: 7 };

function heartbeat(
  node: string, epoch: number, withdrawals: readonly Withdrawal[] = [],
): Heartbeat {
  return {
    node, incarnation: 1, boot: 1, epoch, supportMs: 15, sentAt: 0, floor: 0, relied: 0, reached: 0,
    echo: null, withdrawals,
  };
}

const withdrawal: Withdrawal = { voter: { node: 'c', boot: 3 }, of, epoch: 2, floor: 0, relied: 0 };

function swap(moves: readonly Move[]): StoreRequest {
  const next: EipLeaseValue = {
    eip, holder: { node: 'me', incarnation: 3 }, term: 5, since: 0, reason: 'inherited',
    heirs: [], former: [], moves,
  };
  return {
    kind: 'swap', tenure: { node: 'me', incarnation: 3 },
    swaps: [{ eip, revision: 4, next, ended: [], live: [] }],
  };
}

function movesOf(request: StoreRequest): readonly Move[] {
  assert.equal(request.kind, 'swap');
  return 'swaps' in request ? request.swaps[0]!.next.moves : [];
}

const move: Move = { term: 5, holder: 'me', reason: 'inherited', at: 123 };

function inherited(): Timeline {
  const timeline = new Timeline('me');
  timeline.heard(heartbeat('old', 2), 1000);
  timeline.heard(heartbeat('c', 0, [withdrawal]), 1015.2);
  timeline.fact({ kind: 'withdrew', of, epoch: 2 }, 1015.5);
  timeline.fact({ kind: 'deposed', of, epoch: 2 }, 1015.9);
  timeline.fact({ kind: 'took', eip, term: 5, reason: 'inherited', from: 'old' }, 1016);
  return timeline;
}

describe('the timeline of a move', () => {
  it('says what led to it, and what followed, in the record that is written next', () => {
    const timeline = inherited();
    timeline.announcer({ kind: 'announced', eip, term: 5, at: 1016.9, openAt: 1016.4 });
    assert.deepEqual(movesOf(timeline.decorate(swap([move]))), [{
      ...move, path: {
        heard: -16, withdrawn: -0.8, certified: -0.1, opened: 0.4, claimed: 0.9,
        served: undefined, confirmed: undefined,
      },
    }]);
    timeline.announcer({ kind: 'served', eip, term: 5, at: 1020 });
    timeline.fact({ kind: 'confirmed', eip, term: 5 }, 1030);
    const [later] = movesOf(timeline.decorate(swap([{ ...move, path: { heard: -16 } }])));
    assert.equal(later?.path?.served, 4);
    assert.equal(later.path.confirmed, 14);
  });

  it('speaks of a withdrawal once, however often it is told, and of each tenure anew', () => {
    const timeline = inherited();
    timeline.heard(heartbeat('c', 0, [withdrawal]), 1500);
    timeline.fact({ kind: 'took', eip, term: 6, reason: 'inherited', from: 'old' }, 1600);
    const [moved] = movesOf(timeline.decorate(swap([{ ...move, term: 6 }])));
    assert.equal(moved?.path?.withdrawn, -584.8);
    const next = { ...withdrawal, of: { node: 'old', incarnation: 8 } };
    timeline.heard(heartbeat('c', 0, [next]), 2000);
    timeline.fact({ kind: 'took', eip, term: 7, reason: 'inherited', from: 'old' }, 2001);
    const [again] = movesOf(timeline.decorate(swap([{ ...move, term: 7 }])));
    assert.equal(again?.path?.withdrawn, -1);
    assert.equal(again.path.certified, undefined, 'that tenure has no certificate that it knew of');
  });

  it('is not made up for the moves of others, nor for terms that were not its own', () => {
    const moves: Move[] = [
      { ...move, term: 6, holder: 'other' }, { ...move, holder: 'other' }, { ...move, term: 4 },
    ];
    assert.deepEqual(movesOf(inherited().decorate(swap(moves))), moves);
  });

  it('is kept for the last moves alone', () => {
    const moves = [8, 7, 6, 5, 4].map((term): Move => ({ ...move, term, holder: 'x', path: { claimed: 1 } }));
    const kept = movesOf(inherited().decorate(swap(moves))).map(({ path }) => path !== undefined);
    assert.deepEqual(kept, [true, true, true, true, false]);
  });
});
