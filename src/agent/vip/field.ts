/** Who else stands for a virtual router, as far as a node knows: what priorities are made from. */
import type { ViewChange } from '../../core/model.ts';
import { matchesSelector, type Selector } from '../../core/selector.ts';
import type { Field } from '../../keepalived/render/plan.ts';
import type { Unicast } from '../../keepalived/render/settings.ts';

/** A node that the store shows. */
export interface StandingNode {
  readonly name: string;
  /** As configured. */
  readonly weight: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** What there is to know others by. */
export interface Standing {
  /** Of the store; empty without one, or before it has told. */
  readonly nodes: readonly StandingNode[];
  /** From `vip.peers`. */
  readonly unicast: Unicast | null;
}

/** As configured. */
export const usualWeight = 100;

/**
 * Null: nobody is known. The store's nodes count, drained ones too, as they come back; else the
 * peers, which are taken to have this node's weight.
 */
export function fieldOf(
  { node, weight }: { readonly node: string; readonly weight: number },
  { nodes, unicast }: Standing, family: 4 | 6, selector: Selector,
): Field | null {
  if (nodes.length > 0) {
    const others = nodes.filter(({ name, labels }) =>
      name !== node && matchesSelector(selector, labels));
    return {
      own: node,
      others: others.map((one) => ({ name: one.name, weight: one.weight / usualWeight })),
    };
  }
  const own = unicast?.source[family];
  if (!unicast || own === undefined) return null;
  const others = unicast.nodes.filter((address) =>
    address.includes(':') === (family === 6) && address !== own);
  return { own, others: others.map((name) => ({ name, weight: weight / usualWeight })) };
}

/** The nodes that the store shows to be alive and to hold addresses. */
export class StandingNodes {
  readonly #nodes = new Map<string, StandingNode>();
  #list: readonly StandingNode[] = [];

  /** Whether anything is different from before. */
  apply({ reset, nodes }: ViewChange): boolean {
    if (nodes.length === 0 && !reset) return false;
    const before = this.#list;
    if (reset) this.#nodes.clear();
    for (const { node, lease } of nodes) {
      if (lease === null || lease.record.witness) this.#nodes.delete(node);
      else this.#set(node, lease.record);
    }
    const now = [...this.#nodes.values()].sort((a, b) => a.name < b.name ? -1 : 1);
    if (JSON.stringify(now) === JSON.stringify(before)) return false;
    this.#list = now;
    return true;
  }

  #set(name: string, { weight, labels }: Omit<StandingNode, 'name'>): void {
    this.#nodes.set(name, { name, weight, labels });
  }

  get list(): readonly StandingNode[] {
    return this.#list;
  }
}
