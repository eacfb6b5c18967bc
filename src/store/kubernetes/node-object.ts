/**
 * Node leases as Lease objects:
 *
 *   spec.holderIdentity         node/incarnation; absent once the tenure has ended
 *   spec.leaseDurationSeconds   TTL
 *   spec.acquireTime, renewTime wall clock, for people alone
 *   incarnation                 the tenure's number, kept when it has ended
 *   record                      NodeRecord as JSON
 *   record-revision             revision of the version that brought this record, if it is not this
 *   ended                       why and by whom the tenure was ended; its presence says that it is
 *
 * The last four are annotations. An object is never removed when a tenure ends: that it says so is
 * what makes the end last.
 */
import type { NodeLease, NodeRecord, TenureId } from '../../core/model.ts';
import { nodeRecordSchema } from '../node-record.ts';
import { checkSchema, readTime, writeTime } from './lease-object.ts';
import type { LeaseBody, LeaseObject } from './lease-object.ts';
import { nodeObjectName } from './names.ts';

/** What a version of the object says. */
export type NodeState =
  | {
    readonly kind: 'live';
    readonly lease: NodeLease;
    readonly ttlMs: number;
    /** Wall clock, ms. */
    readonly openedAt: number;
  }
  /** The tenure of that incarnation, and every earlier one, is over. 0: there was none yet. */
  | { readonly kind: 'ended'; readonly incarnation: number }
  /** Changed by hand; `incarnation` is what it claims, if it claims one, else 0. */
  | { readonly kind: 'unreadable'; readonly incarnation: number };

/** The name of a Kubernetes node stays as it is; what would be ambiguous in others is escaped. */
export function holderText(id: TenureId): string {
  return `${encodeURIComponent(id.node)}/${id.incarnation}`;
}

export function readHolder(text: string): TenureId | null {
  const [, name, number] = /^([^/]+)\/([1-9]\d{0,15})$/.exec(text) ?? [];
  if (name === undefined) return null;
  try {
    return { node: decodeURIComponent(name), incarnation: Number(number) };
  } catch {
    return null;
  }
}

function readJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** Throws StoreError('schema') if a later version of Tenure wrote it. */
export function readNode(node: string, object: LeaseObject): NodeState {
  checkSchema(object);
  const { annotations, spec } = object;
  const number = Number(annotations.incarnation);
  const incarnation = Number.isSafeInteger(number) && number > 0 ? number : 0;
  if (!object.sealed) return { kind: 'unreadable', incarnation };
  if (annotations.ended !== undefined) return { kind: 'ended', incarnation };
  const record = nodeRecordSchema.safeParse(readJson(annotations.record));
  const seconds = spec.leaseDurationSeconds;
  if (!record.success || seconds === undefined) return { kind: 'unreadable', incarnation };
  const revision = annotations['record-revision'];
  return {
    kind: 'live',
    lease: {
      id: { node, incarnation },
      record: record.data,
      revision: revision === undefined ? object.revision : Number(revision),
    },
    ttlMs: seconds * 1000,
    openedAt: readTime(spec.acquireTime) ?? 0,
  };
}

export interface LiveNode {
  readonly id: TenureId;
  readonly record: NodeRecord;
  /** Null: this version brings the record. */
  readonly recordRevision: number | null;
  readonly ttlMs: number;
  readonly openedAt: number;
  readonly renewedAt: number;
}

/** Kubernetes counts whole seconds: so much is granted for `ttlMs`. */
export function grantedTtlMs(ttlMs: number): number {
  return Math.ceil(ttlMs / 1000) * 1000;
}

export function writeLiveNode(node: LiveNode): LeaseBody {
  return {
    name: nodeObjectName('node', node.id.node),
    kind: 'node',
    annotations: {
      incarnation: String(node.id.incarnation),
      record: JSON.stringify(node.record),
      ...node.recordRevision === null ? {} : { 'record-revision': String(node.recordRevision) },
    },
    spec: {
      holderIdentity: holderText(node.id),
      leaseDurationSeconds: grantedTtlMs(node.ttlMs) / 1000,
      acquireTime: writeTime(node.openedAt),
      renewTime: writeTime(node.renewedAt),
    },
  };
}

/** `why`: a sentence for whoever reads the object. */
export function writeEndedNode(id: TenureId, why: string, at: number): LeaseBody {
  return {
    name: nodeObjectName('node', id.node),
    kind: 'node',
    annotations: { incarnation: String(id.incarnation), ended: why },
    spec: { renewTime: writeTime(at) },
  };
}
