import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  decodeVrrpFrame, decodeVrrpPacket, encodeVrrpFrame, vrrpGroups, type VrrpFrame, type VrrpPacket,
} from '../../../src/wire/vrrp/frame.ts';
import { internetChecksum } from '../../../src/wire/checksum.ts';
import { anyIpv4, anyIpv6, anyStationMac, hexOf, tagged } from './frames.ts';
import { tcpdumpMissing, tcpdumpOf } from './pcap.ts';

/** What keepalived 2.2.7 sent, as tcpdump captured it. The host is 02:..:0a, 192.0.2.10. */
const captured = {
  version2: '01005e00001202000000000a080045c0002c00010000ff701884c000020ae0000012210264020101b8e3c0'
    + '000264c00002657365637265740000',
  version3: '01005e00001202000000000a080045c0002000010000ff701890c000020ae00000123103fe0100326bc7c0'
    + '000267',
  released: '01005e00001202000000000a080045c00020000c0000ff701885c000020ae000001231030001003269c8c0'
    + '000267',
  unicast: '02000000000b02000000000a080045c0002000010000ff703697c000020ac000020b31046401003223cdc0'
    + '000268',
  ipv6: '33330000001202000000000a86dd6c0942b2002870fffe80000000000000000000fffe00000aff020000000000'
    + '000000000000000012310364020032414afe80000000000000000000000000000620010db80000000000000000000'
    + '00006',
};

function frameOf(name: keyof typeof captured): Uint8Array {
  return Uint8Array.from(Buffer.from(captured[name], 'hex'));
}

function read(bytes: Uint8Array): VrrpFrame {
  const frame = decodeVrrpFrame(bytes);
  assert.ok(!('drop' in frame), 'drop' in frame ? frame.drop : '');
  return frame;
}

function reasonFor(name: keyof typeof captured, change: (bytes: Uint8Array) => Uint8Array): string {
  const frame = decodeVrrpFrame(change(frameOf(name)));
  assert.ok('drop' in frame, 'was accepted');
  return frame.drop;
}

/** A change of one byte, after which the checksum of the IPv4 header does not matter. */
const set = (offset: number, value: number) => (bytes: Uint8Array) => {
  bytes[offset] = value;
  return bytes;
};

const anyPacket = (family: 4 | 6): fc.Arbitrary<VrrpPacket> => {
  const address = family === 4 ? anyIpv4.filter((text) => Number(text.split('.')[0]) < 224) : anyIpv6;
  return fc.record({
    version: family === 4 ? fc.constantFrom(2 as const, 3 as const) : fc.constant(3 as const),
    vrid: fc.integer({ min: 1, max: 255 }), priority: fc.nat(255),
    interval: fc.integer({ min: 1, max: 255 }), authentication: fc.nat(2),
    addresses: fc.array(address, { maxLength: 20 }), pseudoHeader: fc.boolean(),
    source: address, destination: fc.oneof(fc.constant(vrrpGroups[family]), address),
    trailer: fc.constantFrom(0, 0, 28),
  }).map(({ interval, ...packet }) => ({
    ...packet,
    ttl: 255,
    intervalMs: interval * (packet.version === 2 ? 1000 : 10),
    authentication: packet.version === 2 ? packet.authentication : 0,
    pseudoHeader: packet.version === 3 && (family === 6 || packet.pseudoHeader),
  }));
};
const anyOfBoth = fc.oneof(anyPacket(4), anyPacket(6));
const anyHeader = fc.record(
  { destination: anyStationMac, source: anyStationMac }, { noNullPrototype: true });

