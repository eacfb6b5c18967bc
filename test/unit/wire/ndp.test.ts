import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  dadSolicitation, decodeNeighbour, encodeNeighbour, multicastMac, senderMacOf,
  solicitedAdvertisement, solicitedNodeGroup, unsolicitedAdvertisement,
  type NeighbourFrame, type NeighbourPacket, type Solicitation,
} from '../../../src/wire/ndp.ts';
import { internetChecksum, ipv6PseudoHeaderSum } from '../../../src/wire/checksum.ts';
import { captured, frameOf } from './captured-frames.ts';
import { anyIpv6, anyMac, anyStationMac, hexOf, tagged } from './frames.ts';

const a = { mac: '02:00:00:00:00:0a', address: '2001:db8::10' };
const b = { mac: '02:00:00:00:00:0b', address: '2001:db8::11' };
const header = { destination: b.mac, source: a.mac };

function read(bytes: Uint8Array): NeighbourFrame {
  const frame = decodeNeighbour(bytes);
  assert.ok(!('drop' in frame), 'drop' in frame ? frame.drop : '');
  return frame;
}

function question(bytes: Uint8Array): Solicitation & NeighbourFrame {
  const frame = read(bytes);
  assert.ok(frame.kind === 'solicitation');
  return frame;
}

function reasonFor(bytes: Uint8Array): string {
  const frame = decodeNeighbour(bytes);
  assert.ok('drop' in frame, 'was accepted');
  return frame.drop;
}

/** The captured solicitation with some bytes changed and its checksum made right again. */
function changed(...changes: readonly (readonly [offset: number, value: number])[]): Uint8Array {
  const bytes = frameOf('solicitation');
  for (const [offset, value] of changes) bytes[offset] = value;
  return withChecksum(bytes);
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  const ip = bytes.subarray(14);
  const message = ip.subarray(40);
  message.set([0, 0], 2);
  const length = message.length;
  const sum = ipv6PseudoHeaderSum(ip.subarray(8, 24), ip.subarray(24, 40), length, 58);
  const checksum = internetChecksum(message, sum);
  message.set([checksum >> 8, checksum & 0xff], 2);
  return bytes;
}

const anyPacket: fc.Arbitrary<NeighbourPacket> = fc.oneof(
  fc.record({
    kind: fc.constant('solicitation' as const), source: anyIpv6, destination: anyIpv6,
    target: anyIpv6, sourceMac: fc.option(anyMac),
  }, { noNullPrototype: true }),
  fc.record({
    kind: fc.constant('advertisement' as const), source: anyIpv6, destination: anyIpv6,
    target: anyIpv6, targetMac: fc.option(anyMac),
    router: fc.boolean(), solicited: fc.boolean(), override: fc.boolean(),
  }, { noNullPrototype: true }),
);
const anyHeader = fc.record(
  { destination: anyMac, source: anyStationMac }, { noNullPrototype: true });

