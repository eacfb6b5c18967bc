/**
 * Keys and values into the view, and the changes of it. Every value is checked here. What a value
 * that is not ours is taken for:
 *
 *   EIP lease     the last readable record, if there was one (known-leases.ts), else not told
 *   node lease    live, with the last readable record or an empty one: its key is what counts
 *   drain         set: its key is what counts
 *   move          not there
 */
import type { IEvent, IKeyValue } from 'etcd3';
import type { Eip, EipLease, NodeLease, TenureId, View, ViewChange } from '../../core/model.ts';
import { unknownRecord } from '../node-record.ts';
import type { Findings } from './findings.ts';
import type { Key, Keys } from './keys.ts';
import type { KnownLeases } from './known-leases.ts';
import { decodeLease, decodeMove, decodeNode } from './records.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

export interface ViewStep {
  readonly change: ViewChange;
  /** EIP leases that a hand deleted, as they last were. */
  readonly deleted: readonly EipLease[];
}

/** One revision's worth of keys: `value` null if it was deleted. */
interface Item {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly revision: number;
}

export class ViewReader {
  readonly #keys: Keys;
  readonly #known: KnownLeases;
  readonly #findings: Findings;
  /** All live tenures by node: more than one only if someone wrote there by hand. */
  readonly #tenures = new Map<string, Map<number, NodeLease>>();

  constructor(keys: Keys, known: KnownLeases, findings: Findings) {
    this.#keys = keys;
    this.#known = known;
    this.#findings = findings;
  }

  /** From everything under the prefix, as it was at `revision`. */
  list(kvs: readonly IKeyValue[], revision: number): ViewChange {
    this.#tenures.clear();
    const items = kvs.map(({ key, value, mod_revision }) => ({
      key, value, revision: Number(mod_revision),
    }));
    const { change } = this.#findings.anew(() => this.#read(items, revision, true));
    const listed = new Set(change.leases.map(({ eip }) => eip));
    const lost = this.#known.lostFrom(listed, revision).map((lease) => ({ eip: lease.eip, lease }));
    return {
      ...change,
      nodes: [...new Set(change.nodes.map(({ node }) => node))]
        .map((node) => ({ node, lease: this.#latest(node) })),
      leases: [...change.leases, ...lost],
    };
  }

  /** From all events of one revision. */
  events(events: readonly IEvent[], revision: number): ViewStep {
    return this.#read(events.map(({ type, kv }) => ({
      key: kv.key, value: type === 'Delete' ? null : kv.value, revision,
    })), revision, false);
  }

  #read(items: readonly Item[], revision: number, reset: boolean): ViewStep {
    const change: Mutable<ViewChange> = {
      revision, reset, nodes: [], leases: [], drains: [], moves: [],
    };
    const deleted: EipLease[] = [];
    for (const item of items) {
      const key = this.#keys.parse(item.key);
      if (item.value === null) this.#findings.fine(item.key);
      if (key === null) {
        if (item.value !== null) this.#findings.foreign(item.key);
      } else if (key.kind === 'lease') {
        const lease = this.#lease(key.eip, item);
        if (lease !== null || !reset) change.leases.push({ eip: key.eip, lease });
        if (lease !== null && item.value === null) deleted.push(lease);
      } else {
        this.#other(change, key, item);
      }
    }
    return { change, deleted };
  }

  #other(change: Mutable<ViewChange>, key: Key, item: Item): void {
    switch (key.kind) {
      case 'node':
        change.nodes.push({ node: key.id.node, lease: this.#node(key.id, item) });
        return;
      case 'drain':
        change.drains.push({ node: key.node, drained: item.value !== null });
        return;
      case 'move': {
        const move = item.value === null ? null : decodeMove(key.eip, item.value);
        if (item.value !== null && move === null) {
          this.#findings.unreadable(item.key, 'It is ignored.');
        }
        if (move !== null || !change.reset) change.moves.push({ eip: key.eip, move });
        return;
      }
      case 'version':
      case 'incarnation':
      case 'document':
      case 'lease':
        return;
    }
  }

  #lease(eip: Eip, { key, value, revision }: Item): EipLease | null {
    if (value === null) return this.#known.lost(eip, revision, true);
    // Of our own swaps we know what they wrote.
    const lease = this.#known.at(eip, revision) ?? decodeLease(eip, value, revision);
    if (lease !== null) {
      this.#findings.fine(key);
      this.#known.saw(lease);
      return lease;
    }
    const last = this.#known.lost(eip, revision, false);
    this.#findings.unreadable(key, last === null
      ? `Nobody can tell who holds ${eip}, so nobody takes it until the key is deleted.`
      : `${eip} stays with whom the last readable value named; the next change replaces it.`);
    return last;
  }

  #node(id: TenureId, { key, value, revision }: Item): NodeLease | null {
    const tenures = this.#tenures.get(id.node) ?? new Map<number, NodeLease>();
    this.#tenures.set(id.node, tenures);
    if (value === null) {
      tenures.delete(id.incarnation);
    } else {
      const record = decodeNode(value);
      if (record === null) {
        this.#findings.unreadable(key, `Node ${id.node} counts as live until its lease ends.`);
      } else {
        this.#findings.fine(key);
      }
      const last = tenures.get(id.incarnation)?.record ?? unknownRecord;
      tenures.set(id.incarnation, { id, record: record ?? last, revision });
    }
    return this.#latest(id.node);
  }

  #latest(node: string): NodeLease | null {
    const tenures = this.#tenures.get(node) ?? new Map<number, NodeLease>();
    if (tenures.size === 0) this.#tenures.delete(node);
    const latest = Math.max(...tenures.keys());
    return tenures.get(latest) ?? null;
  }
}

/** A view of its own from a change that is a reset. */
export function viewOf({ revision, nodes, leases, drains, moves }: ViewChange): View {
  return {
    revision,
    nodes: new Map(nodes.flatMap(({ node, lease }) => lease === null ? [] : [[node, lease]])),
    leases: new Map(leases.flatMap(({ eip, lease }) => lease === null ? [] : [[eip, lease]])),
    drains: new Map(drains.map(({ node }) => [node, true])),
    moves: new Map(moves.flatMap(({ eip, move }) => move === null ? [] : [[eip, move]])),
  };
}
