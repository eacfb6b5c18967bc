/**
 * Agents without a network: the real core over a real store, and a record of when each might have
 * claimed what. Instants are of one clock, so that two claims at once are found however short.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreRunner } from '../../src/agent/core-runner.ts';
import { StoreGateway } from '../../src/agent/store-gateway.ts';
import type { EipPolicy, Fact } from '../../src/core/events.ts';
import type { Eip, Finding } from '../../src/core/model.ts';
import { openKubernetesStore } from '../../src/store/kubernetes/kubernetes-store.ts';
import type { KubernetesOptions } from '../../src/store/kubernetes/options.ts';
import type { LeaseStore, WatchState } from '../../src/store/lease-store.ts';

export interface PlayerOptions {
  readonly node: string;
  readonly store: KubernetesOptions;
  readonly eips: readonly Eip[];
  readonly ttlMs?: number;
  readonly timeoutMs?: number;
}

interface Change {
  readonly at: number;
  /** What it announces from then on, and until when the gate is open. */
  readonly held: ReadonlySet<Eip>;
  readonly until: number;
}

export const ttlMs = 2000;

export class Player {
  readonly node: string;
  readonly store: LeaseStore;
  readonly findings: Finding[] = [];
  readonly facts: Fact[] = [];
  readonly states: WatchState[] = [];
  readonly errors: string[] = [];
  readonly #runner: CoreRunner;
  readonly #changes: Change[] = [{ at: 0, held: new Set(), until: 0 }];
  readonly #watching = new AbortController();
  #watch: Promise<void> = Promise.resolve();
  #stopped: () => void = () => undefined;

  private constructor(options: PlayerOptions, store: LeaseStore, findings: Finding[]) {
    this.node = options.node;
    this.store = store;
    this.findings = findings;
    const now = (): number => performance.now();
    const gateway = new StoreGateway({
      timeoutMs: options.timeoutMs ?? 1000,
      onOutcome: ({ kind, error }) => {
        if (error !== null) this.errors.push(`${kind}: ${error.code}: ${error.message}`);
      },
    }, { store, now });
    this.#runner = new CoreRunner({
      core: {
        node: options.node, ttlMs: options.ttlMs ?? ttlMs, clockRateError: 0.01, settleMs: 100,
        patienceMs: 200, retryMs: 100, swapsInFlight: 4,
        supportMs: 0, heartbeatMs: 0, holdMs: 60_000, heirs: 2,
      },
      facts: {
        place: `place of ${options.node}`, host: options.node, version: '1', startedAt: 0,
        weight: 1, labels: {}, unable: {}, findings: [], storeLatencyMs: null,
        heartbeat: [], witness: false,
      },
      onFact: (fact) => this.facts.push(fact),
      onStopped: () => this.#stopped(),
      onNameTaken: (by) => assert.fail(`name taken by ${by.id.node}/${by.id.incarnation}`),
      onFatal: (error) => { throw error; },
    }, {
      now,
      request: (id, request) => {
        gateway.perform(request).then(
          (answer) => this.#runner.dispatch({ kind: 'answer', id, answer }),
          (error: unknown) => { throw error; },
        );
      },
      heartbeat: () => undefined,
      arrived: () => 0,
      announcer: {
        arm: (until) => this.#record({ until }),
        announce: (all) => this.#record({
          held: new Set([...this.#last.held, ...all.map(({ eip }) => eip)]),
        }),
        withdraw: (eips) => this.#record({
          held: new Set([...this.#last.held].filter((eip) => !eips.includes(eip))),
        }),
      },
    });
    this.setEips(options.eips);
  }

  static async start(options: PlayerOptions): Promise<Player> {
    const findings: Finding[] = [];
    const store = await openKubernetesStore({
      ...options.store, report: (finding) => findings.push(finding),
    });
    const player = new Player(options, store, findings);
    player.#watch = store.watch(
      (change) => player.#runner.dispatch({ kind: 'view', change }),
      (state) => player.states.push(state),
      player.#watching.signal,
    );
    player.#runner.dispatch({ kind: 'tick' });
    return player;
  }

  setEips(eips: readonly Eip[]): void {
    const policy: EipPolicy = { pool: 'pool', selector: [], failbackMs: null };
    const policies = new Map(eips.map((eip) => [eip, policy]));
    this.#runner.dispatch({ kind: 'policies', policies });
  }

  claims(eip: Eip): boolean {
    return this.#last.held.has(eip) && performance.now() < this.#last.until;
  }

  get held(): readonly Eip[] {
    return performance.now() < this.#last.until ? [...this.#last.held].sort() : [];
  }

  /** Whether each address has so many heirs, as far as it sees. */
  seesHeirs(eips: readonly Eip[], count: number): boolean {
    const { leases } = this.#runner.state.view;
    return eips.every((eip) => leases.get(eip)?.heirs.length === count);
  }

  get tenure(): number {
    const opened = this.facts.filter((fact) => fact.kind === 'tenure-opened');
    return opened.at(-1)?.tenure.incarnation ?? 0;
  }

  /** Hands everything over first. */
  async stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => { this.#stopped = resolve; });
    this.#runner.dispatch({ kind: 'stop' });
    await Promise.race([stopped, sleep(5000, undefined, { ref: false })]);
    await this.kill();
  }

  /** As kill -9, and the fence that outlives it. */
  async kill(): Promise<void> {
    this.#runner.end();
    this.#record({ held: new Set() });
    this.#watching.abort();
    await this.#watch;
    await this.store.close();
  }

  /** When it might have claimed `eip`, as spans of time. */
  spans(eip: Eip): { from: number; to: number }[] {
    return this.#changes.flatMap((change, index) => {
      const next = this.#changes[index + 1]?.at ?? Infinity;
      const to = Math.min(next, change.until);
      return change.held.has(eip) && to > change.at ? [{ from: change.at, to }] : [];
    });
  }

  get #last(): Change {
    return this.#changes.at(-1)!;
  }

  #record(change: Partial<Change>): void {
    this.#changes.push({ ...this.#last, ...change, at: performance.now() });
  }
}

/** No two of them could have claimed the same address at the same time. */
export function assertNoOverlap(players: readonly Player[], eips: readonly Eip[]): void {
  for (const eip of eips) {
    const spans = players.flatMap((player) => (
      player.spans(eip).map((span) => ({ ...span, node: player.node }))
    )).sort((a, b) => a.from - b.from);
    for (const [index, span] of spans.entries()) {
      const next = spans.slice(index + 1)
        .find(({ from, node }) => from < span.to && node !== span.node);
      if (next === undefined) continue;
      const until = span.to.toFixed(1);
      assert.fail(`${eip} at ${next.from.toFixed(1)}: ${span.node} until ${until}, and ${next.node}`);
    }
  }
}

/** Waits until each address is claimed by one of them. */
export async function allClaimed(
  players: readonly Player[], eips: readonly Eip[], withinMs = 20_000,
): Promise<void> {
  await eventually(
    () => eips.every((eip) => players.some((player) => player.claims(eip))),
    () => `every address claimed; held: ${players.map(({ node, held }) => `${node}: ${held.join(' ')}`).join('; ')}; errors: ${players.flatMap(({ errors }) => errors.slice(-2)).join(' | ')}`,
    withinMs,
  );
}

export async function eventually(
  condition: () => boolean | Promise<boolean>, what: string | (() => string), withinMs = 20_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!await condition()) {
    if (performance.now() > end) {
      assert.fail(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await sleep(10);
  }
}
