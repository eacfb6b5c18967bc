import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  attribute, attributeMap, be16, be32, be64, concat, decodeAttributes, decodeMessages,
  encodeMessage, messageBounds, nested, readText, readU16, readU32, readU64, readU8, text, u16, u32,
  u64, u8,
} from '../../../src/net/netlink-message.ts';
import { dumpedBytes } from './fixtures.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('netlink messages', () => {
  it('are laid out as the kernel has them', () => {
    const message = encodeMessage(20, 0x605, Uint8Array.of(1, 2, 3), attribute(3, text('lo')));
    assert.equal(hex(message), [
      '1c000000', '1400', '0506', '00000000', '00000000', '01020300', '0700', '0300', '6c6f0000',
    ].join(''));
  });

  it('come back as they were made', () => {
    fc.assert(fc.property(
      fc.array(fc.record({
        type: fc.integer({ min: 0, max: 0xffff }),
        flags: fc.integer({ min: 0, max: 0xffff }),
        payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => (
          concat([bytes, new Uint8Array((4 - bytes.length % 4) % 4)]))),
      }, { noNullPrototype: true }), { maxLength: 8 }),
      (messages) => {
        const bytes = concat(messages.map((m) => encodeMessage(m.type, m.flags, m.payload)));
        const back = decodeMessages(bytes);
        const plain = back.map(({ type, flags, payload }) => ({ type, flags, payload }));
        assert.deepEqual(plain, messages);
      },
    ));
  });

  it('are read up to the first malformed one', () => {
    const good = encodeMessage(1, 0, Uint8Array.of(1, 2, 3, 4));
    for (const length of [0, 15, 21, 0xffffffff]) {
      const bad = encodeMessage(2, 0, Uint8Array.of(5, 6, 7, 8));
      new DataView(bad.buffer).setUint32(0, length, true);
      assert.equal(decodeMessages(concat([good, bad])).length, 1, `length ${length}`);
    }
    assert.equal(decodeMessages(concat([good, good.subarray(0, 12)])).length, 1);
    const bounds = messageBounds(concat([good, good]));
    assert.deepEqual(bounds, [{ start: 0, end: 20 }, { start: 20, end: 40 }]);
  });
});

describe('netlink attributes', () => {
  it('hold numbers in both byte orders, text and other attributes', () => {
    const bytes = concat([
      attribute(1, u8(7)), attribute(2, u16(0x1234)), attribute(3, u32(0x12345678)),
      attribute(4, u64(0x123456789abcdef0n)), attribute(5, be16(0x1234)),
      attribute(6, be32(0x12345678)), attribute(7, be64(1n)), attribute(8, text('eth0')),
      nested(9, attribute(1, text('veth'))),
    ]);
    const map = attributeMap(bytes);
    assert.equal(readU8(map.get(1)), 7);
    assert.equal(readU16(map.get(2)), 0x1234);
    assert.equal(readU32(map.get(3)), 0x12345678);
    assert.equal(readU64(map.get(4)), 0x123456789abcdef0n);
    assert.equal(readU16(map.get(5), false), 0x1234);
    assert.equal(readU32(map.get(6), false), 0x12345678);
    assert.equal(readU64(map.get(7), false), 1n);
    assert.equal(readText(map.get(8)), 'eth0');
    assert.equal(readText(attributeMap(map.get(9) ?? new Uint8Array()).get(1)), 'veth');
  });

  it('that are missing or too short read as null', () => {
    assert.equal(readU8(undefined), null);
    assert.equal(readU8(new Uint8Array()), null);
    assert.equal(readU16(u8(1)), null);
    assert.equal(readU32(u16(1)), null);
    assert.equal(readU64(u32(1)), null);
    assert.equal(readText(undefined), null);
  });

  it('hold names of any script, with or without a closing zero', () => {
    for (const name of ['', 'eth0', 'büro0', 'a-name-of-many-letters']) {
      assert.equal(readText(text(name)), name);
      assert.equal(readText(text(name).subarray(0, -1)), name);
    }
  });

  it('may repeat, and are all read, in order', () => {
    const list = decodeAttributes(concat([attribute(1, u8(1)), attribute(1, u8(2))]));
    assert.deepEqual(list.map(({ value }) => value[0]), [1, 2]);
  });

  it('of over 64 KiB are refused when they are made', () => {
    assert.throws(() => attribute(1, new Uint8Array(65532)), RangeError);
    assert.equal(attribute(1, new Uint8Array(65531)).length, 65536);
  });
});

describe('bytes that are no netlink', () => {
  it('never make decoding throw, nor yield bytes from outside', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const { payload } of decodeMessages(bytes)) {
        assert.ok(payload.byteOffset >= bytes.byteOffset && payload.length <= bytes.length);
        decodeAttributes(payload);
      }
      for (const { value } of decodeAttributes(bytes)) assert.ok(value.length <= bytes.length);
    }));
  });

  it('are survived where a real dump was cut or damaged', () => {
    const real = dumpedBytes('addresses');
    fc.assert(fc.property(
      fc.nat(real.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(real.length),
      (at, value, cut) => {
        const damaged = real.slice(0, cut);
        if (at < damaged.length) damaged[at] = value;
        for (const { payload } of decodeMessages(damaged)) decodeAttributes(payload.subarray(8));
      },
    ));
  });
});
