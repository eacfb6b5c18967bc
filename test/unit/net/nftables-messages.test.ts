import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  be16, be32, be64, concat, decodeMessages, littleEndian, u32, u8, viewOf,
} from '../../../src/net/netlink-message.ts';
import { commentData, readComment, setData } from '../../../src/net/nftables/comments.ts';
import { elementLists } from '../../../src/net/nftables/elements.ts';
import * as nft from '../../../src/net/nftables/expressions.ts';
import {
  addElements, batch, deleteChain, deleteElements, deleteTable, flushChain, flushSet, newChain,
  newCounter, newRule, newSet, newTable, trial, type TableRef,
} from '../../../src/net/nftables/messages.ts';
import { readElements } from '../../../src/net/nftables/read.ts';
import { batchBegin, batchEnd, captured } from './nftables-captures.ts';

const table: TableRef = { family: 'netdev', name: 'tenure' };
const arp: TableRef = { family: 'arp', name: 'tenure' };
const managed4 = { name: 'managed4', keyType: 'ipv4_addr', timeouts: false, comment: 'four' } as const;
const managed6 = { name: 'managed6', keyType: 'ipv6_addr', timeouts: false, comment: 'six' } as const;
const gate = { name: 'gate', keyType: 'iface_index', timeouts: true, comment: 'open' } as const;
const fd5 = Uint8Array.of(0xfd, ...new Array<number>(14).fill(0), 5);
const mark = [nft.meta('mark'), nft.compare(u32(0x7e21))];
const isArp = [nft.meta('protocol'), nft.compare(be16(0x0806))];
const isIp6 = [nft.meta('protocol'), nft.compare(be16(0x86dd))];
const icmp6Type = (type: number): Uint8Array[] => [
  nft.meta('l4proto'), nft.compare(u8(58)), nft.payload('transport', 0, 1), nft.compare(u8(type)),
];
const newYear2030 = 1_893_456_000n * 1_000_000_000n;

/** Our message, for each command. */
const ours: Readonly<Record<string, Uint8Array>> = {
  'add table netdev tenure { comment "Tenure\'s fence" ; }': newTable(table, "Tenure's fence"),
  'add counter netdev tenure kernel_dropped { comment "not ours"; }':
    newCounter(table, 'kernel_dropped', 'not ours'),
  'add set netdev tenure managed4 { type ipv4_addr; comment "four"; }': newSet(table, managed4, 1),
  'add set netdev tenure managed6 { type ipv6_addr; comment "six"; }': newSet(table, managed6, 2),
  'add set netdev tenure gate { type iface_index; flags timeout; comment "open"; }':
    newSet(table, gate, 3),
  'add chain netdev tenure refuse { comment "drop" ; }': newChain(table, 'refuse', 'drop'),
  'add chain netdev tenure gate': newChain(table, 'gate', null),
  'add chain netdev tenure on-lo { type filter hook egress device "lo" priority -300; policy accept; comment "out"; }':
    newChain(table, 'on-lo', 'out', { number: 1, priority: -300, device: 'lo' }),
  'add table arp tenure': newTable(arp, ''),
  'add chain arp tenure output { type filter hook output priority -300; policy accept; }':
    newChain(arp, 'output', null, { number: 1, priority: -300 }),
  'add rule netdev tenure refuse meta mark 0x7e21 counter name kernel_dropped drop comment "agent"':
    newRule(table, 'refuse', [...mark, nft.count('kernel_dropped'), nft.drop()], 'agent'),
  'add rule netdev tenure refuse arp saddr ip @managed4 arp operation reply meta mark 0x7e21 jump gate':
    newRule(table, 'refuse', [
      ...isArp, nft.payload('network', 14, 4), nft.lookup('managed4'),
      nft.payload('network', 6, 2), nft.compare(be16(2)), ...mark, nft.jump('gate'),
    ]),
  'add rule netdev tenure refuse icmpv6 type nd-neighbor-solicit ip6 saddr @managed6 goto gate':
    newRule(table, 'refuse', [
      ...isIp6, ...icmp6Type(135), nft.payload('network', 8, 16), nft.lookup('managed6'),
      nft.goTo('gate'),
    ]),
  'add rule netdev tenure refuse icmpv6 type nd-neighbor-advert @th,64,128 0xfd000000000000000000000000000005 goto gate':
    newRule(table, 'refuse', [
      ...isIp6, ...icmp6Type(136), nft.payload('transport', 8, 16), nft.compare(fd5),
      nft.goTo('gate'),
    ]),
  'add rule netdev tenure gate oif @gate meta time < "2030-01-01 00:00:00" accept':
    newRule(table, 'gate', [
      nft.meta('oif'), nft.lookup('gate'), nft.meta('time'), nft.toNetworkOrder64(),
      nft.compare(be64(newYear2030), 'lt'), nft.accept(),
    ]),
  'add element netdev tenure managed4 { 10.99.0.5, 10.99.0.6 }': concat(
    addElements(table, 'managed4', [Uint8Array.of(10, 99, 0, 5), Uint8Array.of(10, 99, 0, 6)]),
  ),
  'add element netdev tenure managed6 { fd00::5 }': concat(addElements(table, 'managed6', [fd5])),
  'add element netdev tenure gate { "lo" timeout 3s500ms }':
    concat(addElements(table, 'gate', [u32(1)], 3500)),
  'delete element netdev tenure managed4 { 10.99.0.5 }':
    concat(deleteElements(table, 'managed4', [Uint8Array.of(10, 99, 0, 5)])),
  'flush set netdev tenure gate': flushSet(table, 'gate'),
  'flush chain netdev tenure refuse': flushChain(table, 'refuse'),
  'delete chain netdev tenure on-lo': deleteChain(table, 'on-lo'),
  'delete table netdev tenure': deleteTable(table),
};


