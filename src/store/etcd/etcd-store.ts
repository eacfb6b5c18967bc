/**
 * Leases in etcd. docs/decisions/0002-etcd-layout.md has the layout and why; keys.ts lists it.
 *
 * At rest an agent sends etcd one LeaseKeepAlive per renewal and nothing else, however many
 * addresses there are. Nothing here looks at a wall clock.
 */
import type { EipLease, Finding, MoveRequest, View, ViewChange } from '../../core/model.ts';
import { maxSwaps } from '../../core/requests.ts';
import type { StoreAnswer, StoreRequest } from '../../core/requests.ts';
import { annotated } from '../annotate.ts';
import { checkRequest } from '../checks.ts';
import { StoreError } from '../lease-store.ts';
import type {
  DocumentChange, LeaseStore, StoreFault, StoreInfo, StoredDocument, WatchState,
} from '../lease-store.ts';
import { Connection } from './connection.ts';
import { Findings } from './findings.ts';
import { Follower, listRange } from './follow.ts';
import { Keys } from './keys.ts';
import { KnownLeases } from './known-leases.ts';
import { foreignPrefix, readMarker } from './marker.ts';
import { Operators } from './operators.ts';
import type { EtcdOptions } from './options.ts';
import { checkEtcdOptions } from './options.ts';
import { encodeLease } from './records.ts';
import { Swaps } from './swaps.ts';
import { Tenures } from './tenures.ts';
import { absent, chunks, maxTxnOps, put } from './txn.ts';
import { ViewReader, viewOf } from './view-reader.ts';
import { within } from './wait.ts';

export interface EtcdStoreHooks {
  /** What is wrong with the keys in the store: all of it, each time that changes. */
  readonly onFindings?: (findings: readonly Finding[]) => void;
}

/** Writing deleted leases back is given up after so long; the next one who sees it tries again. */
const restoreTimeoutMs = 5_000;

export class EtcdStore implements LeaseStore {
  readonly pace = { swapsPerRequest: maxSwaps, requestsAtOnce: 8 };
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #known = new KnownLeases();
  readonly #findings: Findings;
  readonly #tenures: Tenures;
  readonly #swaps: Swaps;
  readonly #operators: Operators;

  /** Connects at the first call. Throws StoreError('invalid') for options that cannot be used. */
  constructor(options: EtcdOptions, hooks: EtcdStoreHooks = {}) {
    const settings = checkEtcdOptions(options);
    this.#connection = new Connection(settings);
    this.#keys = new Keys(settings.prefix);
    this.#findings = new Findings(hooks.onFindings ?? (() => undefined));
    this.#tenures = new Tenures(this.#connection, this.#keys);
    this.#swaps = new Swaps(this.#connection, this.#keys, this.#known);
    this.#operators = new Operators(this.#connection, this.#keys);
  }

  async perform(request: StoreRequest, signal: AbortSignal): Promise<StoreAnswer> {
    checkRequest(request);
    switch (request.kind) {
      case 'open':
        return this.#tenures.open(request, signal);
      case 'renew':
        return this.#tenures.renew(request.tenure, request.ttlMs, signal);
      case 'update':
        return this.#tenures.update(request, signal);
      case 'evict':
        return this.#tenures.evict(request, signal);
      case 'close':
        return this.#tenures.close(request.tenure, signal);
      case 'swap': {
        const answer = await this.#swaps.perform(request, signal);
        return answer.kind === 'ended' ? this.#tenures.forget(request.tenure) : answer;
      }
      case 'settle-moves':
        await this.#operators.settleMoves(request.eips, signal);
        return { kind: 'settled' };
    }
  }

  async watch(
    onChange: (change: ViewChange) => void, onState: (state: WatchState) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const reader = new ViewReader(this.#keys, this.#known, this.#findings);
    await new Follower(this.#connection, this.#keys, this.#keys.all, {
      list: (kvs, revision, anew) => {
        if (anew) {
          this.#known.startAnew();
          // Whoever goes by revisions must see that they began anew, also where the store has
          // meanwhile got further than it was.
          onChange({ revision: 0, reset: true, nodes: [], leases: [], drains: [], moves: [] });
        }
        const change = reader.list(kvs, revision);
        this.#tenures.notice(change);
        onChange(change);
      },
      events: (events, revision) => {
        const { change, deleted } = reader.events(events, revision);
        const { nodes, leases, drains, moves } = change;
        this.#tenures.notice(change);
        if (nodes.length + leases.length + drains.length + moves.length > 0) onChange(change);
        if (deleted.length > 0) void this.#restore(deleted, signal);
      },
      state: onState,
    }).run(signal);
  }

  async read(signal: AbortSignal): Promise<View> {
    const { kvs, header } = await listRange(this.#connection, this.#keys.all, signal);
    const marker = kvs.find(({ key }) => key.equals(this.#keys.version));
    const foreign = kvs.find(({ key }) => this.#keys.parse(key) === null);
    if (readMarker(marker) === null && foreign !== undefined) {
      throw foreignPrefix(this.#keys, foreign.key);
    }
    const reader = new ViewReader(this.#keys, new KnownLeases(), this.#findings);
    return viewOf(reader.list(kvs, Number(header.revision)));
  }

  listDocuments(signal: AbortSignal): Promise<readonly StoredDocument[]> {
    return this.#operators.listDocuments(signal);
  }

  putDocuments(documents: readonly StoredDocument[], signal: AbortSignal): Promise<boolean> {
    return this.#operators.putDocuments(documents, signal);
  }

  annotateDocument(
    document: StoredDocument, key: string, value: string, signal: AbortSignal,
  ): Promise<boolean> {
    const text = annotated(document.text, key, value);
    return this.putDocuments([{ ...document, text }], signal);
  }

  deleteDocument(name: string, signal: AbortSignal): Promise<boolean> {
    return this.#operators.deleteDocument(name, signal);
  }

  watchDocuments(onChange: (change: DocumentChange) => void, signal: AbortSignal): Promise<void> {
    return this.#operators.watchDocuments(onChange, signal);
  }

  setDrain(node: string, drained: boolean, signal: AbortSignal): Promise<void> {
    return this.#operators.setDrain(node, drained, signal);
  }

  requestMove(move: MoveRequest, signal: AbortSignal): Promise<void> {
    return this.#operators.requestMove(move, signal);
  }

  async info(signal: AbortSignal): Promise<StoreInfo> {
    const endpoints = await this.#connection.probe(signal);
    return {
      kind: 'etcd',
      version: endpoints.find(({ version }) => version !== null)?.version ?? 'unknown',
      endpoints: endpoints.map(({ address, problem, latencyMs }) => (
        { address, problem, latencyMs }
      )),
    };
  }

  /** A user of etcd who may read the prefix and not write to it cannot be told without writing. */
  async examine(_signal: AbortSignal): Promise<readonly StoreFault[]> {
    return Promise.resolve([]);
  }

  async close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  /** Writes EIP leases back that a hand deleted (known-leases.ts); the first agent wins. */
  async #restore(leases: readonly EipLease[], signal: AbortSignal): Promise<void> {
    try {
      await within(restoreTimeoutMs, [signal], async (limit) => {
        for (const some of chunks(leases, maxTxnOps)) {
          await this.#connection.call('txn', {
            compare: some.map(({ eip }) => absent(this.#keys.lease(eip))),
            success: some.map((lease) => put(this.#keys.lease(lease.eip), encodeLease(lease))),
          }, limit);
        }
      });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
}
