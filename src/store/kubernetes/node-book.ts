/**
 * What is known of each node's tenures, from what its Lease object said and when this agent saw
 * it. Kubernetes ends no Lease by itself, so this is where it is decided that one has expired:
 *
 *   live    the object says so, or nothing says that it ended
 *   ended   the object said so once: for ever, whatever becomes of the object
 *
 * That an object is missing or was changed by hand is no evidence of an end: its tenure is then
 * live for as long as its holder may believe so. Pure: time is an argument.
 *
 * Expiry is counted on this agent's own monotonic clock, from when *it* saw the lease change last.
 * Its holder counts from before it sent that change, so it has fallen silent by then; and the end
 * is a compare-and-swap on the version that was seen, so that a renewal in between undoes it.
 */
import type { NodeLease, TenureId } from '../../core/model.ts';
import { sameTenure } from '../../core/model.ts';
import { unknownRecord } from '../node-record.ts';
import type { NodeState } from './node-object.ts';

export type NodeAction =
  /** Mark the tenure as ended. With `confirm`: if the object is still this version. */
  | {
    readonly kind: 'end-node';
    readonly id: TenureId;
    readonly revision: number | null;
    readonly confirm: boolean;
  }
  /** Our own node lease was deleted or changed by hand. */
  | { readonly kind: 'restore-self'; readonly id: TenureId }
  /** If nothing refers to it any more. */
  | { readonly kind: 'collect-node'; readonly node: string; readonly revision: number };

interface Live {
  readonly lease: NodeLease;
  readonly ttlMs: number;
  /** When this agent last saw the lease change. */
  readonly seenAt: number;
  readonly jitterMs: number;
}

interface Entry {
  /** Of the object as it stands; null: there is none. */
  revision: number | null;
  /** Whether the object says what we know. */
  sound: boolean;
  /** Tenures up to this one have ended. */
  ended: number;
  live: Live | null;
  /** When the last tenure ended, or something else last happened to the object. */
  idleSince: number;
  /** An action failed: not before then. */
  retryAt: number;
}

export interface NodeBookOptions {
  readonly longestTtlMs: number;
  readonly collectMs: number;
  readonly random: () => number;
  readonly report: (code: 'lease-deleted' | 'lease-edited', node: string) => void;
}

/** With many observers each waits a little of its own, so that not all of them write at once. */
const jitterPerNodeMs = 10;
const longestJitterMs = 500;

export class NodeBook {
  readonly #entries = new Map<string, Entry>();
  readonly #options: NodeBookOptions;
  /** Nodes whose shown lease may have changed. */
  readonly changed = new Set<string>();
  /** The tenure that this agent itself keeps. */
  self: TenureId | null = null;

  constructor(options: NodeBookOptions) {
    this.#options = options;
  }

