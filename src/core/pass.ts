/**
 * What one look over the addresses needs to know of the cluster, computed at most once a step and
 * only if asked for: at rest no address asks.
 */
import { doubtOf } from './doubt.ts';
import type { Draft } from './draft.ts';
import { whyUnfit } from './eligibility.ts';
import type { EipPolicy } from './events.ts';
import type { Eip, TenureId } from './model.ts';
import { Allocator, allocationOrder } from './placement.ts';
import type { Candidate } from './placement.ts';
import type { Selector } from './selector.ts';

interface PoolFit {
  readonly selector: Selector;
  readonly fit: readonly Candidate[];
  /** Those of them that cannot have everything. */
  readonly unable: readonly string[];
}

export class Pass {
  readonly #draft: Draft;
  readonly #fit = new Map<string, PoolFit>();
  #allocator: Allocator | null = null;
  #heirAllocator: Allocator | null = null;
  #preferred: ReadonlyMap<Eip, string> | null = null;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  candidates(eip: Eip, policy: EipPolicy): readonly Candidate[] {
    const { fit, unable } = this.#fitFor(policy);
    if (unable.length === 0) return fit;
    const { nodes } = this.#draft;
    return fit.filter(({ node }) => nodes.get(node)?.record.unable[eip] === undefined);
  }

  /** For any address of that pool: there are many of one pool. */
  #fitFor(policy: EipPolicy): PoolFit {
    const known = this.#fit.get(policy.pool);
    if (known?.selector === policy.selector) return known;
    const { nodes, drains } = this.#draft;
    const fit: Candidate[] = [];
    for (const [node, lease] of nodes.value) {
      if (whyUnfit('', policy, lease, drains.has(node)) === null) {
        fit.push({ node, weight: lease.record.weight, doubt: doubtOf(this.#draft, node) });
      }
    }
    const unable = fit.map(({ node }) => node)
      .filter((node) => Object.keys(nodes.get(node)?.record.unable ?? {}).length > 0);
    const found = { selector: policy.selector, fit, unable };
    this.#fit.set(policy.pool, found);
    return found;
  }

  /**
   * Nodes that may be heirs of `eip`, from most to least preferred: with a view that keeps up, and
   * where voters judge us, judged themselves, since nobody else can be deposed.
   */
  heirs(eip: Eip, policy: EipPolicy): readonly TenureId[] {
    const draft = this.#draft;
    return this.heirAllocator.order(eip, this.#heirCandidates(eip, policy))
      .flatMap((node) => draft.nodes.get(node)?.id ?? []);
  }

  /**
   * How many addresses more than its bound each of them would have if we were gone. Negative: there
   * is room; there is none on nodes in doubt.
   */
  heirExcess(eip: Eip, policy: EipPolicy): ReadonlyMap<string, number> {
    const candidates = this.#heirCandidates(eip, policy);
    const excess = this.heirAllocator.excess(candidates);
    const doubted = candidates.filter(({ doubt = 0 }) => doubt > 0).map(({ node }) => (
      [node, Math.max(0, excess.get(node) ?? 0)] as const));
    return doubted.length === 0 ? excess : new Map([...excess, ...doubted]);
  }

  #heirCandidates(eip: Eip, policy: EipPolicy): readonly Candidate[] {
    return this.candidates(eip, policy).filter(({ node }) => this.#canInherit(node));
  }

  /** Whether the tenure `id` is among them. */
  isHeir(eip: Eip, policy: EipPolicy, { node, incarnation }: TenureId): boolean {
    const { nodes, drains } = this.#draft;
    const lease = nodes.get(node);
    return lease?.id.incarnation === incarnation && this.#canInherit(node)
      && whyUnfit(eip, policy, lease, drains.has(node)) === null;
  }

  #canInherit(node: string): boolean {
    const { nodes, options, voting } = this.#draft;
    const judged = options.supportMs === 0 || (nodes.get(node)?.record.epoch ?? 0) > 0;
    return node !== options.node && judged
      && voting.peers.get(node)?.behind !== true;
  }

  /** What each node holds, and would hold if we were gone. */
  get heirAllocator(): Allocator {
    this.#heirAllocator ??= this.#countHeirs();
    return this.#heirAllocator;
  }

  #countHeirs(): Allocator {
    const draft = this.#draft;
    const allocator = this.#count();
    for (const { id, follows, parts, joins } of draft.tallies.value.values()) {
      allocator.give(id.node, follows - parts + joins);
    }
    return allocator;
  }

  /** Loads as the store shows them, changed by what we have under way. */
  get allocator(): Allocator {
    this.#allocator ??= this.#count();
    return this.#allocator;
  }

  #count(): Allocator {
    const draft = this.#draft;
    const allocator = new Allocator(draft.policies.size, new Map());
    for (const { id, holds, leaves, gets } of draft.tallies.value.values()) {
      allocator.give(id.node, (draft.ended(id) ? 0 : holds - leaves) + gets);
    }
    return allocator;
  }

  /** The node that would have `eip` if all addresses were handed out afresh; for failback. */
  preferred(eip: Eip): string | null {
    this.#preferred ??= this.#prefer();
    return this.#preferred.get(eip) ?? null;
  }

  #prefer(): ReadonlyMap<Eip, string> {
    const { policies } = this.#draft;
    const allocator = new Allocator(policies.size, new Map());
    const preferred = new Map<Eip, string>();
    for (const eip of allocationOrder(policies.keys())) {
      const policy = policies.get(eip);
      const [first] = policy ? allocator.order(eip, this.candidates(eip, policy)) : [];
      if (first === undefined) continue;
      allocator.give(first);
      preferred.set(eip, first);
    }
    return preferred;
  }
}
