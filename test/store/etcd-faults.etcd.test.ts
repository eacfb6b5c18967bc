import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseStore } from '../../src/store/lease-store.ts';
import { kinds, ok, open, soon, swap, swapOf, take, tryOpen } from './contract-kit.ts';
import type { Observer } from './contract-kit.ts';
import { etcdctl, untilWorks, withEtcd } from './etcd-kit.ts';

const x = '192.0.2.1';

function brokenStates(observer: Observer): number {
  return observer.states.filter(({ kind }) => kind === 'broken').length;
}

async function failure(call: Promise<unknown>) {
  const startedAt = performance.now();
  try {
    await call;
  } catch (error) {
    ok(error instanceof Error && 'code' in error);
    return { code: error.code, message: error.message, ms: performance.now() - startedAt };
  }
  return assert.fail('it succeeded');
}

async function read(client: LeaseStore, ms = 1_000): Promise<void> {
  await client.read(soon(ms));
}

describe('an etcd that fails', () => {
  it('comes back after a crash: calls work again in about a second, the watch misses nothing',
    withEtcd(async (lab) => {
      const client = lab.store();
      const observer = await lab.observe(client);
      const { id } = await open(client, 'a', { ttlMs: 10_000 });
      const { revision } = await take(client, id, swapOf(x, id, 1, 0));
      await lab.member.stop('SIGKILL');
      const down = await failure(client.perform({ kind: 'renew', tenure: id, ttlMs: 10_000 }, soon()));
      assert.equal(down.code, 'unavailable');
      await observer.until(() => brokenStates(observer) === 1);
      await delay(1_500);
      await lab.member.start();
      const tookMs = await untilWorks(() => read(client));
      ok(tookMs < 3_000, `calls worked again after ${tookMs} ms`);
      assert.equal((await client.perform({ kind: 'renew', tenure: id, ttlMs: 10_000 }, soon())).kind, 'renewed');
      await take(client, id, swapOf(x, id, 2, revision));
      await observer.until(() => observer.view.leases.get(x)?.term === 2);
      await observer.until(() => observer.following);
      assert.equal(brokenStates(observer), 1, 'one outage is told once');
      assert.equal(observer.changes.filter(({ reset }) => reset).length, 1, 'it went on where it was');
    }));

  it('hangs, the only endpoint: a call ends at its deadline, and the next works once it wakes',
    withEtcd(async (lab) => {
      const client = lab.store();
      const observer = await lab.observe(client);
      const { id } = await open(client, 'a', { ttlMs: 20_000 });
      await lab.member.pause();
      for (const ms of [300, 300]) {
        const hung = await failure(client.perform({ kind: 'renew', tenure: id, ttlMs: 20_000 }, soon(ms)));
        assert.equal(hung.code, 'timeout');
        ok(hung.ms >= 290 && hung.ms < 1_500, `gave up after ${hung.ms} ms`);
      }
      lab.member.resume();
      const tookMs = await untilWorks(() => read(client));
      ok(tookMs < 5_000);
      await take(lab.client(), id, swapOf(x, id, 1, 0));
      await observer.until(() => observer.view.leases.has(x));
    }));

  it('hangs at one endpoint of two: the next call and the watch go to the other',
    withEtcd(async (lab) => {
      const [first, second] = [await lab.proxy(), await lab.proxy()];
      const client = lab.store({ endpoints: [first.endpoint, second.endpoint] });
      const observer = await lab.observe(client);
      const { id } = await open(client, 'a', { ttlMs: 20_000 });
      assert.equal(second.connections, 0);
      first.set('hang');
      const hung = await failure(client.perform({ kind: 'renew', tenure: id, ttlMs: 20_000 }, soon(400)));
      assert.equal(hung.code, 'timeout');
      const before = performance.now();
      await take(client, id, swapOf(x, id, 1, 0));
      ok(performance.now() - before < 2_000);
      await observer.until(() => observer.view.leases.has(x) && observer.following);
      // And back again.
      first.set('open');
      second.set('hang');
      assert.equal((await failure(read(client, 400))).code, 'timeout');
      await read(client);
      await open(client, 'b');
      await observer.until(() => observer.view.nodes.has('b') && observer.following);
    }));

  it('falls silent while nobody asks it anything: the watch notices by itself',
    withEtcd(async (lab) => {
      const [first, second] = [await lab.proxy(), await lab.proxy()];
      const client = lab.store({ endpoints: [first.endpoint, second.endpoint] });
      const observer = await lab.observe(client);
      first.set('hang');
      const { id } = await open(lab.client(), 'a');
      await observer.until(() => observer.view.nodes.get('a')?.id.incarnation === id.incarnation);
      assert.equal(brokenStates(observer), 1);
    }));

  it('compacts its history away under a broken watch: everything is listed anew',
    withEtcd(async (lab) => {
      const proxy = await lab.proxy();
      const observer = await lab.observe(lab.store({ endpoints: [proxy.endpoint] }));
      const client = lab.client();
      const a = await open(client, 'a');
      const b = await open(client, 'b');
      await swap(client, a.id, [swapOf(x, a.id, 1, 0), swapOf('192.0.2.2', a.id, 1, 0)]);
      await observer.until(() => observer.view.leases.size === 2);
      proxy.set('closed');
      proxy.cut();
      await client.perform({ kind: 'close', tenure: b.id }, soon());
      let { revision } = (await client.read(soon())).leases.get(x)!;
      for (let term = 2; term < 50; term += 1) {
        ({ revision } = await take(client, a.id, swapOf(x, a.id, term, revision)));
      }
      await etcdctl(lab.member, 'compact', String(revision));
      await observer.until(() => brokenStates(observer) === 1);
      proxy.set('open');
      await observer.until(() => observer.view.leases.get(x)?.term === 49);
      assert.deepEqual(observer.changes.at(-1)?.reset, true);
      assert.deepEqual(observer.view, await client.read(soon()));
      await observer.until(() => observer.following);
      await take(client, a.id, swapOf(x, a.id, 50, revision));
      await observer.until(() => observer.view.leases.get(x)?.term === 50);
    }));

  it('loses answers: what they would have said is unknown, and the store is as one of the two',
    withEtcd(async (lab) => {
      const proxy = await lab.proxy();
      const client = lab.store({ endpoints: [proxy.endpoint] });
      const { id } = await open(client, 'a', { ttlMs: 60_000 });
      let current = await take(client, id, swapOf(x, id, 1, 0));
      let unknown = 0;
      for (let round = 0; round < 30; round += 1) {
        const next = swapOf(x, id, current.term + 1, current.revision);
        if (round % 3 === 1) proxy.set('deaf');
        const late = setTimeout(() => {
          proxy.set('open');
          proxy.cut();
        }, round % 3 === 0 ? round / 10 : 40);
        const outcome = await swap(client, id, [next]).catch((error: unknown) => {
          assert.equal((error as { code: string }).code, 'unavailable');
          unknown += 1;
          return null;
        });
        await delay(45);
        clearTimeout(late);
        if (outcome === null) {
          const stored = (await client.read(soon())).leases.get(x)!;
          ok([current.term, next.next.term].includes(stored.term));
          // Sent again, it is told how it stands, or is applied: never both.
          if (stored.term > current.term) {
            assert.deepEqual(await swap(client, id, [next]), [{ kind: 'conflict', current: stored }]);
          }
          current = stored;
        } else {
          assert.deepEqual(kinds(outcome), ['applied']);
          current = (await client.read(soon())).leases.get(x)!;
          assert.equal(current.term, next.next.term);
        }
      }
      ok(unknown >= 10, `${unknown} of 30 answers were lost`);
    }));

  it('loses the answer to an open: the next one names the tenure that it left and replaces it',
    withEtcd(async (lab) => {
      const proxy = await lab.proxy();
      const client = lab.store({ endpoints: [proxy.endpoint] });
      await read(client);
      const seen = await lab.observe();
      let node = '';
      let told = true;
      for (let i = 0; told && i < 50; i += 1) {
        node = `a${i}`;
        const answer = tryOpen(client, node).then(() => true, () => false);
        // The last of its requests has arrived when others see the node.
        await seen.until(() => seen.view.nodes.has(node));
        proxy.set('deaf');
        proxy.cut();
        proxy.set('open');
        // It may have been quicker than the others.
        told = await Promise.race([answer, delay(2_000, false)]);
      }
      ok(!told, 'no answer was lost');
      const again = await tryOpen(client, node);
      if (again.kind !== 'name-taken') return assert.equal(again.kind, 'opened');
      const next = await open(client, node, { replaces: again.by.id.incarnation });
      ok(next.id.incarnation > again.by.id.incarnation);
    }));

  it('comes back empty: tenures have ended, numbers are not given again, terms go on',
    withEtcd(async (lab) => {
      const client = lab.store();
      const observer = await lab.observe(client);
      const first = await open(client, 'a', { ttlMs: 60_000 });
      const a = await open(client, 'a', { ttlMs: 60_000, replaces: first.id.incarnation });
      const { revision: before } = await take(client, a.id, swapOf(x, a.id, 7, 0));
      await observer.until(() => observer.view.leases.has(x));
      await lab.member.stop('SIGKILL');
      await rm(join(lab.cluster.dir, 'm0'), { recursive: true });
      await lab.member.start();
      await untilWorks(() => read(client));
      await observer.until(() => !observer.view.nodes.has('a'));
      ok(observer.view.revision < before, 'it shows that revisions began anew');
      assert.equal((await client.perform({ kind: 'renew', tenure: a.id, ttlMs: 60_000 }, soon())).kind, 'ended');
      const again = await open(client, 'a');
      ok(again.id.incarnation > a.id.incarnation);
      const kept = observer.view.leases.get(x)!;
      assert.deepEqual(kept.holder, a.id);
      assert.equal(kept.term, 7);
      const claim = swapOf(x, again.id, 8, kept.revision, { ended: [a.id] });
      assert.deepEqual(kinds(await swap(client, again.id, [claim])), ['applied']);
    }));
});
