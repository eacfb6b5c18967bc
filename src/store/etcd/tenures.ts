/**
 * Node leases: a key that hangs on an etcd lease. A tenure is live for exactly as long as its key
 * is there; the number is part of the key, so that "has ended" is something a transaction can
 * compare.
 *
 * Ending a tenure revokes the etcd lease, and never only deletes the key: whoever still believes
 * in that tenure then finds its renewals refused.
 */
import type { IKeyValue, ILeaseKeepAliveResponse } from 'etcd3';
import { sameTenure } from '../../core/model.ts';
import type { EipLease, NodeLease, NodeRecord, TenureId, ViewChange } from '../../core/model.ts';
import type { EvictRequest, OpenRequest, StoreAnswer, UpdateRequest } from '../../core/requests.ts';
import { StoreError } from '../lease-store.ts';
import { unknownRecord } from '../node-record.ts';
import type { Connection } from './connection.ts';
import { EtcdError } from './errors.ts';
import { listRange } from './follow.ts';
import type { Keys } from './keys.ts';
import { ensureMarker } from './marker.ts';
import { decodeLease, decodeNode, encodeNode } from './records.ts';
import { exists, found, get, leasedBy, put, remove, unchanged } from './txn.ts';

/** The etcd lease that a tenure of ours hangs on, and the TTL that it was asked for with. */
interface Grant {
  readonly tenure: TenureId;
  readonly leaseId: string;
  /** The tenure was live at this revision. */
  readonly revision: number;
  /** Null: granted by an earlier run. 0: nobody knows which lease the key hangs on by now. */
  readonly askedSeconds: number | null;
}

interface Before {
  readonly live: readonly { readonly kv: IKeyValue; readonly lease: NodeLease }[];
  readonly counter: IKeyValue | undefined;
}

/** An open that others keep overtaking is tried so often. */
const openAttempts = 5;

