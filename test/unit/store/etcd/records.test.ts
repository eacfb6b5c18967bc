import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { moveReasons } from '../../../../src/core/model.ts';
import {
  decodeLease, decodeMove, decodeNode, encodeLease, encodeMove, encodeNode,
} from '../../../../src/store/etcd/records.ts';

const count = fc.nat();
const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
const text = fc.string({ unit: 'grapheme' });
const tenure = fc.record({
  node: fc.string({ minLength: 1 }), incarnation: fc.integer({ min: 1 }),
}, { noNullPrototype: true });
const reason = fc.constantFrom(...moveReasons);
const ms = fc.integer({ min: -50_000, max: 50_000 }).map((tenths) => tenths / 10 + 0);
const path = fc.record({
  heard: ms, withdrawn: ms, certified: ms, opened: ms, claimed: ms, served: ms, confirmed: ms,
}, { noNullPrototype: true, requiredKeys: [] });
const timing = fc.record({
  verdict: fc.constantFrom('tight' as const, 'slow' as const), supportMs: count, intervalMs: count,
  perDay: count, fitMs: count, cause: fc.constantFrom('host' as const, 'network' as const),
}, { noNullPrototype: true });
const lease = fc.record({
  eip: fc.constant('192.0.2.1'), holder: fc.option(tenure), term: count, since: time, reason,
  heirs: fc.array(tenure), former: fc.array(tenure),
  moves: fc.array(fc.record({
    term: count, holder: fc.option(text), reason, at: time, path,
  }, { noNullPrototype: true, requiredKeys: ['term', 'holder', 'reason', 'at'] })),
}, { noNullPrototype: true });
const labels = fc.dictionary(text.filter((key) => key !== '__proto__'), text, {
  noNullPrototype: true,
});
const name = fc.string({ minLength: 1 });
const nodeFields = {
  boot: count, place: text, host: text, version: text, startedAt: time,
  weight: fc.double({ min: 0, max: 1e6, noNaN: true }).map((n) => n + 0), labels,
  draining: fc.boolean(), unable: labels,
  findings: fc.array(fc.record({ code: text, subject: text, text }, { noNullPrototype: true })),
  storeLatencyMs: fc.option(fc.integer({ min: 0, max: 10_000 })),
  heartbeat: fc.array(text), witness: fc.boolean(), epoch: count,
  voters: fc.array(fc.record({
    node: name, boot: fc.integer({ min: 1, max: 1e6 }),
  }, { noNullPrototype: true })),
};
const machine = fc.record({ id: name, kernel: name }, { noNullPrototype: true });
const node = fc.oneof(
  fc.record(nodeFields, { noNullPrototype: true }),
  fc.record({ ...nodeFields, timing, machine }, { noNullPrototype: true }),
);

describe('records in etcd', () => {
  it('read as they were written', () => {
    fc.assert(fc.property(lease, (value) => {
      assert.deepEqual(decodeLease(value.eip, encodeLease(value), 7), { ...value, revision: 7 });
    }));
    fc.assert(fc.property(node, (value) => {
      assert.deepEqual(decodeNode(encodeNode(value)), value);
    }));
    const move = { eip: '192.0.2.1', to: 'ä/b', at: 5 };
    assert.deepEqual(decodeMove(move.eip, encodeMove(move)), move);
  });

  it('are null, and never throw, where anything else is in their place', () => {
    const anything = fc.oneof(fc.uint8Array(), fc.json().map((json) => Buffer.from(json)));
    fc.assert(fc.property(anything, (bytes) => {
      assert.equal(decodeLease('192.0.2.1', Buffer.from(bytes), 1), null);
      assert.equal(decodeNode(Buffer.from(bytes)), null);
    }));
  });

  it('are refused for each field that is missing or is of the wrong kind', () => {
    const good = {
      holder: { node: 'a', incarnation: 1 }, term: 1, since: 1, reason: 'claimed', heirs: [],
      former: [], moves: [{ term: 1, holder: 'a', reason: 'claimed', at: 1 }],
    };
    const read = (value: object) => decodeLease('x', Buffer.from(JSON.stringify(value)), 1);
    assert.notEqual(read(good), null);
    const bad: object[] = [
      { holder: undefined }, { holder: 'a' }, { holder: { node: '', incarnation: 1 } },
      { holder: { node: 'a', incarnation: 0 } }, { holder: { node: 'a', incarnation: 1.5 } },
      { term: -1 }, { term: '1' }, { term: 2 ** 60 }, { since: null }, { heirs: {} },
      { former: [1] }, { moves: null }, { moves: [{ term: 1 }] },
    ];
    for (const change of bad) {
      assert.equal(read({ ...good, ...change }), null, JSON.stringify(change));
    }
  });

  it('of a later version with a reason that this one does not know are read all the same', () => {
    const value = Buffer.from(JSON.stringify({
      holder: null, term: 2, since: 1, reason: 'evicted', heirs: [], former: [], moves: [], more: 1,
    }));
    const read = decodeLease('x', value, 3);
    assert.equal(read?.term, 2);
    assert.equal((moveReasons as readonly string[]).includes(read.reason), true);
  });
});
