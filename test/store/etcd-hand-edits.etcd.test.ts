import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '../../src/core/model.ts';
import type { EtcdStore } from '../../src/store/etcd/etcd-store.ts';
import { kinds, ok, open, sampleRecord, soon, swap, swapOf, take, tryOpen } from './contract-kit.ts';
import { etcdctl, withEtcd } from './etcd-kit.ts';
import type { EtcdLab } from './etcd-kit.ts';

const x = '192.0.2.1';
const leaseKey = `/tenure/leases/${x}`;

/** A client that follows, and what it finds wrong. */
async function follower(lab: EtcdLab) {
  const found: { findings: readonly Finding[] } = { findings: [] };
  const client = lab.store({}, { onFindings: (findings) => {
    found.findings = findings;
  } });
  return { client, found, observer: await lab.observe(client) };
}

/** Two nodes, the first of which holds `x` in term 3; both have seen it. */
async function held(lab: EtcdLab) {
  const { client, found, observer } = await follower(lab);
  const a = await open(client, 'a');
  const b = await open(client, 'b');
  const lease = await take(client, a.id, swapOf(x, a.id, 3, 0));
  await observer.until(() => observer.view.leases.has(x));
  return { client, found, observer, a: a.id, b: b.id, lease };
}

function close(client: EtcdStore, tenure: { node: string; incarnation: number }) {
  return client.perform({ kind: 'close', tenure }, soon());
}

