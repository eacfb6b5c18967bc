/**
 * A lease store as a synchronous state machine: no clock, timer or randomness of its own, so that
 * a simulator can put any delay, loss or order before and behind it. Values are readonly and are
 * shared, never copied.
 *
 * As in etcd: revisions start at 1; everything that one request changes gets one new revision;
 * renewing changes none. Expiry is found by a scan, `expire`, which may come as late as its caller
 * likes: until then a lease that is past its time counts as live, but renewing does not revive it.
 */
import { checkName, checkRequest, checkTerm } from '../checks.ts';
import type { DocumentChange, StoredDocument } from '../lease-store.ts';
import type { Eip, EipLease, MoveRequest, NodeLease, TenureId, View, ViewChange } from '../../core/model.ts';
import type {
  OpenRequest, StoreAnswer, StoreRequest, Swap, SwapOutcome, SwapRequest, UpdateRequest,
} from '../../core/requests.ts';
import { ChangeLog } from './change-log.ts';

/** A request to move is forgotten after so many ms. */
export const moveLifetimeMs = 60_000;

interface NodeEntry {
  readonly lease: NodeLease;
  readonly ttlMs: number;
  readonly expiresAt: number;
}

interface MoveEntry {
  readonly move: MoveRequest;
  readonly expiresAt: number;
}

export interface MemoryStateOptions {
  /** Single changes that `changesSince` can tell one by one; older ones come as a reset. */
  readonly changesKept?: number;
  /**
   * As in Kubernetes, where a change of an EIP lease cannot be bound to a node lease: a late one is
   * made though the tenure that asked for it, or that it names, has ended. (That others have ended
   * is true for ever once it was looked at.)
   */
  readonly unbound?: boolean;
}

export class MemoryState {
  #revision = 1;
  readonly #incarnations = new Map<string, number>();
  readonly #nodes = new Map<string, NodeEntry>();
  readonly #leases = new Map<Eip, EipLease>();
  readonly #drains = new Map<string, true>();
  readonly #moves = new Map<Eip, MoveEntry>();
  readonly #documents = new Map<string, StoredDocument>();
  readonly #log: ChangeLog;
  readonly #unbound: boolean;

  constructor(options: MemoryStateOptions = {}) {
    this.#unbound = options.unbound ?? false;
    this.#log = new ChangeLog(options.changesKept ?? 10_000);
  }

  get revision(): number {
    return this.#revision;
  }

