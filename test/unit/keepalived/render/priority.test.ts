import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Candidate, priorityOf, priorityStep } from
  '../../../../src/keepalived/render/priority.ts';

const anyWeight = fc.double({ min: 0.001, max: 1000, noNaN: true });
const anyField = (maxLength: number) => fc.uniqueArray(
  fc.record({ name: fc.string(), weight: fc.oneof(anyWeight, fc.constant(0)) }),
  { minLength: 1, maxLength, selector: ({ name }) => name },
);

/** Each computes its own; by falling priority. */
function rank(field: readonly Candidate[], pool: string) {
  return field.map((own) => ({ ...own, priority: priorityOf(own, field, pool) }))
    .sort((a, b) => b.priority - a.priority);
}

const prioritiesOf = (field: readonly Candidate[], pool: string) =>
  rank(field, pool).map(({ priority }) => priority);

describe('priorities of those who know of each other', () => {
  it('are a step apart, so that the next master is heard before another claims', () => {
    fc.assert(fc.property(anyField(10), fc.string(), (field, pool) => {
      const all = prioritiesOf(field, pool);
      for (const [index, priority] of all.entries()) {
        assert.ok(priority >= 1 && priority <= 254 && Number.isInteger(priority), all.join());
        assert.ok((all[index - 1] ?? Infinity) - priority >= priorityStep, all.join());
      }
    }));
  });

  it('differ for up to 254 nodes, the first of them by steps', () => {
    for (const count of [26, 60, 254]) {
      const field = Array.from({ length: count }, (_, index) => ({ name: `n${index}`, weight: 1 }));
      const all = prioritiesOf(field, 'a');
      assert.equal(new Set(all).size, count);
      assert.ok(all.every((priority) => priority >= 1 && priority <= 254), all.join());
      const [first = 0, second = 0, third = 0] = all;
      if (count === 254) continue;
      assert.ok(first - second >= priorityStep && second - third >= priorityStep, all.join());
    }
    const more = Array.from({ length: 300 }, (_, index) => ({ name: `n${index}`, weight: 1 }));
    assert.deepEqual(prioritiesOf(more, 'a').slice(253), Array(47).fill(1));
  });

  it('change by a step at most when a node joins or leaves, never their order', () => {
    fc.assert(fc.property(anyField(9), fc.string(), (field, pool) => {
      const before = rank(field.slice(1), pool);
      const after = rank(field, pool).filter(({ name }) => name !== field[0]!.name);
      assert.deepEqual(after.map(({ name }) => name), before.map(({ name }) => name));
      for (const [index, { priority }] of before.entries()) {
        const change = priority - after[index]!.priority;
        assert.ok(Math.abs(change) <= priorityStep, `${priority} ${change}`);
        // Some have heard of it, others not yet: nobody is above whom he is below.
        const next = before[index + 1]?.priority ?? 0;
        assert.ok(after[index]!.priority >= next, `${after[index]!.priority} ${next}`);
      }
    }));
  });

  it('mostly stay as they are when a fourth node joins', () => {
    let changed = 0;
    const names = ['n1', 'n2', 'n3', 'n4'];
    const four = names.map((name) => ({ name, weight: 1 }));
    for (let pool = 0; pool < 1000; pool += 1) {
      for (const own of four.slice(0, 3)) {
        const [before, after] = [four.slice(0, 3), four]
          .map((field) => priorityOf(own, field, `p${pool}`));
        if (before !== after) changed += 1;
      }
    }
    assert.ok(changed < 3000 * 0.15, `${changed} of 3000`);
  });
});

describe('priorities', () => {
  it('spread pools over nodes in proportion to their weights', () => {
    const field = [['n1', 1], ['n2', 1], ['n3', 2]]
      .map(([name, weight]) => ({ name: String(name), weight: Number(weight) }));
    const won = new Map<string, number>();
    for (let pool = 0; pool < 2000; pool += 1) {
      const [{ name } = { name: '' }] = rank(field, `p${pool}`);
      won.set(name, (won.get(name) ?? 0) + 1);
    }
    for (const { name, weight } of field) {
      const share = (won.get(name) ?? 0) / 2000;
      assert.ok(Math.abs(share - weight / 4) < 0.06, `${name} ${share}`);
    }
  });

  it('of a node that knows nobody are 150 to 254, and below with weight 0', () => {
    fc.assert(fc.property(fc.string(), fc.string(), anyWeight, (name, pool, weight) => {
      const priority = priorityOf({ name, weight }, [], pool);
      assert.ok(Number.isInteger(priority) && priority >= 150 && priority <= 254, `${priority}`);
      const unwanted = priorityOf({ name, weight: 0 }, [], pool);
      assert.ok(Number.isInteger(unwanted) && unwanted >= 100 && unwanted < 150, `${unwanted}`);
    }));
  });
});
