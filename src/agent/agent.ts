/**
 * The agent's main thread: store, documents, what this host can announce, logs and metrics. What
 * must be on time is in the wire thread (wire/side.ts): core, announcer, heartbeats.
 *
 *   run: lock ─ fence closed ─ store opened ─ documents and leases followed ─ ready … stop:
 *        everything handed over ─ linger ─ addresses and fence removed
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { AgentConfig } from '../config/agent-config.ts';
import type { EipSettings } from '../config/eip-set.ts';
import type { SelfFacts } from '../core/events.ts';
import type { Eip, Machine } from '../core/model.ts';
import type { Health } from '../observe/http.ts';
import { registerVipMetrics } from '../observe/vip-metrics.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { Metrics, Readings } from '../observe/metrics.ts';
import type { DocumentChange, LeaseStore, WatchState } from '../store/lease-store.ts';
import { AgentError, nameTaken } from './agent-error.ts';
import { coreOptions } from './core-options.ts';
import { Documents } from './documents.ts';
import { assessFitness } from './fitness.ts';
import { Heartbeats } from './heartbeats.ts';
import type { Host } from './host.ts';
import { ProfileWatch } from './profile-watch.ts';
import { Readiness } from './readiness.ts';
import type { ReadinessModules } from './readiness.ts';
import { Reporter } from './reporter.ts';
import { Self } from './self.ts';
import { StoreGateway } from './store-gateway.ts';
import { readingsOf } from './readings.ts';
import type { RouterFence } from './vip/router-fence.ts';
import { VipAgents } from './vip/vip-agents.ts';
import type { SupervisorLink } from './supervisor/link.ts';
import type { WireHost } from './wire/host.ts';
import type { News, PeerPlace, WireReadings } from './wire/messages.ts';

const latencyNotedEveryMs = 20_000;
/** Looks at timing within the time that it is observed for. */
const timingLooks = 5;
/** Routes change without an event; those that `can_reach` depends on are looked at so often. */
const routesReadEveryMs = 10_000;

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly place: string;
  readonly machine: Machine | undefined;
  readonly version: string;
  /** A stop that has handed over nothing by then gives up, ms. */
  readonly stopTimeoutMs: number;
}

export interface AgentModules extends Pick<ReadinessModules, 'onReady' | 'onHeld'> {
  readonly store: LeaseStore;
  readonly host: Host;
  /** Opened, and not yet started. */
  readonly wire: WireHost;
  readonly log: Logger;
  /** Null: the kernel has none for virtual routers. */
  readonly routerFence: RouterFence | null;
  /** Null: there is no supervisor. */
  readonly link: SupervisorLink | null;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #modules: AgentModules;
  readonly #self: Self;
  readonly #reporter: Reporter;
  readonly #gateway: StoreGateway;
  readonly #documents: Documents;
  readonly #heartbeats: Heartbeats;
  readonly #profile: ProfileWatch;
  readonly #vip: VipAgents;
  readonly #readiness: Readiness;
  readonly metrics: Metrics;
  #eips: ReadonlyMap<Eip, EipSettings> = new Map();
  /** With those that have a lease and are announced by keepalived. */
  #leased: ReadonlyMap<Eip, EipSettings> = new Map();
  #facts: SelfFacts;
  #peers: readonly PeerPlace[] = [];
  #read: WireReadings | null = null;
  #watch: WatchState | null = null;
  #assessing: NodeJS.Immediate | undefined;
  #end: { resolve: () => void; reject: (error: unknown) => void } | null = null;

