import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import {
  addressFromBytes, addressesOf, addressToBytes, blockContains, blocksOverlap, compareAddresses,
  formatAddress, formatBytes, parseAddress, parseBlock, whyNotClaimable,
  type Address, type Block, type Family,
} from '../../../src/wire/address.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(!('error' in parsed), 'error' in parsed ? parsed.error : text);
  return parsed;
}

function block(text: string): Block {
  const parsed = parseBlock(text);
  assert.ok(!('error' in parsed), 'error' in parsed ? parsed.error : text);
  return parsed;
}

function refusal(parsed: object): string {
  assert.ok('error' in parsed && typeof parsed.error === 'string', 'was accepted');
  return parsed.error;
}

const anyAddress: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ family: 4 as const, value })),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ family: 6 as const, value })),
  // Groups that are often zero, so that "::" comes up.
  fc.array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), {
    minLength: 8, maxLength: 8,
  }).map((groups) => ({
    family: 6 as const, value: groups.reduce((value, group) => value << 16n | group, 0n),
  })),
);

describe('address text', () => {
  it('reads back what it wrote, and node itself reads it', () => {
    fc.assert(fc.property(anyAddress, (value) => {
      const text = formatAddress(value);
      assert.deepEqual(parseAddress(text), value);
      assert.ok(value.family === 4 ? isIPv4(text) : isIPv6(text), text);
      assert.deepEqual(addressFromBytes(addressToBytes(value)), value);
    }));
  });

  it('accepts no text as IPv6 or IPv4 that node refuses, and never throws', () => {
    const characters = fc.constantFrom(...Array.from('0123456789abcdefABF:.:::/-% '));
    const texts = fc.oneof(
      fc.string(), fc.array(characters, { maxLength: 45 }).map((list) => list.join('')),
      anyAddress.map((value) => formatAddress(value).replace(/[0-9a-f]/, '')),
    );
    fc.assert(fc.property(texts, (text) => {
      parseBlock(text);
      const parsed = parseAddress(text);
      if ('error' in parsed) assert.match(parsed.error, /^".* .*\.$/s);
      else assert.ok(isIPv4(text) || isIPv6(text), text);
    }), { numRuns: 2000 });
  });

  it('is the canonical text of RFC 5952', () => {
    const pairs: [string, string][] = [
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0db8:0:0:1:0:0:0', '2001:db8:0:0:1::'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['1:0:0:0:0:0:0:0', '1::'],
      ['::ffff:c000:0201', '::ffff:192.0.2.1'],
      ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
      ['fe80::1', 'fe80::1'],
      ['192.0.2.1', '192.0.2.1'],
    ];
    for (const [text, canonical] of pairs) assert.equal(formatAddress(address(text)), canonical);
  });

  it('refuses what has two readings or holds on one host only, and says what to write', () => {
    const cases: [string, RegExp][] = [
      ['fe80::1%eth0', /^"fe80::1%eth0" has a zone id/],
      ['192.0.2.010', /leading zero/],
      ['192.0.2', /is not an address: write IPv4 as 192\.0\.2\.1/],
      ['192.0.2.256', /four numbers from 0 to 255/],
      ['1.2.3.4.5', /is not an address/],
      ['0x7f.0.0.1', /four numbers/],
      ['', /is empty/],
      [' 192.0.2.1', /white space/],
      ['192.0.2.1\n', /white space/],
      ['192.0.2.0/24', /without a prefix length/],
      ['1::2::3', /not an IPv6 address/],
      ['1:2:3:4:5:6:7', /not an IPv6 address/],
      ['1:2:3:4:5:6:7:8:9', /not an IPv6 address/],
      ['1:2:3:4::5:6:7:8', /not an IPv6 address/],
      ['12345::', /not an IPv6 address/],
      ['1.2.3.4::', /not an IPv6 address/],
      [':1', /not an IPv6 address/],
      [':', /not an IPv6 address/],
      ['a'.repeat(5000), /is too long/],
    ];
    for (const [text, expected] of cases) assert.match(refusal(parseAddress(text)), expected);
    assert.ok(refusal(parseAddress('a'.repeat(5000))).length < 200);
  });

  it('refuses to format bytes that are no address', () => {
    assert.throws(() => formatBytes(new Uint8Array(5)), RangeError);
    assert.equal(addressFromBytes(new Uint8Array(5)), null);
  });

  it('sorts IPv4 first, and by number rather than by letter', () => {
    const sorted = ['10.0.0.9', '10.0.0.10', '::2', '2001:db8::'].map(address);
    assert.deepEqual([...sorted].reverse().sort(compareAddresses), sorted);
    assert.equal(compareAddresses(address('::2'), address('0:0::2')), 0);
  });
});

describe('blocks', () => {
  it('count one address, a masked CIDR block with its ends, and a range', () => {
    const cases: [string, string, string, bigint][] = [
      ['192.0.2.7', '192.0.2.7', '192.0.2.7', 1n],
      ['192.168.0.1/24', '192.168.0.0', '192.168.0.255', 256n],
      ['0.0.0.0/0', '0.0.0.0', '255.255.255.255', 2n ** 32n],
      ['192.0.2.9/32', '192.0.2.9', '192.0.2.9', 1n],
      ['192.0.2.10-192.0.3.9', '192.0.2.10', '192.0.3.9', 256n],
      ['192.0.2.10-192.0.2.10', '192.0.2.10', '192.0.2.10', 1n],
      ['2001:db8::1/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 2n ** 96n],
      ['::/0', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 2n ** 128n],
      ['2001:db8::fffe-2001:db8::1:1', '2001:db8::fffe', '2001:db8::1:1', 4n],
    ];
    for (const [text, first, last, size] of cases) {
      const parsed = block(text);
      assert.equal(formatAddress(parsed.first), first);
      assert.equal(formatAddress(parsed.last), last);
      assert.equal(parsed.size, size);
    }
  });

  it('are refused with a sentence that names the value and what would do', () => {
    const cases: [string, RegExp][] = [
      ['10.0.0.0/255.255.255.0', /^"10\.0\.0\.0\/255\.255\.255\.0" has a netmask: write 10\.0\.0\.0\/24\.$/],
      ['10.0.0.0/255.0.255.0', /a prefix length from 0 to 32/],
      ['10.0.0.0/33', /from 0 to 32/],
      ['10.0.0.0/024', /from 0 to 32/],
      ['10.0.0.0/', /from 0 to 32/],
      ['10.0.0.0/-1', /is not a range/],
      ['::/129', /from 0 to 128/],
      ['10.0.0.0/8/8', /more than one slash/],
      ['10.0.0.9-10.0.0.1', /ends before it begins: write 10\.0\.0\.1-10\.0\.0\.9\./],
      ['10.0.0.1-::2', /mixes IPv4 and IPv6/],
      ['10.0.0.1-9', /^"9" is not an address/],
      ['10.0.0.1-', /is not a range/],
      ['10.0.0.1 - 10.0.0.2', /white space/],
      ['10.0.0.1-10.0.0.2-10.0.0.3', /is not a range/],
      ['10.0.0.0/24-10.0.1.0/24', /is not a range/],
      ['fe80::%eth0/64', /zone id/],
      ['example.org', /is not an address/],
    ];
    for (const [text, expected] of cases) assert.match(refusal(parseBlock(text)), expected);
  });

  it('overlap, and contain an address, exactly if they share one', () => {
    const small = fc.record({
      first: fc.bigInt({ min: 0n, max: 40n }), more: fc.bigInt({ min: 0n, max: 10n }),
      family: fc.constantFrom<Family>(4, 6),
    }).map(({ first, more, family }): Block => ({
      family, first: { family, value: first }, last: { family, value: first + more },
      size: more + 1n,
    }));
    fc.assert(fc.property(small, small, (a, b) => {
      const shared = [...addressesOf(a)].filter((one) => blockContains(b, one));
      assert.equal(blocksOverlap(a, b), shared.length > 0);
      assert.equal(BigInt([...addressesOf(a)].length), a.size);
    }));
  });

  it('give their addresses one at a time, also when there are 2^128', () => {
    const [first, second] = addressesOf(block('::/0'));
    assert.deepEqual([first, second], [address('::'), address('::1')]);
  });

  it('say which of their addresses nobody can claim on a LAN', () => {
    for (const text of ['127.0.0.1', '224.0.0.5', '255.255.255.255', '0.0.0.0/0', '::', '::1',
      'ff02::1', '::ffff:192.0.2.1']) {
      assert.notEqual(whyNotClaimable(block(text)), null, text);
    }
    for (const text of ['192.0.2.0/24', '169.254.1.1', '2001:db8::/32', 'fe80::7', 'fd00::/8']) {
      assert.equal(whyNotClaimable(block(text)), null, text);
    }
  });
});
