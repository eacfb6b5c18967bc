/**
 * Swaps of EIP leases: each an update of one object by compare-and-swap on its resourceVersion,
 * side by side. Kubernetes has no transaction over several objects; what makes the guards as good
 * as one is that a tenure which has ended never lives again (docs/decisions/0003):
 *
 * - a tenure that was read as ended *before* the swap had ended when the swap was applied;
 * - a tenure that is read as live *after* the swap was live when the swap was applied.
 */
import { setMaxListeners } from 'node:events';
import { sameTenure } from '../../core/model.ts';
import type { Eip, EipLease, TenureId } from '../../core/model.ts';
import type { StoreAnswer, Swap, SwapOutcome, SwapRequest } from '../../core/requests.ts';
import { checkTerm } from '../checks.ts';
import type { Pace } from '../lease-store.ts';
import { readEip, writeEip } from './eip-object.ts';
import type { Keeper } from './keeper.ts';
import { Lanes, unlessAborted } from './lanes.ts';
import { readObject, writeObject, writePatch } from './lease-object.ts';
import { eipObjectName } from './names.ts';
import type { NodeLeases } from './node-leases.ts';
import { holderText } from './node-object.ts';
import type { Resource } from './resource.ts';

export interface SwapModules {
  readonly leases: Resource;
  readonly namespace: string;
  readonly keeper: Keeper;
  readonly nodeLeases: NodeLeases;
}

/** As many as keep an API server busy, and leave it time for renewals. */
const mostAtOnce = 8;
/** Twice as many are asked for as are sent, so that there is always a next one. */
export const swapPace: Pace = { swapsPerRequest: 4, requestsAtOnce: 4 };
/** What guards a swap is read once for all requests that are under way within so long. */
const guardsMs = 200;
/** The watch tells of what was written about when the answer does. */
const watchMs = 50;
/** A swap that nobody waits for any more is given this long. */
const longestMs = 3000;
/** So many answers are kept before those are dropped that the watch has confirmed. */
const mostRecent = 4096;

export class Swaps {
  readonly #modules: SwapModules;
  readonly #recent = new Map<Eip, EipLease>();
  readonly #lanes = new Lanes(mostAtOnce);
  readonly #active = new Set<AbortController>();
  #guards: Guards | null = null;

  constructor(modules: SwapModules) {
    this.#modules = modules;
  }

