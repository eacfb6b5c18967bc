/** What etcd and gRPC say when they fail, in our words. The only place that reads their words. */
import { status as Code } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import { StoreError } from '../lease-store.ts';
import type { StoreErrorCode } from '../lease-store.ts';

/** What the adapter itself has to tell apart, beyond StoreError's codes. */
export type EtcdReason =
  | 'compacted'
  | 'lease-not-found'
  /** The request was refused unseen: log in again, and repeat it. */
  | 'stale-token'
  | 'auth-off';

export class EtcdError extends StoreError {
  readonly reason: EtcdReason | null;
  constructor(
    code: StoreErrorCode, message: string,
    options: { fix?: string; reason?: EtcdReason; cause?: unknown } = {},
  ) {
    const { reason, ...rest } = options;
    super(code, message, rest);
    this.reason = reason ?? null;
  }
}

interface Meaning {
  readonly code: StoreErrorCode;
  readonly fix?: string;
  readonly reason?: EtcdReason;
}

/**
 * etcd's errors are told apart by their text: that is its protocol, and what its own client does
 * (api/v3rpc/rpctypes/error.go). The gRPC code alone does not tell a full disk from a busy server.
 */
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['etcdserver: mvcc: database space exceeded', {
    code: 'read-only',
    fix: 'etcd is full: compact and defragment it (or raise --quota-backend-bytes), '
      + 'then run: etcdctl alarm disarm',
  }],
  ['etcdserver: permission denied', {
    code: 'denied',
    fix: 'grant the user\'s role readwrite on the prefix: '
      + 'etcdctl role grant-permission ROLE readwrite --prefix=true PREFIX',
  }],
  ['etcdserver: authentication failed, invalid user ID or password', {
    code: 'denied', fix: 'check the store\'s user and password',
  }],
  ['etcdserver: user name is empty', {
    code: 'denied', fix: 'this etcd wants a user and a password: set the store\'s user, password',
  }],
  ['etcdserver: invalid auth token', { code: 'denied', reason: 'stale-token' }],
  ['etcdserver: revision of auth store is old', { code: 'denied', reason: 'stale-token' }],
  ['etcdserver: authentication is not enabled', { code: 'invalid', reason: 'auth-off' }],
  ['etcdserver: requested lease not found', { code: 'invalid', reason: 'lease-not-found' }],
  ['etcdserver: mvcc: required revision has been compacted', {
    code: 'invalid', reason: 'compacted',
  }],
  ['etcdserver: too many operations in txn request', {
    code: 'invalid', fix: 'leave etcd\'s --max-txn-ops at its default of 128, or above it',
  }],
  ['etcdserver: request is too large', {
    code: 'invalid', fix: 'write fewer or smaller documents, or raise --max-request-bytes',
  }],
]);

/** By gRPC code; whatever is not here is 'unavailable'. */
const codes: ReadonlyMap<Code, StoreErrorCode> = new Map<Code, StoreErrorCode>([
  [Code.UNAUTHENTICATED, 'denied'],
  [Code.PERMISSION_DENIED, 'denied'],
  [Code.INVALID_ARGUMENT, 'invalid'],
  [Code.NOT_FOUND, 'invalid'],
  [Code.ALREADY_EXISTS, 'invalid'],
  [Code.FAILED_PRECONDITION, 'invalid'],
  [Code.OUT_OF_RANGE, 'invalid'],
  [Code.UNIMPLEMENTED, 'invalid'],
  [Code.DEADLINE_EXCEEDED, 'timeout'],
]);

/** From the status of a call to `address`. */
export function errorFromStatus(
  status: Pick<StatusObject, 'code' | 'details'>, address: string,
): EtcdError {
  const meaning = meanings.get(status.details) ?? { code: codes.get(status.code) ?? 'unavailable' };
  const { code, ...rest } = meaning;
  return new EtcdError(code, `${address}: ${readable(status.details)}`, rest);
}

/** gRPC's account of a connection that failed, without its wrapping. */
function readable(details: string): string {
  return details
    .replace('No connection established. Last error: Error: ', 'no connection: ')
    .replace(/\. Resolution note: .*$/s, '');
}

/** From the reason that a watch gives when etcd ends it; it may wrap the text above. */
export function errorFromCancel(cancelReason: string, address: string): EtcdError {
  const text = cancelReason.replace(/^rpc error: code = \w+ desc = /, '');
  return errorFromStatus({ code: Code.UNAVAILABLE, details: text || 'the watch ended' }, address);
}

export function timeoutError(what: string, address: string, ms?: number): EtcdError {
  const time = ms === undefined ? 'in time' : `in ${Math.round(ms)} ms`;
  return new EtcdError('timeout', `${address}: ${what} had no answer ${time}`);
}
