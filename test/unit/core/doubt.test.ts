/** In the simulator's world: the production core, with clock, network and store replaced. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Allocator } from '../../../src/core/placement.ts';
import { productionCore } from '../../simulation/core-module.ts';
import { World, supportMs } from '../../simulation/world.ts';
import type { WorldOptions } from '../../simulation/world.ts';

const nodes = ['a', 'b', 'c'].map((node) => ({ node, weight: 100 }));

describe('placement, of nodes in doubt', () => {
  it('names them last, those that are in most doubt at the very end', () => {
    const eips = Array.from({ length: 50 }, (_, i) => `10.0.0.${String(i)}`);
    for (const eip of eips) {
      const allocator = new Allocator(eips.length, new Map([['c', 50]]));
      const order = allocator.order(eip, [
        { ...nodes[0]!, doubt: 2 }, { ...nodes[1]!, doubt: 1 }, nodes[2]!,
      ]);
      assert.deepEqual(order, ['c', 'b', 'a'], 'although it is full');
    }
  });
});

function steady(seed: number, own: Partial<WorldOptions> = {}): World {
  const world = new World({
    core: productionCore, seed, nodes: 5, eips: 10, failbackMs: null, quorum: true,
    pauseInStep: 0, holdMs: 60_000, ...own,
  });
  (world.options as { doubtMs?: number }).doubtMs = 60_000;
  for (const host of world.hosts) host.start();
  world.run(8000);
  return world;
}

/** It is cut off for a moment, so that the others depose it, and runs on. */
function depose(world: World, name: string): void {
  for (const host of world.hosts) world.net.cutBoth(name, host.name);
  world.run(2.5 * supportMs);
  world.net.cut.clear();
  world.run(6000);
}

function linesOf(world: World): readonly (readonly string[])[] {
  return world.eips.map((eip) => {
    const lease = world.store.state.lease(eip)!;
    return [lease.holder?.node ?? '-', ...lease.heirs.map(({ node }) => node)];
  });
}

describe('a node that is deposed again and again without having failed', () => {
  it('is nobody\'s heir while others can be had, and gets nothing back', () => {
    for (const seed of [1, 2, 3]) {
      const world = steady(seed);
      const [victim] = world.claimants(world.eips[0]!);
      const { name } = victim!;
      for (let i = 0; i < 3; i++) depose(world, name);
      // Lines must be mended: of three others that could be in each, two have kept their tenures.
      world.hosts.find((host) => host.name !== name && host !== world.claimants(world.eips[0]!)[0])!
        .powerLoss();
      world.run(8000);
      const lines = linesOf(world);
      assert.ok((world.counts.get('doubted') ?? 0) >= 3, 'nobody noticed');
      assert.deepEqual(lines.filter((line) => line.includes(name)), [],
        `seed ${String(seed)}: ${name} in ${JSON.stringify(lines)}`);
      assert.ok(lines.every((line) => line.length === 3), 'every line has a holder and two heirs');
    }
  });

  it('does not get addresses back by failback before it has kept a tenure for a while', () => {
    const world = steady(7, { failbackMs: 500 });
    const eip = world.eips.find((each) => (world.claimants(each)[0]?.name ?? '') === 'n2')!;
    depose(world, 'n2');
    assert.ok(world.eips.every((each) => world.claimants(each)[0]?.name !== 'n2'), 'it has one again');
    world.run(70_000);
    assert.equal(world.claimants(eip)[0]?.name, 'n2', 'and never again');
  });
});
