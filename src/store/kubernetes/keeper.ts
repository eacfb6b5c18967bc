/**
 * Keeps a ledger up to date, tells those who follow it, and does what it says is due: ends node
 * leases that expired, and puts right what was deleted or changed by hand. One for each store, from
 * the first time that it is needed until the store is closed.
 */
import type { Finding, TenureId, ViewChange } from '../../core/model.ts';
import { StoreError } from '../lease-store.ts';
import type { WatchState } from '../lease-store.ts';
import { writeEip } from './eip-object.ts';
import { Follower } from './follower.ts';
import { isAborted } from './is-aborted.ts';
import { Ledger } from './ledger.ts';
import type { Action, LeaseEvent } from './ledger.ts';
import { readObject, writeObject, writePatch } from './lease-object.ts';
import type { LeaseBody } from './lease-object.ts';
import { eipObjectName, nodeObjectName } from './names.ts';
import { writeEndedNode } from './node-object.ts';
import type { Timing } from './options.ts';
import type { Resource, WatchEvent } from './resource.ts';

export interface KeeperModules {
  readonly leases: Resource;
  readonly namespace: string;
  /** Writes our own node lease again, if its tenure is still in force. */
  readonly restoreSelf: (id: TenureId, signal: AbortSignal) => Promise<void>;
}

export interface KeeperOptions {
  readonly timing: Timing;
  readonly longestTtlMs: number;
  readonly report: (finding: Finding) => void;
}

interface Subscriber {
  readonly onChange: (change: ViewChange) => void;
  readonly onState: (state: WatchState) => void;
  readonly fail: (error: unknown) => void;
}

/** So many writes of its own at once. */
const mostAtOnce = 16;
/** A server that takes longer to show a lease is no witness that it was not renewed. */
const promptMs = 1000;
const repeatMs = 500;
const settleMs = 2000;
const longestTimerMs = 60_000;

export class Keeper {
  readonly ledger: Ledger;
  readonly #modules: KeeperModules;
  readonly #options: KeeperOptions;
  readonly #subscribers = new Set<Subscriber>();
  readonly #waiting = new Set<{ resolve: () => void; reject: (error: unknown) => void }>();
  readonly #inFlight = new Set<string>();
  readonly #stop = new AbortController();
  #follower: Follower | null = null;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #listed = false;
  #state: WatchState | null = null;
  /** A look at a lease that seemed to expire failed, or took long. */
  #blind = false;

  constructor(modules: KeeperModules, options: KeeperOptions) {
    this.#modules = modules;
    this.#options = options;
    this.ledger = new Ledger({
      longestTtlMs: options.longestTtlMs,
      collectMs: options.timing.collectMs,
      random: Math.random,
      report: options.report,
    });
  }

  /** Waits until the ledger holds all there is, as far as it has come. */
  async listed(signal: AbortSignal): Promise<Ledger> {
    this.start();
    while (!this.#listed) {
      const { promise, resolve, reject } = withResolvers();
      this.#waiting.add({ resolve, reject });
      signal.addEventListener('abort', resolve);
      try {
        await promise;
      } finally {
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
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }

  #onList(items: readonly unknown[], revision: number): void {
    const now = performance.now();
    this.ledger.replace(items.map(readObject), revision, now);
    this.#listed = true;
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
    const change = this.ledger.takeSnapshot(now);
    for (const { onChange } of this.#subscribers) onChange(change);
    this.#act();
  }

  #onEvents(events: readonly WatchEvent[]): void {
    this.ledger.apply(events.map(readEvent), performance.now());
    this.#tell();
    this.#act();
  }

  #onState(state: WatchState): void {
    // While nothing came a renewal may have gone unseen.
    if (state.kind === 'following') this.ledger.nodes.restart(performance.now());
    this.#state = state;
    for (const { onState } of this.#subscribers) onState(state);
    this.#act();
  }

  #tell(): void {
    const change = this.ledger.takeChange(performance.now());
    if (change !== null) for (const { onChange } of this.#subscribers) onChange(change);
  }

  /** Does what is due, and comes back when the next thing is. */
  #act(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#stop.signal.aborted || this.#state?.kind !== 'following') return;
    const now = performance.now();
    const { actions, nextAt } = this.ledger.due(now);
    for (const action of actions) {
      if (this.#inFlight.size < mostAtOnce && !this.#inFlight.has(keyOf(action))) {
        void this.#carryOut(action);
      }
    }
    const delay = Math.min(longestTimerMs, Math.max(1, nextAt - now));
    this.#timer = setTimeout(() => this.#act(), delay);
  }

