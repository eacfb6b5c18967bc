/**
 * What people and other programs do to the leases by hand. Everything is reported and put right,
 * and whatever is done, no address is claimed by two (each scene checks that at its end).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { open, soon, swapOf, take } from '../store/contract-kit.ts';
import { hasKubectl } from '../lab/apiserver.ts';
import { Stage, eips } from './stage.ts';
import type { Scene } from './stage.ts';
import { eventually, ttlMs } from './players.ts';
import type { Player } from './players.ts';

const stage = new Stage();
before(() => stage.open());
after(() => stage.close());

const [eip] = eips;
const hoursMs = 5 * 3600 * 1000;

/** Which of them holds what, until nothing changes any more for a while. */
async function unchanged(
  players: readonly Player[], before: readonly (readonly string[])[],
): Promise<void> {
  const until = performance.now() + 1.2 * ttlMs;
  while (performance.now() < until) {
    assert.deepEqual(players.map(({ held }) => held), before);
    await sleep(20);
  }
}

function reported(player: Player, code: string, subject: string): boolean {
  return player.findings.some((finding) => finding.code === code && finding.subject === subject);
}

async function sealOf(scene: Scene, name: string): Promise<string | undefined> {
  return (await scene.lease(name))?.metadata.annotations?.['tenure.io/seal'];
}

