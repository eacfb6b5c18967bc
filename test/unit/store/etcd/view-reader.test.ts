import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IEvent, IKeyValue } from 'etcd3';
import type { Finding, NodeRecord } from '../../../../src/core/model.ts';
import { Findings } from '../../../../src/store/etcd/findings.ts';
import { Keys } from '../../../../src/store/etcd/keys.ts';
import { KnownLeases } from '../../../../src/store/etcd/known-leases.ts';
import { encodeLease, encodeNode } from '../../../../src/store/etcd/records.ts';
import { ViewReader, viewOf } from '../../../../src/store/etcd/view-reader.ts';

const keys = new Keys('/tenure/');
const record: NodeRecord = {
  boot: 1, place: 'p', host: 'h', version: '1', startedAt: 0, weight: 1, labels: {},
  draining: false, unable: {}, findings: [], storeLatencyMs: null,
  heartbeat: [], witness: false, epoch: 0, voters: [],
};
const a1 = { node: 'a', incarnation: 1 };
const a2 = { node: 'a', incarnation: 2 };

function kv(key: Buffer, value: Buffer | string, revision: number): IKeyValue {
  return {
    key, value: Buffer.from(value), mod_revision: String(revision), create_revision: '1',
    version: '1', lease: '0',
  };
}

function put(key: Buffer, value: Buffer | string, revision: number): IEvent {
  return { type: 'Put', kv: kv(key, value, revision), prev_kv: kv(key, '', 0) };
}

function del(key: Buffer, revision: number): IEvent {
  return { ...put(key, '', revision), type: 'Delete' };
}

function makeReader() {
  const told: (readonly Finding[])[] = [];
  const reader = new ViewReader(keys, new KnownLeases(), new Findings((all) => told.push(all)));
  return { reader, told };
}

describe('what is read from etcd', () => {
  it('shows the latest of several tenures of a node, and none once all are gone', () => {
    const { reader } = makeReader();
    const list = reader.list([
      kv(keys.node(a2), encodeNode(record), 5), kv(keys.node(a1), encodeNode(record), 6),
    ], 7);
    assert.deepEqual(list.nodes, [{ node: 'a', lease: { id: a2, record, revision: 5 } }]);
    const first = reader.events([del(keys.node(a2), 8)], 8).change;
    assert.deepEqual(first.nodes, [{ node: 'a', lease: { id: a1, record, revision: 6 } }]);
    const last = reader.events([del(keys.node(a1), 9)], 9).change;
    assert.deepEqual(last.nodes, [{ node: 'a', lease: null }]);
  });

  it('ends one tenure and begins the next in one step', () => {
    const { reader } = makeReader();
    reader.list([kv(keys.node(a1), encodeNode(record), 5)], 5);
    const { change } = reader.events([
      del(keys.node(a1), 6), put(keys.node(a2), encodeNode(record), 6),
    ], 6);
    const view = viewOf({ ...change, reset: true });
    assert.deepEqual(view.nodes.get('a')?.id, a2);
  });

  it('counts a tenure as live whose record cannot be read', () => {
    const { reader, told } = makeReader();
    const list = reader.list([kv(keys.node(a1), 'banana', 5)], 5);
    assert.deepEqual(list.nodes[0]?.lease?.id, a1);
    assert.equal(list.nodes[0].lease.record.draining, true);
    assert.equal(told.at(-1)?.length, 1);
    reader.events([put(keys.node(a1), encodeNode(record), 6)], 6);
    assert.deepEqual(told.at(-1), []);
  });

  it('tells what is wrong once per list, and drops what is no longer there', () => {
    const { reader, told } = makeReader();
    const bad = [1, 2, 3].map((n) => kv(keys.lease(`192.0.2.${n}`), 'banana', n));
    reader.list(bad, 5);
    assert.deepEqual(told.map(({ length }) => length), [3]);
    reader.list(bad.slice(1), 6);
    assert.deepEqual(told.map(({ length }) => length), [3, 2]);
    reader.list([], 7);
    reader.list([], 8);
    assert.deepEqual(told.map(({ length }) => length), [3, 2, 0]);
  });

  it('takes a hand\'s deletion of a held lease for nothing, and says what to put back', () => {
    const { reader } = makeReader();
    const eip = '192.0.2.1';
    const lease = {
      eip, holder: a1, term: 2, since: 0, reason: 'claimed' as const, heirs: [], former: [],
      moves: [],
    };
    reader.list([kv(keys.lease(eip), encodeLease(lease), 5)], 5);
    const step = reader.events([del(keys.lease(eip), 6)], 6);
    assert.deepEqual(step.change.leases, [{ eip, lease: { ...lease, revision: 6 } }]);
    assert.deepEqual(step.deleted, [{ ...lease, revision: 6 }]);
    const relisted = reader.list([], 9);
    assert.deepEqual(relisted.leases, [{ eip, lease: { ...lease, revision: 9 } }]);
  });
});
