/** A step's working copy of the state: written by the parts of the step, then a state again. */
import { CowMap } from './cow-map.ts';
import type { Doubt } from './doubt.ts';
import type { Announcing, Effect, Fact, Now } from './events.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Eip, EipLease, MoveRequest, NodeLease, TenureId } from './model.ts';
import type { StoreRequest } from './requests.ts';
import { nothingPostponed, tenureOf } from './state.ts';
import { tallyLease, tallyPlan } from './tally.ts';
import type { Tally } from './tally.ts';
import type { Voting } from './quorum/types.ts';
import type { Holding, Open, Pending, Phase, Plan, State, TenureEnding } from './state.ts';

export class Draft {
  readonly now: Now;
  readonly options: State['options'];
  readonly base: State;

  phase: Phase;
  boot: number;
  lastIncarnation: number;
  armed: number;
  voting: Voting;
  stopping: boolean;
  facts: State['facts'];
  policies: State['policies'];
  listed: boolean;
  recordStale: boolean;
  nextRequest: number;
  nextLater: number;
  queue: readonly Plan[];
  revision: number;
  postponed: State['postponed'];
  strain: State['strain'];

  readonly nodes: CowMap<string, NodeLease>;
  /** Written by `setLease` alone. */
  readonly leases: CowMap<Eip, EipLease>;
  readonly lines: CowMap<Eip, EipLease>;
  readonly drains: CowMap<string, true>;
  readonly moves: CowMap<Eip, MoveRequest>;
  readonly held: CowMap<Eip, Holding>;
  readonly past: CowMap<Eip, number>;
  readonly pending: CowMap<number, Pending>;
  /** Written by `enqueue`, `settled` and `forgetPlans` alone. */
  readonly busy: CowMap<Eip, Plan>;
  readonly tallies: CowMap<string, Tally>;
  readonly later: CowMap<Eip, number>;
  readonly freeSince: CowMap<Eip, number>;
  readonly fitSince: CowMap<string, { readonly incarnation: number; readonly at: number }>;
  readonly doubts: CowMap<string, Doubt>;
  readonly ends: CowMap<string, TenureEnding>;

  /** EIPs to look at before the step ends. */
  readonly dirty = new Set<Eip>();
  /** Nodes that were lost just now: a certificate is new, or says more, or a tenure has ended. */
  readonly bereft = new Set<string>();
  /** More of our floor was confirmed. */
  reliedAdvanced = false;
  #allDirty = false;
  #queue: Plan[] | null = null;
  readonly #effects: Effect[] = [];
  #announcements: Announcing[] = [];
  readonly #requests: Effect[] = [];

  constructor(base: State, now: Now) {
    this.base = base;
    this.now = now;
    this.options = base.options;
    this.phase = base.phase;
    this.boot = base.boot;
    this.lastIncarnation = base.lastIncarnation;
    this.armed = base.armed;
    this.voting = base.voting;
    this.stopping = base.stopping;
    this.facts = base.facts;
    this.policies = base.policies;
    this.listed = base.listed;
    this.recordStale = base.recordStale;
    this.nextRequest = base.nextRequest;
    this.nextLater = base.nextLater;
    this.queue = base.queue;
    this.revision = base.view.revision;
    this.postponed = base.postponed;
    this.strain = base.strain;
    this.nodes = new CowMap(base.view.nodes);
    this.leases = new CowMap(base.view.leases);
    this.lines = new CowMap(base.lines);
    this.drains = new CowMap(base.view.drains);
    this.moves = new CowMap(base.view.moves);
    this.held = new CowMap(base.held);
    this.past = new CowMap(base.past);
    this.pending = new CowMap(base.pending);
    this.busy = new CowMap(base.busy);
    this.tallies = new CowMap(base.tallies);
    this.later = new CowMap(base.later);
    this.freeSince = new CowMap(base.freeSince);
    this.fitSince = new CowMap(base.fitSince);
    this.doubts = new CowMap(base.doubts);
    this.ends = new CowMap(base.ends);
  }

  get open(): Open | null {
    return this.phase.kind === 'open' ? this.phase : null;
  }

  get tenure(): TenureId | null {
    return tenureOf(this);
  }

  setLease(eip: Eip, lease: EipLease | null): void {
    const known = this.leases.get(eip);
    if (known !== undefined) tallyLease(this.tallies, known, this.options.node, -1);
    if (lease !== null) tallyLease(this.tallies, lease, this.options.node, 1);
    if (lease === null) this.leases.delete(eip);
    else this.leases.set(eip, lease);
    const concerns = lease?.heirs.some(({ node }) => node === this.options.node);
    if (lease !== null && concerns) this.lines.set(eip, lease);
    else this.lines.delete(eip);
  }

  ended(id: TenureId): boolean {
    return this.nodes.get(id.node)?.id.incarnation !== id.incarnation;
  }

  /** Has every EIP that we know of looked at. */
  touchAll(): void {
    this.#allDirty = true;
  }

  /** Takes the EIPs to look at: each once. */
  takeDirty(): readonly Eip[] {
    const eips = new Set(this.dirty);
    if (this.#allDirty) {
      for (const eip of this.policies.keys()) eips.add(eip);
      for (const eip of this.leases.value.keys()) eips.add(eip);
      for (const eip of this.held.value.keys()) eips.add(eip);
    }
    this.#allDirty = false;
    this.dirty.clear();
    return [...eips];
  }