export class Tenures {
  readonly #connection: Connection;
  readonly #keys: Keys;
  /** By node name: this process has one name, tests have several. */
  readonly #grants = new Map<string, Grant>();
  /** The last incarnation that was given here: should a hand delete the store's counter. */
  readonly #given = new Map<string, number>();

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async open(request: OpenRequest, signal: AbortSignal): Promise<StoreAnswer> {
    const { node, replaces, ttlMs } = request;
    await ensureMarker(this.#connection, this.#keys, signal);
    for (let attempt = 0; attempt < openAttempts; attempt += 1) {
      const before = await this.#before(node, signal);
      const other = before.live.find(({ lease }) => lease.id.incarnation !== replaces);
      if (other !== undefined) return { kind: 'name-taken', by: other.lease };
      const last = await this.#lastIncarnation(node, before, signal);
      const { leaseId, seconds, askedSeconds } = await this.#grant(ttlMs, signal);
      const lease = await this.#create(request, before, last + 1, leaseId, signal);
      if (lease !== null) {
        this.#given.set(node, lease.id.incarnation);
        const { id, revision } = lease;
        this.#grants.set(node, { tenure: id, leaseId, revision, askedSeconds });
        // Only now: were the old key gone before the new one is there, others would find the node
        // dead, and take what it has come back for.
        for (const { kv } of before.live) {
          if (kv.lease !== '0') await this.#revoke(kv.lease, signal);
        }
        return { kind: 'opened', lease, ttlMs: seconds * 1000 };
      }
      await this.#revoke(leaseId, signal);
    }
    throw new EtcdError('unavailable', `others keep opening tenures of node ${node}`);
  }

  /** Does not write: etcd's leader restarts the lease's time, and tells nobody. */
  async renew(tenure: TenureId, ttlMs: number, signal: AbortSignal): Promise<StoreAnswer> {
    const grant = await this.#grantOf(tenure, signal);
    if (grant === null) return { kind: 'ended' };
    const { askedSeconds } = grant;
    const wanted = Math.ceil(ttlMs / 1000);
    if (askedSeconds !== null && askedSeconds < wanted) {
      return this.#regrant(grant, ttlMs, signal);
    }
    const ask = { ID: grant.leaseId };
    const { TTL } = await this.#connection.run((link, limit) => (
      link.exchange<ILeaseKeepAliveResponse>('Lease', 'leaseKeepAlive', ask, limit)
    ), signal, true);
    const seconds = Number(TTL);
    if (seconds <= 0) return this.forget(tenure);
    if (seconds < wanted) return this.#regrant(grant, ttlMs, signal);
    return { kind: 'renewed', ttlMs: seconds * 1000 };
  }

  async update(
    { tenure, record, revision }: UpdateRequest, signal: AbortSignal,
  ): Promise<StoreAnswer> {
    const key = this.#keys.node(tenure);
    const { succeeded, header, responses } = await this.#connection.call('txn', {
      // The second says only that revision 0 must not pass for a key that is not there.
      compare: [unchanged(key, revision), exists(key)],
      success: [{ request_put: { key, value: encodeNode(record), ignore_lease: true } }],
      failure: [get(key)],
    }, signal);
    if (succeeded) {
      const lease = { id: tenure, record, revision: Number(header.revision) };
      return { kind: 'updated', lease };
    }
    const [kv] = found(responses, 0);
    if (kv === undefined) return this.forget(tenure);
    return { kind: 'update-refused', current: nodeLease(tenure, kv) };
  }

  /** The key goes first, by compare-and-swap: from then on the tenure has ended. */
  async evict({ tenure, revision }: EvictRequest, signal: AbortSignal): Promise<StoreAnswer> {
    const key = this.#keys.node(tenure);
    const { kvs } = await this.#connection.call('range', { key }, signal, true);
    const [kv] = kvs;
    if (kv === undefined) return { kind: 'evicted' };
    if (Number(kv.mod_revision) !== revision) {
      return { kind: 'evict-refused', current: nodeLease(tenure, kv) };
    }
    const { succeeded, responses } = await this.#connection.call('txn', {
      compare: [unchanged(key, revision)],
      success: [remove(key)],
      failure: [get(key)],
    }, signal);
    const now = succeeded ? undefined : found(responses, 0)[0];
    if (now !== undefined) return { kind: 'evict-refused', current: nodeLease(tenure, now) };
    // So that its renewals are refused, should it still believe in the tenure.
    if (succeeded && kv.lease !== '0') await this.#revoke(kv.lease, signal);
    return { kind: 'evicted' };
  }

  async close(tenure: TenureId, signal: AbortSignal): Promise<StoreAnswer> {
    const key = this.#keys.node(tenure);
    const { kvs } = await this.#connection.call('range', { key }, signal, true);
    const [kv] = kvs;
    const ended = this.forget(tenure);
    if (kv === undefined) return ended;
    if (kv.lease !== '0') await this.#revoke(kv.lease, signal);
    else await this.#connection.call('txn', { success: [remove(key)] }, signal, true);
    return { kind: 'closed' };
  }

  /**
   * A key that a hand deleted does not end the etcd lease that it hung on: once the watch has shown
   * that the tenure is over, renewing says so as well.
   */
  notice({ revision, reset, nodes }: ViewChange): void {
    for (const [node, { tenure, revision: liveAt }] of this.#grants) {
      const told = nodes.find((entry) => entry.node === node);
      if (revision <= liveAt || (told === undefined && !reset)) continue;
      if (told?.lease?.id.incarnation !== tenure.incarnation) this.#grants.delete(node);
    }
  }

  /** The store said that this tenure has ended. */
  forget(tenure: TenureId): { readonly kind: 'ended' } {
    const grant = this.#grants.get(tenure.node);
    if (grant !== undefined && sameTenure(grant.tenure, tenure)) this.#grants.delete(tenure.node);
    return { kind: 'ended' };
  }

  async #before(node: string, signal: AbortSignal): Promise<Before> {
    const { responses } = await this.#connection.call('txn', {
      success: [get(this.#keys.tenuresOf(node)), get(this.#keys.incarnation(node))],
    }, signal, true);
    const live = found(responses, 0).flatMap((kv) => {
      const key = this.#keys.parse(kv.key);
      return key?.kind === 'node' ? [{ kv, lease: nodeLease(key.id, kv) }] : [];
    });
    return { live, counter: found(responses, 1)[0] };
  }

  /** The highest number that `node` can ever have been given. */
  async #lastIncarnation(
    node: string, { live, counter }: Before, signal: AbortSignal,
  ): Promise<number> {
    const given = [this.#given.get(node) ?? 0, ...live.map(({ lease }) => lease.id.incarnation)];
    if (counter === undefined) {
      // A new node, or someone deleted its counter: what names it must not come to mean it anew.
      const { kvs } = await listRange(this.#connection, this.#keys.leases, signal);
      for (const kv of kvs) {
        const key = this.#keys.parse(kv.key);
        const lease = key?.kind === 'lease' ? decodeLease(key.eip, kv.value, 0) : null;
        if (lease !== null) given.push(...namedIn(lease, node));
      }
      return Math.max(...given);
    }
    const text = counter.value.toString('utf8');
    if (/^\d{1,15}$/.test(text)) return Math.max(Number(text), ...given);
    throw new StoreError(
      'schema', `the store's key ${counter.key.toString()} says ${JSON.stringify(text)}; it must be `
      + `the last incarnation that was given to node ${node}`,
      { fix: 'write a number there that is higher than any in that node\'s logs' },
    );
  }

  /** Null if another open came between. */
  async #create(
    { node, record }: OpenRequest, { live, counter }: Before, incarnation: number,
    leaseId: string, signal: AbortSignal,
  ): Promise<NodeLease | null> {
    const id = { node, incarnation };
    const own = record.boot === 0 ? { ...record, boot: incarnation } : record;
    const counterKey = this.#keys.incarnation(node);
    const { succeeded, header } = await this.#connection.call('txn', {
      // Every open changes the counter, so that one of two at a time fails here.
      compare: [unchanged(counterKey, Number(counter?.mod_revision ?? 0))],
      success: [
        put(counterKey, Buffer.from(String(incarnation))),
        ...live.map(({ kv }) => remove(kv.key)),
        put(this.#keys.node(id), encodeNode(own), leaseId),
      ],
    }, signal);
    return succeeded ? { id, record: own, revision: Number(header.revision) } : null;
  }

  /** In whole seconds, rounded up; etcd may give more, as it has a minimum. */
  async #grant(ttlMs: number, signal: AbortSignal) {
    const askedSeconds = Math.ceil(ttlMs / 1000);
    const { ID, TTL } = await this.#connection.call('leaseGrant', { TTL: askedSeconds }, signal);
    return { leaseId: ID, seconds: Number(TTL), askedSeconds };
  }

  /**
   * An etcd lease keeps its TTL for life: a longer one is another lease under the same key. Such a
   * change may go unanswered and come late: each renewal is another until one is answered, and
   * the late one fails.
   */
  async #regrant(old: Grant, ttlMs: number, signal: AbortSignal): Promise<StoreAnswer> {
    const { tenure } = old;
    const { leaseId, seconds, askedSeconds } = await this.#grant(ttlMs, signal);
    const key = this.#keys.node(tenure);
    this.#grants.set(tenure.node, { ...old, askedSeconds: 0 });
    const { succeeded, header } = await this.#connection.call('txn', {
      compare: [leasedBy(key, old.leaseId)],
      success: [{ request_put: { key, ignore_value: true, lease: leaseId } }],
    }, signal);
    if (!succeeded) {
      await this.#revoke(leaseId, signal);
      this.#grants.delete(tenure.node);
      const now = await this.#grantOf(tenure, signal);
      return now === null ? this.forget(tenure) : this.#regrant(now, ttlMs, signal);
    }
    const revision = Number(header.revision);
    this.#grants.set(tenure.node, { tenure, leaseId, revision, askedSeconds });
    return { kind: 'renewed', ttlMs: seconds * 1000 };
  }

  async #grantOf(tenure: TenureId, signal: AbortSignal): Promise<Grant | null> {
    const grant = this.#grants.get(tenure.node);
    if (grant !== undefined && sameTenure(grant.tenure, tenure)) return grant;
    const { kvs } = await this.#connection.call(
      'range', { key: this.#keys.node(tenure) }, signal, true,
    );
    const leaseId = kvs[0]?.lease ?? '0';
    return leaseId === '0' ? null : { tenure, leaseId, revision: 0, askedSeconds: null };
  }

  /** Also where it is gone already. */
  async #revoke(leaseId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#connection.call('leaseRevoke', { ID: leaseId }, signal, true);
    } catch (error) {
      if (!(error instanceof EtcdError) || error.reason !== 'lease-not-found') throw error;
    }
  }
}

function nodeLease(id: TenureId, kv: IKeyValue): NodeLease {
  const record: NodeRecord = decodeNode(kv.value) ?? unknownRecord;
  return { id, record, revision: Number(kv.mod_revision) };
}

function namedIn({ holder, heirs, former }: EipLease, node: string): number[] {
  return [...holder === null ? [] : [holder], ...heirs, ...former]
    .filter((id) => id.node === node).map(({ incarnation }) => incarnation);
}
