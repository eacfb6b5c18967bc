import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { facts, Kit, policies } from './kit.ts';

const eip = '192.0.2.1';

describe('a node that is fit again', () => {
  it('takes what is free once the store shows it, though nothing else changes', () => {
    const kit = new Kit({}, { unable: { pool: 'eth0 is down' } });
    kit.send({ kind: 'policies', policies: policies(eip) });
    kit.pass(0);
    kit.settle();
    assert.equal(kit.lease(eip), undefined, 'it cannot');
    kit.send({ kind: 'self', facts });
    kit.settle();
    assert.equal(kit.lease(eip)?.holder?.node, 'a');
  });
});