  /** Has them looked at in the ticks that follow, those that are most urgent first. */
  postpone(eips: readonly Eip[], urgent = false): void {
    if (eips.length === 0) return;
    const known = this.postponed.eips;
    const all = urgent ? [...eips, ...known] : [...known, ...eips];
    this.postponed = { eips: known.length === 0 ? eips : [...new Set(all)], since: this.now.boot };
  }

  /** Takes up to `most` of those that were postponed. */
  catchUp(most: number): readonly Eip[] {
    const { eips } = this.postponed;
    if (eips.length === 0 || most <= 0) return [];
    const left = eips.slice(most);
    this.postponed = left.length === 0 ? nothingPostponed : { eips: left, since: this.now.boot };
    return eips.slice(0, most);
  }

  enqueue(plan: Plan): void {
    if (this.#queue === null) {
      this.#queue = [...this.queue];
      this.queue = this.#queue;
    }
    this.#queue.push(plan);
    this.settled(plan.swap.eip);
    this.busy.set(plan.swap.eip, plan);
    tallyPlan(this.tallies, plan, this.options.node, 1);
  }

  /** Something may be decided about the EIP again. */
  settled(eip: Eip): void {
    const plan = this.busy.get(eip);
    if (plan === undefined) return;
    tallyPlan(this.tallies, plan, this.options.node, -1);
    this.busy.delete(eip);
  }

  /** Whatever is queued or under way is none of this tenure's any more. */
  forgetPlans(): void {
    const { node } = this.options;
    for (const plan of this.busy.value.values()) tallyPlan(this.tallies, plan, node, -1);
    this.busy.clear();
    this.queue = [];
    this.#queue = null;
  }

  /** Takes the next `count` plans from the queue, in the order that `order` makes of new ones. */
  dequeue(count: number, order: (plans: readonly Plan[]) => readonly Plan[]): readonly Plan[] {
    if (this.#queue !== null) this.queue = order(this.#queue);
    const taken = this.queue.slice(0, count);
    this.queue = this.queue.slice(count);
    this.#queue = null;
    return taken;
  }

  lookAgain(eip: Eip, at: number): void {
    this.later.set(eip, at);
    this.nextLater = Math.min(this.nextLater, at);
  }

  request(request: StoreRequest, pending: Pending): number {
    const id = this.nextRequest++;
    this.pending.set(id, pending);
    this.#requests.push({ kind: 'request', id, request });
    return id;
  }

  announce(announcing: Announcing): void {
    this.#announcements.push(announcing);
  }

  /**
   * Ends claims at once: the effect goes before every request of this step. What this very step
   * meant to announce, and gives up again, is not announced at all.
   */
  withdraw(eips: readonly Eip[], linger: boolean): void {
    if (eips.length === 0) return;
    const gone = new Set(eips);
    this.#announcements = this.#announcements.filter(({ eip }) => !gone.has(eip));
    this.#effects.push({ kind: 'withdraw', eips, linger });
  }

  heartbeat(to: string, heartbeat: Heartbeat): void {
    this.#effects.push({ kind: 'heartbeat', to, heartbeat });
  }

  arm(until: number): void {
    this.armed = until;
    this.#effects.push({ kind: 'arm', until });
  }

  tell(fact: Fact): void {
    this.#effects.push({ kind: 'tell', fact });
  }

  finally(effect: Effect): void {
    this.#requests.push(effect);
  }

  /** Withdrawals, gate, announcements, requests: in this order (see `Effect`). */
  get effects(): readonly Effect[] {
    const announce: readonly Effect[] = this.#announcements.length > 0
      ? [{ kind: 'announce', announcements: this.#announcements }]
      : [];
    return [...this.#effects, ...announce, ...this.#requests];
  }

  state(): State {
    const { base } = this;
    const viewSame = this.revision === base.view.revision
      && this.nodes.value === base.view.nodes && this.leases.value === base.view.leases
      && this.drains.value === base.view.drains && this.moves.value === base.view.moves;
    const next: State = {
      options: this.options,
      phase: this.phase,
      boot: this.boot,
      lastIncarnation: this.lastIncarnation,
      armed: this.armed,
      voting: this.voting,
      stopping: this.stopping,
      facts: this.facts,
      policies: this.policies,
      view: viewSame ? base.view : {
        revision: this.revision,
        nodes: this.nodes.value,
        leases: this.leases.value,
        drains: this.drains.value,
        moves: this.moves.value,
      },
      listed: this.listed,
      held: this.held.value,
      past: this.past.value,
      pending: this.pending.value,
      nextRequest: this.nextRequest,
      queue: this.queue,
      busy: this.busy.value,
      tallies: this.tallies.value,
      recordStale: this.recordStale,
      postponed: this.postponed,
      later: this.later.value,
      nextLater: this.nextLater,
      lines: this.lines.value,
      freeSince: this.freeSince.value,
      fitSince: this.fitSince.value,
      doubts: this.doubts.value,
      strain: this.strain,
      ends: this.ends.value,
    };
    const same = (Object.keys(next) as (keyof State)[]).every((key) => next[key] === base[key]);
    return same ? base : next;
  }
}
