/**
 * All Lease objects of the namespace, as far as this agent has seen them: what is shown to the
 * core as a view, and what has to be done about it. Fed by one list and one watch, so that the
 * resourceVersion that it has reached orders everything in it. Pure: time is an argument.
 */
import type {
  Eip, Finding, MoveRequest, NodeLease, View, ViewChange,
} from '../../core/model.ts';
import { EipBook, tenuresOf } from './eip-book.ts';
import type { EipAction } from './eip-book.ts';
import { moveLifetimeMs, readEip, readMove } from './eip-object.ts';
import type { LeaseObject } from './lease-object.ts';
import { objectName, readObjectName } from './names.ts';
import type { LeaseName } from './names.ts';
import { NodeBook } from './node-book.ts';
import type { NodeAction } from './node-book.ts';
import { readNode } from './node-object.ts';

export type Action =
  | NodeAction
  | EipAction
  | { readonly kind: 'forget-move'; readonly eip: Eip; readonly revision: number };

export interface LedgerOptions {
  readonly longestTtlMs: number;
  readonly collectMs: number;
  readonly random: () => number;
  readonly report: (finding: Finding) => void;
}

export type LeaseEvent =
  | { readonly kind: 'set'; readonly object: LeaseObject }
  | { readonly kind: 'deleted'; readonly name: string; readonly revision: number }
  /** Nothing but how far the server has come. */
  | { readonly kind: 'reached'; readonly revision: number };

interface MoveEntry {
  readonly move: MoveRequest;
  readonly revision: number;
  readonly seenAt: number;
  retryAt: number;
}

/** How often a view that only got further is told of. */
const progressMs = 500;

