/**
 * What the core asks of a lease store, and what a store answers: data, so that the agent (through
 * the `LeaseStore` port) and the simulator (with delays and losses of its own) carry the same.
 *
 * A request whose answer does not come, or that failed on its way, has an unknown outcome: it may
 * have been applied, or may yet be. The core learns of such an outcome as `null`.
 */
import type { Eip, EipLease, EipLeaseValue, NodeLease, NodeRecord, TenureId } from './model.ts';

/**
 * Opens a tenure: gives the node its next incarnation (a number never given before for that name)
 * and creates its node lease with `ttlMs`. Applied only if the live lease of that name is the one
 * of incarnation `replaces` (which is thereby ended for ever), or, with `replaces` 0, if there is
 * none; otherwise the answer is `name-taken`. So an `open` that arrives late ends nobody's tenure
 * but the one it was meant for. Whether a live lease may be replaced is the core's to judge.
 */
export interface OpenRequest {
  readonly kind: 'open';
  readonly node: string;
  readonly replaces: number;
  readonly ttlMs: number;
  /** `boot: 0` asks the store to set it to the incarnation that it gives. */
  readonly record: NodeRecord;
}

/**
 * Extends the node lease by its TTL from the moment the store applies it. A longer `ttlMs` than the
 * lease had is its TTL from then on; a shorter one changes nothing, and the answer says what it
 * has. So a renewal that arrives late, after another that asked for more, never ends a lease before
 * the instant that its holder relies on.
 */
export interface RenewRequest {
  readonly kind: 'renew';
  readonly tenure: TenureId;
  readonly ttlMs: number;
}

/** Replaces the node's record by compare-and-swap on the node lease's revision. */
export interface UpdateRequest {
  readonly kind: 'update';
  readonly tenure: TenureId;
  readonly record: NodeRecord;
  readonly revision: number;
}

/**
 * Ends the tenure of a node that a majority of its voters withdrew from, ahead of its expiry.
 * Applied only if its node lease still has `revision`, the one that the certificate speaks of.
 */
export interface EvictRequest {
  readonly kind: 'evict';
  /** Whose tenure is ended. */
  readonly tenure: TenureId;
  readonly revision: number;
  /** Who asks for it, for people. */
  readonly by: string;
}

/** Ends the node's own tenure: a planned stop. */
export interface CloseRequest {
  readonly kind: 'close';
  readonly tenure: TenureId;
}

/** One compare-and-swap of an EIP lease. */
export interface Swap {
  readonly eip: Eip;
  /** Revision that the record must still have; 0: it must not exist. */
  readonly revision: number;
  readonly next: EipLeaseValue;
  /** Tenures that must have ended, or the swap is refused. */
  readonly ended: readonly TenureId[];
  /** Tenures that must be live, or the swap is refused; the requester's own is always checked. */
  readonly live: readonly TenureId[];
}

/** Many swaps, each applied or refused by itself. Bounded by `maxSwaps`. */
export interface SwapRequest {
  readonly kind: 'swap';
  readonly tenure: TenureId;
  readonly swaps: readonly Swap[];
}

/** A store applies at most this many swaps in one request (etcd's transactions are bounded). */
export const maxSwaps = 100;

/** Takes away requests to move, once they were carried out or turned out impossible. */
export interface SettleMovesRequest {
  readonly kind: 'settle-moves';
  readonly eips: readonly Eip[];
}

export type StoreRequest =
  | OpenRequest | RenewRequest | UpdateRequest | EvictRequest | CloseRequest | SwapRequest
  | SettleMovesRequest;

export type StoreAnswer =
  | { readonly kind: 'opened'; readonly lease: NodeLease; /** As granted: at least what was asked. */ readonly ttlMs: number }
  | { readonly kind: 'name-taken'; readonly by: NodeLease }
  | { readonly kind: 'renewed'; readonly ttlMs: number }
  | { readonly kind: 'updated'; readonly lease: NodeLease }
  | { readonly kind: 'update-refused'; readonly current: NodeLease }
  /** It is over: by this request, or before it. */
  | { readonly kind: 'evicted' }
  | { readonly kind: 'evict-refused'; readonly current: NodeLease }
  | { readonly kind: 'closed' }
  | { readonly kind: 'swapped'; readonly outcomes: readonly SwapOutcome[] }
  | { readonly kind: 'settled' }
  /** The requester's own tenure is over in the store: for ever. */
  | { readonly kind: 'ended' };

/** In the order of the request's swaps. */
export type SwapOutcome =
  | { readonly kind: 'applied'; readonly lease: EipLease }
  /** The record has another revision; `current` is null if there is none. */
  | { readonly kind: 'conflict'; readonly current: EipLease | null }
  /** A tenure that had to be ended is live, or the other way round. */
  | { readonly kind: 'refused' };
