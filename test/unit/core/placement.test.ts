import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Allocator, allocationOrder, capacity, ranked } from '../../../src/core/placement.ts';

const eips = Array.from({ length: 1000 }, (_, i) => `10.0.${String(i >> 8)}.${String(i & 255)}`);
const nodes = ['a', 'b', 'c', 'd', 'e'].map((node) => ({ node, weight: 100 }));

function allocate(candidates: readonly { node: string; weight: number }[]): Map<string, string> {
  const allocator = new Allocator(eips.length, new Map());
  return new Map(allocationOrder(eips).map((eip) => {
    const [node] = allocator.order(eip, candidates);
    allocator.give(node!);
    return [eip, node!];
  }));
}

function loads(placed: ReadonlyMap<string, string>): Map<string, number> {
  const count = new Map<string, number>();
  for (const node of placed.values()) count.set(node, (count.get(node) ?? 0) + 1);
  return count;
}

describe('placement', () => {
  it('gives no node more than 1.25 times its share', () => {
    for (const [node, load] of loads(allocate(nodes))) {
      assert.ok(load <= capacity(1000, 100, 500), `${node} got ${String(load)}`);
      assert.ok(load > 100, `${node} got only ${String(load)}`);
    }
  });

  it('gives nodes addresses by their weight', () => {
    const placed = loads(allocate([{ node: 'big', weight: 300 }, { node: 'small', weight: 100 }]));
    assert.ok(placed.get('big')! > 2 * placed.get('small')!);
  });

  it('spreads what a dead node had over those that are left', () => {
    const before = allocate(nodes);
    const left = nodes.filter(({ node }) => node !== 'c');
    const orphans = [...before].filter(([, node]) => node === 'c').map(([eip]) => eip);
    const load = loads(new Map([...before].filter(([, node]) => node !== 'c')));
    const allocator = new Allocator(eips.length, load);
    const taken = new Map(allocationOrder(orphans).map((eip) => {
      const [node] = allocator.order(eip, left);
      allocator.give(node!);
      return [eip, node!];
    }));
    for (const [node, more] of loads(taken)) {
      assert.ok(more < orphans.length / 2, `${node} got ${String(more)} of ${String(orphans.length)}`);
      assert.ok(more + load.get(node)! <= capacity(1000, 100, 400));
    }
  });

  it('prefers the same nodes whatever order they are named in', () => {
    fc.assert(fc.property(fc.ipV4(), fc.shuffledSubarray(nodes), (eip, some) => {
      assert.deepEqual(ranked(eip, some), ranked(eip, some.toReversed()));
    }));
  });

  it('moves only what it must when a node joins', () => {
    const [before, after] = [allocate(nodes.slice(0, 4)), allocate(nodes)];
    const moved = eips.filter((eip) => before.get(eip) !== after.get(eip));
    const toOthers = moved.filter((eip) => after.get(eip) !== 'e');
    assert.ok(toOthers.length < eips.length / 10, `${String(toOthers.length)} moved among the old ones`);
  });
});
