import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Heartbeat as CoreHeartbeat, Obituary as CoreObituary } from '../../../../src/core/heartbeat.ts';
import { maxWithdrawals } from '../../../../src/core/heartbeat.ts';
import { openDatagram, sealHeartbeat, sealObituary } from '../../../../src/wire/heartbeat/datagram.ts';
import type { Heartbeat, Obituary } from '../../../../src/wire/heartbeat/messages.ts';
import { envelopes, heartbeats, key, nodeName, otherKey, retag } from './kit.ts';

/** The shapes of wire and core are one: else this does not compile. */
const toCore = (heartbeat: Heartbeat): CoreHeartbeat => heartbeat;
const toWire = (heartbeat: CoreHeartbeat): Heartbeat => heartbeat;
const obituaryToCore = (obituary: Obituary): CoreObituary => obituary;

const to = { node: 'web-2', boot: 7 };

function usual(withdrawals: number): Heartbeat {
  return {
    node: 'rack1-web-1.example.org', boot: 1_700_123_456, incarnation: 1_700_123_460, epoch: 3,
    supportMs: 300, sentAt: 123_456_789.123_456, floor: 99_000_001, relied: 99_000_000,
    reached: 99_000_007,
    echo: { incarnation: 8, epoch: 2, sentAt: 55_555.5, withdrawn: 1, floor: 12 },
    withdrawals: Array.from({ length: withdrawals }, (_, i) => ({
      voter: { node: `rack1-web-${String(i)}.example.org`, boot: 1_700_000_000 + i },
      of: { node: `rack2-web-${String(i)}.example.org`, incarnation: 1_700_000_100 + i },
      epoch: i, floor: 98_000_000 + i, relied: 98_000_000 + i,
    })),
  };
}

describe('a datagram between agents', () => {
  it('says the same on the other side', () => {
    fc.assert(fc.property(heartbeats, envelopes, (heartbeat, envelope) => {
      const opened = openDatagram(sealHeartbeat(toWire(toCore(heartbeat)), envelope, key), [key]);
      assert.deepEqual(opened, {
        kind: 'heartbeat', heartbeat, ...envelope,
        from: { node: heartbeat.node, boot: heartbeat.boot },
      });
    }));
  });

  it('tells of a death', () => {
    fc.assert(fc.property(nodeName, fc.nat(), fc.nat(), envelopes, (...values) => {
      const [node, boot, incarnation, envelope] = values;
      const obituary = { node, boot, incarnation };
      const opened = openDatagram(sealObituary(obituary, envelope, key), [key]);
      assert.deepEqual(opened, {
        kind: 'obituary', obituary: obituaryToCore(obituary), ...envelope, from: { node, boot },
      });
    }));
  });

  it('carries as many withdrawals as there may be within one frame of an Ethernet', () => {
    const bytes = sealHeartbeat(usual(maxWithdrawals), { to, seq: 1 }, key);
    assert.ok(bytes.length <= 1400, `${String(bytes.length)} bytes`);
  });

  it('is refused if any byte of it is another', () => {
    const bytes = sealHeartbeat(usual(2), { to, seq: 1 }, key);
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ flip;
        assert.ok('drop' in openDatagram(changed, [key]), `byte ${String(at)} can be changed`);
      }
    }
  });

  it('is refused if it was cut, or if anything follows', () => {
    const bytes = sealHeartbeat(usual(1), { to, seq: 1 }, key);
    for (let length = 0; length < bytes.length; length++) {
      assert.ok('drop' in openDatagram(bytes.subarray(0, length), [key]), String(length));
    }
    assert.deepEqual(openDatagram(Buffer.concat([bytes, Buffer.of(0)]), [key]), { drop: 'tag' });
  });

  it('is opened by either key while keys are replaced, and says by which it cannot be', () => {
    const bytes = sealHeartbeat(usual(1), { to, seq: 1 }, otherKey);
    assert.ok('heartbeat' in openDatagram(bytes, [key, otherKey]), 'two keys');
    assert.deepEqual(openDatagram(bytes, [key]), { drop: 'key' });
    assert.deepEqual(openDatagram(bytes, []), { drop: 'key' });
  });

  it('tells why it was dropped', () => {
    const bytes = sealHeartbeat(usual(1), { to, seq: 1 }, key);
    const because = (change: (copy: Buffer) => Uint8Array | undefined): string => {
      const copy = Buffer.from(bytes);
      const opened = openDatagram(change(copy) ?? copy, [key]);
      return 'drop' in opened ? opened.drop : 'nothing';
    };
    assert.equal(because((copy) => copy.subarray(0, 20)), 'too-short');
    assert.equal(because(() => Buffer.alloc(10_000)), 'too-long');
    assert.equal(because((copy) => { copy[0] = 0; return undefined; }), 'magic');
    assert.equal(because((copy) => { copy[4] = 3; return undefined; }), 'version');
    assert.equal(because((copy) => { copy[4] = 0; return undefined; }), 'version');
    assert.equal(because((copy) => { copy[8] = 0xee; return undefined; }), 'key');
    assert.equal(because((copy) => { copy[60] = 0xee; return undefined; }), 'tag');
    assert.equal(because((copy) => { copy[5] = 9; return retag(copy); }), 'kind');
    // The sender's name, said to be longer than the datagram is.
    assert.equal(because((copy) => { copy[36] = 255; return retag(copy); }), 'malformed');
  });
});