export class Ledger {
  readonly #options: LedgerOptions;
  #nodes: NodeBook;
  #eips: EipBook;
  readonly #drains = new Set<string>();
  readonly #moves = new Map<Eip, MoveEntry>();
  #changedDrains = new Set<string>();
  #changedMoves = new Set<Eip>();
  /** What was told of each node last, so that renewals are not told of. */
  readonly #shown = new Map<string, NodeLease | null>();
  #revision = 0;
  #toldAt = -Infinity;
  #toldRevision = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#nodes = this.#newNodes();
    this.#eips = this.#newEips();
  }

  get revision(): number {
    return this.#revision;
  }

  get nodes(): NodeBook {
    return this.#nodes;
  }

  get eips(): EipBook {
    return this.#eips;
  }

  /** Takes in a list. Throws StoreError('schema'). */
  replace(objects: readonly LeaseObject[], revision: number, now: number): void {
    // A store that went back (a restored backup) makes what we remember worthless.
    if (revision < this.#revision) this.#forget();
    const listed = new Set(objects.map(({ name }) => name));
    const gone = this.#known().filter((name) => !listed.has(objectName(name)));
    for (const name of gone) this.#remove(name, now);
    // Nodes first: a tenure that a lease names is then known, if it is known at all.
    const byKind = objects.map((object) => ({ object, name: readObjectName(object.name) }));
    for (const { object, name } of byKind) if (name?.kind === 'node') this.#set(name, object, now);
    for (const { object, name } of byKind) {
      if (name !== null && name.kind !== 'node') this.#set(name, object, now);
    }
    this.#revision = revision;
  }

  /** Takes in what a watch told. Throws StoreError('schema'). */
  apply(events: readonly LeaseEvent[], now: number): void {
    for (const event of events) {
      if (event.kind === 'reached') {
        this.#revision = Math.max(this.#revision, event.revision);
      } else if (event.kind === 'set') {
        const name = readObjectName(event.object.name);
        if (name !== null) this.#set(name, event.object, now);
        this.#revision = Math.max(this.#revision, event.object.revision);
      } else {
        const name = readObjectName(event.name);
        if (name !== null) this.#remove(name, now);
        this.#revision = Math.max(this.#revision, event.revision);
      }
    }
  }

  /** What changed since the last call; null: nothing that is worth telling yet. */
  takeChange(now: number): ViewChange | null {
    const nodes = [...this.#nodes.changed].flatMap((node) => {
      const lease = this.#nodes.live(node);
      if (sameLease(this.#shown.get(node) ?? null, lease)) return [];
      this.#shown.set(node, lease);
      return [{ node, lease }];
    });
    const leases = [...this.#eips.changed].map((eip) => ({ eip, lease: this.#eips.lease(eip) }));
    const drains = [...this.#changedDrains]
      .map((node) => ({ node, drained: this.#drains.has(node) }));
    const moves = [...this.#changedMoves]
      .map((eip) => ({ eip, move: this.#moves.get(eip)?.move ?? null }));
    this.#nodes.changed.clear();
    this.#eips.changed.clear();
    this.#changedDrains = new Set();
    this.#changedMoves = new Set();
    const empty = nodes.length + leases.length + drains.length + moves.length === 0;
    const further = this.#revision > this.#toldRevision && now - this.#toldAt >= progressMs;
    if (empty && !further) return null;
    this.#toldAt = now;
    this.#toldRevision = this.#revision;
    return { revision: this.#revision, reset: false, nodes, leases, drains, moves };
  }

  view(): View {
    const nodes = [...this.#nodes.names].map((node) => [node, this.#nodes.live(node)] as const);
    const leases = [...this.#eips.eips].map((eip) => [eip, this.#eips.lease(eip)] as const);
    return {
      revision: this.#revision,
      nodes: new Map(nodes.filter((entry): entry is [string, NodeLease] => entry[1] !== null)),
      leases: new Map(leases.flatMap(([eip, lease]) => lease === null ? [] : [[eip, lease]])),
      drains: new Map([...this.#drains].map((node) => [node, true])),
      moves: new Map([...this.#moves].map(([eip, { move }]) => [eip, move])),
    };
  }

  /** Everything, for those who are then told of changes by `takeChange`. */
  takeSnapshot(now: number): ViewChange {
    this.takeChange(now);
    this.#toldAt = now;
    this.#toldRevision = this.#revision;
    return this.snapshot();
  }

  /** Everything, for one who joins them. */
  snapshot(): ViewChange {
    const { revision, nodes, leases, drains, moves } = this.view();
    return {
      revision,
      reset: true,
      nodes: [...nodes].map(([node, lease]) => ({ node, lease })),
      leases: [...leases].map(([eip, lease]) => ({ eip, lease })),
      drains: [...drains.keys()].map((node) => ({ node, drained: true })),
      moves: [...moves].map(([eip, move]) => ({ eip, move })),
    };
  }

  /** What is due at `now`, and when to ask again. */
  due(now: number): { actions: Action[]; nextAt: number } {
    const actions: Action[] = [];
    let nextAt = Infinity;
    for (const { at, action } of this.#planned()) {
      if (at > now) {
        nextAt = Math.min(nextAt, at);
      } else if (action.kind === 'collect-node' && this.#isReferred(action.node)) {
        this.#nodes.postpone(action.node, now + this.#options.collectMs);
      } else {
        actions.push(action);
      }
    }
    return { actions, nextAt };
  }

  /** Done, or failed: the action is not due again before `until`, unless things change. */
  postpone(action: Action, until: number): void {
    if (action.kind === 'restore-eip') this.#eips.postpone(action.eip, until);
    else if (action.kind === 'collect-node') this.#nodes.postpone(action.node, until);
    else if (action.kind !== 'forget-move') this.#nodes.postpone(action.id.node, until);
    else {
      const entry = this.#moves.get(action.eip);
      if (entry) entry.retryAt = until;
    }
  }

  * #planned(): Generator<{ at: number; action: Action }> {
    yield* this.#nodes.actions();
    yield* this.#eips.actions(this.#nodes.self);
    for (const [eip, { revision, seenAt, retryAt }] of this.#moves) {
      const at = Math.max(seenAt + moveLifetimeMs, retryAt);
      yield { at, action: { kind: 'forget-move', eip, revision } };
    }
  }

  #known(): LeaseName[] {
    return [
      ...[...this.#nodes.names].map((node) => ({ kind: 'node' as const, node })),
      ...[...this.#eips.eips].map((eip) => ({ kind: 'eip' as const, eip })),
      ...[...this.#drains].map((node) => ({ kind: 'drain' as const, node })),
      ...[...this.#moves.keys()].map((eip) => ({ kind: 'move' as const, eip })),
    ];
  }

  #forget(): void {
    const { self } = this.#nodes;
    this.#nodes = this.#newNodes();
    this.#nodes.self = self;
    this.#eips = this.#newEips();
    this.#drains.clear();
    this.#moves.clear();
    this.#shown.clear();
  }

  #newNodes(): NodeBook {
    const { longestTtlMs, collectMs, random, report } = this.#options;
    return new NodeBook({
      longestTtlMs, collectMs, random,
      report: (code, node) => report(finding(code, node, `the node lease of ${node}`)),
    });
  }

  #newEips(): EipBook {
    const { longestTtlMs, random, report } = this.#options;
    return new EipBook({
      longestTtlMs, random,
      report: (code, eip) => report(finding(code, eip, `the lease of ${eip}`)),
    });
  }

  #isReferred(node: string): boolean {
    for (const id of this.#eips.references()) if (id.node === node) return true;
    return false;
  }

  #set(name: LeaseName, object: LeaseObject, now: number): void {
    const { revision } = object;
    if (name.kind === 'node') {
      this.#nodes.set(name.node, revision, readNode(name.node, object), now);
    } else if (name.kind === 'eip') {
      const transitions = object.spec.leaseTransitions ?? 0;
      this.#eips.set(name.eip, revision, readEip(name.eip, object), transitions, now);
      const lease = this.#eips.lease(name.eip);
      if (lease !== null) for (const id of tenuresOf(lease)) this.#nodes.refer(id, revision, now);
    } else if (name.kind === 'drain') {
      this.#drains.add(name.node);
      this.#changedDrains.add(name.node);
    } else {
      const move = readMove(name.eip, object);
      if (move === null) return;
      this.#moves.set(name.eip, { move, revision, seenAt: now, retryAt: 0 });
      this.#changedMoves.add(name.eip);
    }
  }

  #remove(name: LeaseName, now: number): void {
    if (name.kind === 'node') {
      this.#nodes.remove(name.node, now);
    } else if (name.kind === 'eip') {
      this.#eips.remove(name.eip, now);
    } else if (name.kind === 'drain') {
      if (this.#drains.delete(name.node)) this.#changedDrains.add(name.node);
    } else if (this.#moves.delete(name.eip)) {
      this.#changedMoves.add(name.eip);
    }
  }
}

function finding(code: 'lease-deleted' | 'lease-edited', subject: string, what: string): Finding {
  const how = code === 'lease-deleted' ? 'deleted' : 'changed';
  return {
    code, subject,
    text: `${what} was ${how} by hand, or by another program; what it said before stays in force`,
  };
}

function sameLease(a: NodeLease | null, b: NodeLease | null): boolean {
  if (a === null || b === null) return a === b;
  return a.revision === b.revision && a.id.incarnation === b.id.incarnation;
}
