/**
 * The store, and the way to it: `MemoryState` behind delays, cuts, outages and lost answers. Its
 * clock has a rate of its own, and expiry is scanned for as etcd does, late by up to 500 ms.
 */
import type { ViewChange } from '../../src/core/model.ts';
import type { StoreAnswer, StoreRequest, Swap } from '../../src/core/requests.ts';
import { MemoryState } from '../../src/store/memory/memory-state.ts';
import type { World } from './world.ts';

export class SimStore {
  readonly state: MemoryState;
  down = false;
  /** Every request and answer takes so many ms longer. */
  slowMs = 0;
  /** Chance that a request is carried out seconds after it was sent, or that its answer is late. */
  late = 0;
  /** Chance that a request or its answer is lost. */
  loss = 0;
  readonly cut = new Set<string>();
  /** Nodes whose watch tells nothing new, though their requests are answered. */
  readonly stale = new Set<string>();
  readonly #world: World;
  readonly #rate: number;
  readonly #terms = new Map<string, number>();
  readonly #watchers: (() => void)[] = [];

  constructor(world: World) {
    this.#world = world;
    this.state = new MemoryState({
      // Those that were away for long list anew.
      changesKept: Math.max(200, 4 * world.eips.length), unbound: world.unbound,
    });
    this.#rate = 1 + world.prng.between(-world.clockRateError, world.clockRateError);
    const scan = () => {
      if (!this.down) {
        this.state.expire(this.now());
        this.#changed();
      }
      world.schedule.after(world.prng.between(50, 500), scan);
    };
    world.schedule.after(world.prng.between(0, 500), scan);
  }

  now(): number {
    return this.#world.schedule.now * this.#rate;
  }

  reachable(node: string): boolean {
    return !this.down && !this.cut.has(node);
  }

  onChange(run: () => void): void {
    this.#watchers.push(run);
  }

  #delay(): number {
    const { prng } = this.#world;
    const usual = prng.chance(0.03) ? prng.between(5, 300) : prng.between(0.2, 3);
    const lateMs = prng.chance(this.late) ? prng.between(100, 3000) : 0;
    return usual + lateMs + prng.between(0, this.slowMs);
  }

  /** As an agent asks: null once `patienceMs` have passed. Now and then the answer comes again. */
  ask(
    node: string, request: StoreRequest, patienceMs: number,
    done: (answer: StoreAnswer | null) => void,
  ): void {
    const { schedule, prng } = this.#world;
    let open = true;
    schedule.after(patienceMs, () => {
      if (open) done(null);
      open = false;
    });
    this.#call(node, request, (answer) => {
      open = false;
      done(answer);
      // The core must not mind.
      if (prng.chance(0.02)) schedule.after(prng.between(0, 3000), () => done(answer));
    });
  }

  /** Carries `request` to the store and its answer back; either may be lost, or late. */
  #call(node: string, request: StoreRequest, done: (answer: StoreAnswer) => void): void {
    const { schedule, prng } = this.#world;
    // A request that meets a cut may sit in a buffer and arrive when the cut is mended.
    if (prng.chance(this.loss)) return;
    const arrive = (): void => {
      if (!this.reachable(node)) {
        if (prng.chance(0.3)) schedule.after(prng.between(50, 1500), arrive);
        return;
      }
      const answer = this.state.apply(request, this.now());
      if (request.kind === 'swap') this.#expectTermsGrow(request.swaps);
      this.#changed();
      if (prng.chance(this.loss)) return;
      const back = (): void => {
        if (this.reachable(node)) done(answer);
        else if (prng.chance(0.3)) schedule.after(prng.between(50, 1500), back);
      };
      schedule.after(this.#delay(), back);
    };
    // Where nothing binds it to its tenure, a change may be made long after that has ended.
    const { unbound, peace } = this.#world;
    const stray = unbound && !peace && request.kind === 'swap' && prng.chance(0.1);
    schedule.after(stray ? prng.between(500, 4000) : this.#delay(), arrive);
  }

  /** An operator's doing: takes effect at once, if the store is up. */
  operate(change: (state: MemoryState) => void): void {
    if (this.down) return;
    change(this.state);
    this.#changed();
  }

  changesSince(revision: number): ViewChange {
    return this.state.changesSince(revision);
  }

  #changed(): void {
    for (const run of this.#watchers) run();
  }

  #expectTermsGrow(swaps: readonly Swap[]): void {
    for (const { eip } of swaps) {
      const term = this.state.lease(eip)?.term ?? 0;
      const before = this.#terms.get(eip) ?? 0;
      if (term < before) throw new Error(`term of ${eip} went back from ${before} to ${term}`);
      this.#terms.set(eip, term);
    }
  }
}
