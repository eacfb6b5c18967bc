/**
 * Changes of EIP leases: many compare-and-swaps in one transaction, each with an outcome of its
 * own. A transaction applies all or nothing; once one has failed, the next reads, in the same
 * instant, all that it compared. That tells which swaps it was, and the rest is sent again without
 * them.
 */
import type { IKeyValue, ITxnRequest } from 'etcd3';
import type { TenureId } from '../../core/model.ts';
import type { StoreAnswer, Swap, SwapOutcome, SwapRequest } from '../../core/requests.ts';
import type { Connection } from './connection.ts';
import { EtcdError } from './errors.ts';
import type { Keys } from './keys.ts';
import type { KnownLeases } from './known-leases.ts';
import { decodeLease, encodeLease } from './records.ts';
import { absent, exists, found, get, maxTxnOps, put, unchanged } from './txn.ts';

/** Swaps of one transaction, by the index that each has in the request. */
type Batch = ReadonlyMap<number, Swap>;

/** The tenures that a batch asks about, by key. */
type Asked = ReadonlyMap<string, Question>;

interface Question {
  readonly key: Buffer;
  readonly ended: boolean;
  readonly live: boolean;
}

export class Swaps {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #known: KnownLeases;

  constructor(connection: Connection, keys: Keys, known: KnownLeases) {
    this.#connection = connection;
    this.#keys = keys;
    this.#known = known;
  }

  async perform({ tenure, swaps }: SwapRequest, signal: AbortSignal): Promise<StoreAnswer> {
    for (const swap of swaps) this.#known.check(swap);
    const outcomes = new Array<SwapOutcome>(swaps.length).fill({ kind: 'refused' });
    const own = this.#keys.node(tenure);
    for (const batch of this.#batches(swaps)) {
      // Nearly always all succeed: then the reads for why not are half of the request, in vain.
      let rest: Batch = await this.#attempt(own, batch, outcomes, signal) ? new Map() : batch;
      // Each round settles at least one swap: what failed the comparison is in what it read.
      while (rest.size > 0) {
        const next = await this.#round(own, rest, outcomes, signal);
        if (next === null) return { kind: 'ended' };
        rest = next;
      }
    }
    return { kind: 'swapped', outcomes };
  }

