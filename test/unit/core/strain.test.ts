/** In the simulator's world: the production core, with clock, network and store replaced. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { productionCore } from '../../simulation/core-module.ts';
import { World, supportMs } from '../../simulation/world.ts';

const restMs = 4_000;

class Stage {
  readonly world: World;

  constructor(seed: number) {
    this.world = new World({
      core: productionCore, seed, nodes: 3, eips: 5, failbackMs: null, quorum: true,
      pauseInStep: 0, holdMs: 60_000,
    });
    for (const host of this.world.hosts) host.start();
    this.world.run(8000);
  }

  /** What n1 says is lost for long enough to be deposed; what it hears is up to `deaf`. */
  lose(deaf: boolean): void {
    const { world } = this;
    for (const { name } of world.hosts) {
      if (deaf) world.net.cutBoth('n1', name);
      else world.net.cut.add(`n1>${name}`);
    }
    world.run(4 * supportMs);
    world.net.cut.clear();
  }

  get isJudgedByVoters(): boolean {
    const phase = this.world.host('n1')?.state?.phase;
    return phase?.kind === 'open' && phase.lease.record.epoch > 0;
  }
}

describe('a node that loses its tenure again and again though it hears the others', () => {
  it('stays in lease mode for longer each time, and comes back to quorum mode', () => {
    for (const seed of [1, 2, 3]) {
      const stage = new Stage(seed);
      stage.lose(false);
      stage.world.run(restMs);
      assert.equal(stage.isJudgedByVoters, true, 'the first time may be anyone\'s fault');
      for (let i = 0; i < 2; i++) {
        stage.lose(false);
        stage.world.run(restMs);
      }
      assert.equal(stage.isJudgedByVoters, true, 'after a second or two it is tried again');
      stage.lose(false);
      stage.world.run(2_000);
      assert.equal(stage.isJudgedByVoters, false, 'four times in a row: 4 s');
      stage.world.run(restMs);
      assert.equal(stage.isJudgedByVoters, true);
      assert.equal(stage.world.counts.get('strained'), 3);
      for (const eip of stage.world.eips) assert.equal(stage.world.claimants(eip).length, 1);
    }
  });

  it('is not to blame if it was cut off', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const stage = new Stage(seed);
      for (let i = 0; i < 5; i++) {
        stage.lose(true);
        stage.world.run(restMs);
        assert.equal(stage.isJudgedByVoters, true);
      }
      assert.equal(stage.world.counts.get('strained'), undefined);
    }
  });
});
