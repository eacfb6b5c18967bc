import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { capacity } from '../../src/core/placement.ts';
import { productionCore } from './core-module.ts';
import { datagramsPerBeat, largeCluster, loadOf, runUntil, timed } from './large-cluster.ts';
import { heartbeatMs, supportMs } from './world.ts';

const mean = (all: readonly number[]): number =>
  all.reduce((sum, each) => sum + each, 0) / all.length;
const said = (ms: number): string => ms.toFixed(1);

/** Four voters besides itself hear a node, and it is a voter of four others on average. */
const partners = 8;

describe('10,000 addresses', () => {
  it('cost a node of 100 as many heartbeats as a node of 10', (t) => {
    const [few = [], many = []] = [10, 100].map((nodes) =>
      datagramsPerBeat(largeCluster({ core: productionCore, nodes, eips: nodes }), 50));
    t.diagnostic(`datagrams per node and beat, mean and most: ${said(mean(few))}, ${said(Math.max(...few))}`
      + ` of 10; ${said(mean(many))}, ${said(Math.max(...many))} of 100`);
    for (const each of [few, many]) {
      assert.ok(mean(each) <= partners, `${said(mean(each))} datagrams per node and beat`);
    }
    assert.ok(Math.max(...many) <= 4 * partners, `one sends ${said(Math.max(...many))} per beat`);
  });

  for (const nodes of [100, 10]) {
    it(`move evenly when one of ${String(nodes)} nodes dies, without waiting for the store`, (t) => {
      const { core, longest } = timed(productionCore);
      const eips = 10_000;
      const world = largeCluster({ core, nodes, eips });
      const [dead] = world.hosts;
      assert.ok(dead, 'a cluster has nodes');
      const before = loadOf(world);
      const lost = [...dead.fence.held.keys()];
      longest.clear();
      world.store.down = true;
      dead.powerLoss();
      const ms = runUntil(world, 'takeover', 10 * supportMs, () =>
        lost.every((eip) => world.claimants(eip).length === 1));
      const after = loadOf(world);
      const gained = [...after].filter(([host]) => host !== dead)
        .map(([host, load]) => load - (before.get(host) ?? 0));
      const steps = [...longest].map(([kind, step]) => `${kind} ${said(step)}`).join(', ');
      t.diagnostic(`${String(lost.length)} addresses moved in ${said(ms)} ms, to ${
        String(gained.filter((each) => each > 0).length)} nodes, at most ${
        String(Math.max(...gained))} to one; longest steps, ms: ${steps}`);
      assert.ok(ms <= supportMs + 3 * heartbeatMs, `${said(ms)} ms until every address was answered`);
      const most = capacity(eips, 1, nodes - 1);
      assert.ok(Math.max(...after.values()) <= most,
        `a node holds ${String(Math.max(...after.values()))}, over its bound of ${String(most)}`);
    });
  }
});
