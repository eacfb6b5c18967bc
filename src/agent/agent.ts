/**
 * The agent: one per node. Brings the core together with the store, the kernel and the outside.
 *
 *   run: lock ─ fence closed ─ store opened ─ documents and leases followed ─ ready … stop:
 *        everything handed over ─ linger ─ addresses and fence removed
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Announcer } from '../announce/announcer.ts';
import type { AnnouncerEvent } from '../announce/types.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import type { EipSettings } from '../config/eip-set.ts';
import type { CoreOptions, Fact } from '../core/events.ts';
import type { Eip, NodeLease } from '../core/model.ts';
import type { Health } from '../observe/http.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { Metrics, Readings } from '../observe/metrics.ts';
import { StoreError } from '../store/lease-store.ts';
import type { DocumentChange, LeaseStore, WatchState } from '../store/lease-store.ts';
import { CoreRunner } from './core-runner.ts';
import { Documents } from './documents.ts';
import { assessFitness } from './fitness.ts';
import type { Kernel } from './kernel.ts';
import { Reporter } from './reporter.ts';
import { Self } from './self.ts';
import { StoreGateway } from './store-gateway.ts';

/** Bound on the error of a clock's rate: NTP slews by 0.05 % at most, crystals err by less. */
const clockRateError = 0.01;
const latencyNotedEveryMs = 20_000;
/** Many addresses change hands at once. */
const heldToldAfterMs = 200;
/** Routes change without an event; those that `can_reach` depends on are looked at so often. */
const routesReadEveryMs = 10_000;

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly place: string;
  readonly version: string;
  /** A stop that has handed over nothing by then gives up, ms. */
  readonly stopTimeoutMs: number;
}

export interface AgentModules {
  readonly store: LeaseStore;
  readonly kernel: Kernel;
  readonly log: Logger;
  /** Called whenever readiness changes. */
  readonly onReady: (ready: boolean) => void;
  /** Called when the number of addresses that are held has changed, after a moment. */
  readonly onHeld: () => void;
}

