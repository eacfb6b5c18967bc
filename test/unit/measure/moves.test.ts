import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DisputedEvent, GapEvent, MoveEvent } from '../../../src/measure/events.ts';
import type { Settled } from '../../../src/measure/holders.ts';
import { Moves } from '../../../src/measure/moves.ts';

const [a, b] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b'];
const settled: Settled = {
  event: 'settled', at: 1000, from: a, to: b, by: 'claim', pauseMs: 5, late: { claims: 0, ms: 0 },
  open: false,
};

function gap(from: number, to: number, before: string | null, after: string | null): GapEvent {
  return { event: 'gap', probe: 'icmp', from, to, ms: to - from, lost: 1, before, after, ownStallMs: 0 };
}

function told(): { readonly moves: Moves; readonly events: (MoveEvent | DisputedEvent)[] } {
  const events: (MoveEvent | DisputedEvent)[] = [];
  return { moves: new Moves((event) => { events.push(event); }), events };
}

function gapsOf(event: MoveEvent | DisputedEvent | undefined): (number | null)[] {
  assert.ok(event?.event === 'move', 'a move was told');
  return event.gaps.map(({ ms }) => ms);
}

describe('A move', () => {
  it('has the gap in which the new holder took over, not a longer one nearby', () => {
    const { moves, events } = told();
    moves.gap(gap(990, 1003, a, b));
    moves.gap(gap(1100, 1200, b, b));
    moves.settled(settled);
    moves.tick([{ probe: 'icmp', lastAnswer: { at: 1300, by: b } }], 2500);
    assert.deepEqual(gapsOf(events[0]), [13]);
  });

  it('has the gap around it where nobody can see who answers', () => {
    const { moves, events } = told();
    moves.gap(gap(500, 600, null, null));
    moves.gap(gap(980, 1050, null, null));
    moves.settled(settled);
    moves.tick([{ probe: 'icmp', lastAnswer: { at: 1300, by: '' } }], 2500);
    assert.deepEqual(gapsOf(events[0]), [70]);
  });

  it('is told once the client is served by the new holder, however long the old one serves on', () => {
    const { moves, events } = told();
    moves.settled(settled);
    moves.tick([{ probe: 'icmp', lastAnswer: { at: 2400, by: a } }], 2500);
    assert.deepEqual(events, []);
    moves.gap(gap(3000, 3040, a, b));
    moves.tick([{ probe: 'icmp', lastAnswer: { at: 3100, by: b } }], 3200);
    assert.deepEqual(gapsOf(events[0]), [40]);
  });

  it('is told after ten seconds without an answer, and says that there was none', () => {
    const { moves, events } = told();
    moves.settled(settled);
    const states = [
      { probe: 'icmp', lastAnswer: { at: 900, by: a } }, { probe: 'tcp:1', lastAnswer: null },
    ];
    moves.tick(states, 9_000);
    assert.deepEqual(events, []);
    moves.tick(states, 11_100);
    assert.deepEqual(gapsOf(events[0]), [null]);
  });

  it('is a dispute if the holder kept the address', () => {
    const { moves, events } = told();
    moves.settled({ ...settled, to: a, late: { claims: 3, ms: 20 } });
    assert.deepEqual(events, [{ event: 'disputed', at: 1000, holder: a, claims: 3, ms: 20 }]);
  });
});
