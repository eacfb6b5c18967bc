import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { TenureId } from '../../src/core/model.ts';
import type { LeaseStore } from '../../src/store/lease-store.ts';
import { kinds, ok, open, sampleRecord, soon, swapOf, tryOpen } from './contract-kit.ts';
import type { Contract } from './contract-kit.ts';

function renew(client: LeaseStore, tenure: TenureId, ttlMs: number) {
  return client.perform({ kind: 'renew', tenure, ttlMs }, soon());
}

/** Everything that asks in the name of a tenure. */
async function answersFor(client: LeaseStore, tenure: TenureId, revision: number) {
  const answers = [
    await renew(client, tenure, 60_000),
    await client.perform({ kind: 'update', tenure, record: sampleRecord, revision }, soon()),
    await client.perform({
      kind: 'swap', tenure, swaps: [swapOf('192.0.2.9', tenure, 1, 0)],
    }, soon()),
    await client.perform({ kind: 'close', tenure }, soon()),
  ];
  return kinds(answers);
}

export function tenureContract({ run, scale }: Contract): void {
  describe('node leases', () => {
    it('keep the record as it was given, with the first incarnation as the boot', run(async (lab) => {
      const client = lab.client();
      const lease = await open(client, 'a');
      assert.deepEqual(lease.record, { ...sampleRecord, boot: lease.id.incarnation });
      const view = await client.read(soon());
      assert.deepEqual(view.nodes.get('a'), lease);
      const next = await open(client, 'a', {
        replaces: lease.id.incarnation, record: { boot: lease.id.incarnation },
      });
      assert.equal(next.record.boot, lease.id.incarnation);
    }));

    it('get incarnations that only grow, over replacement, closing and expiry', run(async (lab) => {
      const observer = await lab.observe();
      const numbers: number[] = [];
      let replaces = 0;
      for (const how of ['replace', 'close', 'expire', 'end'] as const) {
        const ttlMs = how === 'expire' ? scale.ttlMs : 60_000;
        // A client of its own each time, as after a restart.
        const { id } = await open(lab.client(), 'a', { replaces, ttlMs });
        numbers.push(id.incarnation);
        replaces = how === 'replace' ? id.incarnation : 0;
        if (how === 'close') await lab.client().perform({ kind: 'close', tenure: id }, soon());
        if (how === 'expire') {
          await observer.until(() => observer.view.nodes.get('a')?.id.incarnation === id.incarnation);
        }
        if (how === 'expire' || how === 'close') {
          await observer.until(() => !observer.view.nodes.has('a'), `the end by ${how}`);
        }
      }
      assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
    }));

    it('are granted for at least the time that was asked for', run(async (lab) => {
      const answer = await tryOpen(lab.client(), 'a', { ttlMs: scale.ttlMs + 1 });
      ok(answer.kind === 'opened' && answer.ttlMs >= scale.ttlMs + 1);
      const renewed = await renew(lab.client(), answer.lease.id, scale.ttlMs + 1);
      ok(renewed.kind === 'renewed' && renewed.ttlMs >= scale.ttlMs + 1);
    }));

    it('end for ever when they are evicted at the revision that the evictor knows', run(async (lab) => {
      const observer = await lab.observe();
      const holder = lab.client();
      const lease = await open(holder, 'a');
      const tenure = lease.id;
      const evictor = lab.client();
      const evict = (revision: number) => evictor.perform({
        kind: 'evict', tenure, revision, by: 'b',
      }, soon());
      const updated = await holder.perform({
        kind: 'update', tenure, record: { ...lease.record, weight: 7 }, revision: lease.revision,
      }, soon());
      ok(updated.kind === 'updated');
      const refused = await evict(lease.revision);
      ok(refused.kind === 'evict-refused');
      assert.deepEqual(refused.current, updated.lease);
      assert.equal((await renew(holder, tenure, 60_000)).kind, 'renewed');
      assert.equal((await evict(updated.lease.revision)).kind, 'evicted');
      await observer.until(() => !observer.view.nodes.has('a'), 'the end by eviction');
      assert.deepEqual(
        await answersFor(holder, tenure, updated.lease.revision), Array(4).fill('ended'));
      assert.equal((await evict(updated.lease.revision)).kind, 'evicted', 'again');
      const next = await open(lab.client(), 'a');
      assert.ok(next.id.incarnation > tenure.incarnation, 'a later tenure');
      assert.equal((await evict(next.revision)).kind, 'evicted', 'meant for the earlier tenure');
      assert.equal((await renew(lab.client(), next.id, 60_000)).kind, 'renewed');
    }));

    it('are refused to a second agent of the same name, who learns of the first', run(async (lab) => {
      const first = await open(lab.client(), 'a', { record: { host: 'h1', place: 'p1' } });
      const answer = await tryOpen(lab.client(), 'a', { record: { host: 'h2', place: 'p2' } });
      ok(answer.kind === 'name-taken');
      assert.deepEqual(answer.by, first);
      const renewed = await renew(lab.client(), first.id, 60_000);
      assert.equal(renewed.kind, 'renewed');
    }));

    it('end for ever when they are replaced, in whatever is asked in their name', run(async (lab) => {
      const client = lab.client();
      const old = await open(client, 'a');
      const next = await open(lab.client(), 'a', { replaces: old.id.incarnation });
      for (const asker of [client, lab.client()]) {
        assert.deepEqual(await answersFor(asker, old.id, old.revision), Array(4).fill('ended'));
      }
      assert.equal((await renew(client, next.id, 60_000)).kind, 'renewed');
      const { leases } = await client.read(soon());
      assert.equal(leases.size, 0);
    }));

    it('survive an open that meant an earlier tenure and came late', run(async (lab) => {
      const client = lab.client();
      const first = await open(client, 'a');
      const second = await open(client, 'a', { replaces: first.id.incarnation });
      for (const replaces of [0, first.id.incarnation, second.id.incarnation + 1]) {
        const late = await tryOpen(lab.client(), 'a', { replaces });
        ok(late.kind === 'name-taken');
        assert.deepEqual(late.by.id, second.id);
      }
      assert.equal((await renew(client, second.id, 60_000)).kind, 'renewed');
    }));

    it('go to one of several that open at once', run(async (lab) => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => (
        tryOpen(lab.client(), 'a')
      )));
      const opened = answers.filter((answer) => answer.kind === 'opened');
      assert.equal(opened.length, 1);
      for (const answer of answers) {
        if (answer.kind === 'name-taken') assert.deepEqual(answer.by.id, opened[0]?.lease.id);
      }
      const view = await lab.client().read(soon());
      assert.deepEqual(view.nodes.get('a')?.id, opened[0]?.lease.id);
    }));

    it('last while they are renewed, and end by themselves when they are not', run(async (lab) => {
      const client = lab.client();
      const observer = await lab.observe();
      const { id, revision } = await open(client, 'a', { ttlMs: scale.ttlMs });
      await observer.until(() => observer.view.nodes.has('a'));
      const until = performance.now() + 2 * scale.ttlMs;
      while (performance.now() < until) {
        assert.equal((await renew(client, id, scale.ttlMs)).kind, 'renewed');
        ok(observer.view.nodes.has('a'));
        await delay(scale.ttlMs / 5);
      }
      assert.equal(observer.view.nodes.get('a')?.revision, revision, 'renewing is no change');
      await observer.until(() => !observer.view.nodes.has('a'), 'expiry');
      assert.deepEqual(await answersFor(client, id, revision), Array(4).fill('ended'));
    }));

    it('take a longer time to live at a renewal', run(async (lab) => {
      const client = lab.client();
      const observer = await lab.observe();
      const { id } = await open(client, 'a', { ttlMs: scale.ttlMs });
      await observer.until(() => observer.view.nodes.has('a'));
      const longer = await renew(client, id, 3 * scale.ttlMs);
      ok(longer.kind === 'renewed' && longer.ttlMs >= 3 * scale.ttlMs);
      await delay(2 * scale.ttlMs);
      ok(observer.view.nodes.has('a'));
      await observer.until(() => !observer.view.nodes.has('a'), 'expiry after the longer time');
    }));

    it('are not shortened by a renewal that asks for less: it may be an old one that came late', run(async (lab) => {
      const client = lab.client();
      const observer = await lab.observe();
      const { id } = await open(client, 'a', { ttlMs: scale.ttlMs });
      const longer = await renew(client, id, 60_000);
      ok(longer.kind === 'renewed' && longer.ttlMs >= 60_000);
      for (const late of [client, lab.client()]) {
        const shorter = await renew(late, id, scale.ttlMs);
        ok(shorter.kind === 'renewed' && shorter.ttlMs >= 60_000);
      }
      await delay(3 * scale.ttlMs);
      ok(observer.view.nodes.has('a'));
      assert.equal((await renew(client, id, scale.ttlMs)).kind, 'renewed');
    }));

    it('are updated only from the record that was read', run(async (lab) => {
      const client = lab.client();
      const { id, revision } = await open(client, 'a');
      const record = { ...sampleRecord, boot: id.incarnation, draining: true };
      const answer = await client.perform({ kind: 'update', tenure: id, record, revision }, soon());
      ok(answer.kind === 'updated');
      ok(answer.lease.revision > revision);
      assert.deepEqual(answer.lease.record, record);
      for (const stale of [revision, 0]) {
        const late = await lab.client().perform({
          kind: 'update', tenure: id, record: sampleRecord, revision: stale,
        }, soon());
        assert.deepEqual(late, { kind: 'update-refused', current: answer.lease });
      }
      assert.deepEqual((await client.read(soon())).nodes.get('a'), answer.lease);
    }));

    it('end at once when they are closed', run(async (lab) => {
      const client = lab.client();
      const observer = await lab.observe();
      const { id, revision } = await open(client, 'a');
      await observer.until(() => observer.view.nodes.has('a'));
      assert.deepEqual(await client.perform({ kind: 'close', tenure: id }, soon()), {
        kind: 'closed',
      });
      await observer.until(() => !observer.view.nodes.has('a'));
      assert.deepEqual(await answersFor(client, id, revision), Array(4).fill('ended'));
    }));
  });
}
