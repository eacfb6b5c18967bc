/**
 * Runs the core: gives it events one at a time, and does what it says, in the order that it says.
 */
import type { Announcer } from '../announce/types.ts';
import type { CoreOptions, Effect, Event, Fact, SelfFacts } from '../core/events.ts';
import type { Heartbeat } from '../core/heartbeat.ts';
import type { NodeLease } from '../core/model.ts';
import type { StoreRequest } from '../core/requests.ts';
import { initialState, nextWake } from '../core/state.ts';
import type { State } from '../core/state.ts';
import { step } from '../core/step.ts';
import { afterArrivals } from '../liveness/drain.ts';

export interface CoreRunnerOptions {
  readonly core: CoreOptions;
  readonly facts: SelfFacts;
  readonly onFact: (fact: Fact) => void;
  readonly onStopped: () => void;
  readonly onNameTaken: (by: NodeLease) => void;
  /** The kernel did not do as told: nothing can be promised any more. */
  readonly onFatal: (error: unknown) => void;
}

export interface CoreRunnerModules {
  readonly announcer: Pick<Announcer, 'arm' | 'announce' | 'withdraw'>;
  /** Sends it off, and does not wait; its answer comes as an event. */
  readonly request: (id: number, request: StoreRequest) => void;
  readonly heartbeat: (to: string, heartbeat: Heartbeat) => void;
  /** Datagrams read so far: what has arrived is heard before a tick. */
  readonly arrived: () => number;
  /** CLOCK_BOOTTIME, ms. */
  readonly now: () => number;
  /** It was woken at `now` for what was due at `dueAt`; what has arrived is yet to be heard. */
  readonly onWake?: (dueAt: number, now: number) => void;
}

/**
 * Timers go by CLOCK_MONOTONIC, which stands still while the machine is suspended, and deadlines by
 * CLOCK_BOOTTIME, which does not: so long at most it takes to notice that one has passed. (Nothing
 * is claimed meanwhile: the announcer asks the clock before each frame.)
 */
const longestSleepMs = 1000;

export class CoreRunner {
  readonly #options: CoreRunnerOptions;
  readonly #modules: CoreRunnerModules;
  readonly #events: Event[] = [];
  #state: State;
  #busy = false;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Infinity;
  /** A tick is due, and waits for what has arrived. */
  #draining: { cancel(): void } | null = null;

  constructor(options: CoreRunnerOptions, modules: CoreRunnerModules) {
    this.#options = options;
    this.#modules = modules;
    this.#state = initialState(options.core, options.facts, modules.now());
  }

  get state(): State {
    return this.#state;
  }

  /** For so long something has been due that is not yet done, ms: this thread was held up. */
  overdueMs(now: number): number {
    return Math.max(0, now - this.#dueAt);
  }

  /** Events that come while one is being worked on wait for their turn. */
  dispatch(event: Event): void {
    if (this.#ended) return;
    this.#events.push(event);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        this.#step(next);
      }
    } finally {
      this.#busy = false;
    }
    this.#sleep();
  }

  /** No further step is made. What was armed runs out by itself. */
  end(): void {
    this.#ended = true;
    this.#events.length = 0;
    clearTimeout(this.#timer);
    this.#draining?.cancel();
  }

  #step(event: Event): void {
    const now = { boot: this.#modules.now(), wall: Date.now() };
    const { state, effects } = step(this.#state, event, now);
    this.#state = state;
    try {
      for (const effect of effects) this.#perform(effect);
    } catch (error) {
      // A withdrawal that failed must not be followed by the request that gives the address away.
      this.end();
      this.#options.onFatal(error);
    }
  }

  #perform(effect: Effect): void {
    const { announcer } = this.#modules;
    switch (effect.kind) {
      case 'withdraw':
        return announcer.withdraw(effect.eips, effect.linger);
      case 'arm':
        return announcer.arm(effect.until);
      case 'announce':
        return announcer.announce(effect.announcements.filter(({ eip }) => (
          this.#state.policies.get(eip)?.announced !== false)));
      case 'request':
        return this.#modules.request(effect.id, effect.request);
      case 'heartbeat':
        return this.#modules.heartbeat(effect.to, effect.heartbeat);
      case 'tell':
        return this.#options.onFact(effect.fact);
      case 'stopped':
        this.end();
        return this.#options.onStopped();
      case 'name-taken':
        this.end();
        return this.#options.onNameTaken(effect.by);
    }
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    if (this.#ended || this.#draining !== null) return;
    this.#dueAt = nextWake(this.#state);
    const delay = this.#dueAt - this.#modules.now();
    if (delay === Infinity) return;
    const ms = Math.min(Math.max(0, Math.ceil(delay)), longestSleepMs);
    this.#timer = setTimeout(() => { this.#tick(); }, ms);
  }

  #tick(): void {
    const now = this.#modules.now();
    if (now >= this.#dueAt) this.#modules.onWake?.(this.#dueAt, now);
    this.#dueAt = Infinity;
    this.#draining = afterArrivals(this.#modules.arrived, () => {
      this.#draining = null;
      this.dispatch({ kind: 'tick' });
    });
  }
}
