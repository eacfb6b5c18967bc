/**
 * Keeps a ledger up to date, and tells those who follow it. One for each store, from the first time
 * that it is needed until the store is closed.
 */
import type { Finding, TenureId, ViewChange } from '../../core/model.ts';
import { StoreError } from '../lease-store.ts';
import type { WatchState } from '../lease-store.ts';
import { Caretaker } from './caretaker.ts';
import type { CaretakerModules } from './caretaker.ts';
import { Follower } from './follower.ts';
import { isAborted } from './is-aborted.ts';
import { readObject } from './lease-object.ts';
import { Ledger } from './ledger.ts';
import type { LeaseEvent } from './ledger.ts';
import type { Timing } from './options.ts';
import type { WatchEvent } from './resource.ts';

export type KeeperModules = Omit<CaretakerModules, 'ledger'>;

export interface KeeperOptions {
  readonly timing: Timing;
  readonly longestTtlMs: number;
  readonly report: (finding: Finding) => void;
  readonly now: () => number;
}

interface Subscriber {
  readonly onChange: (change: ViewChange) => void;
  readonly onState: (state: WatchState) => void;
  readonly fail: (error: unknown) => void;
}

export class Keeper {
  readonly ledger: Ledger;
  readonly #modules: KeeperModules;
  readonly #options: KeeperOptions;
  readonly #caretaker: Caretaker;
  readonly #subscribers = new Set<Subscriber>();
  readonly #waiting = new Set<{ resolve: () => void; reject: (error: unknown) => void }>();
  readonly #reaching = new Set<{ revision: number; finish: (has: boolean) => void }>();
  readonly #stop = new AbortController();
  #follower: Follower | null = null;
  #running: Promise<void> | null = null;
  #listed = false;
  #state: WatchState | null = null;

  constructor(modules: KeeperModules, options: KeeperOptions) {
    this.#modules = modules;
    this.#options = options;
    this.ledger = new Ledger({
      longestTtlMs: options.longestTtlMs,
      collectMs: options.timing.collectMs,
      random: Math.random,
      report: options.report,
    });
    this.#caretaker = new Caretaker(options, { ...modules, ledger: this.ledger });
  }

  /** Waits until the ledger holds all there is, as far as it has come. */
  async listed(signal: AbortSignal): Promise<Ledger> {
    this.start();
    while (!this.#listed) {
      const { promise, resolve, reject } = withResolvers();
      const waiting = { resolve, reject };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', resolve);
      try {
        await promise;
      } finally {
        this.#waiting.delete(waiting);
        signal.removeEventListener('abort', resolve);
      }
      if (isAborted(signal)) throw new StoreError('timeout', 'the leases could not be read in time');
    }
    return this.ledger;
  }

  /** Begins to follow, if it does not. */
  start(): void {
    if (this.#running !== null || this.#stop.signal.aborted) return;
    const follower = new Follower(this.#modules.leases, this.#options.timing, {
      onList: (items, revision) => this.#onList(items, revision),
      onEvents: (events) => this.#onEvents(events),
      onState: (state) => this.#onState(state),
    });
    this.#follower = follower;
    this.#running = follower.run(this.#stop.signal).catch((error: unknown) => {
      for (const subscriber of this.#subscribers) subscriber.fail(error);
      for (const { reject } of this.#waiting) reject(error);
      this.#waiting.clear();
    }).finally(() => {
      this.#running = null;
      this.#follower = null;
    });
  }

  /** Follows until aborted; rejects where that is pointless. */
  async subscribe(
    onChange: Subscriber['onChange'], onState: Subscriber['onState'], signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    this.start();
    const { promise, resolve, reject } = withResolvers();
    // Told by others in between, an abort counts from the moment that it is made.
    const unless = <T>(tell: (value: T) => void) => (value: T): void => {
      if (!isAborted(signal)) tell(value);
    };
    const subscriber: Subscriber = {
      onChange: unless(onChange), onState: unless(onState), fail: reject,
    };
    this.#subscribers.add(subscriber);
    signal.addEventListener('abort', resolve);
    this.#stop.signal.addEventListener('abort', resolve);
    try {
      if (this.#listed) {
        this.#tell();
        subscriber.onChange(this.ledger.snapshot());
      }
      if (this.#state !== null) subscriber.onState(this.#state);
      await promise;
    } finally {
      this.#subscribers.delete(subscriber);
      signal.removeEventListener('abort', resolve);
      this.#stop.signal.removeEventListener('abort', resolve);
    }
  }

  /** Waits until the ledger has come as far as that, for `ms` at most; whether it has. */
  async reached(revision: number, ms: number): Promise<boolean> {
    if (this.ledger.revision >= revision) return true;
    return new Promise((resolve) => {
      const waiting = { revision, finish: (has: boolean): void => {
        clearTimeout(timer);
        this.#reaching.delete(waiting);
        resolve(has);
      } };
      const timer = setTimeout(() => waiting.finish(false), ms);
      this.#reaching.add(waiting);
    });
  }

  #tellReached(): void {
    for (const { revision, finish } of this.#reaching) {
      if (this.ledger.revision >= revision) finish(true);
    }
  }

  /** We wrote that revision, and should see it soon. */
  expect(revision: number): void {
    this.#follower?.expect(revision);
  }

  /** The tenure that this store keeps has changed. */
  setSelf(id: TenureId | null): void {
    this.ledger.nodes.self = id;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const { finish } of this.#reaching) finish(false);
    this.#caretaker.close();
    await this.#running;
  }

  #onList(items: readonly unknown[], revision: number): void {
    const now = this.#options.now();
    this.ledger.replace(items.map(readObject), revision, now);
    this.#listed = true;
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
    const change = this.ledger.takeSnapshot(now);
    for (const { onChange } of this.#subscribers) onChange(change);
    this.#tellReached();
    this.#caretaker.act();
  }

  #onEvents(events: readonly WatchEvent[]): void {
    this.ledger.apply(events.map(readEvent), this.#options.now());
    this.#tellReached();
    this.#tell();
    this.#caretaker.act();
  }

  #onState(state: WatchState): void {
    // While nothing came a renewal may have gone unseen.
    if (state.kind === 'following') this.ledger.nodes.restart(this.#options.now());
    this.#state = state;
    this.#caretaker.active = state.kind === 'following';
    for (const { onState } of this.#subscribers) onState(state);
    this.#caretaker.act();
  }

  #tell(): void {
    const change = this.ledger.takeChange(this.#options.now());
    if (change !== null) for (const { onChange } of this.#subscribers) onChange(change);
  }
}

/** Promise.withResolvers, which Node 20 has not. */
function withResolvers(): {
  promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void;
} {
  let resolve = (): void => undefined;
  let reject = (_error: unknown): void => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

function readEvent({ type, object }: WatchEvent): LeaseEvent {
  const { metadata } = object as { metadata?: { name?: unknown; resourceVersion?: unknown } };
  if (type === 'BOOKMARK') return { kind: 'reached', revision: Number(metadata?.resourceVersion) };
  const read = readObject(object);
  if (type !== 'DELETED') return { kind: 'set', object: read };
  return { kind: 'deleted', name: read.name, revision: read.revision };
}