describe('VRRP', () => {
  it('reads what keepalived sends', () => {
    const ethernet = { destination: '01:00:5e:00:00:12', source: '02:00:00:00:00:0a' };
    const common = { source: '192.0.2.10', destination: '224.0.0.18', ttl: 255, trailer: 0, ethernet };
    assert.deepEqual(read(frameOf('version2')), {
      ...common, version: 2, vrid: 2, priority: 100, intervalMs: 1000, authentication: 1,
      pseudoHeader: false, addresses: ['192.0.2.100', '192.0.2.101'],
    });
    assert.deepEqual(read(frameOf('version3')), {
      ...common, version: 3, vrid: 3, priority: 254, intervalMs: 500, authentication: 0,
      pseudoHeader: true, addresses: ['192.0.2.103'],
    });
    assert.equal(read(frameOf('released')).priority, 0);
    const { destination, vrid } = read(frameOf('unicast'));
    assert.deepEqual([destination, vrid], ['192.0.2.11', 4]);
    const ipv6 = read(frameOf('ipv6'));
    assert.deepEqual([ipv6.source, ipv6.destination, ipv6.addresses],
      ['fe80::ff:fe00:a', 'ff02::12', ['fe80::6', '2001:db8::6']]);
  });

  it('writes byte for byte what keepalived sends, but for identification and password', () => {
    for (const name of ['version3', 'released', 'unicast', 'ipv6'] as const) {
      const bytes = frameOf(name);
      const written = encodeVrrpFrame(read(bytes).ethernet, read(bytes));
      const isIpv4 = bytes[12] === 8;
      // The identification and the checksum that covers it; the flow label.
      const random = isIpv4 ? [18, 19, 24, 25] : [15, 16, 17];
      for (const offset of random) bytes[offset] = written[offset] ?? 0;
      assert.equal(hexOf(written), hexOf(bytes), name);
    }
  });

  it('reads back any packet that it wrote, padded or not', () => {
    fc.assert(fc.property(anyHeader, anyOfBoth, fc.nat(30), (ethernet, packet, padding) => {
      const bytes = encodeVrrpFrame(ethernet, packet);
      const padded = new Uint8Array(bytes.length + padding);
      padded.set(bytes);
      const frame = read(padded);
      // Where the pseudo-header adds nothing to the sum, both readings are right.
      assert.deepEqual({ ...frame, pseudoHeader: packet.pseudoHeader }, { ...packet, ethernet });
      if (bytes[12] === 8) assert.equal(internetChecksum(bytes.subarray(14, 34)), 0);
    }));
  });

  it('never throws, whatever the bytes, and tells a changed bit from what was sent', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeVrrpFrame(bytes);
      decodeVrrpPacket(bytes);
    }));
    const bits = frameOf('version3').length * 8;
    for (let bit = 34 * 8; bit < bits; bit += 1) {
      const change = set(bit >> 3, (frameOf('version3')[bit >> 3] ?? 0) ^ 1 << (bit & 7));
      assert.match(reasonFor('version3', change), /^vrrp-/);
    }
  });

  it('gives a reason at every length to which a frame is cut', () => {
    for (const name of ['version2', 'version3', 'ipv6'] as const) {
      for (let length = 0; length < frameOf(name).length; length += 1) {
        assert.match(reasonFor(name, (bytes) => bytes.subarray(0, length)), /truncated|vrrp-not-ip/);
      }
    }
  });

  it('says why it dropped a packet', () => {
    const cases: [keyof typeof captured, (bytes: Uint8Array) => Uint8Array, string][] = [
      ['version3', set(13, 6), 'vrrp-other-ethertype'],
      ['version3', (bytes) => tagged(bytes, 5), 'vlan-tagged'],
      ['version3', set(14, 0x55), 'vrrp-not-ip'],
      ['version3', set(23, 6), 'vrrp-other-protocol'],
      ['ipv6', set(20, 58), 'vrrp-other-protocol'],
      ['version3', set(20, 0x20), 'vrrp-fragment'],
      ['version3', set(22, 254), 'vrrp-ttl'],
      ['ipv6', set(21, 254), 'vrrp-ttl'],
      ['version3', set(26, 224), 'vrrp-source-is-group'],
      ['version3', set(34, 0x41), 'vrrp-other-version'],
      ['version3', set(34, 0x32), 'vrrp-other-type'],
      ['version3', set(35, 0), 'vrrp-vrid-0'],
      ['version3', set(37, 2), 'vrrp-truncated'],
      ['version3', set(39, 0), 'vrrp-interval-0'],
      ['version3', set(36, 1), 'vrrp-checksum'],
      ['version2', set(36, 1), 'vrrp-checksum'],
      ['ipv6', set(56, 1), 'vrrp-checksum'],
      ['ipv6', set(54, 0x21), 'vrrp-v2-over-ipv6'],
    ];
    for (const [name, change, reason] of cases) assert.equal(reasonFor(name, change), reason);
  });

  it('takes a unicast packet with a lower TTL, and tells it', () => {
    assert.equal(read(set(22, 64)(frameOf('unicast'))).ttl, 64);
  });

  it('takes version 3 over IPv4 with either checksum, and tells which', () => {
    for (const pseudoHeader of [true, false]) {
      const packet = { ...read(frameOf('version3')), pseudoHeader };
      assert.equal(read(encodeVrrpFrame(packet.ethernet, packet)).pseudoHeader, pseudoHeader);
    }
  });

  it('refuses to write what does not go into a packet', () => {
    const packet = read(frameOf('version2'));
    for (const change of [{ vrid: 0 }, { vrid: 256 }, { priority: 256 }, { intervalMs: 500 },
      { intervalMs: 256_000 }, { addresses: ['::1'] }, { addresses: ['x'] }, { source: '::1' }]) {
      assert.throws(() => encodeVrrpFrame(packet.ethernet, { ...packet, ...change }),
        JSON.stringify(change));
    }
  });

  it('writes what tcpdump reads, checksums right', { skip: tcpdumpMissing }, () => {
    const packets = (['version2', 'version3', 'ipv6'] as const).map((name) => {
      const frame = read(frameOf(name));
      return encodeVrrpFrame(frame.ethernet, { ...frame, priority: 7, authentication: 0 });
    });
    const lines = tcpdumpOf(packets);
    assert.match(lines[0] ?? '', /192\.0\.2\.10 > 224\.0\.0\.18: VRRPv2, Advertisement, vrid 2, prio 7, authtype none, intvl 1s, length 24, addrs\(2\): 192\.0\.2\.100,192\.0\.2\.101$/);
    assert.match(lines[1] ?? '', /VRRPv3, Advertisement, vrid 3, prio 7, intvl 50cs, length 12, addrs: 192\.0\.2\.103$/);
    assert.match(lines[2] ?? '', /fe80::ff:fe00:a > ff02::12: VRRPv3, Advertisement, vrid 3, prio 7, intvl 50cs, length 40, addrs\(2\): fe80::6,2001:db8::6$/);
    assert.ok(lines.every((line) => !/bad|cksum/.test(line)), lines.join('\n'));
  });
});
