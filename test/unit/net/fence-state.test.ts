import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { gate, GateMessages } from '../../../src/net/fence-gate.ts';
import { FenceError } from '../../../src/net/fence-error.ts';
import { chainOf } from '../../../src/net/fence-layout.ts';
import {
  emptyFence, FenceBook, heldKeys, isNothing, keysOf, toHold, toManage, type FenceChange,
} from '../../../src/net/fence-state.ts';
import type { TableRef } from '../../../src/net/nftables/messages.ts';

const some = (max: number): fc.Arbitrary<string[]> => fc.uniqueArray(
  fc.oneof(
    fc.nat(max).map((n) => `10.0.0.${n}`), fc.nat(max).map((n) => `fd00::${(n + 1).toString(16)}`),
  ),
);

const someLinks = fc.subarray([
  { ifindex: 2, name: 'eth0' }, { ifindex: 3, name: 'eth1' }, { ifindex: 9, name: 'lan.7' },
]);

const step = fc.oneof(
  fc.record({ kind: fc.constant('manage' as const), addresses: some(6), links: someLinks }),
  fc.record({ kind: fc.constant('hold' as const), add: some(6), remove: some(6) }),
);

function contentOf({ managed, held, links }: FenceBook): unknown {
  return { managed: [...managed.keys()].sort(), held: [...held].sort(), links };
}

describe('what the fence is to hold', () => {
  it('follows from every change, and each change can be undone', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const book = new FenceBook();
      let managed = new Set<string>();
      let held = new Set<string>();
      for (const one of steps) {
        const before = contentOf(book);
        const { links } = book;
        let change: FenceChange;
        if (one.kind === 'manage') {
          managed = new Set(one.addresses);
          held = new Set([...held].filter((address) => managed.has(address)));
          change = toManage(book, managed, one.links);
        } else {
          const add = one.add.filter((address) => managed.has(address));
          held = new Set([...held, ...add].filter((address) => !one.remove.includes(address)));
          change = toHold(book, add, one.remove);
        }
        book.apply(change);
        const after = contentOf(book);
        assert.deepEqual([...book.managed.keys()].sort(), [...managed].sort());
        assert.deepEqual([...book.held].sort(), [...held].sort());
        if (isNothing(change)) assert.deepEqual(after, before);
        book.undo(change, links);
        assert.deepEqual(contentOf(book), before);
        book.apply(change);
        assert.equal(heldKeys(book).size, held.size);
      }
    }));
  });

  it('is told to the kernel as bytes in network order', () => {
    const { manage } = toManage(emptyFence, new Set(['10.1.2.3', 'fd00::5']), []);
    assert.deepEqual(keysOf(manage, 4), [Uint8Array.of(10, 1, 2, 3)]);
    assert.deepEqual(keysOf(manage, 6).map((key) => Buffer.from(key).toString('hex')), [
      'fd000000000000000000000000000005',
    ]);
  });

  for (const [name, run, said] of [
    ['a word for an address', () => toManage(emptyFence, new Set(['eth0']), []), /"eth0"/],
    ['a block for an address', () => toManage(emptyFence, new Set(['10.0.0.0/24']), []), /10\.0\.0\.0\/24/],
    ['an index that is none', () => toManage(emptyFence, new Set(), [{ ifindex: 0, name: 'eth0' }]), /"ifindex":0/],
    ['a name that is none', () => toManage(emptyFence, new Set(), [{ ifindex: 1, name: 'a/b' }]), /a\/b/],
    ['what is not managed, to be held', () => toHold(emptyFence, ['10.0.0.1'], []), /10\.0\.0\.1 cannot be held/],
  ] as const) {
    it(`refuses ${name}, and names it`, () => {
      assert.throws(run, (error) => error instanceof FenceError && said.test(error.message));
    });
  }

  it('lists interfaces in one order, so that another order is no change', () => {
    const [a, b] = [{ ifindex: 2, name: 'a' }, { ifindex: 3, name: 'b' }];
    const book = new FenceBook();
    book.apply(toManage(book, new Set(), [b, a]));
    assert.ok(isNothing(toManage(book, new Set(), [a, b, a])));
    assert.ok(!isNothing(toManage(book, new Set(), [{ ...a, name: 'c' }, b])));
  });
});

describe('the base chain of an interface', () => {
  it('has a name that nft can read, and no other interface has', () => {
    assert.equal(chainOf('bond0.100'), 'on-bond0.100');
    assert.equal(chainOf('lan@7'), 'on-lan/407');
    const name = fc.string({ minLength: 1, maxLength: 15 }).filter((text) => !/[/\s\0]/.test(text));
    fc.assert(fc.property(name, name, (a, b) => {
      assert.match(chainOf(a), /^on-[A-Za-z0-9_./-]+$/);
      assert.equal(chainOf(a) === chainOf(b), a === b);
    }));
  });
});

describe('messages that open the gate', () => {
  it('are filled in as they would be made anew', () => {
    const tables: TableRef[] = [{ family: 'arp', name: 'tenure' }, { family: 'ip6', name: 'tenure' }];
    fc.assert(fc.property(
      someLinks, fc.bigInt({ min: 0n, max: 2n ** 63n }), fc.integer({ min: 1, max: 1e9 }),
      (links, deadline, timeoutMs) => {
        const messages = new GateMessages(tables, links);
        for (const opening of [{ deadline, timeoutMs }, null, { deadline: 7n, timeoutMs: 8 }]) {
          assert.deepEqual(messages.fill(opening), gate(tables, links, opening));
        }
      },
    ));
  });
});
