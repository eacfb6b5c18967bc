/**
 * The last readable record of each EIP lease that this agent has seen, kept for two purposes.
 *
 * A swap that would take a term back is refused before it is sent.
 *
 * And a hand in the store makes no second announcer. Nobody but a person ever deletes an EIP lease
 * or writes one that cannot be read. The holder hears of it no sooner than others do, and may hear
 * late; so to everybody who knew the record it goes on as it was, with a later revision: its
 * holder holds, and others wait for that holder's end as ever. Whoever did not know the record
 * cannot replace an unreadable one (it was not created by nobody), and a deleted one is written
 * back at once by those who knew it (ownership-watch.ts). A record without a holder may go.
 */
import type { Eip, EipLease } from '../../core/model.ts';
import type { Swap } from '../../core/requests.ts';
import { checkTerm } from '../checks.ts';

interface Entry {
  readonly lease: EipLease;
  /** There is no such key; `lease.revision` is one at which there was none. */
  readonly deleted: boolean;
  /** The record was read, or written by us, and is not taken for one that could not be. */
  readonly readable: boolean;
}

export class KnownLeases {
  readonly #entries = new Map<Eip, Entry>();

  /** A readable record. */
  saw(lease: EipLease): void {
    const known = this.#entries.get(lease.eip);
    if (known !== undefined && known.lease.revision >= lease.revision) return;
    this.#entries.set(lease.eip, { lease, deleted: false, readable: true });
  }

  /** The record of just that revision, if it is known. */
  at(eip: Eip, revision: number): EipLease | null {
    const known = this.#entries.get(eip);
    return known?.readable === true && known.lease.revision === revision ? known.lease : null;
  }

  /** At `revision` the record could not be read, or there was none. What to take it for. */
  lost(eip: Eip, revision: number, deleted: boolean): EipLease | null {
    const known = this.#entries.get(eip);
    if (known === undefined) return null;
    if (known.lease.revision >= revision) return known.lease;
    if (deleted && known.lease.holder === null) {
      this.#entries.delete(eip);
      return null;
    }
    const lease = { ...known.lease, revision };
    this.#entries.set(eip, { lease, deleted, readable: false });
    return lease;
  }

  /** After a full list at `revision`: what to take those for that are not in it. */
  lostFrom(listed: ReadonlySet<Eip>, revision: number): EipLease[] {
    return [...this.#entries.keys()].flatMap((eip) => {
      const lease = listed.has(eip) ? null : this.lost(eip, revision, true);
      return lease === null ? [] : [lease];
    });
  }

  /** The store is another one, or an earlier state of it: revisions start anew. */
  startAnew(): void {
    for (const [eip, entry] of this.#entries) {
      const lease = { ...entry.lease, revision: 0 };
      this.#entries.set(eip, { ...entry, lease, readable: false });
    }
  }

  /** The revision that the key must have for this swap; 0: it must not exist. */
  revisionFor(swap: Swap): number {
    const known = this.#entries.get(swap.eip);
    return known?.deleted === true && known.lease.revision === swap.revision ? 0 : swap.revision;
  }

  /** Throws StoreError('invalid') where the term would go back. */
  check(swap: Swap): void {
    const known = this.#entries.get(swap.eip);
    if (known?.lease.revision === swap.revision) checkTerm(swap, known.lease.term);
  }
}
