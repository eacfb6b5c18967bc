/** In the simulator's world: the production core, with clock, network and store replaced. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { productionCore } from '../../simulation/core-module.ts';
import { World } from '../../simulation/world.ts';

const nodes = 3;
const seconds = 600;

describe('a hold of 5 minutes', () => {
  it('has more than 4 left at any moment, and is renewed less than once in 50 s', () => {
    const world = new World({
      core: productionCore, seed: 1, nodes, eips: 10, failbackMs: null, quorum: true,
      pauseInStep: 0, holdMs: 300_000,
    });
    for (const host of world.hosts) host.start();
    world.run(20_000);
    let renewals = 0;
    const deadlines = new Map<string, number>();
    for (let second = 0; second < seconds; second += 1) {
      world.run(1000);
      for (const host of world.hosts) {
        const phase = host.state!.phase;
        assert.equal(phase.kind, 'open', `${host.name} has a tenure`);
        const left = phase.deadline - host.now();
        assert.ok(left > 240_000, `${host.name} has ${String(left)} ms left`);
        if ((deadlines.get(host.name) ?? 0) < phase.deadline) renewals += 1;
        deadlines.set(host.name, phase.deadline);
      }
    }
    // The first that is seen of each is none.
    const rate = (renewals - nodes) / nodes / seconds;
    assert.ok(rate < 1 / 50, `once in ${String(1 / rate)} s`);
  });
});
