/** The parts of etcd transactions, and how their answers are read. */
import type { ICompare, IKeyValue, IRequestOp, IResponseOp } from 'etcd3';
import type { KeyRange } from './keys.ts';

/** etcd's default --max-txn-ops: of comparisons, of operations on success, of those on failure. */
export const maxTxnOps = 128;

export function exists(key: Buffer): ICompare {
  return { key, target: 'Create', result: 'Greater', create_revision: 0 };
}

/** It exists, and hangs on that lease. */
export function leasedBy(key: Buffer, lease: string): ICompare {
  return { key, target: 'Lease', result: 'Equal', lease };
}

export function absent(key: Buffer): ICompare {
  return { key, target: 'Create', result: 'Equal', create_revision: 0 };
}

/** Last changed at `revision`; 0: not there. */
export function unchanged(key: Buffer, revision: number): ICompare {
  return { key, target: 'Mod', result: 'Equal', mod_revision: revision };
}

export function get(range: Buffer | KeyRange, options: { keysOnly?: boolean } = {}): IRequestOp {
  const where = Buffer.isBuffer(range) ? { key: range } : range;
  return { request_range: { ...where, keys_only: options.keysOnly ?? false } };
}

/** Without `lease` the key hangs on none. */
export function put(key: Buffer, value: Buffer, lease?: string): IRequestOp {
  return { request_put: { key, value, ...lease === undefined ? {} : { lease } } };
}

export function remove(key: Buffer): IRequestOp {
  return { request_delete_range: { key } };
}

/** What the `index`th operation, a `get`, found. */
export function found(responses: readonly IResponseOp[], index: number): readonly IKeyValue[] {
  return responses[index]?.response_range.kvs ?? [];
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let from = 0; from < items.length; from += size) result.push(items.slice(from, from + size));
  return result;
}