  get names(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** The live tenure of a node, as it is shown. */
  live(node: string): NodeLease | null {
    return this.#entries.get(node)?.live?.lease ?? null;
  }

  /** The object's revision, and whether it is as it should be. */
  object(node: string): { readonly revision: number | null; readonly sound: boolean } {
    const entry = this.#entries.get(node);
    return { revision: entry?.revision ?? null, sound: entry?.sound ?? true };
  }

  /** True is for ever. */
  isEnded(id: TenureId): boolean {
    return id.incarnation <= this.endedUpTo(id.node)
      || id.incarnation < (this.live(id.node)?.id.incarnation ?? 0);
  }

  endedUpTo(node: string): number {
    return this.#entries.get(node)?.ended ?? 0;
  }

  /** The object of `node` as it now stands. */
  set(node: string, revision: number, state: NodeState, now: number): void {
    const entry = this.#entry(node, now);
    if (entry.revision !== null && revision <= entry.revision) return;
    entry.revision = revision;
    entry.idleSince = now;
    switch (state.kind) {
      case 'live':
        return this.#setLive(entry, node, state.lease, state.ttlMs, now);
      case 'ended':
        return this.#setEnded(entry, node, state.incarnation);
      case 'unreadable':
        this.#unsound(entry, 'lease-edited', node);
        if (state.incarnation === 0) return;
        return this.refer({ node, incarnation: state.incarnation }, revision, now);
    }
  }

  /** The object of `node` was deleted. */
  remove(node: string, now: number): void {
    const entry = this.#entry(node, now);
    if (entry.revision === null) return;
    entry.revision = null;
    entry.idleSince = now;
    if (entry.live === null) entry.sound = true;
    else this.#unsound(entry, 'lease-deleted', node);
  }

  /** An EIP lease names this tenure: without evidence to the contrary it may be live. */
  refer(id: TenureId, revision: number, now: number): void {
    const entry = this.#entry(id.node, now);
    const known = entry.live?.lease.id.incarnation ?? 0;
    if (id.incarnation <= Math.max(entry.ended, known)) return;
    if (entry.live !== null && entry.sound) return;
    entry.sound = false;
    entry.live = {
      lease: { id, record: unknownRecord, revision },
      ttlMs: this.#options.longestTtlMs, seenAt: now, jitterMs: this.#jitter(),
    };
    this.changed.add(id.node);
  }

  /** The lease was found changed, without what it says: it is being renewed. */
  touch(node: string, now: number): void {
    const entry = this.#entries.get(node);
    if (entry?.live) entry.live = { ...entry.live, seenAt: now };
  }

  /** While we were blind a renewal may have gone unseen: every count begins again. */
  restart(now: number): void {
    for (const node of this.#entries.keys()) this.touch(node, now);
  }

  postpone(node: string, until: number): void {
    const entry = this.#entries.get(node);
    if (entry) entry.retryAt = until;
  }

  /** What to do, and when: the earliest for each node. */
  * actions(): Generator<{ at: number; action: NodeAction }> {
    for (const [node, entry] of this.#entries) {
      const next = this.#next(node, entry);
      if (next !== null) yield { at: Math.max(next.at, entry.retryAt), action: next.action };
    }
  }

  #next(node: string, entry: Entry): { at: number; action: NodeAction } | null {
    const { live, revision, sound } = entry;
    if (live !== null) {
      const { id } = live.lease;
      if (!sound && sameTenure(this.self, id)) {
        return { at: 0, action: { kind: 'restore-self', id } };
      }
      const at = live.seenAt + live.ttlMs + live.jitterMs;
      return { at, action: { kind: 'end-node', id, revision, confirm: true } };
    }
    if (!sound) {
      // Somebody undid the end of a tenure; or nothing is known of whose the object was.
      const at = entry.ended > 0 ? 0 : entry.idleSince + this.#options.longestTtlMs;
      const id = { node, incarnation: entry.ended };
      return { at, action: { kind: 'end-node', id, revision, confirm: false } };
    }
    if (revision === null) return null;
    const at = entry.idleSince + this.#options.collectMs;
    return { at, action: { kind: 'collect-node', node, revision } };
  }

  #setLive(entry: Entry, node: string, lease: NodeLease, ttlMs: number, now: number): void {
    const { incarnation } = lease.id;
    const known = entry.live?.lease.id.incarnation ?? 0;
    if (incarnation <= entry.ended || incarnation < known) {
      // A tenure that is over has come back: by hand.
      return this.#unsound(entry, 'lease-edited', node);
    }
    if (entry.live !== null && incarnation > known) entry.ended = known;
    entry.sound = true;
    entry.retryAt = 0;
    entry.live = { lease, ttlMs, seenAt: now, jitterMs: this.#jitter() };
    this.changed.add(node);
  }

  #setEnded(entry: Entry, node: string, incarnation: number): void {
    const known = Math.max(entry.ended, entry.live?.lease.id.incarnation ?? 0);
    // A lease that was never opened says nothing of tenures before it.
    if (incarnation === 0 && entry.live === null) {
      entry.sound = true;
      return;
    }
    if (incarnation < known) return this.#unsound(entry, 'lease-edited', node);
    entry.sound = true;
    entry.ended = incarnation;
    entry.live = null;
    this.changed.add(node);
  }

  #unsound(entry: Entry, code: 'lease-deleted' | 'lease-edited', node: string): void {
    entry.sound = false;
    this.#options.report(code, node);
  }

  #entry(node: string, now: number): Entry {
    const known = this.#entries.get(node);
    if (known !== undefined) return known;
    const entry: Entry = {
      revision: null, sound: true, ended: 0, live: null, idleSince: now, retryAt: 0,
    };
    this.#entries.set(node, entry);
    return entry;
  }

  #jitter(): number {
    const most = Math.min(longestJitterMs, jitterPerNodeMs * this.#entries.size);
    return this.#options.random() * most;
  }
}
