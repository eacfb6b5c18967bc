/**
 * The node lease that this store keeps for its node: opened, renewed, rewritten and closed by
 * compare-and-swap on the version known last. One request each, unless something happened to the
 * object in between.
 */
import type { NodeLease, NodeRecord, TenureId } from '../../core/model.ts';
import type {
  CloseRequest, EvictRequest, OpenRequest, RenewRequest, StoreAnswer, UpdateRequest,
} from '../../core/requests.ts';
import { sameTenure } from '../../core/model.ts';
import { StoreError } from '../lease-store.ts';
import type { Keeper } from './keeper.ts';
import type { LeaseBody } from './lease-object.ts';
import { NodeLeaseIo } from './node-lease-io.ts';
import type { Found, NodeLeaseIoModules } from './node-lease-io.ts';
import { grantedTtlMs, writeEndedNode, writeLiveNode } from './node-object.ts';

export interface NodeLeasesModules extends NodeLeaseIoModules {
  readonly keeper: Keeper;
}

export interface NodeLeasesOptions {
  readonly longestTtlMs: number;
  readonly now: () => number;
}

/** A live tenure as the store was last known to have it. */
interface Kept {
  readonly lease: NodeLease;
  readonly ttlMs: number;
  readonly openedAt: number;
  /** Of the object. */
  readonly revision: number;
}

/** The tenure that was opened or renewed here last. */
interface Own extends Kept {
  /** Until when nobody may have ended it: counted from when its last renewal was sent. */
  readonly until: number;
}

/** The object changed under our hands so often that something else must be wrong. */
const mostAttempts = 8;

export class NodeLeases {
  readonly #modules: NodeLeasesModules;
  readonly #options: NodeLeasesOptions;
  readonly #io: NodeLeaseIo;
  #own: Own | null = null;

  constructor(options: NodeLeasesOptions, modules: NodeLeasesModules) {
    this.#options = options;
    this.#modules = modules;
    this.#io = new NodeLeaseIo(modules);
  }