describe('by hand', { concurrency: 2 }, () => {
  it('a deleted node lease is written again, and its node keeps what it holds', stage.scene(async (scene) => {
    const players = await scene.cast(['a', 'b']);
    const before = players.map(({ held }) => held);
    const { spec } = (await scene.lease('node-a'))!;
    await scene.remove('node-a');
    await eventually(async () => (await scene.lease('node-a'))?.spec.holderIdentity === spec.holderIdentity, 'restored');
    await unchanged(players, before);
    assert.ok(players.every((player) => reported(player, 'lease-deleted', 'a')));
  }));

  it('a node lease deleted while its node is cut off: waited for as if it were there', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const [a] = await scene.cast(['a'], proxy);
    const b = await scene.player('b');
    await eventually(() => b.tenure > 0, 'b has a tenure');
    await proxy.down();
    await scene.remove('node-a');
    await eventually(() => eips.every((address) => b.claims(address)), 'b has all');
    const first = a!.tenure;
    await proxy.up();
    await eventually(() => a!.tenure > first, 'a begins anew');
  }));

  it('a node lease deleted before anyone came who knew it: its tenure counts as live', stage.scene(async (scene) => {
    const first = await scene.store();
    const { id } = await open(first, 'a', { ttlMs: 60_000 });
    await take(first, id, swapOf(eip, id, 1, 0));
    await first.close();
    await scene.remove('node-a');
    const late = await scene.store(null, {}, { longestTtlMs: 3000 });
    const other = await open(late, 'b', { ttlMs: 3000 });
    const { revision } = (await late.read(soon())).leases.get(eip)!;
    const claim = swapOf(eip, other.id, 2, revision, { ended: [id] });
    const answer = await late.perform({ kind: 'swap', tenure: other.id, swaps: [claim] }, soon());
    assert.deepEqual(answer, { kind: 'swapped', outcomes: [{ kind: 'refused' }] });
    assert.deepEqual((await late.read(soon())).nodes.get('a')?.id, id);
    const again = await late.perform({
      kind: 'open', node: 'a', replaces: 0, ttlMs: 3000, record: other.record,
    }, soon());
    assert.ok(again.kind === 'name-taken' && again.by.id.incarnation === id.incarnation);
    await eventually(async () => (
      (await late.perform({ kind: 'renew', tenure: other.id, ttlMs: 3000 }, soon())).kind === 'renewed'
      && !(await late.read(soon())).nodes.has('a')
    ), 'the end of the lost tenure');
    const next = await late.perform({ kind: 'swap', tenure: other.id, swaps: [claim] }, soon());
    assert.ok(next.kind === 'swapped' && next.outcomes[0]?.kind === 'applied');
  }));

  it('a node lease deleted while its machine is suspended: not written again', stage.scene(async (scene) => {
    let ahead = 0;
    const store = await scene.store(null, {}, { now: () => performance.now() + ahead });
    const { id } = await open(store, 'a', { ttlMs: 60_000 });
    ahead = 3_600_000;
    await scene.remove('node-a');
    assert.equal((await store.perform({ kind: 'renew', tenure: id, ttlMs }, soon())).kind, 'ended');
    assert.equal(await scene.lease('node-a'), null);
  }));

  it('a deleted lease of an address is written again: same holder, same term', stage.scene(async (scene) => {
    const players = await scene.cast(['a', 'b']);
    const before = players.map(({ held }) => held);
    const { spec } = (await scene.lease('eip-192.0.2.1'))!;
    await scene.remove('eip-192.0.2.1');
    await eventually(async () => await scene.lease('eip-192.0.2.1') !== null, 'restored');
    assert.deepEqual((await scene.lease('eip-192.0.2.1'))!.spec, spec);
    await unchanged(players, before);
    assert.ok(players.every((player) => reported(player, 'lease-deleted', eip)));
  }));

  it('all leases deleted at once: all are back, and nothing moved', stage.scene(async (scene) => {
    const players = await scene.cast(['a', 'b']);
    const before = players.map(({ held }) => held);
    const names = (await scene.leases()).map(({ metadata }) => metadata.name).sort();
    if (hasKubectl()) {
      const { code, stderr } = await scene.server.kubectl(['delete', 'leases', '--all', '-n', scene.namespace]);
      assert.equal(code, 0, stderr);
    } else {
      await scene.server.must('DELETE', scene.path());
    }
    await eventually(async () => (await scene.leases()).length === names.length, 'all restored');
    await unchanged(players, before);
    assert.deepEqual((await scene.leases()).map(({ metadata }) => metadata.name).sort(), names);
  }));

  it('an address given to another node is given back before anyone heeds it', stage.scene(async (scene) => {
    const players = await scene.cast(['a', 'b']);
    const before = players.map(({ held }) => held);
    const seal = await sealOf(scene, 'eip-192.0.2.1');
    const [loser, winner] = players[0]!.held.includes(eip) ? players : [...players].reverse();
    const holderIdentity = `${winner!.node}/${winner!.tenure}`;
    await scene.edit('eip-192.0.2.1', { spec: { holderIdentity } });
    await eventually(async () => (
      (await scene.lease('eip-192.0.2.1'))?.spec.holderIdentity === `${loser!.node}/${loser!.tenure}`
    ), 'given back');
    assert.equal(await sealOf(scene, 'eip-192.0.2.1'), seal);
    await unchanged(players, before);
    assert.deepEqual(winner!.spans(eip), []);
    assert.ok(players.every((player) => reported(player, 'lease-edited', eip)));
  }));

  it('a term taken back, an annotation struck out, a lease emptied: put right', stage.scene(async (scene) => {
    const players = await scene.cast(['a', 'b']);
    const before = players.map(({ held }) => held);
    const seal = await sealOf(scene, 'eip-192.0.2.1');
    for (const patch of [
      { spec: { leaseTransitions: 0 } },
      { metadata: { annotations: { 'tenure.io/reason': null } } },
      { metadata: { annotations: null } },
      { spec: { holderIdentity: null, leaseTransitions: null, acquireTime: null } },
      { metadata: { annotations: { 'tenure.io/schema': '99' } } },
    ]) {
      await scene.edit('eip-192.0.2.1', patch);
      await eventually(async () => await sealOf(scene, 'eip-192.0.2.1') === seal
        && (await scene.lease('eip-192.0.2.1'))?.spec.leaseTransitions === 1, JSON.stringify(patch));
    }
    await unchanged(players, before);
  }));

  it('a node lease emptied, or given to another: put right by its node', stage.scene(async (scene) => {
    const players = await scene.cast(['a', 'b']);
    const before = players.map(({ held }) => held);
    for (const patch of [
      { spec: { holderIdentity: null } },
      { spec: { holderIdentity: 'b/1', leaseDurationSeconds: 1 } },
      { metadata: { annotations: { 'tenure.io/incarnation': '1' } } },
      { metadata: { annotations: { 'tenure.io/ended': 'for fun' } } },
      { metadata: { annotations: null } },
    ]) {
      await scene.edit('node-a', patch);
      await eventually(async () => {
        const { metadata, spec } = (await scene.lease('node-a'))!;
        return spec.holderIdentity === `a/${players[0]!.tenure}`
          && metadata.annotations?.['tenure.io/ended'] === undefined;
      }, JSON.stringify(patch));
    }
    await unchanged(players, before);
    assert.ok(reported(players[1]!, 'lease-edited', 'a'));
  }));

  it('labels and annotations of others are no one\'s business', stage.scene(async (scene) => {
    const players = await scene.cast(['a', 'b']);
    const before = players.map(({ held }) => held);
    for (const name of ['node-a', 'eip-192.0.2.1']) {
      await scene.edit(name, { metadata: { labels: { team: 'x' }, annotations: { 'example.com/y': 'z' } } });
    }
    await unchanged(players, before);
    assert.deepEqual(players.flatMap(({ findings }) => findings), []);
  }));

  it('an ended lease made to look alive is ended again', stage.scene(async (scene) => {
    const store = await scene.store();
    const { id } = await open(store, 'a', { ttlMs: 60_000 });
    const live = (await scene.lease('node-a'))!;
    const stop = new AbortController();
    const watching = store.watch(() => undefined, () => undefined, stop.signal);
    await store.perform({ kind: 'close', tenure: id }, soon());
    await eventually(async () => (await scene.lease('node-a'))?.spec.holderIdentity === undefined, 'closed');
    await sleep(200);
    const { annotations } = live.metadata;
    await scene.edit('node-a', {
      metadata: { annotations: { ...annotations, 'tenure.io/ended': null } }, spec: live.spec,
    });
    await eventually(async () => (await scene.lease('node-a'))?.spec.holderIdentity === undefined, 'ended again');
    assert.equal((await store.perform({ kind: 'renew', tenure: id, ttlMs }, soon())).kind, 'ended');
    stop.abort();
    await watching;
  }));

  it('clocks hours apart change nothing: a lease ends after its time, and not before', stage.scene(async (scene) => {
    const [a, b] = await scene.cast(['a', 'b']);
    // What a server, or an agent, whose clock is hours ahead or behind would write.
    const meddle = async (offsetMs: number): Promise<void> => {
      const renewTime = new Date(Date.now() + offsetMs).toISOString().replace('Z', '000Z');
      await scene.edit('node-a', { spec: { renewTime } });
    };
    const before = [a!, b!].map(({ held }) => held);
    for (const offsetMs of [hoursMs, -hoursMs, hoursMs]) {
      await meddle(offsetMs);
      await sleep(ttlMs / 2);
    }
    assert.deepEqual([a!, b!].map(({ held }) => held), before);
    // Its time counts from its last renewal, which was no earlier than this.
    let renewedAfter = performance.now();
    const renewTime = async () => (await scene.lease('node-a'))?.spec.renewTime;
    const last = await renewTime();
    await eventually(async () => {
      const askedAt = performance.now();
      if (await renewTime() !== last) return true;
      renewedAfter = askedAt;
      return false;
    }, 'a renews');
    const diedAt = performance.now();
    await a!.kill();
    await meddle(hoursMs);
    await eventually(() => eips.every((address) => b!.claims(address)), 'b has all');
    assert.ok(performance.now() - renewedAfter > ttlMs * 0.98);
    assert.ok(performance.now() - diedAt < ttlMs * 10);
  }));
});

