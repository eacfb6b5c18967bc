/** In the simulator's world: the production core, with clock, network and store replaced. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { productionCore } from '../../simulation/core-module.ts';
import type { Host } from '../../simulation/host.ts';
import { World, supportMs } from '../../simulation/world.ts';

const leaseMs = 2000;
/** Until a voter counts as mute, and another is asked and written down. */
const replacedMs = 20 * supportMs + 4000;

function start(seed: number, nodes: number, cut: (world: World) => void): World {
  const world = new World({
    core: productionCore, seed, nodes, eips: 5, failbackMs: null, quorum: true,
    pauseInStep: 0, holdMs: 60_000,
  });
  cut(world);
  for (const host of world.hosts) host.start();
  world.run(replacedMs);
  return world;
}

function silenceN3({ net, hosts }: World): void {
  for (const { name } of hosts) if (name !== 'n3') net.cutBoth(name, 'n3');
}

/** The nodes that judge each, by name; none in lease mode. */
function voters(world: World): Readonly<Record<string, string>> {
  return Object.fromEntries(world.hosts.map(({ name, state }) => [
    name, state?.phase.kind === 'open'
      ? state.phase.lease.record.voters.map(({ node }) => node).join(' ') : 'no tenure',
  ]));
}

describe('voters that do not answer', () => {
  it('of three: the others stay in lease mode, where a death costs a lease and not the hold', () => {
    for (const seed of [1, 2, 3]) {
      const world = start(seed, 3, silenceN3);
      assert.deepEqual(voters(world), { n1: '', n2: '', n3: '' });
      assert.equal(world.counts.get('mute'), 3, 'each says who does not answer, once');
      const dead = world.host('n1')!;
      dead.powerLoss();
      world.run(3 * leaseMs);
      for (const eip of world.eips) {
        assert.equal(world.claimants(eip).filter((host) => host !== dead).length, 1, eip);
      }
    }
  });

  it('of three: once they do, all are in quorum mode', () => {
    for (const seed of [1, 2, 3]) {
      const world = start(seed, 3, silenceN3);
      world.net.cut.clear();
      world.run(2000);
      assert.deepEqual(voters(world), { n1: 'n1 n2 n3', n2: 'n1 n2 n3', n3: 'n1 n2 n3' });
      assert.equal(world.counts.get('mute'), 6, 'and says when all do again');
    }
  });

  it('of four or five: three that answer judge one another', () => {
    for (const [seed, nodes] of [[1, 4], [2, 4], [3, 5], [4, 5]] as const) {
      const world = start(seed, nodes, silenceN3);
      for (const [name, judges] of Object.entries(voters(world))) {
        if (name === 'n3') assert.equal(judges, '');
        else assert.ok(judges.split(' ').length === 3 && !judges.includes('n3'), `${name}: ${judges}`);
      }
    }
  });

  it('are replaced also where only they do not hear us', () => {
    for (const seed of [1, 2, 3]) {
      const world = start(seed, 4, ({ net }) => { net.cut.add('n1>n3'); });
      assert.equal(voters(world).n1, 'n1 n2 n4');
    }
  });
});

/** One of three goes, as `go` says; then another loses power. How many of 5 are held 4 s later. */
function dieAfter(seed: number, go: (third: Host) => void): number {
  const world = start(seed, 3, () => undefined);
  go(world.host('n3')!);
  world.run(3000);
  world.host('n1')!.powerLoss();
  world.run(4000);
  return world.eips.filter((eip) => world.claimants(eip).length === 1).length;
}

describe('of three nodes, one that dies after another is gone', () => {
  it('is evicted, and the third takes over, if the other ended in order', () => {
    for (let seed = 1; seed <= 10; seed++) {
      assert.equal(dieAfter(seed, (third) => { third.stop(); }), 5, `seed ${String(seed)}`);
    }
  });

  it('and so it is if the agent of the other was killed beside its supervisor', () => {
    for (let seed = 1; seed <= 10; seed++) {
      assert.equal(dieAfter(seed, (third) => { third.crash(true); }), 5, `seed ${String(seed)}`);
    }
  });

  it('but the hold is waited for if the other may only be cut off, and support it still', () => {
    for (let seed = 1; seed <= 10; seed++) {
      assert.equal(dieAfter(seed, (third) => { third.powerLoss(); }), 0, `seed ${String(seed)}`);
    }
  });
});