describe('a hand in the store', () => {
  for (const garbage of ['', 'banana', '{"holder":{"node":"b","incarnation":0}}', '[]', '"\\u0000']) {
    it(`writes ${JSON.stringify(garbage)} over an EIP lease: its holder stays, until it ends`,
      withEtcd(async (lab) => {
        const { client, found, observer, a, b, lease } = await held(lab);
        await etcdctl(lab.member, 'put', '--', leaseKey, garbage);
        await observer.until(() => found.findings.length === 1);
        const [finding] = found.findings;
        assert.equal(finding?.code, 'store-record-unreadable');
        assert.equal(finding.subject, leaseKey);
        const seen = observer.view.leases.get(x)!;
        assert.deepEqual({ ...seen, revision: 0 }, { ...lease, revision: 0 });
        ok(seen.revision > lease.revision);
        const claim = (revision: number) => swapOf(x, b, 4, revision, { ended: [a] });
        assert.deepEqual(await swap(client, b, [claim(lease.revision)]), [
          { kind: 'conflict', current: seen },
        ]);
        assert.deepEqual(kinds(await swap(client, b, [claim(seen.revision)])), ['refused']);
        await close(client, a);
        assert.deepEqual(kinds(await swap(client, b, [claim(seen.revision)])), ['applied']);
        await observer.until(() => observer.view.leases.get(x)?.term === 4);
        assert.deepEqual(found.findings, []);
      }));
  }

  it('writes over an EIP lease that a newcomer never saw: he takes nothing', withEtcd(async (lab) => {
    const { a } = await held(lab);
    await etcdctl(lab.member, 'put', leaseKey, 'banana');
    const { client, found, observer } = await follower(lab);
    assert.equal(observer.view.leases.has(x), false);
    assert.match(found.findings[0]?.text ?? '', /nobody takes it until the key is deleted/);
    const c = await open(client, 'c');
    const outcomes = await swap(client, c.id, [swapOf(x, c.id, 1, 0)]);
    assert.deepEqual(kinds(outcomes), ['refused']);
    ok((await client.read(soon())).nodes.has(a.node));
  }));

  it('deletes an EIP lease: it is put back, and meanwhile its holder holds', withEtcd(async (lab) => {
    const { client, observer, a, b } = await held(lab);
    const told: unknown[] = [];
    for (let round = 0; round < 3; round += 1) {
      const before = observer.view.leases.get(x)!.revision;
      await etcdctl(lab.member, 'del', leaseKey);
      await observer.until(() => observer.view.leases.get(x)!.revision > before + 1);
      assert.match(await etcdctl(lab.member, 'get', leaseKey), /"term":3/);
    }
    for (const change of observer.changes) told.push(...change.leases.map((entry) => entry.lease));
    assert.equal(told.includes(null), false, 'nobody was told that it is free');
    assert.deepEqual(observer.view.leases.get(x)?.holder, a);
    const late = await swap(client, b, [swapOf(x, b, 1, 0)]);
    assert.deepEqual(late, [{ kind: 'conflict', current: observer.view.leases.get(x) }]);
  }));

  it('deletes an EIP lease that nobody follows: the next swap goes on from what was known',
    withEtcd(async (lab) => {
      const client = lab.store();
      const { id } = await open(client, 'a');
      const lease = await take(client, id, swapOf(x, id, 3, 0));
      await etcdctl(lab.member, 'del', leaseKey);
      const [outcome] = await swap(client, id, [swapOf(x, id, 4, lease.revision)]);
      ok(outcome?.kind === 'conflict' && outcome.current !== null);
      const { current } = outcome;
      assert.deepEqual({ ...current, revision: 0 }, { ...lease, revision: 0 });
      ok(current.revision > lease.revision);
      await take(client, id, swapOf(x, id, 4, current.revision));
    }));

  it('deletes an EIP lease without a holder: it is gone', withEtcd(async (lab) => {
    const { client, observer, a, lease } = await held(lab);
    await take(client, a, swapOf(x, null, 4, lease.revision));
    await observer.until(() => observer.view.leases.get(x)?.holder === null);
    await etcdctl(lab.member, 'del', leaseKey);
    await observer.until(() => !observer.view.leases.has(x));
    await delay(200);
    assert.equal(await etcdctl(lab.member, 'get', leaseKey), '');
    await take(client, a, swapOf(x, a, 1, 0));
  }));

  it('deletes a node lease: the tenure has ended, though its etcd lease lives', withEtcd(async (lab) => {
    const { client, observer, a } = await held(lab);
    await etcdctl(lab.member, 'del', `/tenure/nodes/a/${a.incarnation}`);
    await observer.until(() => !observer.view.nodes.has('a'));
    for (const request of [
      { kind: 'renew', tenure: a, ttlMs: 60_000 },
      { kind: 'swap', tenure: a, swaps: [swapOf(x, a, 9, 1)] },
      { kind: 'update', tenure: a, record: sampleRecord, revision: 1 },
    ] as const) {
      assert.deepEqual(await client.perform(request, soon()), { kind: 'ended' });
    }
  }));

  it('writes over a node lease: it lives on with what was known, and can be put right',
    withEtcd(async (lab) => {
      const { client, found, observer, a } = await held(lab);
      const key = `/tenure/nodes/a/${a.incarnation}`;
      await etcdctl(lab.member, 'put', '--ignore-lease', key, '{"boot":"x"}');
      await observer.until(() => found.findings.some(({ subject }) => subject === key));
      assert.deepEqual(observer.view.nodes.get('a')?.record.host, sampleRecord.host);
      const newcomer = await lab.client().read(soon());
      assert.deepEqual(newcomer.nodes.get('a')?.id, a);
      assert.equal(newcomer.nodes.get('a')?.record.draining, true);
      const { revision } = observer.view.nodes.get('a')!;
      const request = { kind: 'update', tenure: a, record: sampleRecord, revision } as const;
      assert.equal((await client.perform(request, soon())).kind, 'updated');
      await observer.until(() => found.findings.length === 0);
    }));

  it('writes over a node\'s counter: nothing is opened on a guess', withEtcd(async (lab) => {
    const client = lab.store();
    await etcdctl(lab.member, 'put', '/tenure/incarnations/a', 'banana');
    await assert.rejects(tryOpen(client, 'a'), {
      name: 'StoreError', code: 'schema', message: /\/tenure\/incarnations\/a says "banana"/,
    });
    await etcdctl(lab.member, 'put', '/tenure/incarnations/a', '41');
    assert.equal((await open(client, 'a')).id.incarnation, 42);
  }));

  it('deletes a node\'s counter: no number is given again that anything names', withEtcd(async (lab) => {
    const client = lab.store();
    const { id } = await open(client, 'a');
    const second = await open(client, 'a', { replaces: id.incarnation });
    await take(client, second.id, swapOf(x, second.id, 1, 0));
    await close(client, second.id);
    await etcdctl(lab.member, 'del', '/tenure/incarnations/a');
    ok((await open(lab.store(), 'a')).id.incarnation > second.id.incarnation);
  }));

  it('leaves keys that mean nothing: they are reported, and nothing else', withEtcd(async (lab) => {
    const { found, observer, client, a } = await held(lab);
    const keys = ['/tenure/nodes/a/x', '/tenure/nodes/a', '/tenure/leases/%zz', '/tenure/what',
      '/tenure/leases/a/b', `/tenure/moves/${x}`];
    for (const key of keys) await etcdctl(lab.member, 'put', key, 'banana');
    await observer.until(() => found.findings.length === keys.length);
    assert.deepEqual(found.findings.map(({ subject }) => subject).sort(), [...keys].sort());
    assert.equal(observer.view.moves.size, 0);
    assert.deepEqual(observer.view.nodes.get('a')?.id, a);
    assert.deepEqual((await client.read(soon())).leases.size, 1);
    for (const key of keys) await etcdctl(lab.member, 'del', key);
    await observer.until(() => found.findings.length === 0);
  }));
});
