/**
 * EIP leases as Lease objects:
 *
 *   spec.holderIdentity     node/incarnation; absent if nobody holds it
 *   spec.leaseTransitions   term
 *   spec.acquireTime        since
 *   reason, moves           as in EipLease, moves as JSON
 *   heirs, former           tenures in order, `node/incarnation`, with commas between
 *
 * The last four are annotations. Moves that operators ask for, and drains, are Lease objects too,
 * of their own: an EIP lease is written only when ownership or the line changes, and a node lease
 * only by its node, and one watch tells of all of them in one order.
 */
import { z } from 'zod';
import { moveReasons } from '../../core/model.ts';
import type { Eip, EipLease, EipLeaseValue, MoveRequest, TenureId } from '../../core/model.ts';
import { checkSchema, readTime, writeTime } from './lease-object.ts';
import type { LeaseBody, LeaseObject } from './lease-object.ts';
import { eipObjectName, nodeObjectName } from './names.ts';
import { holderText, readHolder } from './node-object.ts';

/** A request to move is forgotten after so many ms. */
export const moveLifetimeMs = 60_000;

// A later version's reason must not make the record unreadable: reasons are for people.
const reason = z.enum(moveReasons).catch('claimed');
const instant = z.number().optional();
const pathSchema = z.object({
  heard: instant, withdrawn: instant, certified: instant, opened: instant, claimed: instant,
  served: instant, confirmed: instant,
}).optional().catch(undefined);

const movesSchema = z.array(z.object({
  term: z.int().min(0), holder: z.string().nullable(), reason, at: z.number(), path: pathSchema,
}));

function readTenures(text: string | undefined): TenureId[] | null {
  const tenures = text === undefined ? [] : text.split(',').map(readHolder);
  return tenures.includes(null) ? null : tenures.filter((id) => id !== null);
}

function readMoves(text: string | undefined): EipLease['moves'] | null {
  if (text === undefined) return [];
  try {
    return movesSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Null: changed by hand. Throws StoreError('schema') if a later version of Tenure wrote it. */
export function readEip(eip: Eip, object: LeaseObject): EipLease | null {
  checkSchema(object);
  const { annotations, spec } = object;
  const holder = spec.holderIdentity === undefined ? null : readHolder(spec.holderIdentity);
  const heirs = readTenures(annotations.heirs);
  const former = readTenures(annotations.former);
  const moves = readMoves(annotations.moves);
  const since = readTime(spec.acquireTime);
  const unreadable = (holder === null) !== (spec.holderIdentity === undefined);
  if (!object.sealed || unreadable || heirs === null || former === null) return null;
  if (moves === null || since === null || spec.leaseTransitions === undefined) return null;
  return {
    eip, holder, term: spec.leaseTransitions, since,
    reason: reason.parse(annotations.reason), heirs, former, moves, revision: object.revision,
  };
}

function tenuresText(key: string, ids: readonly TenureId[]): Record<string, string> {
  return ids.length === 0 ? {} : { [key]: ids.map(holderText).join(',') };
}

export function writeEip(lease: EipLeaseValue): LeaseBody {
  return {
    name: eipObjectName('eip', lease.eip),
    kind: 'eip',
    annotations: {
      reason: lease.reason,
      ...tenuresText('heirs', lease.heirs),
      ...tenuresText('former', lease.former),
      moves: JSON.stringify(lease.moves),
    },
    spec: {
      ...lease.holder === null ? {} : { holderIdentity: holderText(lease.holder) },
      leaseTransitions: lease.term,
      acquireTime: writeTime(lease.since),
    },
  };
}

/** Null: it names no node. People may make these by hand, so no seal is asked for. */
export function readMove(eip: Eip, object: LeaseObject): MoveRequest | null {
  const to = object.spec.holderIdentity;
  if (to === undefined || to === '') return null;
  return { eip, to, at: readTime(object.spec.acquireTime) ?? 0 };
}

export function writeMove({ eip, to, at }: MoveRequest): LeaseBody {
  return {
    name: eipObjectName('move', eip),
    kind: 'move',
    annotations: {},
    spec: {
      holderIdentity: to,
      leaseDurationSeconds: moveLifetimeMs / 1000,
      acquireTime: writeTime(at),
    },
  };
}

/** That it exists is all that it says: people may make it by hand. */
export function writeDrain(node: string, at: number): LeaseBody {
  return {
    name: nodeObjectName('drain', node),
    kind: 'drain',
    annotations: {},
    spec: { holderIdentity: node, acquireTime: writeTime(at) },
  };
}
