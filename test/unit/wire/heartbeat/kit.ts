/** Heartbeats as fast-check makes them, and datagrams of other versions. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import type { HeartbeatKey } from '../../../../src/wire/heartbeat/datagram.ts';
import { heartbeatKey } from '../../../../src/wire/heartbeat/datagram.ts';
import type { Heartbeat } from '../../../../src/wire/heartbeat/messages.ts';

export const key = heartbeatKey(Buffer.from('a key of the tests, and of nothing else'));
export const otherKey = heartbeatKey(Buffer.from('another key of the tests, for rotation'));

const whole = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
/** Records as literals make them, so that they compare equal to what is decoded. */
const plain = { noNullPrototype: true };
const ms = fc.double({ min: 0, max: 1e15, noNaN: true });
export const nodeName = fc.oneof(
  fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,30}[a-z0-9])?$/),
  fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
    .filter((text) => Buffer.from(text).toString() === text && !text.includes('\ufffd')),
);

const withdrawal = fc.record({
  voter: fc.record({ node: nodeName, boot: whole }, plain),
  of: fc.record({ node: nodeName, incarnation: whole }, plain),
  epoch: whole, floor: whole, relied: whole,
}, plain);

export const heartbeats: fc.Arbitrary<Heartbeat> = fc.record({
  node: nodeName, boot: whole, incarnation: whole, epoch: whole, supportMs: ms, sentAt: ms,
  floor: whole, relied: whole, reached: whole,
  echo: fc.option(fc.record({
    incarnation: whole, epoch: whole, sentAt: ms, withdrawn: whole, floor: whole,
  }, plain)),
  withdrawals: fc.array(withdrawal, { maxLength: 12 }),
}, plain);

export const envelopes = fc.record({
  to: fc.record({ node: nodeName, boot: whole }, plain), seq: whole,
  hearing: fc.nat({ max: 65_535 }),
}, plain);

/** The tag of bytes that were changed by someone who has the key. */
export function retag(bytes: Uint8Array, by: HeartbeatKey = key): Uint8Array {
  const covered = bytes.subarray(0, bytes.length - 32);
  return Buffer.concat([covered, createHmac('sha256', by.secret).update(covered).digest()]);
}
