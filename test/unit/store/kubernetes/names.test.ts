import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../../../src/wire/address.ts';
import { eipObjectName, nodeObjectName, readObjectName } from '../../../../src/store/kubernetes/names.ts';

/** apimachinery's validation.IsDNS1123Subdomain. */
function isObjectName(name: string): boolean {
  return name.length <= 253
    && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}

function formatted(text: string): string {
  const address = parseAddress(text);
  return 'error' in address ? assert.fail(address.error) : formatAddress(address);
}

const addresses = fc.oneof(
  fc.bigInt(0n, 2n ** 32n - 1n).map((value) => formatAddress({ family: 4, value })),
  fc.bigInt(0n, 2n ** 128n - 1n).map((value) => formatAddress({ family: 6, value })),
  // Runs of zeros at any place.
  fc.array(fc.constantFrom('0', '0', '0', '1', 'ffff'), { minLength: 8, maxLength: 8 })
    .map((groups) => formatted(groups.join(':'))),
);

describe('names of Lease objects', () => {
  it('are readable for what is usual', () => {
    assert.equal(eipObjectName('eip', '192.0.2.1'), 'eip-192.0.2.1');
    assert.equal(eipObjectName('eip', '2001:db8::1'), 'eip-2001-db8--1');
    assert.equal(eipObjectName('move', '2001:db8::'), 'move-2001-db8--0');
    assert.equal(eipObjectName('eip', '::'), 'eip---0');
    assert.equal(nodeObjectName('node', 'worker-1.example'), 'node-worker-1.example');
    assert.equal(nodeObjectName('drain', 'Worker_1'), 'drainx-576f726b65725f31');
  });

  it('are legal, and lead back to the address, for every address', () => {
    fc.assert(fc.property(addresses, fc.constantFrom('eip' as const, 'move' as const), (eip, kind) => {
      const name = eipObjectName(kind, eip);
      assert.ok(isObjectName(name), name);
      assert.deepEqual(readObjectName(name), { kind, eip });
    }), { numRuns: 2000 });
  });

  it('are legal, and lead back to the node, for every name that a node can have', () => {
    const names = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
      fc.stringMatching(/^[a-z0-9.-]{1,20}$/),
    ).filter((node) => !/[\p{Cc}\p{Surrogate}]/u.test(node));
    fc.assert(fc.property(names, fc.constantFrom('node' as const, 'drain' as const), (node, kind) => {
      const name = nodeObjectName(kind, node);
      assert.ok(isObjectName(name), name);
      assert.deepEqual(readObjectName(name), { kind, node });
    }), { numRuns: 2000 });
  });

  it('of other programs, or spelled otherwise, are none of ours', () => {
    for (const name of [
      'tenure-controller', 'node-', 'node-A', 'nodex-61', 'nodex-zz', 'eip-192.0.2.01', 'eip-x',
      'eip-2001-db8-0-0-0-0-0-1', 'eip-2001-DB8--1', 'eip-192-0-2-1', 'move-', 'eip-2001-db8--',
    ]) assert.equal(readObjectName(name), null, name);
  });

  it('cannot be made of what is no address, or too long', () => {
    assert.throws(() => eipObjectName('eip', '192.0.2.256'), { code: 'invalid', message: /192\.0\.2\.256/ });
    assert.throws(() => eipObjectName('eip', '2001:DB8::1'), { code: 'invalid', fix: 'write 2001:db8::1' });
    assert.throws(() => nodeObjectName('node', 'a'.repeat(249)), { code: 'invalid', message: /too long/ });
  });
});
