import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Lane, Schedule } from '../../../src/announce/schedule.ts';
import { FakeClock } from './fakes.ts';

describe('A lane of deadlines', () => {
  it('gives what is due, in order, however items were set, moved and taken out', () => {
    const step = fc.oneof(
      fc.record({ op: fc.constant('set' as const), item: fc.nat(20), at: fc.nat(100) }),
      fc.record({ op: fc.constant('delete' as const), item: fc.nat(20), at: fc.constant(0) }),
      fc.record({ op: fc.constant('take' as const), item: fc.nat(5), at: fc.nat(100) }),
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const lane = new Lane<number>();
      const model = new Map<number, number>();
      for (const { op, item, at } of steps) {
        if (op === 'set') {
          lane.set(item, at);
          model.set(item, at);
        } else if (op === 'delete') {
          lane.delete(item);
          model.delete(item);
        } else {
          const due = [...model.values()].filter((time) => time <= at).sort((a, b) => a - b);
          const taken = lane.takeDue(at, item);
          assert.deepEqual(taken.map((one) => model.get(one)), due.slice(0, item));
          for (const one of taken) model.delete(one);
        }
        assert.equal(lane.size, model.size);
        assert.equal(lane.next(), Math.min(Infinity, ...model.values()));
        for (const known of model.keys()) assert.ok(lane.has(known));
      }
    }), { numRuns: 500 });
  });
});

describe('A schedule', () => {
  it('has one timer for any number of deadlines, and none when there are none', () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    const schedule = new Schedule(clock, (turn) => {
      turn();
      schedule.rearm();
    });
    const a = schedule.lane<string>((items) => ran.push(...items));
    const b = schedule.lane<string>((items) => ran.push(...items), 2);
    a.set('late', clock.at + 300);
    for (const item of ['b1', 'b2', 'b3']) b.set(item, clock.at + 100);
    schedule.rearm();
    assert.equal(clock.timers, 1);
    clock.advance(100);
    assert.deepEqual(ran.toSorted(), ['b1', 'b2', 'b3']);
    a.set('early', clock.at + 50);
    schedule.rearm();
    assert.equal(clock.timers, 1);
    clock.advance(60);
    assert.deepEqual(ran.slice(3), ['early']);
    schedule.clear();
    assert.equal(clock.timers, 0);
  });
});