type Tree = readonly (readonly [number, string | Tree])[];

/** The attributes as a tree, sorted: their order means nothing, but that of lists does. */
function treeOf(bytes: Uint8Array, isList: boolean): Tree {
  const view = viewOf(bytes);
  const entries: [number, string | Tree][] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, littleEndian);
    const rawType = view.getUint16(at + 2, littleEndian);
    const value = bytes.subarray(at + 4, at + length);
    const isNested = (rawType & 0x8000) !== 0;
    const inner = isNested ? treeOf(value, value.length > 0 && everyOne(value)) : hexOf(value);
    entries.push([rawType & 0x3fff, inner]);
    at += length + 3 & ~3;
  }
  return isList ? entries : entries.sort(([a], [b]) => a - b);
}

/** A list of elements: all attributes of type 1. */
function everyOne(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  for (let at = 0; at + 4 <= bytes.length; at += view.getUint16(at, littleEndian) + 3 & ~3) {
    if ((view.getUint16(at + 2, littleEndian) & 0x3fff) !== 1) return false;
  }
  return true;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Type, flags (but NLM_F_REQUEST, which the socket adds) and content of the one message. */
function shapeOf(bytes: Uint8Array): unknown {
  const messages = decodeMessages(bytes);
  assert.equal(messages.length, 1);
  const { type, flags, payload } = messages[0]!;
  const tree = treeOf(payload.subarray(4), false);
  return { type, flags: flags & ~1, family: hexOf(payload.subarray(0, 4)), tree: tidy(type, tree) };
}

/**
 * Without what means nothing: the ids of sets that exist, the numbers of elements in a list, a
 * table's comment that is empty, and whether a counter's name has its closing zero.
 */
function tidy(type: number, tree: Tree): Tree {
  const [newTableType, newRuleType, newElementType] = [0x0a00, 0x0a06, 0x0a0c];
  if (type === newTableType) return tree.filter(([kind, value]) => kind !== 6 || value !== '000100');
  if (type === newElementType) {
    return tree.filter(([kind]) => kind !== 4).map(([kind, value]) => (
      [kind, kind === 3 ? (value as Tree).map(([, element]) => [1, element] as const) : value]));
  }
  return type === newRuleType ? tree.map(tidyExpression) : tree;
}

function tidyExpression([kind, value]: Tree[number]): Tree[number] {
  if (typeof value === 'string') return [kind, value];
  const name = value.find(([, word]) => typeof word === 'string')?.[1];
  const inner = value.map(tidyExpression);
  if (name === hexOf(Buffer.from('lookup\0'))) {
    return [kind, inner.map(([at, data]) => (
      [at, typeof data === 'string' ? data : data.filter(([id]) => id !== 4)] as const))];
  }
  if (name === hexOf(Buffer.from('objref\0'))) {
    const cut = (data: string | Tree): string | Tree => (
      typeof data === 'string' ? data.replace(/00$/, '') : data.map(([at, x]) => [at, cut(x)]));
    return [kind, cut(inner)];
  }
  return [kind, inner];
}

describe('messages to nf_tables', () => {
  for (const [command, hex] of Object.entries(captured)) {
    it(`say what nft says for: ${command}`, { skip: !littleEndian && 'captured on x86' }, () => {
      assert.deepEqual(shapeOf(ours[command]!), shapeOf(Buffer.from(hex, 'hex')));
    });
  }

  it('of a transaction stand between its begin and end, those of a trial have no end', () => {
    const message = deleteTable(table);
    const parts = decodeMessages(batch([message]));
    const shape = ({ type, payload }: { type: number; payload: Uint8Array }): unknown => (
      [type, hexOf(payload)]);
    const expected = [batchBegin, hexOf(message), batchEnd]
      .map((hex) => shape(decodeMessages(Buffer.from(hex, 'hex'))[0]!));
    assert.deepEqual(parts.map(shape), expected);
    assert.deepEqual(decodeMessages(trial([message])).map(shape), expected.slice(0, 2));
  });
});

describe('lists of elements', () => {
  it('come back as they were put in, in lists of less than 64 KiB each', () => {
    fc.assert(fc.property(
      fc.constantFrom(4, 16), fc.integer({ min: 0, max: 6000 }), fc.option(fc.nat(1_000_000)),
      (length, count, timeout) => {
        const rest = new Uint8Array(length - 4);
        const keys = Array.from({ length: count }, (_, i) => concat([be32(i), rest]));
        const messages = addElements(table, 'x', keys, timeout ?? undefined);
        const read = decodeMessages(concat(messages)).flatMap(readElements);
        assert.deepEqual(read.map(({ key }) => hexOf(key)), keys.map(hexOf));
        for (const { length: bytes } of elementLists(keys, timeout ?? undefined)) {
          assert.ok(bytes <= 65_535);
        }
      },
    ), { numRuns: 30 });
  });

  it('refuse keys of several lengths', () => {
    assert.throws(() => elementLists([new Uint8Array(4), new Uint8Array(16)]), RangeError);
  });
});

describe('comments', () => {
  it('are read back, and those that are too long for nft are refused', () => {
    assert.equal(readComment(commentData('only the agent')), 'only the agent');
    assert.equal(commentData('x'.repeat(127)).length, 130);
    assert.throws(() => commentData('x'.repeat(128)), /too long/);
  });

  it('that are malformed are none', () => {
    assert.equal(readComment(undefined), null);
    assert.equal(readComment(Uint8Array.of(0)), null);
    assert.equal(readComment(Uint8Array.of(0, 9, 65)), null);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      readComment(bytes);
    }));
  });

  it('of sets follow the byte order of their keys', () => {
    assert.equal(readComment(setData('network', 'x').subarray(6)), null);
    assert.equal(hexOf(setData('network', 'x')).slice(12), '07027800');
  });
});