describe('the leases', () => {
  it('are read with kubectl: who is alive, who holds what', stage.scene(async (scene) => {
    if (!hasKubectl()) return;
    const [a] = await scene.cast(['a']);
    const { stdout } = await scene.server.kubectl(['get', 'leases', '-n', scene.namespace]);
    const lines = stdout.trim().split('\n').slice(1).map((line) => line.split(/\s+/).slice(0, 2));
    const holder = `a/${a!.tenure}`;
    assert.deepEqual(lines, [
      ['eip-192.0.2.1', holder], ['eip-192.0.2.2', holder], ['eip-192.0.2.3', holder],
      ['eip-2001-db8--1', holder], ['node-a', holder],
    ]);
  }));

  it('of ended nodes are removed once nothing refers to them', stage.scene(async (scene) => {
    const store = await scene.store(null, { collectMs: 500 });
    const a = await open(store, 'a', { ttlMs: 60_000 });
    const b = await open(store, 'b', { ttlMs: 60_000 });
    await take(store, a.id, swapOf(eip, a.id, 1, 0));
    await store.perform({ kind: 'close', tenure: a.id }, soon());
    await sleep(1500);
    assert.notEqual(await scene.lease('node-a'), null);
    const { revision } = (await store.read(soon())).leases.get(eip)!;
    await take(store, b.id, swapOf(eip, b.id, 2, revision, { ended: [a.id] }));
    await eventually(async () => await scene.lease('node-a') === null, 'removed');
    const next = await open(store, 'a');
    assert.ok(next.id.incarnation > a.id.incarnation);
  }));
});
