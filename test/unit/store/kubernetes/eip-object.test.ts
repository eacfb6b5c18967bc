import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EipLeaseValue } from '../../../../src/core/model.ts';
import { readEip, writeEip } from '../../../../src/store/kubernetes/eip-object.ts';
import { readObject, writeObject } from '../../../../src/store/kubernetes/lease-object.ts';

const value: EipLeaseValue = {
  eip: '192.0.2.1', holder: { node: 'a', incarnation: 3 }, term: 2, since: 5, reason: 'inherited',
  heirs: [], former: [],
  moves: [
    { term: 2, holder: 'a', reason: 'inherited', at: 5, path: { heard: -15.5, claimed: 0.9 } },
    { term: 1, holder: 'b', reason: 'claimed', at: 1 },
  ],
};

function stored(lease: EipLeaseValue) {
  const json = structuredClone(writeObject(writeEip(lease), 'tenure-system')) as {
    metadata: Record<string, unknown>;
  };
  json.metadata.resourceVersion = '9';
  return readObject(JSON.parse(JSON.stringify(json)));
}

describe('an EIP lease as a Lease object', () => {
  it('keeps the way of each move, and is written alike when it is written again', () => {
    const lease = readEip(value.eip, stored(value));
    assert.deepEqual(lease, { ...value, revision: 9 });
    assert.deepEqual(writeEip(lease), writeEip(value));
  });

  it('is read without a way that cannot be read', () => {
    const odd = { ...value, moves: [{ ...value.moves[0]!, path: { heard: 'soon' } }] };
    const lease = readEip(value.eip, stored(odd as unknown as EipLeaseValue));
    assert.equal(lease?.moves[0]?.path, undefined);
    assert.equal(lease?.term, 2);
  });
});
