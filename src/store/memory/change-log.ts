/** The latest changes of a memory store, bounded, so that a watcher can be told what it missed. */
import type { Eip, EipLease, MoveRequest, NodeLease, ViewChange } from '../../core/model.ts';
import type { DocumentChange, StoredDocument } from '../lease-store.ts';

export type Change = { readonly key: string; readonly revision: number } & (
  | { readonly kind: 'node'; readonly value: NodeLease | null }
  | { readonly kind: 'lease'; readonly value: EipLease }
  | { readonly kind: 'drain'; readonly value: boolean }
  | { readonly kind: 'move'; readonly value: MoveRequest | null }
  | { readonly kind: 'document'; readonly value: StoredDocument | null }
);

export class ChangeLog {
  #changes: Change[] = [];
  /** Changes up to this revision are forgotten. */
  #compacted = 0;
  readonly #kept: number;

  constructor(kept: number) {
    this.#kept = kept;
  }

  /** Revisions must not fall. */
  add(change: Change): void {
    this.#changes.push(change);
    // Cut at twice the size, so that the cost per change stays constant.
    if (this.#changes.length >= 2 * Math.max(1, this.#kept)) this.#compact();
  }

  reaches(revision: number): boolean {
    return revision >= this.#compacted;
  }

  viewSince(revision: number, upTo: number): ViewChange {
    const nodes = new Map<string, NodeLease | null>();
    const leases = new Map<Eip, EipLease>();
    const drains = new Map<string, boolean>();
    const moves = new Map<Eip, MoveRequest | null>();
    for (let index = this.#indexAfter(revision); index < this.#changes.length; index += 1) {
      const change = this.#changes[index];
      if (change?.kind === 'node') nodes.set(change.key, change.value);
      else if (change?.kind === 'lease') leases.set(change.key, change.value);
      else if (change?.kind === 'drain') drains.set(change.key, change.value);
      else if (change?.kind === 'move') moves.set(change.key, change.value);
    }
    return {
      revision: upTo,
      reset: false,
      nodes: Array.from(nodes, ([node, lease]) => ({ node, lease })),
      leases: Array.from(leases, ([eip, lease]) => ({ eip, lease })),
      drains: Array.from(drains, ([node, drained]) => ({ node, drained })),
      moves: Array.from(moves, ([eip, move]) => ({ eip, move })),
    };
  }

  documentsSince(revision: number, upTo: number): DocumentChange {
    const documents = new Map<string, StoredDocument | null>();
    for (let index = this.#indexAfter(revision); index < this.#changes.length; index += 1) {
      const change = this.#changes[index];
      if (change?.kind === 'document') documents.set(change.key, change.value);
    }
    return {
      revision: upTo,
      reset: false,
      documents: Array.from(documents, ([name, document]) => ({ name, document })),
    };
  }

  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#changes[middle]?.revision ?? Infinity) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    const cut = this.#changes.length - this.#kept;
    this.#compacted = this.#changes[cut - 1]?.revision ?? this.#compacted;
    this.#changes = this.#changes.slice(cut);
  }
}
