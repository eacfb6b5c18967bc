/**
 * Whom the store's leases name, as last heard. While the store is away that is what it said last;
 * and where a lease names nobody that is alive, it is whom it named before, until it names another:
 * VRRP goes on meanwhile, and nothing moves for want of a word. Pure.
 */
import type { Eip, EipLease, ViewChange } from '../../core/model.ts';
import type { LeaseLine } from '../../keepalived/render/priority.ts';

export class LeaseLines {
  /** Incarnations of the nodes that are alive. */
  readonly #alive = new Map<string, number>();
  /** Of all addresses: which of them are refereed is perhaps not known yet. */
  readonly #lines = new Map<Eip, LeaseLine>();

  apply({ reset, nodes, leases }: ViewChange): void {
    if (reset) this.#alive.clear();
    for (const { node, lease } of nodes) {
      if (lease === null) this.#alive.delete(node);
      else this.#alive.set(node, lease.id.incarnation);
    }
    for (const { eip, lease } of leases) {
      if (lease !== null && this.#isHeld(lease)) this.#lines.set(eip, lineOf(lease));
    }
  }

  of(eip: Eip): LeaseLine | null {
    return this.#lines.get(eip) ?? null;
  }

  #isHeld({ holder }: EipLease): boolean {
    return holder !== null && this.#alive.get(holder.node) === holder.incarnation;
  }
}

function lineOf({ holder, heirs, term }: EipLease): LeaseLine {
  const named = [...holder === null ? [] : [holder], ...heirs];
  return { term, line: named.map(({ node }) => node) };
}
