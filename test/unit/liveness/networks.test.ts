import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hearings, Networks } from '../../../src/liveness/networks.ts';
import type { Hearing } from '../../../src/liveness/networks.ts';

const supportMs = 300;
const lan = '10.0.0.1:9477';
const other = '10.1.0.1:9477';

/** One node's look at two networks, with peers that beat each 50 ms. */
class Scene {
  now = 0;
  lost: readonly string[] = [];
  told = 0;
  readonly networks = new Networks({
    now: () => this.now,
    onLost: (lost) => {
      this.lost = lost;
      this.told += 1;
    },
  });

  constructor(...endpoints: readonly string[]) {
    this.networks.set(endpoints);
  }

  /** Time passes, with each peer heard as it is told: on which network, and whether it hears us. */
  beats(ms: number, peers: Record<string, readonly (readonly [string, Hearing])[]>): void {
    for (const end = this.now + ms; this.now < end; this.now += 50) {
      for (const [node, heard] of Object.entries(peers)) {
        for (const [on, hearing] of heard) this.networks.heard(on, node, hearing);
        for (const on of [lan, other]) this.networks.sending(on, node, supportMs);
      }
      this.networks.look(supportMs);
    }
  }
}

const { unsaid, no, yes } = hearings;
const both = [[lan, yes], [other, yes]] as const;

describe('a network of several', () => {
  it('is lost when nobody is heard on it who is heard elsewhere, and found again', () => {
    const scene = new Scene(lan, other);
    scene.beats(2000, { b: both, c: both });
    assert.deepEqual([scene.lost, scene.told], [[], 0]);
    scene.beats(250, { b: [[other, yes]], c: [[other, yes]] });
    assert.deepEqual(scene.lost, []);
    scene.beats(250, { b: [[other, yes]], c: [[other, yes]] });
    assert.deepEqual(scene.lost, [lan]);
    scene.beats(100, { b: both, c: both });
    assert.deepEqual([scene.lost, scene.told], [[], 2]);
  });

  it('is lost when those who are heard on it do not hear us there', () => {
    const scene = new Scene(lan, other);
    scene.beats(2000, { b: both, c: both });
    const deaf = [[lan, no], [other, yes]] as const;
    scene.beats(500, { b: deaf, c: deaf });
    assert.deepEqual(scene.lost, [lan]);
  });

  it('is not lost while one node can be spoken with on it', () => {
    const scene = new Scene(lan, other);
    scene.beats(2000, { b: both, c: both });
    scene.beats(2000, { b: [[other, yes]], c: both });
    assert.deepEqual(scene.told, 0);
  });

  it('is not lost with the others: that nobody is there is for the voters to judge', () => {
    const scene = new Scene(lan, other);
    scene.beats(2000, { b: both, c: both });
    scene.beats(2000, { b: [], c: [] });
    assert.equal(scene.told, 0);
  });

  it('is not lost by what agents do not say that know nothing of it', () => {
    const scene = new Scene(lan, other);
    scene.beats(2000, { b: [[lan, unsaid], [other, unsaid]] });
    scene.beats(2000, { b: [[other, unsaid]] });
    assert.equal(scene.told, 0);
  });

  it('is not lost by a node that has just come, or is not sent to there any more', () => {
    const scene = new Scene(lan, other);
    scene.beats(500, { b: [[other, yes]] });
    assert.equal(scene.told, 0);
    scene.beats(2000, { b: both });
    for (let i = 0; i < 40; i += 1) {
      scene.now += 50;
      scene.networks.heard(other, 'b', yes);
      scene.networks.sending(other, 'b', supportMs);
      scene.networks.look(supportMs);
    }
    assert.equal(scene.told, 0);
  });

  it('is nothing to look at alone', () => {
    const scene = new Scene(lan);
    assert.equal(scene.networks.sending(lan, 'b', supportMs), unsaid);
    scene.beats(2000, { b: [] });
    assert.equal(scene.told, 0);
  });

  it('says of a node whether it was heard within the time of support', () => {
    const scene = new Scene(lan, other);
    assert.equal(scene.networks.sending(lan, 'b', supportMs), no);
    scene.networks.heard(lan, 'b', no);
    assert.equal(scene.networks.sending(lan, 'b', supportMs), yes);
    scene.now += 301;
    assert.equal(scene.networks.sending(lan, 'b', supportMs), no);
  });
});