  /**
   * If one swap's outcome stays unknown, so does the request's: it rejects. What was not sent by
   * then never is. What was is left to come to its end: to break off a request closes its
   * connection, and a busy server has enough to do without making new ones.
   */
  async swap(request: SwapRequest, signal: AbortSignal): Promise<StoreAnswer> {
    const own = new AbortController();
    const late = setTimeout(() => own.abort(), longestMs);
    this.#active.add(own);
    // Many requests wait on each at once, and Node takes more than ten for a leak.
    for (const one of [own.signal, signal]) setMaxListeners(0, one);
    const work = this.#swap(request, own.signal, signal).finally(() => {
      clearTimeout(late);
      this.#active.delete(own);
    });
    return unlessAborted(work, signal);
  }

  close(): void {
    for (const own of this.#active) own.abort();
  }

  async #swap(
    { tenure, swaps }: SwapRequest, signal: AbortSignal, asked: AbortSignal,
  ): Promise<StoreAnswer> {
    await Promise.all(swaps.map(async (swap) => this.#checkTerm(swap, signal)));
    const guards = this.#guardsOf(tenure);
    if (!await guards.own(signal)) return { kind: 'ended' };
    const outcomes = await Promise.all(swaps.map(async (swap): Promise<SwapOutcome> => {
      const held = await guards.hold(swap, signal);
      return this.#lanes.run(
        async () => held ? this.#write(swap, signal) : this.#refusal(swap, signal), asked,
      );
    }));
    if (!await this.#heldUntil(tenure, outcomes, signal)) return { kind: 'ended' };
    return { kind: 'swapped', outcomes };
  }

  /** Whether the tenure was live when the last of those swaps was applied. */
  async #heldUntil(
    tenure: TenureId, outcomes: readonly SwapOutcome[], signal: AbortSignal,
  ): Promise<boolean> {
    const { keeper, nodeLeases } = this.#modules;
    const last = Math.max(0, ...outcomes.map((outcome) => (
      outcome.kind === 'applied' ? outcome.lease.revision : 0
    )));
    // One watch tells of nodes and addresses in one order: by then it would have shown the end.
    if (await keeper.reached(last, watchMs)) {
      const live = keeper.ledger.nodes.live(tenure.node);
      if (live !== null && sameTenure(live.id, tenure)) return true;
    }
    return nodeLeases.holds(tenure, signal);
  }

  /** Those of the requests that are under way, if they are of the same tenure and not old. */
  #guardsOf(tenure: TenureId): Guards {
    const known = this.#guards;
    const isAlone = this.#active.size <= 1;
    if (known !== null && !isAlone && known.serves(tenure)) return known;
    this.#guards = new Guards(this.#modules.nodeLeases, tenure);
    return this.#guards;
  }

  /** Before anything is written. Throws StoreError('invalid') for a term that would go back. */
  async #checkTerm(swap: Swap, signal: AbortSignal): Promise<void> {
    const { eip, revision } = swap;
    if (revision === 0) return;
    const seen = this.#modules.keeper.ledger.eips.lease(eip);
    const known = seen?.revision === revision ? seen : this.#recent.get(eip);
    const lease = known?.revision === revision ? known
      : await this.#lanes.run(async () => this.#read(swap, signal), signal);
    if (lease?.revision === revision) checkTerm(swap, lease.term);
  }

  /** What an answer told, until the watch tells it too. */
  #remember(lease: EipLease): void {
    if (this.#recent.size >= mostRecent) {
      const { revision } = this.#modules.keeper.ledger;
      for (const [eip, old] of this.#recent) if (old.revision <= revision) this.#recent.delete(eip);
    }
    this.#recent.set(lease.eip, lease);
  }

  async #write(swap: Swap, signal: AbortSignal): Promise<SwapOutcome> {
    const { leases, namespace, keeper } = this.#modules;
    const body = writeEip(swap.next);
    const made = swap.revision === 0
      ? await leases.create(body.name, writeObject(body, namespace), signal)
      : await leases.patch(body.name, writePatch(body, swap.revision), signal);
    if (typeof made === 'string') {
      const current = await this.#read(swap, signal);
      // Our own writing, sent twice because the first answer was lost.
      const ours = current !== null && sameText(writeEip(current), body);
      return ours ? { kind: 'applied', lease: current } : { kind: 'conflict', current };
    }
    const { revision } = readObject(made.object);
    keeper.expect(revision);
    const lease = { ...swap.next, revision };
    this.#remember(lease);
    return { kind: 'applied', lease };
  }

  /** A record that has changed is told of first: it says why the guard does not hold. */
  async #refusal(swap: Swap, signal: AbortSignal): Promise<SwapOutcome> {
    const current = await this.#read(swap, signal);
    return (current?.revision ?? 0) === swap.revision
      ? { kind: 'refused' } : { kind: 'conflict', current };
  }

  async #read({ eip }: Swap, signal: AbortSignal): Promise<EipLease | null> {
    const { leases, keeper } = this.#modules;
    const json = await leases.get(eipObjectName('eip', eip), signal);
    const lease = json === null ? null : readEip(eip, readObject(json));
    // Deleted or changed by hand: what was there before is in force, and is on its way back.
    if (lease !== null) this.#remember(lease);
    return lease ?? keeper.ledger.eips.lease(eip);
  }
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Asks for each tenure once, however many swaps depend on it. */
class Guards {
  readonly #nodeLeases: NodeLeases;
  readonly #tenure: TenureId;
  readonly #madeAt = performance.now();
  readonly #asked = new Map<string, Promise<boolean>>();

  constructor(nodeLeases: NodeLeases, tenure: TenureId) {
    this.#nodeLeases = nodeLeases;
    this.#tenure = tenure;
  }

  serves(tenure: TenureId): boolean {
    return sameTenure(tenure, this.#tenure) && performance.now() - this.#madeAt < guardsMs;
  }

  /** Whether the requester's own tenure is in force, before anything is written. */
  async own(signal: AbortSignal): Promise<boolean> {
    return this.#once('own', async () => this.#nodeLeases.holds(this.#tenure, signal));
  }

  async hold({ ended, live }: Swap, signal: AbortSignal): Promise<boolean> {
    const answers = await Promise.all([
      ...ended.map(async (id) => this.#once(`ended ${holderText(id)}`, async () => (
        this.#nodeLeases.isEnded(id, signal)
      ))),
      ...live.filter((id) => !sameTenure(id, this.#tenure)).map(async (id) => (
        this.#once(`live ${holderText(id)}`, async () => this.#nodeLeases.isLive(id, signal))
      )),
    ]);
    return !answers.includes(false);
  }

  /** A read that failed for one is made anew for the next. */
  async #once(key: string, ask: () => Promise<boolean>): Promise<boolean> {
    const known = this.#asked.get(key);
    if (known !== undefined) return known;
    const answer = ask();
    this.#asked.set(key, answer);
    answer.catch(() => { this.#asked.delete(key); });
    return answer;
  }
}
