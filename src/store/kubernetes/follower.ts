/**
 * Follows one kind of object: a list, then every change after it by one long watch, for as long as
 * it runs. A watch that ends is taken up where it was; where the server no longer knows that
 * revision, all is listed anew.
 */
import { StoreError } from '../lease-store.ts';
import type { WatchState } from '../lease-store.ts';
import { pause } from './http.ts';
import { isAborted } from './is-aborted.ts';
import { readRevision } from './lease-object.ts';
import type { Timing } from './options.ts';
import type { Resource, WatchEvent } from './resource.ts';

export interface FollowerHandlers {
  /** All there is. Throws StoreError('schema') for what cannot be read. */
  readonly onList: (items: readonly unknown[], revision: number) => void;
  /** Changes in their order, several at a time. The same. */
  readonly onEvents: (events: readonly WatchEvent[]) => void;
  /** Not told again while it stays the same. */
  readonly onState: (state: WatchState) => void;
}

export class Follower {
  readonly #resource: Resource;
  readonly #timing: Timing;
  readonly #handlers: FollowerHandlers;
  /** Null: a list is needed. */
  #revision: number | null = null;
  /** It has followed once, so that it is worth trying again whatever the error. */
  #worked = false;
  #following = false;
  /** Ends the watch that is under way. */
  #interrupt: AbortController | null = null;
  #lagTimer: NodeJS.Timeout | null = null;
  /** The latest revision that we wrote ourselves. */
  #written = 0;

  constructor(resource: Resource, timing: Timing, handlers: FollowerHandlers) {
    this.#resource = resource;
    this.#timing = timing;
    this.#handlers = handlers;
  }

  /** Resolves when aborted; rejects with StoreError where going on is pointless. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#follow(signal);
    } finally {
      this.#following = false;
      this.#forgetWritten();
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (this.#revision === null) await this.#list(signal);
        const startedAt = performance.now();
        await this.#watch(signal);
        // A server that ends each watch at once is not asked without pause.
        failures = performance.now() - startedAt < 1000 ? failures + 1 : 0;
      } catch (error) {
        if (isAborted(signal)) return;
        if (!(error instanceof StoreError) || this.#isFinal(error)) throw error;
        this.#following = false;
        this.#handlers.onState({ kind: 'broken', error });
        failures += 1;
      }
      const { retryMs, longestRetryMs } = this.#timing;
      const longest = Math.min(longestRetryMs, retryMs * 2 ** Math.min(failures, 16));
      if (failures > 0) await pause(longest * (0.5 + Math.random() / 2), signal);
    }
  }

  /** We wrote that revision: a watch that does not show it soon is a watch that hangs. */
  expect(revision: number): void {
    this.#written = Math.max(this.#written, revision);
    this.#awaitWritten();
  }

  #awaitWritten(): void {
    const revision = this.#written;
    if (this.#lagTimer !== null || !this.#following || (this.#revision ?? 0) >= revision) return;
    this.#lagTimer = setTimeout(() => {
      this.#lagTimer = null;
      if ((this.#revision ?? 0) < revision) this.#interrupt?.abort();
      else this.#awaitWritten();
    }, this.#timing.lagMs);
  }

  #forgetWritten(): void {
    if (this.#lagTimer !== null) clearTimeout(this.#lagTimer);
    this.#lagTimer = null;
  }

  #isFinal(error: StoreError): boolean {
    return error.code === 'schema' || (!this.#worked && error.code === 'denied')
      || (!this.#worked && error.code === 'invalid');
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { items, revision } = await this.#resource.list(
      AbortSignal.any([signal, AbortSignal.timeout(this.#timing.answerMs)]),
    );
    this.#handlers.onList(items, revision);
    this.#revision = revision;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const interrupt = new AbortController();
    this.#interrupt = interrupt;
    const { answerMs, silenceMs, watchSeconds } = this.#timing;
    let timer = setTimeout(() => interrupt.abort(), answerMs);
    const rewind = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => interrupt.abort(), silenceMs);
    };
    const opened = (): void => {
      rewind();
      this.#worked = true;
      if (!this.#following) this.#handlers.onState({ kind: 'following' });
      this.#following = true;
    };
    try {
      const seconds = Math.ceil(watchSeconds * (0.75 + Math.random() / 4));
      const end = await this.#resource.watch(
        this.#revision ?? 0, seconds, opened,
        (events) => {
          rewind();
          this.#take(events);
        },
        AbortSignal.any([signal, interrupt.signal]),
      );
      if (end === 'compacted') this.#revision = null;
    } finally {
      clearTimeout(timer);
      this.#forgetWritten();
      this.#interrupt = null;
    }
  }

  #take(events: readonly WatchEvent[]): void {
    this.#handlers.onEvents(events);
    const last = events.at(-1);
    if (last !== undefined) this.#revision = revisionOf(last.object);
  }
}

/** Of whatever object. Throws StoreError('schema'). */
export function revisionOf(object: unknown): number {
  const { metadata } = object as { metadata?: { resourceVersion?: unknown } };
  return readRevision(String(metadata?.resourceVersion));
}