  /** Carries `request` out at the store's instant `nowMs`. Throws StoreError('invalid'). */
  apply(request: StoreRequest, nowMs: number): StoreAnswer {
    checkRequest(request);
    switch (request.kind) {
      case 'open':
        return this.#open(request, nowMs);
      case 'renew': {
        const entry = this.#entry(request.tenure);
        if (entry === undefined) return { kind: 'ended' };
        if (entry.expiresAt <= nowMs) {
          this.#endNode(request.tenure.node);
          return { kind: 'ended' };
        }
        const ttlMs = Math.max(entry.ttlMs, request.ttlMs);
        this.#nodes.set(request.tenure.node, { ...entry, ttlMs, expiresAt: nowMs + ttlMs });
        return { kind: 'renewed', ttlMs };
      }
      case 'update':
        return this.#update(request);
      case 'evict': {
        const entry = this.#entry(request.tenure);
        if (entry !== undefined && entry.lease.revision !== request.revision) {
          return { kind: 'evict-refused', current: entry.lease };
        }
        if (entry !== undefined) this.#endNode(request.tenure.node);
        return { kind: 'evicted' };
      }
      case 'close':
        if (this.#entry(request.tenure) === undefined) return { kind: 'ended' };
        this.#endNode(request.tenure.node);
        return { kind: 'closed' };
      case 'swap':
        return this.#swap(request);
      case 'settle-moves':
        this.#settle(request.eips);
        return { kind: 'settled' };
    }
  }

  /** The scan: ends every node lease, and forgets every move, whose time is over at `nowMs`. */
  expire(nowMs: number): void {
    const over: { at: number; node: string }[] = [];
    for (const [node, entry] of this.#nodes) {
      if (entry.expiresAt <= nowMs) over.push({ at: entry.expiresAt, node });
    }
    over.sort((a, b) => a.at - b.at || (a.node < b.node ? -1 : 1));
    for (const { node } of over) this.#endNode(node);
    const moves = [...this.#moves].filter(([, entry]) => entry.expiresAt <= nowMs);
    this.#settle(moves.map(([eip]) => eip));
  }

  /** When `expire` will next have something to do; null: never, as things stand. */
  nextExpiry(): number | null {
    let next: number | null = null;
    for (const entries of [this.#nodes, this.#moves]) {
      for (const { expiresAt } of entries.values()) {
        if (next === null || expiresAt < next) next = expiresAt;
      }
    }
    return next;
  }

  node(name: string): NodeLease | undefined {
    return this.#nodes.get(name)?.lease;
  }

  lease(eip: Eip): EipLease | undefined {
    return this.#leases.get(eip);
  }

  isLive(id: TenureId): boolean {
    return this.#entry(id) !== undefined;
  }

  /** A copy that later changes leave alone; the values in it are shared. */
  view(): View {
    return {
      revision: this.#revision,
      nodes: new Map([...this.#nodes].map(([node, entry]) => [node, entry.lease])),
      leases: new Map(this.#leases),
      drains: new Map(this.#drains),
      moves: new Map([...this.#moves].map(([eip, entry]) => [eip, entry.move])),
    };
  }

  /**
   * Everything that ownership went through after `revision`, in one piece: the latest value of
   * each record that changed. With 0, or a revision older than is remembered, a reset.
   */
  changesSince(revision: number): ViewChange {
    if (revision >= 1 && this.#log.reaches(revision)) {
      return this.#log.viewSince(revision, this.#revision);
    }
    const view = this.view();
    return {
      revision: this.#revision,
      reset: true,
      nodes: [...view.nodes].map(([node, lease]) => ({ node, lease })),
      leases: [...view.leases].map(([eip, lease]) => ({ eip, lease })),
      drains: [...view.drains.keys()].map((node) => ({ node, drained: true })),
      moves: [...view.moves].map(([eip, move]) => ({ eip, move })),
    };
  }

  /** The same for documents. */
  documentsSince(revision: number): DocumentChange {
    if (revision >= 1 && this.#log.reaches(revision)) {
      return this.#log.documentsSince(revision, this.#revision);
    }
    return {
      revision: this.#revision,
      reset: true,
      documents: [...this.#documents].map(([name, document]) => ({ name, document })),
    };
  }

  documents(): readonly StoredDocument[] {
    return [...this.#documents.values()];
  }

  /** All or nothing: false if a revision is not what is stored (0: not there). */
  putDocuments(documents: readonly StoredDocument[]): boolean {
    for (const { name, revision } of documents) {
      checkName('document', name);
      if ((this.#documents.get(name)?.revision ?? 0) !== revision) return false;
    }
    if (documents.length === 0) return true;
    const revision = this.#advance();
    for (const { name, text } of documents) {
      const document = { name, text, revision };
      this.#documents.set(name, document);
      this.#log.add({ kind: 'document', key: name, value: document, revision });
    }
    return true;
  }

  /** False if there was none. */
  deleteDocument(name: string): boolean {
    if (!this.#documents.delete(name)) return false;
    this.#log.add({ kind: 'document', key: name, value: null, revision: this.#advance() });
    return true;
  }

  setDrain(node: string, drained: boolean): void {
    checkName('node', node);
    if (this.#drains.has(node) === drained) return;
    if (drained) this.#drains.set(node, true);
    else this.#drains.delete(node);
    this.#log.add({ kind: 'drain', key: node, value: drained, revision: this.#advance() });
  }

  requestMove(move: MoveRequest, nowMs: number): void {
    checkName('node', move.to);
    this.#moves.set(move.eip, { move, expiresAt: nowMs + moveLifetimeMs });
    this.#log.add({ kind: 'move', key: move.eip, value: move, revision: this.#advance() });
  }

  #advance(): number {
    this.#revision += 1;
    return this.#revision;
  }

  #entry(id: TenureId): NodeEntry | undefined {
    const entry = this.#nodes.get(id.node);
    return entry?.lease.id.incarnation === id.incarnation ? entry : undefined;
  }

  #setNode(entry: NodeEntry): void {
    const { lease } = entry;
    this.#nodes.set(lease.id.node, entry);
    this.#log.add({ kind: 'node', key: lease.id.node, value: lease, revision: lease.revision });
  }

  #endNode(node: string): void {
    this.#nodes.delete(node);
    this.#log.add({ kind: 'node', key: node, value: null, revision: this.#advance() });
  }

  #open({ node, replaces, ttlMs, record }: OpenRequest, nowMs: number): StoreAnswer {
    const current = this.node(node);
    if (current !== undefined && current.id.incarnation !== replaces) {
      return { kind: 'name-taken', by: current };
    }
    const incarnation = (this.#incarnations.get(node) ?? 0) + 1;
    this.#incarnations.set(node, incarnation);
    const lease: NodeLease = {
      id: { node, incarnation },
      record: record.boot === 0 ? { ...record, boot: incarnation } : record,
      revision: this.#advance(),
    };
    this.#setNode({ lease, ttlMs, expiresAt: nowMs + ttlMs });
    return { kind: 'opened', lease, ttlMs };
  }

  #update({ tenure, record, revision }: UpdateRequest): StoreAnswer {
    const entry = this.#entry(tenure);
    if (entry === undefined) return { kind: 'ended' };
    if (entry.lease.revision !== revision) {
      return { kind: 'update-refused', current: entry.lease };
    }
    const lease = { id: entry.lease.id, record, revision: this.#advance() };
    this.#setNode({ ...entry, lease });
    return { kind: 'updated', lease };
  }

  #swap({ tenure, swaps }: SwapRequest): StoreAnswer {
    if (!this.#unbound && !this.isLive(tenure)) return { kind: 'ended' };
    const refusals = swaps.map((swap) => this.#refusal(swap));
    // One revision for all, and none if nothing is applied.
    const revision = refusals.includes(null) ? this.#advance() : this.#revision;
    const outcomes = swaps.map((swap, index): SwapOutcome => {
      const refusal = refusals[index];
      if (refusal) return refusal;
      const lease = { ...swap.next, revision };
      this.#leases.set(swap.eip, lease);
      this.#log.add({ kind: 'lease', key: swap.eip, value: lease, revision });
      return { kind: 'applied', lease };
    });
    return { kind: 'swapped', outcomes };
  }

  /** Why `swap` cannot be applied; null if it can. */
  #refusal(swap: Swap): SwapOutcome | null {
    const current = this.#leases.get(swap.eip) ?? null;
    if ((current?.revision ?? 0) !== swap.revision) return { kind: 'conflict', current };
    if (swap.ended.some((id) => this.isLive(id))) return { kind: 'refused' };
    const live = this.#unbound || swap.live.every((id) => this.isLive(id));
    if (!live) return { kind: 'refused' };
    if (current !== null) checkTerm(swap, current.term);
    return null;
  }

  #settle(eips: readonly Eip[]): void {
    const known = eips.filter((eip) => this.#moves.delete(eip));
    if (known.length === 0) return;
    const revision = this.#advance();
    for (const eip of known) this.#log.add({ kind: 'move', key: eip, value: null, revision });
  }
}
