/**
 * Follows a range of keys: a list of all at one revision, then every later change in order, none
 * left out, whatever happens to the connection.
 *
 *   connect --> check --(first time, compacted, or another store)--> list --> watch
 *      ^          \------------(position still good)-------------------------/  |
 *      |                                                                        |
 *      +---pause, growing----- broken: lost, hung, no leader, silent <---------+
 */
import type { ClientDuplexStream, StatusObject } from '@grpc/grpc-js';
import type {
  IEvent, IKeyValue, IRangeResponse, IResponseHeader, IWatchRequest, IWatchResponse,
} from 'etcd3';
import { StoreError } from '../lease-store.ts';
import type { WatchState } from '../lease-store.ts';
import type { Connection } from './connection.ts';
import { EtcdError, errorFromCancel, errorFromStatus } from './errors.ts';
import type { KeyRange, Keys } from './keys.ts';
import type { Link } from './link.ts';
import { foreignPrefix, readMarker } from './marker.ts';
import { sleep, within } from './wait.ts';

export interface FollowHandler {
  /** Everything in the range at `revision`. `anew`: of another store, or an earlier state of it. */
  list(kvs: readonly IKeyValue[], revision: number, anew: boolean): void;
  /** All events of one revision. */
  events(events: readonly IEvent[], revision: number): void;
  state(state: WatchState): void;
}

/** Each step of connecting and listing must be done in this time. */
const stepTimeoutMs = 5_000;
const firstPauseMs = 50;
const lastPauseMs = 1_000;
/** Keys in one page of a list. */
const pageSize = 1_000;
/** How often to ask a watch that has history to tell whether it told all, and how long at most. */
const catchUpMs = 100;
const catchUpLimitMs = 3_000;

interface Position {
  revision: number;
  storeId: string | null;
  raftTerm: number;
}

/** Reads a whole range at one revision, page by page. */
export async function listRange(
  connection: Connection, range: KeyRange, signal: AbortSignal,
): Promise<{ readonly kvs: IKeyValue[]; readonly header: IResponseHeader }> {
  const kvs: IKeyValue[] = [];
  let { key } = range;
  let header: IResponseHeader | null = null;
  for (;;) {
    const page: IRangeResponse = await connection.call('range', {
      key, range_end: range.range_end, limit: pageSize, revision: header?.revision ?? 0,
    }, signal, true);
    header ??= page.header;
    kvs.push(...page.kvs);
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) return { kvs, header };
    key = Buffer.concat([last.key, Buffer.from([0])]);
  }
}

export class Follower {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #range: KeyRange;
  readonly #handler: FollowHandler;
  #position: Position | null = null;
  #pauseMs = firstPauseMs;
  #told: string | null = null;

  constructor(connection: Connection, keys: Keys, range: KeyRange, handler: FollowHandler) {
    this.#connection = connection;
    this.#keys = keys;
    this.#range = range;
    this.#handler = handler;
  }

  /** Until the abort. Rejects with StoreError 'denied' or 'schema', or what the handler throws. */
  async run(signal: AbortSignal): Promise<void> {
    const over = () => signal.aborted;
    while (!over()) {
      const error = await this.#session(signal).catch((reason: unknown) => reason);
      if (over()) return;
      if (!(error instanceof StoreError)) throw error;
      const reason = error instanceof EtcdError ? error.reason : null;
      if (reason === 'compacted') {
        this.#position = null;
        continue;
      }
      this.#broken(error);
      // A login that was forgotten is renewed by the next check.
      const lasting = error.code === 'denied' && reason !== 'stale-token';
      if (lasting || error.code === 'schema') throw error;
      await sleep(this.#pauseMs, signal);
      this.#pauseMs = Math.min(2 * this.#pauseMs, lastPauseMs);
    }
  }

  /** Ends by an error, always. */
  async #session(signal: AbortSignal): Promise<never> {
    const connection = this.#connection;
    const { link, position } = await within(stepTimeoutMs, [signal], async (step) => ({
      position: await this.#check(step),
      link: await connection.link(step),
    }));
    return within(Infinity, [signal, link.gone], async (ended) => {
      // The list may have been all that was wanted. A stream that is cancelled before it is open
      // would hold its connection, and with it the process.
      if (ended.aborted) {
        throw new EtcdError('unavailable', `${link.endpoint.address}: the watch ended`);
      }
      const stream = link.stream('Watch', 'watch', true);
      // Errors are the reader's; but cancelling makes one that comes when nobody reads any more.
      stream.on('error', () => undefined);
      const cancel = () => stream.cancel();
      ended.addEventListener('abort', cancel);
      stream.write({ create_request: {
        ...this.#range, start_revision: position.revision + 1,
      } } satisfies IWatchRequest);
      return this.#receive(stream, link, position, ended);
    });
  }

