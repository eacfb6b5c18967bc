/**
 * The way from the core to the store: every request gets exactly one answer, `null` if none came in
 * time. Knows how the store has been doing.
 */
import type { StoreAnswer, StoreRequest } from '../core/requests.ts';
import { StoreError } from '../store/lease-store.ts';
import type { LeaseStore } from '../store/lease-store.ts';

export interface RequestOutcome {
  readonly kind: StoreRequest['kind'];
  readonly ms: number;
  readonly error: StoreError | null;
}

export interface StoreHealth {
  /** Median of the last small requests that were answered, ms; null before there are a few. */
  readonly latencyMs: number | null;
  /** What the last request failed with; null if it did not. */
  readonly error: StoreError | null;
  /** CLOCK_BOOTTIME ms of the last answer. */
  readonly answeredAt: number | null;
}

/** At rest in quorum mode there is one in a minute: more would tell of long ago. */
const samples = 5;
/** The first request of a run is slow: connections are made, code is compiled. */
const fewest = 3;

export interface GatewayOptions {
  readonly timeoutMs: number;
  readonly onOutcome: (outcome: RequestOutcome) => void;
}

export class StoreGateway {
  readonly #options: GatewayOptions;
  readonly #store: Pick<LeaseStore, 'perform'>;
  readonly #now: () => number;
  readonly #latencies: number[] = [];
  #error: StoreError | null = null;
  #answeredAt: number | null = null;
  /** Requests of many changes under way. What is asked beside them waits for them. */
  #bulky = 0;

  constructor(
    options: GatewayOptions, modules: { store: Pick<LeaseStore, 'perform'>; now: () => number },
  ) {
    this.#options = options;
    this.#store = modules.store;
    this.#now = modules.now;
  }

  async perform(request: StoreRequest): Promise<StoreAnswer | null> {
    const { timeoutMs, onOutcome } = this.#options;
    const started = this.#now();
    const bulk = request.kind === 'swap' ? 1 : 0;
    let error: StoreError | null = null;
    let answer: StoreAnswer | null = null;
    this.#bulky += bulk;
    try {
      answer = await this.#store.perform(request, AbortSignal.timeout(timeoutMs));
      this.#answeredAt = this.#now();
      if (this.#bulky === 0) this.#noteLatency(this.#now() - started);
    } catch (thrown) {
      if (!(thrown instanceof StoreError)) throw thrown;
      error = thrown;
    } finally {
      this.#bulky -= bulk;
    }
    this.#error = error;
    onOutcome({ kind: request.kind, ms: this.#now() - started, error });
    return answer;
  }

  get health(): StoreHealth {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return {
      latencyMs: sorted.length < fewest ? null : sorted[sorted.length >> 1] ?? null,
      error: this.#error,
      answeredAt: this.#answeredAt,
    };
  }

  #noteLatency(ms: number): void {
    this.#latencies.push(ms);
    if (this.#latencies.length > samples) this.#latencies.shift();
  }
}