describe('a datagram of the next version', () => {
  // Where each thing of the body begins, for names of one byte each.
  const body = 36 + 2 + 2;
  const small: Heartbeat = {
    ...usual(0), node: 'a',
    withdrawals: [
      {
        voter: { node: 'b', boot: 2 }, of: { node: 'c', incarnation: 3 },
        epoch: 4, floor: 5, relied: 6,
      },
      {
        voter: { node: 'c', boot: 7 }, of: { node: 'b', incarnation: 8 },
        epoch: 9, floor: 10, relied: 11,
      },
    ],
  };

  /** As a version 2 would write it that appended to each record, and has a part of its own. */
  function nextVersion(): Uint8Array {
    const bytes = Buffer.from(sealHeartbeat(small, { to: { node: 'z', boot: 1 }, seq: 1 }, key));
    const more = Buffer.from('new');
    const head = Buffer.from(bytes.subarray(0, body + 7));
    head[4] = 2;
    head.writeUInt16BE(56 + 3, body);
    head[body + 2] = 40 + 3;
    head[body + 3] = 42 + 3;
    let at = body + 7;
    const take = (length: number): Buffer => bytes.subarray(at, at += length);
    return retag(Buffer.concat([
      head, take(56), more, take(40), more, take(4), take(42), more, take(42), more,
      Buffer.from('something else'), Buffer.alloc(32),
    ]));
  }

  it('is read, what is new in it left out', () => {
    const opened = openDatagram(nextVersion(), [key]);
    assert.ok('heartbeat' in opened, JSON.stringify(opened));
    assert.deepEqual(opened.heartbeat, small);
  });

  it('is authenticated all the same', () => {
    const bytes = nextVersion();
    bytes[bytes.length - 40] = 0;
    assert.deepEqual(openDatagram(bytes, [key]), { drop: 'tag' });
  });
});

describe('whatever arrives', () => {
  it('never throws, be it noise', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.ok('drop' in openDatagram(bytes, [key]), 'noise is no datagram');
    }), { numRuns: 2000 });
  });

  it('never throws, be it noise from someone who has the key', () => {
    const noise = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 12 });
    fc.assert(fc.property(heartbeats, noise, fc.nat(300), (heartbeat, changes, cut) => {
      const sealed = sealHeartbeat(heartbeat, { to, seq: 1 }, key);
      const bytes = Buffer.from(sealed.subarray(0, Math.max(68, sealed.length - cut)));
      for (const [at, value] of changes) if (at < bytes.length && at > 11) bytes[at] = value;
      const opened = openDatagram(retag(bytes), [key]);
      if ('heartbeat' in opened) sealHeartbeat(opened.heartbeat, opened, key);
    }), { numRuns: 3000 });
  });
});
