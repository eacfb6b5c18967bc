import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Keys } from '../../../../src/store/etcd/keys.ts';

const keys = new Keys('/tenure/');
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });

describe('keys in etcd', () => {
  it('say again what they were made from, for every name', () => {
    fc.assert(fc.property(name, fc.integer({ min: 1, max: 2 ** 48 }), (text, incarnation) => {
      const id = { node: text, incarnation };
      assert.deepEqual(keys.parse(keys.node(id)), { kind: 'node', id });
      assert.deepEqual(keys.parse(keys.incarnation(text)), { kind: 'incarnation', node: text });
      assert.deepEqual(keys.parse(keys.lease(text)), { kind: 'lease', eip: text });
      assert.deepEqual(keys.parse(keys.document(text)), { kind: 'document', name: text });
      assert.deepEqual(keys.parse(keys.drain(text)), { kind: 'drain', node: text });
      assert.deepEqual(keys.parse(keys.move(text)), { kind: 'move', eip: text });
    }));
  });

  it('of one node lie in a range that no other node\'s lie in', () => {
    fc.assert(fc.property(name, name, (one, other) => {
      const { key, range_end: end } = keys.tenuresOf(one);
      const within = (node: string) => {
        const at = keys.node({ node, incarnation: 7 });
        return Buffer.compare(at, key) >= 0 && Buffer.compare(at, end) < 0;
      };
      assert.equal(within(one), true);
      assert.equal(within(other), one === other);
    }));
  });

  it('are readable where names are plain', () => {
    assert.equal(keys.lease('2001:db8::1').toString(), '/tenure/leases/2001:db8::1');
    assert.equal(
      keys.node({ node: 'rack-1.example', incarnation: 12 }).toString(),
      '/tenure/nodes/rack-1.example/12',
    );
  });

  it('never read as ours where they are not', () => {
    const foreign = [
      'version/', 'versions', 'nodes', 'nodes/a', 'nodes/a/', 'nodes/a/0', 'nodes/a/01', 'nodes/a/-1',
      'nodes/a/1/2', 'nodes/a/1e3', 'nodes//1', 'nodes/a/99999999999999999', 'leases/', 'leases/a/b',
      'leases/%2f', 'leases/%', 'leases/%41', 'leases/a b', 'what/a', '', 'Leases/a',
    ];
    for (const text of foreign) assert.equal(keys.parse(Buffer.from(`/tenure/${text}`)), null, text);
    assert.equal(keys.parse(Buffer.from('/other/version')), null);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
      const key = Buffer.concat([Buffer.from('/tenure/leases/'), bytes]);
      const parsed = keys.parse(key);
      if (parsed?.kind === 'lease') assert.deepEqual(keys.lease(parsed.eip), key);
    }));
  });

  it('leave gaps that hold every key which is in no folder of ours, and none that is', () => {
    const inGap = (text: string) => keys.gaps().some(({ key, range_end: end }) => {
      const at = Buffer.from(`/tenure/${text}`);
      return Buffer.compare(at, key) >= 0 && Buffer.compare(at, end) < 0;
    });
    const ours = ['version', 'nodes/a/1', 'leases/x', 'eips/x', 'drains/x', 'moves/x',
      'incarnations/x', 'nodes/', 'leases/\u{10ffff}'];
    for (const text of ours) assert.equal(inGap(text), false, text);
    const theirs = ['', 'a', 'drains', 'drains0', 'eips', 'versions', 'version\0', 'zz', 'node/x', '\x7f'];
    for (const text of theirs) assert.equal(inGap(text), true, text);
  });
});
