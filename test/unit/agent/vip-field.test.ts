/** Who stands for a virtual router, as a node knows it from the store or from its peers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldOf, StandingNodes } from '../../../src/agent/vip/field.ts';
import type { NodeLease, ViewChange } from '../../../src/core/model.ts';

const none = { nodes: [], unicast: null };
const self = { node: 'n1', weight: 50 };

describe('who stands for a virtual router', () => {
  it('is not known without a store and peers', () => {
    assert.equal(fieldOf(self, none, 4, []), null);
  });

  it("is the store's nodes that the Eip may be on, each with its weight", () => {
    const nodes = [
      { name: 'n1', weight: 50, labels: { disk: 'ssd' } },
      { name: 'n2', weight: 100, labels: { disk: 'ssd' } },
      { name: 'n3', weight: 100, labels: {} },
    ];
    const selector = [{ kind: 'exists', key: 'disk' }] as const;
    assert.deepEqual(fieldOf(self, { nodes, unicast: null }, 4, selector),
      { own: 'n1', others: [{ name: 'n2', weight: 1 }] });
  });

  it('is the peers of its family, by their addresses', () => {
    const unicast = {
      nodes: ['10.0.0.1', '10.0.0.2', 'fd00::2'], source: { 4: '10.0.0.1' },
    };
    assert.deepEqual(fieldOf(self, { nodes: [], unicast }, 4, []),
      { own: '10.0.0.1', others: [{ name: '10.0.0.2', weight: 0.5 }] });
    assert.equal(fieldOf(self, { nodes: [], unicast }, 6, []), null);
  });
});

describe('the nodes that a store shows', () => {
  const lease = (weight: number, witness = false) =>
    ({ record: { weight, labels: {}, witness } }) as unknown as NodeLease;
  type Leases = Readonly<Record<string, NodeLease | null>>;
  const change = (nodes: Leases, reset = false): ViewChange => ({
    revision: 1, reset, leases: [], drains: [], moves: [],
    nodes: Object.entries(nodes).map(([node, one]) => ({ node, lease: one })),
  });

  it('are those alive that hold addresses, and change only where that does', () => {
    const nodes = new StandingNodes();
    const first = { b: lease(100), a: lease(50), w: lease(0, true) };
    assert.equal(nodes.apply(change(first, true)), true);
    assert.deepEqual(nodes.list.map(({ name, weight }) => `${name} ${weight}`), ['a 50', 'b 100']);
    assert.equal(nodes.apply(change({ b: lease(100) })), false);
    assert.equal(nodes.apply(change({})), false);
    assert.equal(nodes.apply(change({ b: lease(10) })), true);
    assert.equal(nodes.apply(change({ a: null })), true);
    assert.deepEqual(nodes.list.map(({ name }) => name), ['b']);
    assert.equal(nodes.apply(change({ b: lease(10) }, true)), false);
  });
});
