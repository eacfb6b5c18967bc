/** One core under a hand-driven clock, with a store that answers when the test says so. */
import type { CoreOptions, Effect, EipPolicy, Event, SelfFacts } from '../../../src/core/events.ts';
import type { EipLease, NodeLease, ViewChange } from '../../../src/core/model.ts';
import type { StoreAnswer, StoreRequest } from '../../../src/core/requests.ts';
import { initialState } from '../../../src/core/state.ts';
import type { State } from '../../../src/core/state.ts';
import { step } from '../../../src/core/step.ts';
import { MemoryState } from '../../../src/store/memory/memory-state.ts';

export const options: CoreOptions = {
  node: 'a', ttlMs: 3000, clockRateError: 0.01, settleMs: 0, patienceMs: 1000, retryMs: 200,
  swapsInFlight: 4, supportMs: 0, heartbeatMs: 0, holdMs: 60_000, heirs: 2,
};

export const facts: SelfFacts = {
  place: 'here', host: 'host-a', version: '1', startedAt: 0, weight: 100, labels: {}, unable: {},
  findings: [], storeLatencyMs: null, heartbeat: [], witness: false,
};

export function policies(...eips: readonly string[]): Map<string, EipPolicy> {
  return new Map(eips.map((eip) => [eip, { pool: 'pool', selector: [], failbackMs: null }]));
}

export class Kit {
  now = 10_000;
  readonly store = new MemoryState();
  state: State;
  /** What the core said, a line each, for transcripts. */
  readonly said: string[] = [];
  /** Requests that wait for an answer. */
  readonly waiting = new Map<number, StoreRequest>();
  #seen = 0;

  constructor(own: Partial<CoreOptions> = {}, ownFacts: Partial<SelfFacts> = {}) {
    this.state = initialState({ ...options, ...own }, { ...facts, ...ownFacts }, this.now);
  }

  send(event: Event): void {
    const result = step(this.state, event, { boot: this.now, wall: this.now });
    this.state = result.state;
    for (const effect of result.effects) this.#note(effect);
  }

  /** Time passes. */
  pass(ms: number): void {
    this.now += ms;
    this.store.expire(this.now);
    this.send({ kind: 'tick' });
  }

  /** The store applies and answers all that waits, and the watch tells what changed. */
  settle(): void {
    while (this.waiting.size > 0 || this.store.revision > this.#seen) {
      for (const id of [...this.waiting.keys()]) this.answer(id, this.apply(id));
      this.watch();
    }
  }

  /** The store carries a request out; its answer is the test's to deliver. */
  apply(id: number): StoreAnswer {
    return this.store.apply(this.waiting.get(id)!, this.now);
  }

  answer(id: number, answer: StoreAnswer | null): void {
    this.waiting.delete(id);
    this.send({ kind: 'answer', id, answer });
  }

  watch(): void {
    const change: ViewChange = this.store.changesSince(this.#seen);
    this.#seen = this.store.revision;
    this.send({ kind: 'view', change });
  }

  /** Another node comes alive in the store. */
  join(node: string, own: Partial<NodeLease['record']> = {}): NodeLease['id'] {
    const record = {
      ...facts, boot: 0, draining: false, epoch: 0, voters: [], ...own, place: node,
    };
    const answer = this.store.apply(
      { kind: 'open', node, replaces: 0, ttlMs: 1e9, record }, this.now,
    );
    if (answer.kind !== 'opened') throw new Error(answer.kind);
    return answer.lease.id;
  }

  /** The id of the only request of a kind that waits. */
  request(kind: StoreRequest['kind']): number {
    const found = [...this.waiting].filter(([, request]) => request.kind === kind);
    if (found.length !== 1) throw new Error(`${String(found.length)} requests of kind ${kind}`);
    return found[0]![0];
  }

  lease(eip: string): EipLease | undefined {
    return this.store.lease(eip);
  }

  /** What was said since it was last asked for. */
  transcript(): string[] {
    return this.said.splice(0);
  }

  #note(effect: Effect): void {
    switch (effect.kind) {
      case 'request':
        this.waiting.set(effect.id, effect.request);
        this.said.push(`request ${effect.request.kind}`);
        return;
      case 'announce':
        this.said.push(`announce ${effect.announcements
          .map(({ eip, term, probe }) => `${eip}#${String(term)}${probe ? ' after probing' : ''}`).join(' ')}`);
        return;
      case 'withdraw':
        this.said.push(`withdraw ${effect.eips.join(' ')}`);
        return;
      case 'arm':
        this.said.push(effect.until === 0 ? 'close the gate' : `arm for ${String(Math.round(effect.until - this.now))} ms`);
        return;
      case 'heartbeat':
        return;
      case 'tell':
        return;
      case 'stopped':
      case 'name-taken':
        this.said.push(effect.kind);
    }
  }
}
