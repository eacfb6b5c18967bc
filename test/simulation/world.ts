/** Hosts, a store and a seed. After every event the judge looks at what the fences let out. */
import type { CoreOptions, EipPolicy, Fact } from '../../src/core/events.ts';
import type { Selector } from '../../src/core/selector.ts';
import type { CoreModule } from './core-module.ts';
import { Host } from './host.ts';
import { Prng } from './prng.ts';
import { Schedule } from './schedule.ts';
import type { Holders } from './sim-fence.ts';
import { SimNet } from './sim-net.ts';
import { SimStore } from './sim-store.ts';
import { Violation } from './violation.ts';

export interface WorldOptions {
  readonly core: CoreModule;
  readonly seed: number;
  readonly nodes: number;
  readonly eips: number;
  readonly failbackMs: number | null;
  /** Heartbeats, voters and lines of succession; else lease mode. */
  readonly quorum: boolean;
  readonly unbound?: boolean;
  /** TTL of node leases in quorum mode, ms. */
  readonly holdMs?: number;
  /** Default: by the seed. */
  readonly machinesKnown?: boolean;
  /** A host gives a request up after so many ms. */
  readonly requestTimeoutMs?: number;
  /** Chance that a process stops between two effects of a step. */
  readonly pauseInStep: number;
  /** Default: all, one or two, by the seed. */
  readonly looksAtOnce?: number;
  /** Datagrams are bytes: sealed, opened, and some of them meddled with. */
  readonly wired?: boolean;
}

type Happening = 'paused' | 'buried' | 'inherited-in-outage' | 'inherited-by-second';

/** F, and the pause between heartbeats, ms. */
export const supportMs = 300;
export const heartbeatMs = 100;

export class World {
  readonly core: CoreModule;
  readonly prng: Prng;
  readonly schedule = new Schedule();
  readonly clockRateError = 0.01;
  readonly options: Omit<CoreOptions, 'node'>;
  readonly eips: readonly string[];
  readonly hosts: readonly Host[];
  /** Machines are known again after a loss of power. */
  readonly machinesKnown: boolean;
  /** Another agent that someone gave the name of the first: elsewhere, or on the same machine. */
  readonly impostor: Host;
  readonly store: SimStore;
  readonly net: SimNet;
  readonly quorum: boolean;
  readonly wired: boolean;
  readonly #byName: ReadonlyMap<string, Host>;
  /** The store is like Kubernetes: see `MemoryStateOptions`. */
  readonly unbound: boolean;
  readonly counts = new Map<string, number>();
  readonly failbackMs: number | null;
  readonly requestTimeoutMs: number;
  pauseInStep: number;
  /** Nothing goes wrong any more. */
  peace = false;
  /** Chance that a holder loses power soon after it changed a line. */
  deadlyLines = 0;
  /** Hosts whose fence lets out more than it did. */
  readonly opened = new Set<Host>();
  readonly holders: Holders = new Map();
  policies: ReadonlyMap<string, EipPolicy>;
  /** Who was told to announce which term of which EIP: one tenure only, ever. */
  readonly #announcers = new Map<string, string>();
  /** A digest of all that happened, to show that a seed replays. */
  digest = 0;

  constructor(
    {
      core, seed, nodes, eips, failbackMs, quorum, pauseInStep, holdMs = 3500,
      looksAtOnce = [Infinity, 1, 2][seed % 3] ?? Infinity,
      requestTimeoutMs = 400, wired = false, unbound = false,
      machinesKnown = (seed >> 2) % 3 !== 0,
    }: WorldOptions,
  ) {
    this.wired = wired;
    this.requestTimeoutMs = requestTimeoutMs;
    this.quorum = quorum;
    this.unbound = unbound;
    this.options = {
      ttlMs: 2000, clockRateError: 0.01, settleMs: 300, patienceMs: 300, retryMs: 100,
      swapsInFlight: 2, supportMs: quorum ? supportMs : 0, heartbeatMs, holdMs, heirs: 2,
      doubtMs: 500, looksAtOnce,
    };
    this.core = core;
    this.prng = new Prng(seed);
    this.failbackMs = failbackMs;
    this.pauseInStep = pauseInStep;
    this.eips = Array.from({ length: eips }, (_, i) =>
      `10.0.${String((i + 1) >> 8)}.${String((i + 1) & 255)}`);
    this.policies = this.policyOf(this.eips);
    this.machinesKnown = machinesKnown;
    this.store = new SimStore(this);
    this.net = new SimNet(this);
    const names = Array.from({ length: nodes }, (_, i) => `n${String(i + 1)}`);
    this.hosts = names.map((name) => new Host(this, name, name));
    const [first = null] = this.hosts;
    this.impostor = new Host(this, 'n1', 'impostor', (seed >> 1) % 2 === 0 ? first : null);
    this.#byName = new Map(this.hosts.map((host) => [host.name, host]));
  }