  async #carryOut(action: Action): Promise<void> {
    const key = keyOf(action);
    this.#inFlight.add(key);
    const signal = AbortSignal.any([
      this.#stop.signal, AbortSignal.timeout(this.#options.timing.answerMs),
    ]);
    let again = settleMs;
    try {
      await this.#perform(action, signal);
    } catch (error) {
      // What it was about is still as it was, and so is still due.
      if (!(error instanceof StoreError)) throw error;
      again = repeatMs;
    } finally {
      this.ledger.postpone(action, performance.now() + again);
      this.#inFlight.delete(key);
      this.#act();
    }
  }

  async #perform(action: Action, signal: AbortSignal): Promise<void> {
    const { leases } = this.#modules;
    switch (action.kind) {
      case 'end-node':
        return this.#end(action, signal);
      case 'restore-self':
        return this.#modules.restoreSelf(action.id, signal);
      case 'restore-eip':
        return this.#write(writeEip(action.lease), action.revision, signal);
      case 'collect-node': {
        await leases.delete(nodeObjectName('node', action.node), action.revision, signal);
        return;
      }
      case 'forget-move': {
        await leases.delete(eipObjectName('move', action.eip), action.revision, signal);
      }
    }
  }

  async #end(action: Action & { kind: 'end-node' }, signal: AbortSignal): Promise<void> {
    const { id, revision } = action;
    if (action.confirm && !await this.#confirmExpiry(action, signal)) return;
    const by = this.ledger.nodes.self?.node;
    const why = `expired${by === undefined ? '' : `, as ${by} found`}`;
    await this.#write(writeEndedNode(id, why, Date.now()), revision, signal);
  }

  /**
   * Whether the lease is still what it was when it was last seen to change, by an answer that came
   * promptly. Where it did not, the server was in no state to take renewals either.
   */
  async #confirmExpiry(
    { id, revision }: Action & { kind: 'end-node' }, signal: AbortSignal,
  ): Promise<boolean> {
    const { leases } = this.#modules;
    let json: unknown;
    try {
      const prompt = AbortSignal.any([signal, AbortSignal.timeout(promptMs)]);
      json = await leases.get(nodeObjectName('node', id.node), prompt);
    } catch (error) {
      this.#blind = true;
      throw error;
    }
    const now = performance.now();
    if (this.#blind) {
      this.#blind = false;
      this.ledger.nodes.restart(now);
      return false;
    }
    if ((json === null ? null : readObject(json).revision) === revision) return true;
    this.ledger.nodes.touch(id.node, now);
    return false;
  }

  async #write(body: LeaseBody, revision: number | null, signal: AbortSignal): Promise<void> {
    const { leases, namespace } = this.#modules;
    const { name } = body;
    // Whoever was there first, it is the watch that tells what became of it.
    if (revision === null) await leases.create(name, writeObject(body, namespace), signal);
    else await leases.patch(name, writePatch(body, revision), signal);
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

function keyOf(action: Action): string {
  switch (action.kind) {
    case 'end-node':
    case 'restore-self':
      return `node ${action.id.node}`;
    case 'collect-node':
      return `node ${action.node}`;
    case 'restore-eip':
      return `eip ${action.eip}`;
    case 'forget-move':
      return `move ${action.eip}`;
  }
}

function readEvent({ type, object }: WatchEvent): LeaseEvent {
  const { metadata } = object as { metadata?: { name?: unknown; resourceVersion?: unknown } };
  if (type === 'BOOKMARK') return { kind: 'reached', revision: Number(metadata?.resourceVersion) };
  const read = readObject(object);
  if (type !== 'DELETED') return { kind: 'set', object: read };
  return { kind: 'deleted', name: read.name, revision: read.revision };
}