describe('Neighbour discovery', () => {
  it('reads back any packet that it wrote', () => {
    fc.assert(fc.property(anyHeader, anyPacket, (ethernet, packet) => {
      assert.deepEqual(read(encodeNeighbour(ethernet, packet)), { ...packet, ethernet });
    }));
  });

  it('never throws, whatever the bytes, and refuses any single bit that is changed', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 150 }), (bytes) => {
      decodeNeighbour(bytes);
    }));
    // Behind the IPv6 header's first four bytes and outside hop limit everything is in the sum.
    fc.assert(fc.property(fc.integer({ min: (14 + 8) * 8, max: 86 * 8 - 1 }), (bit) => {
      const bytes = frameOf('solicitation');
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ 1 << (bit & 7);
      reasonFor(bytes);
    }));
  });

  it('never throws on changed frames whose checksum is right', () => {
    const change = fc.tuple(fc.nat(85), fc.nat(255));
    fc.assert(fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
      decodeNeighbour(changed(...changes));
    }), { numRuns: 1000 });
  });

  it('gives a reason at every length to which a frame is cut', () => {
    const bytes = frameOf('solicitation');
    for (let length = 0; length < bytes.length; length += 1) {
      const expected = length < 14 ? 'ethernet-truncated' : 'ndp-truncated';
      assert.equal(reasonFor(bytes.subarray(0, length)), expected, `cut to ${length}`);
    }
  });

  it('understands what Linux sends', () => {
    const asked = question(frameOf('solicitation'));
    assert.deepEqual(
      [asked.source, asked.destination, asked.target, asked.sourceMac],
      [b.address, 'ff02::1:ff00:10', a.address, b.mac]);
    assert.equal(question(frameOf('unicastSolicitation')).target, b.address);
    const dad = question(frameOf('dadSolicitation'));
    assert.deepEqual([dad.source, dad.target, dad.sourceMac], ['::', a.address, null]);
    const bare = read(frameOf('bareAdvertisement'));
    assert.ok(bare.kind === 'advertisement');
    assert.deepEqual(
      [bare.solicited, bare.override, bare.router, bare.targetMac], [true, false, false, null]);
    assert.equal(senderMacOf(bare), b.mac);
  });

  it('writes the very bytes that Linux does', () => {
    assert.equal(
      hexOf(unsolicitedAdvertisement(b.mac, b.address)), captured.unsolicitedAdvertisement);
    const answer = solicitedAdvertisement(a.mac, question(frameOf('solicitation')), b.mac);
    assert.equal(hexOf(answer), captured.solicitedAdvertisement);
  });

  it('answers a question of duplicate address detection to all nodes, not as solicited', () => {
    const dad = question(dadSolicitation(a.mac, a.address));
    assert.deepEqual(dad.ethernet.destination, '33:33:ff:00:00:10');
    const answer = read(solicitedAdvertisement(b.mac, dad, a.mac));
    assert.ok(answer.kind === 'advertisement');
    assert.deepEqual(
      [answer.ethernet.destination, answer.destination, answer.solicited, answer.override],
      ['33:33:00:00:00:01', 'ff02::1', false, true]);
  });

  it('refuses what RFC 4861 7.1 calls invalid, each with its reason', () => {
    const hop = frameOf('solicitation');
    hop[14 + 7] = 254;
    assert.equal(reasonFor(hop), 'ndp-hop-limit');
    const sum = frameOf('solicitation');
    sum[56] = (sum[56] ?? 0) ^ 1;
    assert.equal(reasonFor(sum), 'ndp-checksum');
    assert.equal(reasonFor(changed([55, 1])), 'ndp-code');
    assert.equal(reasonFor(changed([62, 0xff])), 'ndp-target-is-group');
    assert.equal(reasonFor(changed([19, 16])), 'ndp-truncated');
    assert.equal(reasonFor(changed([79, 0])), 'ndp-bad-option');
    assert.equal(reasonFor(changed([79, 2])), 'ndp-bad-option');
    assert.equal(reasonFor(changed([22, 0xff])), 'ndp-source-is-group');
    assert.equal(reasonFor(changed([14, 0x40])), 'ndp-not-ipv6');
    assert.equal(reasonFor(changed([20, 44])), 'ndp-not-icmpv6');
    assert.equal(reasonFor(changed([54, 133])), 'ndp-other-type');
    assert.equal(reasonFor(frameOf('routerSolicitation')), 'ndp-other-type');
    assert.equal(reasonFor(frameOf('echoRequest')), 'ndp-other-type');
    assert.equal(reasonFor(frameOf('arpQuestion')), 'ndp-other-ethertype');
    assert.equal(reasonFor(tagged(frameOf('solicitation'), 9)), 'vlan-tagged');
  });

  it('refuses a DAD question with a link-layer option, or sent to another group', () => {
    const dad = { kind: 'solicitation', source: '::', target: a.address } as const;
    const group = solicitedNodeGroup(a.address);
    const good = encodeNeighbour(header, { ...dad, destination: group, sourceMac: null });
    assert.ok(!('drop' in decodeNeighbour(good)));
    const option = encodeNeighbour(header, { ...dad, destination: group, sourceMac: a.mac });
    assert.equal(reasonFor(option), 'ndp-bad-dad');
    const other = encodeNeighbour(header, { ...dad, destination: 'ff02::1', sourceMac: null });
    assert.equal(reasonFor(other), 'ndp-bad-dad');
  });

  it('refuses an advertisement to a group that says it was asked for', () => {
    const bytes = encodeNeighbour(header, {
      kind: 'advertisement', source: a.address, destination: 'ff02::1', target: a.address,
      router: false, solicited: true, override: true, targetMac: a.mac,
    });
    assert.equal(reasonFor(bytes), 'ndp-solicited-to-group');
  });

  it('takes the frame\'s source for a link-layer option that names a group', () => {
    const frame = read(encodeNeighbour(header, {
      kind: 'advertisement', source: a.address, destination: 'ff02::1', target: a.address,
      router: false, solicited: false, override: true, targetMac: 'ff:ff:ff:ff:ff:ff',
    }));
    assert.equal(senderMacOf(frame), a.mac);
  });

  it('knows the groups of an address', () => {
    assert.equal(solicitedNodeGroup('2001:db8::12:3456:7890'), 'ff02::1:ff56:7890');
    assert.equal(multicastMac('ff02::1:ff56:7890'), '33:33:ff:56:78:90');
    assert.throws(() => solicitedNodeGroup('192.0.2.1'), TypeError);
    assert.throws(() => solicitedNodeGroup('nonsense'), TypeError);
  });
});

describe('The Internet checksum', () => {
  it('is that of the example in RFC 1071 3', () => {
    const bytes = new Uint8Array([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
    assert.equal(internetChecksum(bytes), ~0xddf2 & 0xffff);
  });

  it('counts an odd last byte as the high one, and folds what does not fit', () => {
    assert.equal(internetChecksum(new Uint8Array([0xab])), ~0xab00 & 0xffff);
    assert.equal(internetChecksum(new Uint8Array(70_000).fill(0xff)), 0);
  });

  it('is 0 over bytes that contain it', () => {
    const anyBytes = fc.uint8Array({ minLength: 2, maxLength: 99 });
    fc.assert(fc.property(anyBytes, fc.nat(), (bytes, sum) => {
      bytes.set([0, 0]);
      const checksum = internetChecksum(bytes, sum);
      bytes.set([checksum >> 8, checksum & 0xff]);
      assert.equal(internetChecksum(bytes, sum), 0);
    }));
  });
});