  async open(request: OpenRequest, signal: AbortSignal): Promise<StoreAnswer> {
    this.#checkTtl(request.ttlMs);
    const { node } = request;
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const sentAt = this.#options.now();
      const found = await this.#io.find(node, signal);
      const live = await this.#liveOf(node, found, signal);
      if (live !== null && live.id.incarnation !== request.replaces) {
        return { kind: 'name-taken', by: live };
      }
      if (found === null) {
        // An incarnation is the version that its lease replaces, so that there must be one.
        const { nodes } = this.#modules.keeper.ledger;
        const incarnation = live?.id.incarnation ?? nodes.endedUpTo(node);
        const why = incarnation === 0 ? 'never opened' : 'replaced';
        await this.#io.create(writeEndedNode({ node, incarnation }, why, Date.now()), signal);
        continue;
      }
      const lease = await this.#openOver(request, found, sentAt, signal);
      if (lease !== null) return { kind: 'opened', lease, ttlMs: grantedTtlMs(request.ttlMs) };
    }
    throw this.#contended(node);
  }

  async renew({ tenure, ttlMs }: RenewRequest, signal: AbortSignal): Promise<StoreAnswer> {
    this.#checkTtl(ttlMs);
    const sentAt = this.#options.now();
    const kept = await this.#change(tenure, signal, (known) => (
      { ...known, ttlMs: Math.max(known.ttlMs, ttlMs) }
    ));
    if (kept === null) return { kind: 'ended' };
    this.#keep({ ...kept, until: sentAt + kept.ttlMs });
    return { kind: 'renewed', ttlMs: grantedTtlMs(kept.ttlMs) };
  }

  async update(request: UpdateRequest, signal: AbortSignal): Promise<StoreAnswer> {
    const { tenure, record, revision } = request;
    const refused: NodeLease[] = [];
    const kept = await this.#change(tenure, signal, (known, fresh) => {
      if (known.lease.revision === revision) return { ...known, record };
      // What is remembered may be behind; what was just read is not.
      if (!fresh) return 'read';
      refused.push(known.lease);
      return 'refuse';
    });
    const current = refused[0];
    if (current !== undefined) return { kind: 'update-refused', current };
    return kept === null ? { kind: 'ended' } : { kind: 'updated', lease: kept.lease };
  }

  async close({ tenure }: CloseRequest, signal: AbortSignal): Promise<StoreAnswer> {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const known = await this.#known(tenure, attempt > 0, signal);
      if (known === null) return { kind: 'ended' };
      const body = writeEndedNode(tenure, 'closed by its agent', Date.now());
      if (await this.#io.replace(body, known.revision, signal) !== null) {
        this.#own = null;
        this.#modules.keeper.setSelf(null);
        return { kind: 'closed' };
      }
    }
    throw this.#contended(tenure.node);
  }

  /** Another node's tenure: whoever reads the object finds it ended, its holder as well. */
  async evict({ tenure, revision, by }: EvictRequest, signal: AbortSignal): Promise<StoreAnswer> {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const found = await this.#io.find(tenure.node, signal);
      if (found?.state.kind === 'ended' && found.state.incarnation >= tenure.incarnation) {
        return { kind: 'evicted' };
      }
      if (found?.state.kind !== 'live') break;
      const { lease } = found.state;
      if (!sameTenure(lease.id, tenure)) return { kind: 'evicted' };
      if (lease.revision !== revision) return { kind: 'evict-refused', current: lease };
      const body = writeEndedNode(tenure, `evicted by ${by}`, Date.now());
      if (await this.#io.replace(body, found.revision, signal) !== null) return { kind: 'evicted' };
    }
    throw this.#contended(tenure.node);
  }

  /** Confirmed by a read: whether the tenure that this store keeps is in force. */
  async holds(tenure: TenureId, signal: AbortSignal): Promise<boolean> {
    return await this.#known(tenure, true, signal) !== null;
  }

  /** Confirmed by a read: whether the store shows the tenure as live. */
  async isLive(id: TenureId, signal: AbortSignal): Promise<boolean> {
    if (this.#modules.keeper.ledger.nodes.isEnded(id)) return false;
    const found = await this.#io.find(id.node, signal);
    return found?.state.kind === 'live' && sameTenure(found.state.lease.id, id);
  }

  /** Confirmed by a read: whether the tenure is over, or never was. */
  async isEnded(id: TenureId, signal: AbortSignal): Promise<boolean> {
    const { keeper } = this.#modules;
    if (keeper.ledger.nodes.isEnded(id)) return true;
    const state = (await this.#io.find(id.node, signal))?.state;
    if (state?.kind === 'live') return state.lease.id.incarnation !== id.incarnation;
    if (state?.kind === 'ended' && state.incarnation >= id.incarnation) return true;
    // That its lease is missing, or unreadable, says nothing of one that there is word of.
    const { nodes } = await keeper.listed(signal);
    return nodes.live(id.node)?.id.incarnation !== id.incarnation;
  }

  /** Our lease was deleted or changed by hand: put right, while nobody can have ended it. */
  async restore(id: TenureId, signal: AbortSignal): Promise<void> {
    const own = this.#own;
    if (own === null || !sameTenure(own.lease.id, id) || this.#options.now() >= own.until) return;
    const { revision } = this.#modules.keeper.ledger.nodes.object(id.node);
    const body = this.#body({ ...own, record: null });
    const object = revision === null
      ? await this.#io.create(body, signal) : await this.#io.replace(body, revision, signal);
    const now = this.#ownOf(id);
    if (object === null || now === null) return;
    this.#own = { ...now, revision: Math.max(now.revision, object.revision) };
  }

  /**
   * Writes the tenure's lease anew, as `next` makes it of what is known: first by what is
   * remembered, and if the store has something else by what it has. Null: ended, or refused.
   */
  async #change(
    tenure: TenureId, signal: AbortSignal,
    next: (known: Kept, fresh: boolean) => (Kept & { record?: NodeRecord }) | 'read' | 'refuse',
  ): Promise<Kept | null> {
    // Once its time is over a lease is prolonged only if the store's answers reach us: renewals
    // that it carries out but whose answers come late would keep the lease from everyone.
    let fresh = this.#options.now() >= (this.#ownOf(tenure)?.until ?? 0);
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const known = await this.#known(tenure, fresh, signal);
      if (known === null) return null;
      const wanted = next(known, fresh);
      if (wanted === 'refuse') return null;
      fresh = true;
      if (wanted === 'read') continue;
      const { record = null } = wanted;
      const body = this.#body({ ...wanted, record });
      const object = await this.#io.replace(body, known.revision, signal);
      if (object === null) continue;
      const { revision } = object;
      const lease = record === null ? wanted.lease : { id: tenure, record, revision };
      const kept: Kept = { lease, ttlMs: wanted.ttlMs, openedAt: wanted.openedAt, revision };
      const own = this.#ownOf(tenure);
      if (own !== null) this.#keep({ ...kept, until: own.until });
      return kept;
    }
    throw this.#contended(tenure.node);
  }

  /** What the tenure's lease is, as remembered or (`fresh`) read; null: it has ended. */
  async #known(tenure: TenureId, fresh: boolean, signal: AbortSignal): Promise<Kept | null> {
    const { nodes } = this.#modules.keeper.ledger;
    if (nodes.isEnded(tenure)) return null;
    const own = this.#ownOf(tenure);
    if (own !== null && !fresh) return this.#withSeen(own);
    const found = await this.#io.find(tenure.node, signal);
    if (found?.state.kind === 'live') {
      const { lease, ttlMs, openedAt } = found.state;
      if (!sameTenure(lease.id, tenure)) return null;
      return { lease, ttlMs, openedAt, revision: found.revision };
    }
    if (found?.state.kind === 'ended') return null;
    // Deleted or changed by hand: within the time that our last renewal gave us it is ours.
    if (own === null || this.#options.now() >= own.until) return null;
    if (found !== null) return { ...own, revision: found.revision };
    const object = await this.#io.create(this.#body({ ...own, record: null }), signal);
    if (object === null) return this.#known(tenure, true, signal);
    return { ...own, revision: object.revision };
  }

  #ownOf(tenure: TenureId): Own | null {
    return this.#own !== null && sameTenure(this.#own.lease.id, tenure) ? this.#own : null;
  }

  /** The watch may have shown a later version: one of ours whose answer was lost. */
  #withSeen(own: Own): Kept {
    const { nodes } = this.#modules.keeper.ledger;
    const { node } = own.lease.id;
    const { revision, sound } = nodes.object(node);
    const lease = nodes.live(node);
    if (!sound || revision === null || revision <= own.revision) return own;
    if (lease === null || !sameTenure(lease.id, own.lease.id)) return own;
    return { ...own, lease: lease.revision > own.lease.revision ? lease : own.lease, revision };
  }

  /** Opens a tenure over the version that was found; null: another version is there now. */
  async #openOver(
    request: OpenRequest, found: NonNullable<Found>, sentAt: number, signal: AbortSignal,
  ): Promise<NodeLease | null> {
    const { node, ttlMs, record } = request;
    const { nodes } = this.#modules.keeper.ledger;
    const { state } = found;
    const last = state.kind === 'live' ? state.lease.id.incarnation : state.incarnation;
    // Versions only grow, and each is replaced once: so no two tenures get the same number.
    const incarnation = Math.max(found.revision, last + 1, nodes.endedUpTo(node) + 1);
    const id = { node, incarnation };
    const stored = record.boot === 0 ? { ...record, boot: incarnation } : record;
    const openedAt = Date.now();
    const object = await this.#io.replace(writeLiveNode({
      id, record: stored, recordRevision: null, ttlMs, openedAt, renewedAt: openedAt,
    }), found.revision, signal);
    if (object === null) return null;
    const lease = { id, record: stored, revision: object.revision };
    this.#keep({ lease, ttlMs, openedAt, revision: object.revision, until: sentAt + ttlMs });
    return lease;
  }

  /**
   * The live tenure of that name, if there is one. Where its lease was deleted or changed by hand
   * its tenure may live on: then the ledger remembers it, or an EIP lease names it.
   */
  async #liveOf(node: string, found: Found, signal: AbortSignal): Promise<NodeLease | null> {
    const { keeper } = this.#modules;
    const readable = found !== null && found.state.kind !== 'unreadable';
    const { nodes } = readable ? keeper.ledger : await keeper.listed(signal);
    if (readable && nodes.object(node).sound) {
      return found.state.kind === 'live' ? found.state.lease : null;
    }
    const live = nodes.live(node);
    if (live !== null || readable || found === null) return live;
    throw new StoreError('unavailable', `the node lease of ${node} was changed by hand`, {
      fix: 'wait: it is put right as soon as nobody can hold it any more',
    });
  }

  #keep(own: Own): void {
    const last = this.#own;
    // Answers may come in another order than their requests went.
    const same = last !== null && sameTenure(last.lease.id, own.lease.id);
    this.#own = same && last.until > own.until ? { ...own, until: last.until } : own;
    this.#modules.keeper.setSelf(own.lease.id);
    this.#modules.keeper.expect(own.revision);
  }

  #body(kept: Kept & { readonly record: NodeRecord | null }): LeaseBody {
    const { lease, ttlMs, openedAt, record } = kept;
    return writeLiveNode({
      id: lease.id,
      record: record ?? lease.record,
      recordRevision: record === null ? lease.revision : null,
      ttlMs, openedAt, renewedAt: Date.now(),
    });
  }

  #checkTtl(ttlMs: number): void {
    const { longestTtlMs } = this.#options;
    if (grantedTtlMs(ttlMs) <= longestTtlMs) return;
    throw new StoreError(
      'invalid', `a node lease of ${ttlMs} ms is longer than longestTtlMs, ${longestTtlMs}`,
      { fix: 'raise the store\'s longestTtlMs, on every node, or shorten the lease' },
    );
  }

  #contended(node: string): StoreError {
    return new StoreError('unavailable', `the node lease of ${node} keeps being changed by others`);
  }
}