  /** Splits by etcd's limit on comparisons, and on the reads that follow when they fail. */
  #batches(swaps: readonly Swap[]): Batch[] {
    const batches: Map<number, Swap>[] = [];
    let batch = new Map<number, Swap>();
    let tenures = new Set<string>();
    swaps.forEach((swap, index) => {
      const ids = [...swap.ended, ...swap.live];
      const more = new Set([...tenures, ...ids.map((id) => this.#keys.node(id).toString())]);
      // Twice: a tenure may be asked to be both, by two swaps; one more for our own.
      if (batch.size + 1 + 2 * more.size + 1 > maxTxnOps && batch.size > 0) {
        batches.push(batch);
        batch = new Map();
        tenures = new Set(ids.map((id) => this.#keys.node(id).toString()));
      } else {
        tenures = more;
      }
      if (2 * tenures.size + 2 > maxTxnOps) {
        throw new EtcdError('invalid', `the swap of ${swap.eip} asks about too many tenures`);
      }
      batch.set(index, swap);
    });
    return batch.size > 0 ? [...batches, batch] : batches;
  }

  /** False: nothing was changed, and why is to be asked. */
  async #attempt(
    own: Buffer, batch: Batch, outcomes: SwapOutcome[], signal: AbortSignal,
  ): Promise<boolean> {
    const change = this.#change(own, batch, this.#asked(batch));
    const { succeeded, header } = await this.#connection.call('txn', change, signal);
    if (succeeded) this.#applied(batch, Number(header.revision), outcomes);
    return succeeded;
  }

  /** The swaps to send again; null: our own tenure has ended. */
  async #round(
    own: Buffer, batch: Batch, outcomes: SwapOutcome[], signal: AbortSignal,
  ): Promise<Batch | null> {
    const asked = this.#asked(batch);
    const swaps = [...batch];
    const { succeeded, header, responses } = await this.#connection.call('txn', {
      ...this.#change(own, batch, asked),
      failure: [
        get(own, { keysOnly: true }),
        ...swaps.map(([, { eip }]) => get(this.#keys.lease(eip))),
        ...[...asked.values()].map(({ key }) => get(key, { keysOnly: true })),
      ],
    }, signal);
    const revision = Number(header.revision);
    if (succeeded) {
      this.#applied(batch, revision, outcomes);
      return new Map();
    }
    if (found(responses, 0)[0] === undefined) return null;
    const live = new Set([...asked.keys()].filter((_, at) => (
      found(responses, 1 + swaps.length + at)[0] !== undefined
    )));
    const rest = new Map<number, Swap>();
    swaps.forEach(([index, swap], at) => {
      const outcome = this.#refusal(swap, found(responses, 1 + at)[0], live, revision);
      if (outcome === null) rest.set(index, swap);
      else outcomes[index] = outcome;
    });
    return rest;
  }

  #change(own: Buffer, batch: Batch, asked: Asked): Pick<ITxnRequest, 'compare' | 'success'> {
    const swaps = [...batch.values()];
    return {
      compare: [
        exists(own),
        ...swaps.map((swap) => (
          unchanged(this.#keys.lease(swap.eip), this.#known.revisionFor(swap))
        )),
        ...[...asked.values()].flatMap(({ key, ended, live }) => [
          ...ended ? [absent(key)] : [], ...live ? [exists(key)] : [],
        ]),
      ],
      success: swaps.map(({ eip, next }) => put(this.#keys.lease(eip), encodeLease(next))),
    };
  }

  #applied(batch: Batch, revision: number, outcomes: SwapOutcome[]): void {
    for (const [index, { next }] of batch) {
      const lease = { ...next, revision };
      this.#known.saw(lease);
      outcomes[index] = { kind: 'applied', lease };
    }
  }

  #asked(batch: Batch): Asked {
    const asked = new Map<string, { key: Buffer; ended: boolean; live: boolean }>();
    const ask = (id: TenureId, what: 'ended' | 'live') => {
      const key = this.#keys.node(id);
      const entry = asked.get(key.toString()) ?? { key, ended: false, live: false };
      entry[what] = true;
      asked.set(key.toString(), entry);
    };
    for (const swap of batch.values()) {
      for (const id of swap.ended) ask(id, 'ended');
      for (const id of swap.live) ask(id, 'live');
    }
    return asked;
  }

  /** Why a swap could not be applied, by what was read at `revision`; null: not because of it. */
  #refusal(
    swap: Swap, kv: IKeyValue | undefined, live: ReadonlySet<string>, revision: number,
  ): SwapOutcome | null {
    const isLive = (id: TenureId) => live.has(this.#keys.node(id).toString());
    if (Number(kv?.mod_revision ?? 0) !== this.#known.revisionFor(swap)) {
      return this.#conflict(swap, kv, revision);
    }
    if (swap.ended.some(isLive)) return { kind: 'refused' };
    return swap.live.every(isLive) ? null : { kind: 'refused' };
  }

  #conflict({ eip }: Swap, kv: IKeyValue | undefined, revision: number): SwapOutcome {
    if (kv === undefined) {
      return { kind: 'conflict', current: this.#known.lost(eip, revision, true) };
    }
    const current = decodeLease(eip, kv.value, Number(kv.mod_revision));
    if (current !== null) {
      this.#known.saw(current);
      return { kind: 'conflict', current };
    }
    const last = this.#known.lost(eip, Number(kv.mod_revision), false);
    // Whom an unreadable record names may well be live.
    return last === null ? { kind: 'refused' } : { kind: 'conflict', current: last };
  }
}