  /** A position that the store, as it is now, has been at: the one we have, or of a new list. */
  async #check(signal: AbortSignal): Promise<Position> {
    const { kvs, header } = await this.#connection.call(
      'range', { key: this.#keys.version }, signal, true,
    );
    const storeId = readMarker(kvs[0]);
    const raftTerm = Number(header.raft_term);
    const position = this.#position;
    if (position === null) return this.#list(storeId, false, signal);
    const same = Number(header.revision) >= position.revision && raftTerm >= position.raftTerm
      && (position.storeId === null || storeId === position.storeId);
    if (!same) return this.#list(storeId, true, signal);
    position.raftTerm = raftTerm;
    position.storeId = storeId;
    return position;
  }

  async #list(storeId: string | null, anew: boolean, signal: AbortSignal): Promise<Position> {
    const { kvs, header } = await listRange(this.#connection, this.#range, signal);
    const foreign = storeId === null
      ? kvs.find(({ key }) => this.#keys.parse(key) === null) : undefined;
    if (foreign !== undefined) throw foreignPrefix(this.#keys, foreign.key);
    const revision = Number(header.revision);
    this.#handler.list(kvs, revision, anew);
    this.#position = { revision, raftTerm: Number(header.raft_term), storeId };
    return this.#position;
  }

  async #receive(
    stream: ClientDuplexStream<unknown, unknown>, link: Link, position: Position,
    ended: AbortSignal,
  ): Promise<never> {
    /** The store's revision when the watch began; up to it there may be history to tell. */
    let behind = Infinity;
    const caughtUp = () => {
      if (behind === -Infinity) return;
      behind = -Infinity;
      this.#following();
    };
    try {
      for await (const message of stream) {
        const response = message as IWatchResponse;
        link.lastHeardAt = performance.now();
        if (response.canceled) throw ending(response, link);
        const revision = Number(response.header.revision);
        if (response.created) {
          behind = revision;
          if (revision <= position.revision) caughtUp();
          else void this.#askForProgress(stream, () => behind === -Infinity, caughtUp, ended);
        } else if (response.events.length === 0 && revision >= behind) {
          caughtUp();
        }
        this.#deliver(response.events, position);
      }
    } catch (error) {
      throw streamError(error, link);
    }
    throw new EtcdError('unavailable', `${link.endpoint.address}: the watch ended`);
  }

  #deliver(events: readonly IEvent[], position: Position): void {
    // etcd never splits a revision over two messages, unless asked to.
    for (let from = 0; from < events.length;) {
      const revision = events[from]?.kv.mod_revision;
      let to = from + 1;
      while (to < events.length && events[to]?.kv.mod_revision === revision) to += 1;
      const batch = events.slice(from, to);
      const marker = batch.find(({ kv }) => kv.key.equals(this.#keys.version));
      if (marker?.type === 'Put') position.storeId = readMarker(marker.kv);
      this.#handler.events(batch, Number(revision));
      position.revision = Number(revision);
      from = to;
    }
  }

  /** A watch with nothing more to tell answers this at once; one that has, not until it told. */
  async #askForProgress(
    stream: ClientDuplexStream<unknown, unknown>, done: () => boolean, giveUp: () => void,
    ended: AbortSignal,
  ): Promise<void> {
    const until = performance.now() + catchUpLimitMs;
    while (!done() && !ended.aborted && performance.now() < until) {
      stream.write({ progress_request: {} } satisfies IWatchRequest);
      await sleep(catchUpMs, ended);
    }
    // An etcd before 3.4 does not know the question.
    if (!ended.aborted) giveUp();
  }

  #following(): void {
    this.#told = null;
    this.#pauseMs = firstPauseMs;
    this.#handler.state({ kind: 'following' });
  }

  #broken(error: StoreError): void {
    if (this.#told === error.code) return;
    this.#told = error.code;
    this.#handler.state({ kind: 'broken', error });
  }
}

function ending(response: IWatchResponse, link: Link): EtcdError {
  const { address } = link.endpoint;
  if (Number(response.compact_revision) > 0) {
    return new EtcdError('invalid', `${address}: the history was compacted away`, {
      reason: 'compacted',
    });
  }
  return errorFromCancel(response.cancel_reason, address);
}

/** gRPC's errors are of its own making; what the handler throws is passed on as it is. */
function streamError(error: unknown, link: Link): unknown {
  if (!(error instanceof Error) || !('details' in error) || !('code' in error)) return error;
  const { address } = link.endpoint;
  if (link.gone.aborted) return new EtcdError('unavailable', `${address}: the connection was lost`);
  const failure = errorFromStatus(error as unknown as StatusObject, address);
  if (failure.code === 'unavailable') link.retire();
  return failure;
}