  host(name: string): Host | undefined {
    return this.#byName.get(name);
  }

  /** Datagrams that a transport did not take for what they said they were. */
  countDropped(why: string, count: number): void {
    const key = `not-believed:${why}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + count);
  }

  policyOf(eips: readonly string[], selector: Selector = []): ReadonlyMap<string, EipPolicy> {
    const { failbackMs } = this;
    return new Map(eips.map((eip) => [eip, { pool: 'pool', selector, failbackMs }]));
  }

  setPolicies(eips: readonly string[], selector: Selector = []): void {
    this.policies = this.policyOf(eips, selector);
    for (const host of [...this.hosts, this.impostor]) host.policiesChanged();
  }

  run(ms: number): void {
    this.schedule.runUntil(this.schedule.now + ms, () => this.#judge());
  }

  pause(host: Host): void {
    if (host.paused || !host.running) return;
    host.paused = true;
    const { prng } = this;
    const ms = prng.chance(0.5) ? prng.between(1, 300) : prng.between(300, 7000);
    this.count({ kind: 'paused' });
    this.schedule.after(ms, () => host.resume());
  }

  announced(host: Host, eip: string, term: number): void {
    const inherited = host.state?.held.get(eip)?.inherited ?? null;
    if (inherited !== null) {
      // The store may never learn of it, and give the same number again.
      if (this.store.down) this.count({ kind: 'inherited-in-outage' });
      if (term > inherited.term + 1) this.count({ kind: 'inherited-by-second' });
      return;
    }
    const key = `${eip}#${String(term)}`;
    const before = this.#announcers.get(key);
    if (before !== undefined && before !== host.machine) {
      throw new Violation(`term ${String(term)} of ${eip} was announced by ${before} and ${host.machine}`);
    }
    this.#announcers.set(key, host.machine);
  }

  count(fact: Fact | { readonly kind: Happening }): void {
    const key = fact.kind === 'took' || fact.kind === 'gave' ? `${fact.kind}:${fact.reason}`
      : fact.kind === 'swap-lost' || fact.kind === 'tenure-ended' || fact.kind === 'silenced'
        ? `${fact.kind}:${fact.why}`
      : fact.kind === 'line' ? `${fact.kind}:${fact.what}`
      : fact.kind;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    for (let i = 0; i < key.length; i++) {
      this.digest = (Math.imul(this.digest, 31) + key.charCodeAt(i)) | 0;
    }
    this.digest = (this.digest + Math.round(this.schedule.now * 1000)) | 0;
  }

  claimants(eip: string): readonly Host[] {
    const holders = this.holders.get(eip);
    return holders === undefined ? [] : [...holders].filter((host) => host.claims(eip));
  }

  /** Claims can come to overlap only where one begins: a fence was opened. */
  #judge(): void {
    if (this.opened.size === 0) return;
    for (const host of this.opened) {
      for (const eip of host.fence.held.keys()) this.#expectOne(eip);
    }
    this.opened.clear();
  }

  #expectOne(eip: string): void {
    if ((this.holders.get(eip)?.size ?? 0) < 2) return;
    const who = this.claimants(eip);
    if (who.length < 2) return;
    const names = who.map(({ machine, fence }) => `${machine} (term ${String(fence.held.get(eip))})`);
    const at = this.schedule.now.toFixed(2);
    throw new Violation(`two announcers of ${eip} at ${at} ms: ${names.join(', ')}`);
  }
}
