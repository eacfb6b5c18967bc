/**
 * The datagram between two agents. Nothing of it is looked at before it is found authentic but what
 * says how to find out. Network order; version 1:
 *
 *    0  u32  magic "TNHB"
 *    4  u8   version
 *    5  u8   kind: 1 heartbeat, 2 obituary
 *    6  u16  whether the sender hears the other on this network: 0 not said, 1 no, 2 yes
 *    8  u32  which key
 *   12  u64  number of this datagram, from 1 on for each boot of the sender
 *   20  u64  boot of the sender
 *   28  u64  boot of the one that it is for, as far as the sender knows; 0: not known
 *   36       name of the sender, name of the one that it is for: u8 length, UTF-8
 *            the body (body.ts)
 *  end-32    HMAC-SHA-256 (RFC 2104) of all before it
 *
 * It names the one that it is for because an echo speaks to that one alone: recorded, and sent to
 * another, it would be taken for an echo of that other's heartbeats. This layout, up to the body,
 * is for ever; a version may append fields to what the body has, and is read by the one before it.
 */
import { createHash, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readHeartbeat, readObituary, writeHeartbeat, writeObituary } from './body.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Heartbeat, Obituary, Party } from './messages.ts';

export const wireVersion = 1;
const magic = 0x544e4842;
const kinds = { heartbeat: 1, obituary: 2 } as const;
const headLength = 36;
export const tagLength = 32;
/** Beyond what the longest names make of twelve withdrawals; no datagram of ours is as long. */
export const longestDatagram = 9000;

export interface HeartbeatKey {
  /** Tells keys apart while they are replaced, and nothing about them. */
  readonly id: number;
  readonly secret: KeyObject;
}

/** Where a datagram comes from, and whom it is for. */
export interface Envelope {
  /** The boot of `to` is 0 where it is not known. */
  readonly to: Party;
  readonly seq: number;
  /** Whether the sender hears `to` on this network: 0 not said (default), 1 no, 2 yes. */
  readonly hearing?: number;
}

export type DatagramDrop =
  | 'too-short' | 'too-long' | 'magic' | 'version' | 'key' | 'tag' | 'kind' | 'malformed';

export type Datagram = Required<Envelope> & { readonly from: Party } & (
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'obituary'; readonly obituary: Obituary });

export function heartbeatKey(secret: Uint8Array): HeartbeatKey {
  const digest = createHash('sha256').update('tenure heartbeat key id\n').update(secret).digest();
  return { id: digest.readUInt32BE(0), secret: createSecretKey(secret) };
}

/** One writer for all: nothing waits between its first byte and its last. */
const writer = new ByteWriter(2 * 65536);

/** Throws RangeError on values that are none: a bug, never input. */
export function sealHeartbeat(
  heartbeat: Heartbeat, envelope: Envelope, key: HeartbeatKey,
): Uint8Array {
  writeHead(kinds.heartbeat, heartbeat, envelope, key);
  writeHeartbeat(writer, heartbeat);
  return sealed(key);
}

export function sealObituary(
  obituary: Obituary, envelope: Envelope, key: HeartbeatKey,
): Uint8Array {
  writeHead(kinds.obituary, obituary, envelope, key);
  writeObituary(writer, obituary);
  return sealed(key);
}

function writeHead(
  kind: number, from: Party, { to, seq, hearing = 0 }: Envelope, key: HeartbeatKey,
): void {
  writer.reset();
  writer.u32(magic);
  writer.u8(wireVersion);
  writer.u8(kind);
  writer.u16(hearing);
  writer.u32(key.id);
  writer.whole(seq);
  writer.whole(from.boot);
  writer.whole(to.boot);
  writer.name(from.node);
  writer.name(to.node);
}

function sealed(key: HeartbeatKey): Uint8Array {
  writer.raw(tagOf(writer.written(), key));
  return writer.take();
}

function tagOf(bytes: Uint8Array, key: HeartbeatKey): Buffer {
  return createHmac('sha256', key.secret).update(bytes).digest();
}

/** Never throws; what is no authentic datagram of a known version is dropped, and why. */
export function openDatagram(
  bytes: Uint8Array, keys: readonly HeartbeatKey[],
): Datagram | { readonly drop: DatagramDrop } {
  if (bytes.length < headLength + tagLength) return { drop: 'too-short' };
  if (bytes.length > longestDatagram) return { drop: 'too-long' };
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.readUInt32BE(0) !== magic) return { drop: 'magic' };
  // One version more or less: agents are replaced one after another.
  const version = buffer.readUInt8(4);
  if (version < 1 || Math.abs(version - wireVersion) > 1) return { drop: 'version' };
  const id = buffer.readUInt32BE(8);
  const candidates = keys.filter((key) => key.id === id);
  if (candidates.length === 0) return { drop: 'key' };
  const end = bytes.length - tagLength;
  const tag = buffer.subarray(end);
  const covered = buffer.subarray(0, end);
  if (!candidates.some((key) => timingSafeEqual(tagOf(covered, key), tag))) return { drop: 'tag' };
  return readAuthentic(buffer, end);
}

function readAuthentic(buffer: Buffer, end: number): Datagram | { readonly drop: DatagramDrop } {
  const input = new ByteReader(buffer, 12, end);
  const hearing = buffer.readUInt16BE(6);
  const seq = input.whole();
  const [fromBoot, toBoot] = [input.whole(), input.whole()];
  const from = { node: input.name(), boot: fromBoot };
  const to = { node: input.name(), boot: toBoot };
  if (!input.ok) return { drop: 'malformed' };
  switch (buffer.readUInt8(5)) {
    case kinds.heartbeat: {
      const heartbeat = readHeartbeat(input, from);
      return heartbeat === null
        ? { drop: 'malformed' }
        : { kind: 'heartbeat', from, to, seq, hearing, heartbeat };
    }
    case kinds.obituary: {
      const obituary = readObituary(input, from);
      return obituary === null
        ? { drop: 'malformed' }
        : { kind: 'obituary', from, to, seq, hearing, obituary };
    }
    default:
      return { drop: 'kind' };
  }
}