  constructor(options: AgentOptions, modules: AgentModules) {
    this.#options = options;
    this.#modules = modules;
    const { config, place, machine, version } = options;
    const { host, log, store, wire } = modules;
    const now = (): number => host.now();
    this.metrics = createMetrics(() => this.#readings());
    this.#vip = new VipAgents(config, {
      store, host, log, fence: modules.routerFence,
      onChange: () => {
        this.#self.setVrrp(this.#vip.engine);
        this.#tellSelf();
      },
    });
    registerVipMetrics(this.metrics.registry, () => this.#vip.engine.readings);
    this.#self = new Self(config, {
      place, machine, version, fenceReason: wire.opened.fenceReason,
    });
    this.#facts = this.#self.facts;
    this.#reporter = new Reporter({ log, metrics: this.metrics, now });
    this.#documents = new Documents(config.eips);
    this.#readiness = new Readiness(modules);
    this.#profile = new ProfileWatch(log);
    this.#heartbeats = new Heartbeats(config, {
      wire, log, self: this.#self, onChange: () => { this.#tellSelf(); },
    });
    this.#gateway = new StoreGateway({
      timeoutMs: config.store.requestTimeoutMs,
      onOutcome: (outcome) => { this.#reporter.storeRequest(outcome); },
    }, { store, now });
  }

  /** Runs until `stop` is aborted and all is handed over; rejects with AgentError or StoreError. */
  async run(stop: AbortSignal): Promise<void> {
    const { store, host, wire } = this.#modules;
    const ended = new Promise<void>((resolve, reject) => { this.#end = { resolve, reject }; });
    const watching = new AbortController();
    const { signal } = watching;
    const failed = (error: unknown): void => { if (!signal.aborted) this.#fail(error); };
    host.onChange(() => { this.#assessSoon(); });
    const timers = [
      setInterval(() => { this.#noteLatency(); }, latencyNotedEveryMs),
      setInterval(() => { this.#reachSoon(); }, routesReadEveryMs),
    ];
    const observeMs = this.#options.config.heartbeat?.observeMs;
    if (observeMs !== undefined) {
      const everyMs = Math.min(latencyNotedEveryMs, observeMs / timingLooks);
      timers.push(setInterval(() => { this.#noteTiming().catch(failed); }, everyMs));
    }
    const beginStop = (): void => { timers.push(this.#beginStop()); };
    stop.addEventListener('abort', beginStop, { once: true });
    try {
      this.#startWire(failed);
      store.watchDocuments((change) => { this.#onDocuments(change); }, signal).catch(failed);
      store.watch(
        (change) => {
          this.#vip.view(change);
          wire.view(change);
        },
        (state) => { this.#onWatch(state); },
        signal,
      ).catch(failed);
      if (stop.aborted) beginStop();
      await ended;
      await this.#vip.close();
      // If it ever held anything, traffic may still arrive.
      if (this.#eips.size > 0) await sleep(this.#options.config.lingerMs);
    } finally {
      for (const timer of timers) clearInterval(timer);
      clearImmediate(this.#assessing);
      this.#readiness.close();
      this.#heartbeats.close();
      watching.abort();
      await this.#vip.close();
      await wire.close();
    }
  }

  #startWire(failed: (error: unknown) => void): void {
    const { wire, log, store } = this.#modules;
    const { config } = this.#options;
    wire.start(coreOptions(config, store.pace), this.#facts, {
      onRequest: (id, request) => {
        this.#gateway.perform(request).then((answer) => { wire.answer(id, answer); }, failed);
      },
      onNews: (news) => { this.#onNews(news); },
      onStopped: () => this.#end?.resolve(),
      onNameTaken: (by) => { this.#fail(nameTaken(config.node.name, by)); },
      onSlow: (slow) => {
        if (slow) this.#heartbeats.demote();
        if (slow) log.error('the wire thread does not answer: the host may be overloaded');
        else log.warn('the wire thread answers again');
      },
      onDead: (error) => {
        log.error({ error }, 'the wire thread failed');
        // What the kernel fence still lets pass ends with what was armed; nothing is removed.
        void wire.kill();
        this.#fail(new AgentError(`The agent cannot go on: ${error.message}.`, { cause: error }));
      },
    });
    this.#heartbeats.start();
  }

  /** Looks again at what may have been replaced on disk: SIGHUP. */
  reload(): void {
    this.#heartbeats.reload();
  }

  healthy(): Health {
    const { phase } = this.#modules.wire.standing;
    return { ok: this.#end !== null, text: `tenure: ${phase}` };
  }

  ready(): Health {
    return this.#readiness.health;
  }

  #fail(error: unknown): void {
    this.#end?.reject(error);
  }

  #beginStop(): NodeJS.Timeout {
    const { wire } = this.#modules;
    this.#modules.log.info({ eips: wire.standing.held }, 'stopping: handing over');
    wire.stop();
    void this.#vip.close();
    return setTimeout(() => {
      this.#modules.log.warn('stopping without having handed over everything: it took too long');
      this.#end?.resolve();
    }, this.#options.stopTimeoutMs);
  }

  #onDocuments(change: DocumentChange): void {
    const { eips, refereed, policies, faults, vip, stored } = this.#documents.apply(change);
    this.#eips = eips;
    this.#leased = new Map([...eips, ...refereed]);
    if (!this.#options.config.witness) this.#vip.set(vip, stored);
    this.#self.setFaults(faults);
    this.#readiness.documentsListed();
    this.#modules.log.debug({ eips: eips.size, vip: vip.length, faults: faults.size }, 'the Eips were read');
    this.#assess();
    this.#modules.wire.policies(policies);
    this.#readiness.look(this.#eips.size);
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
    this.#readiness.look(this.#eips.size);
  }

  #onNews(all: readonly News[]): void {
    let told = false;
    this.#reporter.news(all);
    for (const news of all) {
      told = this.#noteNews(news) || told;
    }
    if (told) this.#tellSelf();
    this.#tellSupervisor();
    this.#readiness.look(this.#eips.size);
    this.#readiness.lookAtHeld();
  }

  /** What it needs to tell the others, should this process die. */
  #tellSupervisor(): void {
    const { link, wire } = this.#modules;
    const { boot, incarnation } = wire.standing;
    link?.lastWords({
      node: this.#options.config.node.name, boot, incarnation, peers: this.#peers,
      key: this.#heartbeats.key,
    });
  }

  /** Whether the node record has to say so. */
  #noteNews(news: News): boolean {
    if (news.kind === 'peers') this.#peers = news.peers;
    if (news.kind === 'fact') return this.#self.noteFact(news.fact);
    return news.kind === 'announcer'
      ? this.#self.noteEvent(news.event) : this.#heartbeats.noteNews(news);
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
    const network = this.#modules.host.network();
    this.#heartbeats.place(this.#leased, network);
    if (this.#options.config.witness) return this.#tellSelf();
    const fitness = assessFitness(this.#eips, network);
    this.#modules.wire.configure(fitness.settings);
    this.#self.setFitness(fitness);
    this.#tellSelf();
  }

  #noteLatency(): void {
    this.#self.noteLatency(this.#gateway.health.latencyMs);
    this.#tellSelf();
  }

  async #noteTiming(): Promise<void> {
    await this.refresh();
    if (!this.#profile.look(this.#read?.timing?.fit ?? null)) return;
    this.#self.setTiming(this.#profile.said);
    this.#tellSelf();
  }

  #tellSelf(): void {
    if (JSON.stringify(this.#self.facts) === JSON.stringify(this.#facts)) return;
    this.#self.takeLatency();
    const { facts } = this.#self;
    this.#facts = facts;
    this.#modules.wire.self(facts);
  }

  /** Asks the wire thread for what `metrics` show; to be awaited before they are shown. */
  async refresh(): Promise<void> {
    this.#read = await this.#modules.wire.read() ?? this.#read;
  }

  #readings(): Readings {
    return readingsOf(this.#read, this.#watch?.kind === 'following');
  }
}
