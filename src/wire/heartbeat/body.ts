/**
 * The inside of a datagram. Each record's length comes with it, so that a version that appends
 * fields to one is read by the version before it, and the other way round.
 *
 *   heartbeat  u16 length of the fixed part | u8 of an echo | u8 of a withdrawal
 *              | u8 echoes (0 or 1) | u8 names | u8 withdrawals
 *              | fixed part | echo | names (u8 length, UTF-8) | withdrawals | more, not read
 *   fixed      incarnation, epoch, supportMs, sentAt, floor, relied, reached
 *   echo       incarnation, epoch, sentAt, withdrawn, floor
 *   withdrawal u8 voter's name, u8 the node's, voter's boot, incarnation, epoch, floor, relied
 *   obituary   u16 length | incarnation
 *
 * All numbers are of eight bytes, names in withdrawals are places in the table of names.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { Echo, Heartbeat, Obituary, Party, Withdrawal } from './messages.ts';

const fixedLength = 56;
const echoLength = 40;
const withdrawalLength = 42;
const obituaryLength = 8;
/** Places in the table are one byte; the writer's withdrawals are counted in one, too. */
const mostInTable = 255;

export function writeHeartbeat(out: ByteWriter, heartbeat: Heartbeat): void {
  const { echo, withdrawals } = heartbeat;
  const names = new Map<string, number>();
  for (const { voter, of } of withdrawals) {
    for (const { node } of [voter, of]) if (!names.has(node)) names.set(node, names.size);
  }
  if (names.size > mostInTable || withdrawals.length > mostInTable) {
    throw new RangeError(`heartbeat: ${String(withdrawals.length)} withdrawals at once`);
  }
  out.u16(fixedLength);
  out.u8(echoLength);
  out.u8(withdrawalLength);
  out.u8(echo === null ? 0 : 1);
  out.u8(names.size);
  out.u8(withdrawals.length);
  out.whole(heartbeat.incarnation);
  out.whole(heartbeat.epoch);
  out.ms(heartbeat.supportMs);
  out.ms(heartbeat.sentAt);
  out.whole(heartbeat.floor);
  out.whole(heartbeat.relied);
  out.whole(heartbeat.reached);
  if (echo !== null) writeEcho(out, echo);
  for (const name of names.keys()) out.name(name);
  for (const withdrawal of withdrawals) writeWithdrawal(out, withdrawal, names);
}

function writeEcho(out: ByteWriter, echo: Echo): void {
  out.whole(echo.incarnation);
  out.whole(echo.epoch);
  out.ms(echo.sentAt);
  out.whole(echo.withdrawn);
  out.whole(echo.floor);
}

function writeWithdrawal(
  out: ByteWriter, withdrawal: Withdrawal, names: ReadonlyMap<string, number>,
): void {
  const { voter, of, epoch, floor, relied } = withdrawal;
  out.u8(names.get(voter.node) ?? 0);
  out.u8(names.get(of.node) ?? 0);
  out.whole(voter.boot);
  out.whole(of.incarnation);
  out.whole(epoch);
  out.whole(floor);
  out.whole(relied);
}

/** Null: malformed. */
export function readHeartbeat(input: ByteReader, from: Party): Heartbeat | null {
  const fixedSize = input.u16();
  const echoSize = input.u8();
  const withdrawalSize = input.u8();
  const echoes = input.u8();
  const nameCount = input.u8();
  const withdrawalCount = input.u8();
  const fixed = input.part(fixedSize);
  const known = {
    incarnation: fixed.whole(), epoch: fixed.whole(), supportMs: fixed.ms(), sentAt: fixed.ms(),
    floor: fixed.whole(), relied: fixed.whole(), reached: fixed.whole(),
  };
  if (!fixed.ok || echoes > 1) return null;
  const echo = echoes === 1 ? readEcho(input.part(echoSize)) : null;
  const names: string[] = [];
  for (let i = 0; i < nameCount; i++) names.push(input.name());
  const withdrawals: Withdrawal[] = [];
  for (let i = 0; i < withdrawalCount; i++) {
    const withdrawal = readWithdrawal(input.part(withdrawalSize), names);
    if (withdrawal === null) return null;
    withdrawals.push(withdrawal);
  }
  if (!input.ok || (echoes === 1 && echo === null)) return null;
  return { node: from.node, boot: from.boot, ...known, echo, withdrawals };
}

function readEcho(part: ByteReader): Echo | null {
  const echo = {
    incarnation: part.whole(), epoch: part.whole(), sentAt: part.ms(), withdrawn: part.whole(),
    floor: part.whole(),
  };
  return part.ok ? echo : null;
}

function readWithdrawal(part: ByteReader, names: readonly string[]): Withdrawal | null {
  const voter = names[part.u8()];
  const node = names[part.u8()];
  const [boot, incarnation] = [part.whole(), part.whole()];
  const [epoch, floor, relied] = [part.whole(), part.whole(), part.whole()];
  if (!part.ok || voter === undefined || node === undefined) return null;
  return { voter: { node: voter, boot }, of: { node, incarnation }, epoch, floor, relied };
}

export function writeObituary(out: ByteWriter, { incarnation }: Obituary): void {
  out.u16(obituaryLength);
  out.whole(incarnation);
}

/** Null: malformed. */
export function readObituary(input: ByteReader, from: Party): Obituary | null {
  const part = input.part(input.u16());
  const incarnation = part.whole();
  return part.ok ? { node: from.node, boot: from.boot, incarnation } : null;
}
