/**
 * Values of keys, as JSON text. What does not read as a record of ours is null here; what that
 * means is for the reader of each kind to say (view-reader.ts).
 */
import { z } from 'zod';
import { moveReasons } from '../../core/model.ts';
import type { Eip, EipLease, EipLeaseValue, MoveRequest, NodeRecord } from '../../core/model.ts';
import { nodeRecordSchema } from '../node-record.ts';

const count = z.int().min(0);
const tenureId = z.object({ node: z.string().min(1), incarnation: z.int().min(1) });
// A reason that a later version knows and this one does not must not make the record unreadable:
// reasons are for people, and versions run side by side during an upgrade.
const reason = z.enum(moveReasons).catch('claimed');

const instant = z.number().optional();
const pathSchema = z.object({
  heard: instant, withdrawn: instant, certified: instant, opened: instant, claimed: instant,
  served: instant, confirmed: instant,
}).optional().catch(undefined);

const leaseSchema = z.object({
  holder: tenureId.nullable(),
  term: count,
  since: z.number(),
  reason,
  heirs: z.array(tenureId),
  former: z.array(tenureId),
  moves: z.array(z.object({
    term: count, holder: z.string().nullable(), reason, at: z.number(), path: pathSchema,
  })),
});

const moveSchema = z.object({ to: z.string().min(1), at: z.number() });

function parse<T>(schema: z.ZodType<T>, value: Buffer): T | null {
  let json: unknown;
  try {
    json = JSON.parse(value.toString('utf8'));
  } catch {
    return null;
  }
  const result = schema.safeParse(json);
  return result.success ? result.data : null;
}

function text(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

export function encodeLease(lease: EipLeaseValue): Buffer {
  const { holder, term, since, reason: why, heirs, former, moves } = lease;
  return text({ holder, term, since, reason: why, heirs, former, moves });
}

export function decodeLease(eip: Eip, value: Buffer, revision: number): EipLease | null {
  const lease = parse(leaseSchema, value);
  return lease === null ? null : { eip, ...lease, revision };
}

export function encodeNode(record: NodeRecord): Buffer {
  return text(record);
}

export function decodeNode(value: Buffer): NodeRecord | null {
  return parse(nodeRecordSchema, value);
}

export function encodeMove({ to, at }: MoveRequest): Buffer {
  return text({ to, at });
}

export function decodeMove(eip: Eip, value: Buffer): MoveRequest | null {
  const move = parse(moveSchema, value);
  return move === null ? null : { eip, ...move };
}