/** The agent must not go on; the message says why, and what to do. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #modules: AgentModules;
  readonly #self: Self;
  readonly #reporter: Reporter;
  readonly #announcer: Announcer;
  readonly #gateway: StoreGateway;
  readonly #runner: CoreRunner;
  readonly #documents: Documents;
  readonly metrics: Metrics;
  #eips: ReadonlyMap<Eip, EipSettings> = new Map();
  #configured: ReadonlySet<Eip> = new Set();
  #watch: WatchState | null = null;
  #documentsListed = false;
  #ready = false;
  #holding = 0;
  #telling: NodeJS.Timeout | undefined;
  #assessing: NodeJS.Immediate | undefined;
  #end: { resolve: () => void; reject: (error: unknown) => void } | null = null;

  constructor(options: AgentOptions, modules: AgentModules) {
    this.#options = options;
    this.#modules = modules;
    const { config, place, version } = options;
    const { kernel, log, store } = modules;
    const now = (): number => kernel.ports.now();
    this.metrics = createMetrics(() => this.#readings());
    this.#self = new Self(config, { place, version, fenceReason: kernel.fenceReason });
    this.#reporter = new Reporter({ log, metrics: this.metrics, now });
    this.#documents = new Documents(config.eips);
    this.#announcer = new Announcer({
      onEvent: (event) => { this.#onAnnouncer(event); }, timing: { lingerMs: config.lingerMs },
    }, kernel.ports);
    this.#gateway = new StoreGateway({
      timeoutMs: config.store.requestTimeoutMs,
      onOutcome: (outcome) => { this.#reporter.storeRequest(outcome); },
    }, { store, now });
    this.#runner = new CoreRunner({
      core: coreOptions(config),
      facts: this.#self.facts,
      onFact: (fact) => { this.#onFact(fact); },
      onStopped: () => this.#end?.resolve(),
      onNameTaken: (by) => { this.#fail(nameTaken(config.node.name, by)); },
      onFatal: (error) => { this.#fail(error); },
    }, { announcer: this.#announcer, perform: (request) => this.#gateway.perform(request), now });
  }

  /** Runs until `stop` is aborted and all is handed over; rejects with AgentError or StoreError. */
  async run(stop: AbortSignal): Promise<void> {
    const { store, kernel } = this.#modules;
    const ended = new Promise<void>((resolve, reject) => { this.#end = { resolve, reject }; });
    const watching = new AbortController();
    const { signal } = watching;
    const failed = (error: unknown): void => { if (!signal.aborted) this.#fail(error); };
    kernel.onChange(() => { this.#assessSoon(); });
    const timers = [
      setInterval(() => { this.#noteLatency(); }, latencyNotedEveryMs),
      setInterval(() => { this.#reachSoon(); }, routesReadEveryMs),
    ];
    const beginStop = (): void => { timers.push(this.#beginStop()); };
    stop.addEventListener('abort', beginStop, { once: true });
    try {
      this.#runner.dispatch({ kind: 'tick' });
      store.watchDocuments((change) => { this.#onDocuments(change); }, signal).catch(failed);
      store.watch(
        (change) => {
          this.#runner.dispatch({ kind: 'view', change });
          this.#checkReady();
        },
        (state) => { this.#onWatch(state); },
        signal,
      ).catch(failed);
      if (stop.aborted) beginStop();
      const held = await this.#until(ended);
      if (held) await sleep(this.#options.config.lingerMs);
    } finally {
      for (const timer of timers) clearInterval(timer);
      clearImmediate(this.#assessing);
      clearTimeout(this.#telling);
      this.#runner.end();
      watching.abort();
      this.#announcer.close();
    }
  }

  /** Whether it ever held anything: then traffic may still arrive. */
  async #until(ended: Promise<void>): Promise<boolean> {
    await ended;
    return this.#configured.size > 0;
  }

  healthy(): Health {
    const { phase } = this.#runner.state;
    return { ok: this.#end !== null, text: `tenure: ${phase.kind}` };
  }

  ready(): Health {
    const { phase } = this.#runner.state;
    if (phase.kind !== 'open') return { ok: false, text: 'no tenure yet: is the store reachable?' };
    if (phase.silent) return { ok: false, text: 'the node lease ran out: is the store reachable?' };
    if (!this.#runner.state.listed || !this.#documentsListed) {
      return { ok: false, text: 'the store was not listed yet' };
    }
    return { ok: true, text: `holds ${String(this.#runner.state.held.size)} addresses` };
  }

  #tellHeld(): void {
    if (this.#holding === this.#runner.state.held.size || this.#telling !== undefined) return;
    this.#telling = setTimeout(() => {
      this.#telling = undefined;
      this.#holding = this.#runner.state.held.size;
      this.#modules.onHeld();
    }, heldToldAfterMs);
  }

  #fail(error: unknown): void {
    this.#end?.reject(error);
  }

  #beginStop(): NodeJS.Timeout {
    this.#modules.log.info({ eips: this.#runner.state.held.size }, 'stopping: handing over');
    this.#runner.dispatch({ kind: 'stop' });
    return setTimeout(() => {
      this.#modules.log.warn('stopping without having handed over everything: it took too long');
      this.#end?.resolve();
    }, this.#options.stopTimeoutMs);
  }

  #onDocuments(change: DocumentChange): void {
    const { eips, policies, faults } = this.#documents.apply(change);
    this.#eips = eips;
    this.#self.setFaults(faults);
    this.#documentsListed = true;
    this.#modules.log.debug({ eips: eips.size, faults: faults.size }, 'the Eips were read');
    this.#assess();
    this.#runner.dispatch({ kind: 'policies', policies });
    this.#checkReady();
  }

  #onWatch(state: WatchState): void {
    const before = this.#watch;
    this.#watch = state;
    const { log } = this.#modules;
    if (state.kind === 'broken') {
      const { code, message, fix } = state.error;
      log.warn({ code, error: message, fix }, 'the watch of the store is broken, and is tried again');
    } else if (before?.kind === 'broken') {
      log.info('the store is followed again');
    }
    this.#checkReady();
  }

  #onFact(fact: Fact): void {
    this.#reporter.fact(fact);
    // The announcer says nothing of conflicts that a withdrawal ends.
    if (fact.kind === 'gave' || fact.kind === 'dropped') this.#self.setConflict(fact.eip, null);
    if (fact.kind === 'tenure-ended') this.#self.clearConflicts();
    this.#checkReady();
    this.#tellHeld();
  }

  #onAnnouncer(event: AnnouncerEvent): void {
    this.#reporter.announcer(event);
    if (event.kind === 'conflict') this.#self.setConflict(event.eip, event.mac);
    if (event.kind === 'conflict-over') this.#self.setConflict(event.eip, null);
    if (event.kind === 'conflict' || event.kind === 'conflict-over') this.#tellSelf();
  }

  #assessSoon(): void {
    clearImmediate(this.#assessing);
    this.#assessing = setImmediate(() => { this.#assess(); });
  }

  #reachSoon(): void {
    for (const { interface: on } of this.#eips.values()) {
      if (on.kind === 'can-reach') return this.#assessSoon();
    }
  }

  /** Looks at the host anew, and brings the announcer and the node record up to date. */
  #assess(): void {
    const fitness = assessFitness(this.#eips, this.#modules.kernel.network());
    this.#announcer.configure(fitness.settings);
    const before = this.#configured;
    this.#configured = new Set(fitness.settings.keys());
    const { held } = this.#runner.state;
    const again = [...held].filter(([eip]) => this.#configured.has(eip) && !before.has(eip));
    this.#announcer.announce(again.map(([eip, { term }]) => ({ eip, term, probe: false })));
    this.#self.setFitness(fitness);
    this.#tellSelf();
  }

  #noteLatency(): void {
    this.#self.noteLatency(this.#gateway.health.latencyMs);
    this.#tellSelf();
  }

  #tellSelf(): void {
    const { facts } = this.#self;
    if (JSON.stringify(facts) === JSON.stringify(this.#runner.state.facts)) return;
    this.#runner.dispatch({ kind: 'self', facts });
  }

  #checkReady(): void {
    const ready = this.ready().ok;
    if (ready === this.#ready) return;
    this.#ready = ready;
    const { log, onReady } = this.#modules;
    if (ready) log.info({ eips: this.#eips.size }, 'ready');
    else log.warn('not ready');
    onReady(ready);
  }

  #readings(): Readings {
    const { held, view, policies, phase, facts } = this.#runner.state;
    const { ports } = this.#modules.kernel;
    const counters = this.#announcer.counters();
    let highestTerm = 0;
    for (const { term } of held.values()) highestTerm = Math.max(highestTerm, term);
    return {
      held: held.size, known: policies.size, nodes: view.nodes.size, highestTerm,
      leaseSeconds: phase.kind === 'open' ? (phase.deadline - ports.now()) / 1000 : 0,
      fence: ports.fence.kind, fenceDrops: ports.fence.dropped(),
      claimsSent: counters.claimsSent, answered: counters.questionsAnswered,
      conflicts: counters.conflicts, defences: counters.defences,
      framesDropped: counters.framesDropped, sendErrors: counters.sendErrors,
      unable: Object.keys(facts.unable).length,
      watching: this.#watch?.kind === 'following',
    };
  }
}

function coreOptions(config: AgentConfig): CoreOptions {
  return {
    node: config.node.name, ttlMs: config.leaseMs, clockRateError, settleMs: config.settleMs,
    patienceMs: 1000, retryMs: 200, swapsInFlight: 8,
    supportMs: 0, heartbeatMs: 0, holdMs: 300_000, heirs: 2,
  };
}

function nameTaken(node: string, by: NodeLease): AgentError {
  return new AgentError(
    `The node name ${node} is in use by a live agent on the host ${by.record.host} (incarnation `
    + `${String(by.id.incarnation)}): give this one a name of its own (node.name, --node-name, `
    + 'TENURE_NODE_NAME), or stop that one.',
  );
}

/** Whether trying again could help. */
export function isPassing(error: unknown): boolean {
  return error instanceof StoreError && ['unavailable', 'timeout', 'read-only'].includes(error.code);
}
