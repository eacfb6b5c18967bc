import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  arpAnswer, arpClaims, arpProbe, decodeArp, encodeArp, meaningOfArp,
  type ArpFrame,
} from '../../../src/wire/arp.ts';
import { decodeEthernet, isGroupMac, isMac } from '../../../src/wire/ethernet.ts';
import { captured, frameOf } from './captured-frames.ts';
import { anyIpv4, anyMac, anyStationMac, hexOf, tagged } from './frames.ts';

const a = { mac: '02:00:00:00:00:0a', address: '192.0.2.10' };
const b = { mac: '02:00:00:00:00:0b', address: '192.0.2.11' };

function read(bytes: Uint8Array): ArpFrame {
  const frame = decodeArp(bytes);
  assert.ok(!('drop' in frame), 'drop' in frame ? frame.drop : '');
  return frame;
}

function reasonFor(bytes: Uint8Array): string {
  const frame = decodeArp(bytes);
  assert.ok('drop' in frame, 'was accepted');
  return frame.drop;
}

const anyPacket = fc.record({
  operation: fc.constantFrom('request' as const, 'reply' as const),
  senderMac: anyMac, senderAddress: anyIpv4, targetMac: anyMac, targetAddress: anyIpv4,
}, { noNullPrototype: true });
const anyHeader = fc.record(
  { destination: anyMac, source: anyStationMac }, { noNullPrototype: true });

describe('ARP', () => {
  it('reads back any packet that it wrote, padded or not', () => {
    fc.assert(fc.property(anyHeader, anyPacket, fc.nat(30), (ethernet, packet, padding) => {
      const bytes = encodeArp(ethernet, packet);
      const padded = new Uint8Array(bytes.length + padding);
      padded.set(bytes);
      assert.deepEqual(read(padded), { ...packet, ethernet });
    }));
  });

  it('never throws, whatever the bytes, and changes of a good frame are read or refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      decodeArp(bytes);
    }));
    const change = fc.tuple(fc.nat(41), fc.nat(255));
    fc.assert(fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      const bytes = frameOf('arpQuestion');
      for (const [offset, value] of changes) bytes[offset] = value;
      const frame = decodeArp(bytes);
      if ('drop' in frame) return;
      assert.ok(isMac(frame.senderMac) && isMac(frame.targetMac));
    }));
  });

  it('gives a reason at every length to which a frame is cut', () => {
    const bytes = frameOf('arpQuestion');
    for (let length = 0; length < bytes.length; length += 1) {
      const expected = length < 14 ? 'ethernet-truncated' : 'arp-truncated';
      assert.equal(reasonFor(bytes.subarray(0, length)), expected, `cut to ${length}`);
    }
  });

  it('understands what Linux sends: question, answer, announcement', () => {
    const question = read(frameOf('arpQuestion'));
    assert.equal(meaningOfArp(question), 'question');
    assert.deepEqual(
      [question.senderMac, question.senderAddress, question.targetAddress],
      [b.mac, b.address, a.address]);
    assert.equal(meaningOfArp(read(frameOf('arpAnswer'))), 'answer');
    assert.equal(meaningOfArp(read(frameOf('arpAnnouncement'))), 'announcement');
  });

  it('writes the very bytes that Linux does', () => {
    assert.equal(hexOf(arpClaims(b.mac, b.address)[0]), captured.arpAnnouncement);
    const answer = arpAnswer(a.mac, read(frameOf('arpQuestion')), b.mac);
    assert.equal(hexOf(answer), captured.arpAnswer);
  });

  it('claims an address by request and by reply, both to everyone', () => {
    const [request, reply] = arpClaims(a.mac, a.address).map(read);
    for (const claim of [request, reply]) {
      assert.ok(claim);
      assert.equal(claim.ethernet.destination, 'ff:ff:ff:ff:ff:ff');
      assert.equal(meaningOfArp(claim), 'announcement');
      assert.deepEqual([claim.senderMac, claim.senderAddress], [a.mac, a.address]);
    }
    assert.deepEqual([request?.operation, reply?.operation], ['request', 'reply']);
    assert.deepEqual([request?.targetMac, reply?.targetMac], ['00:00:00:00:00:00', a.mac]);
  });

  it('probes without a sender address, so that nobody learns from it', () => {
    const probe = read(arpProbe(a.mac, a.address));
    assert.equal(meaningOfArp(probe), 'probe');
    assert.deepEqual([probe.senderAddress, probe.targetAddress], ['0.0.0.0', a.address]);
    assert.equal(probe.targetMac, '00:00:00:00:00:00');
  });

  it('answers a probe with the address that was probed', () => {
    const answer = read(arpAnswer(b.mac, read(arpProbe(a.mac, a.address)), a.mac));
    assert.deepEqual(
      [answer.ethernet.destination, answer.senderAddress, answer.targetAddress],
      [a.mac, a.address, '0.0.0.0']);
  });

  it('refuses other protocols, other operations and other VLANs, each with its reason', () => {
    const changed = (offset: number, value: number): Uint8Array => {
      const bytes = frameOf('arpQuestion');
      bytes[offset] = value;
      return bytes;
    };
    assert.equal(reasonFor(changed(15, 6)), 'arp-not-ipv4-over-ethernet');
    assert.equal(reasonFor(changed(16, 0x86)), 'arp-not-ipv4-over-ethernet');
    assert.equal(reasonFor(changed(18, 8)), 'arp-not-ipv4-over-ethernet');
    assert.equal(reasonFor(changed(19, 16)), 'arp-not-ipv4-over-ethernet');
    assert.equal(reasonFor(changed(21, 3)), 'arp-other-operation');
    assert.equal(reasonFor(changed(21, 0)), 'arp-other-operation');
    assert.equal(reasonFor(changed(12, 0x01)), 'ethernet-not-ii');
    assert.equal(reasonFor(changed(6, 0x03)), 'ethernet-source-is-group');
    assert.equal(reasonFor(frameOf('solicitation')), 'arp-other-ethertype');
    assert.equal(reasonFor(tagged(frameOf('arpQuestion'), 7)), 'vlan-tagged');
  });

  it('reads a frame with a priority tag, which is of no VLAN', () => {
    assert.deepEqual(read(tagged(frameOf('arpQuestion'), 0)), read(frameOf('arpQuestion')));
  });
});

describe('Ethernet', () => {
  it('sees through an 802.1Q tag, and says so when it is cut', () => {
    const frame = decodeEthernet(tagged(frameOf('arpQuestion'), 0xfff));
    assert.ok(!('drop' in frame));
    assert.deepEqual([frame.vlan, frame.type, frame.payload.length], [0xfff, 0x0806, 28]);
    const cut = decodeEthernet(tagged(frameOf('arpQuestion'), 1).subarray(0, 17));
    assert.deepEqual(cut, { drop: 'ethernet-truncated' });
  });

  it('knows group addresses from those of stations', () => {
    assert.deepEqual(
      ['ff:ff:ff:ff:ff:ff', '33:33:00:00:00:01', '01:00:5e:00:00:12'].map(isGroupMac),
      [true, true, true]);
    assert.equal(isGroupMac(a.mac), false);
  });

  it('will not write what is no MAC address', () => {
    for (const mac of ['', '02:00', '02:00:00:00:00:0G', '0200.0000.000a', '02:00:00:00:00:0A']) {
      assert.throws(() => arpProbe(mac, a.address), TypeError);
    }
    assert.throws(() => arpProbe(a.mac, '2001:db8::1'), TypeError);
    assert.throws(() => arpProbe(a.mac, 'nonsense'), TypeError);
  });
});
