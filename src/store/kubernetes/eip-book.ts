/**
 * What is known of each EIP lease. Tenure itself never deletes one, nor takes its term back: where
 * an object is missing, changed by hand, or older than what was seen, what was seen last stays in
 * force, and is written again. Pure: time is an argument.
 */
import type { Eip, EipLease, EipLeaseValue, TenureId } from '../../core/model.ts';

export interface EipAction {
  readonly kind: 'restore-eip';
  readonly eip: Eip;
  /** Of the object that is to be replaced; null: there is none. */
  readonly revision: number | null;
  readonly lease: EipLeaseValue;
}

interface Entry {
  /** Of the object as it stands; null: there is none. */
  revision: number | null;
  /** What is in force; null: nothing is known of it. */
  lease: EipLease | null;
  sound: boolean;
  /** The term that an object still showed which cannot be read otherwise. */
  lostTerm: number;
  unsoundAt: number;
  /** How much later than its holder this agent restores it. */
  delayMs: number;
  retryAt: number;
}

export interface EipBookOptions {
  readonly longestTtlMs: number;
  readonly random: () => number;
  readonly report: (code: 'lease-deleted' | 'lease-edited', eip: Eip) => void;
}

const shortestDelayMs = 200;
const longestDelayMs = 1000;

export class EipBook {
  readonly #entries = new Map<Eip, Entry>();
  readonly #unsound = new Set<Eip>();
  readonly #options: EipBookOptions;
  readonly changed = new Set<Eip>();

  constructor(options: EipBookOptions) {
    this.#options = options;
  }

  get eips(): IterableIterator<Eip> {
    return this.#entries.keys();
  }

  lease(eip: Eip): EipLease | null {
    return this.#entries.get(eip)?.lease ?? null;
  }

  /** The tenures that leases name. */
  * references(): Generator<TenureId> {
    for (const { lease } of this.#entries.values()) {
      if (lease !== null) yield* tenuresOf(lease);
    }
  }

  /** The object of `eip` as it now stands; `lease` null: changed by hand. */
  set(eip: Eip, revision: number, lease: EipLease | null, transitions: number, now: number): void {
    const entry = this.#entry(eip);
    if (entry.revision !== null && revision <= entry.revision) return;
    entry.revision = revision;
    if (lease === null || lease.term < (entry.lease?.term ?? 0)) {
      return this.#setUnsound(entry, 'lease-edited', eip, transitions, now);
    }
    entry.lease = lease;
    entry.sound = true;
    entry.retryAt = 0;
    this.#unsound.delete(eip);
    this.changed.add(eip);
  }

  /** The object of `eip` was deleted. */
  remove(eip: Eip, now: number): void {
    const entry = this.#entries.get(eip);
    if (entry === undefined || entry.revision === null) return;
    entry.revision = null;
    const { lease } = entry;
    if (lease === null || (lease.holder === null && tenuresOf(lease).length === 0)) {
      // Nobody holds it, so that nothing has to be kept.
      this.#entries.delete(eip);
      this.#unsound.delete(eip);
      this.changed.add(eip);
      return;
    }
    this.#setUnsound(entry, 'lease-deleted', eip, 0, now);
  }

  postpone(eip: Eip, until: number): void {
    const entry = this.#entries.get(eip);
    if (entry) entry.retryAt = until;
  }

  * actions(self: TenureId | null): Generator<{ at: number; action: EipAction }> {
    for (const eip of this.#unsound) {
      const entry = this.#entries.get(eip);
      if (entry === undefined) continue;
      const { lease, revision, unsoundAt, retryAt } = entry;
      const mine = lease !== null && self !== null && lease.holder?.node === self.node;
      // Of what nobody remembers it is only known that some tenure may hold it, for a TTL at most.
      const wait = lease === null ? this.#options.longestTtlMs : entry.delayMs;
      const at = Math.max(retryAt, unsoundAt + (mine ? 0 : wait));
      const restored = lease ?? nobody(eip, entry.lostTerm);
      yield { at, action: { kind: 'restore-eip', eip, revision, lease: restored } };
    }
  }

  #setUnsound(
    entry: Entry, code: 'lease-deleted' | 'lease-edited', eip: Eip, transitions: number, now: number,
  ): void {
    if (entry.sound) {
      entry.unsoundAt = now;
      const spread = longestDelayMs - shortestDelayMs;
      entry.delayMs = shortestDelayMs + this.#options.random() * spread;
    }
    entry.sound = false;
    this.#unsound.add(eip);
    entry.lostTerm = transitions;
    this.#options.report(code, eip);
  }

  #entry(eip: Eip): Entry {
    const known = this.#entries.get(eip);
    if (known !== undefined) return known;
    const entry: Entry = {
      revision: null, lease: null, sound: true, lostTerm: 0, unsoundAt: 0, delayMs: 0, retryAt: 0,
    };
    this.#entries.set(eip, entry);
    return entry;
  }
}

export function tenuresOf(lease: EipLeaseValue): readonly TenureId[] {
  const { holder, heirs, former } = lease;
  return holder === null ? [...heirs, ...former] : [holder, ...heirs, ...former];
}

function nobody(eip: Eip, lastTerm: number): EipLeaseValue {
  return {
    eip, holder: null, term: lastTerm + 1, since: 0, reason: 'released',
    heirs: [], former: [], moves: [],
  };
}
