import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readReply } from '../../../src/measure/read-reply.ts';
import { newFrame } from '../../../src/wire/ethernet.ts';
import { decodeEchoReply, encodeEcho } from '../../../src/wire/icmp-echo.ts';

const mac = '02:88:00:00:00:0b';
const header = { source: mac, destination: '02:88:00:00:00:c9' };

/** An IPv4 packet in a frame, padded to Ethernet's least length. */
function ipv4(protocol: number, inner: Uint8Array, fragment = 0): Uint8Array {
  const frame = newFrame(header, 0x0800, Math.max(46, 20 + inner.length));
  const view = new DataView(frame.buffer);
  frame[14] = 0x45;
  view.setUint16(16, 20 + inner.length);
  view.setUint16(20, fragment);
  frame[23] = protocol;
  frame.set(inner, 34);
  return frame;
}

function ipv6(protocol: number, inner: Uint8Array): Uint8Array {
  const frame = newFrame(header, 0x86dd, 40 + inner.length);
  frame[14] = 0x60;
  new DataView(frame.buffer).setUint16(18, inner.length);
  frame[20] = protocol;
  frame.set(inner, 54);
  return frame;
}

/** An echo request turned into its reply. */
function echoReply(family: 4 | 6, identifier: number, number: number): Uint8Array {
  const bytes = encodeEcho(family, identifier, number);
  bytes[0] = family === 4 ? 0 : 129;
  return bytes;
}

function tcp(flags: number, data = 0): Uint8Array {
  const bytes = new Uint8Array(20 + data);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 443);
  view.setUint16(2, 50_000);
  bytes[12] = 0x50;
  bytes[13] = flags;
  return bytes;
}

describe('A frame of the measured address', () => {
  it('answers an echo by its identifier and number, in both families', () => {
    const reply = { kind: 'icmp', identifier: 4711, number: 70_000 };
    assert.deepEqual(readReply(ipv4(1, echoReply(4, 4711, 70_000))), { family: 4, mac, reply });
    assert.deepEqual(readReply(ipv6(58, echoReply(6, 4711, 70_000))), { family: 6, mac, reply });
  });

  it('is no answer if it is the question itself, or of the other family\'s protocol', () => {
    assert.equal(readReply(ipv4(1, encodeEcho(4, 1, 2))), null);
    assert.equal(readReply(ipv4(58, echoReply(6, 1, 2))), null);
  });

  it('answers a UDP packet by its ports and number', () => {
    const datagram = Uint8Array.of(0x1b, 0x5f, 0xc3, 0x50, 0, 12, 0, 0, 0, 1, 2, 3);
    assert.deepEqual(readReply(ipv4(17, datagram))?.reply, {
      kind: 'udp', port: 7007, to: 50_000, number: 0x10203,
    });
    assert.equal(readReply(ipv4(17, datagram.subarray(0, 10))), null);
  });

  it('opens a connection, or carries data; padding is no data', () => {
    const tcpOf = (frame: Uint8Array): unknown[] => {
      const reply = readReply(frame)?.reply;
      assert.ok(reply?.kind === 'tcp' && reply.port === 443 && reply.to === 50_000, 'TCP');
      return [reply.opens, reply.speaks];
    };
    assert.deepEqual(tcpOf(ipv4(6, tcp(0x12))), [true, false]);
    assert.deepEqual(tcpOf(ipv4(6, tcp(0x18, 4))), [false, true]);
    assert.deepEqual(tcpOf(ipv6(6, tcp(0x14))), [false, false]);
  });

  it('is nothing if it is a later fragment', () => {
    assert.equal(readReply(ipv4(17, new Uint8Array(20), 185)), null);
  });

  it('never makes it throw, whatever it is', () => {
    const types = fc.constantFrom(0x0800, 0x86dd);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), types, (bytes, type) => {
      const frame = newFrame(header, type, bytes.length);
      frame.set(bytes, 14);
      readReply(frame);
      decodeEchoReply(4, bytes);
    }));
  });
});
