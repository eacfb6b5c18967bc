/**
 * A lease store on the Kubernetes API: coordination.k8s.io/v1 Lease objects in one namespace, and
 * the cluster's Eip objects. docs/decisions/0003-kubernetes-leases.md says why it is safe.
 */
import type { MoveRequest, View, ViewChange } from '../../core/model.ts';
import type { StoreAnswer, StoreRequest } from '../../core/requests.ts';
import { checkName, checkRequest } from '../checks.ts';
import { StoreError } from '../lease-store.ts';
import type {
  DocumentChange, LeaseStore, StoredDocument, StoreFault, StoreInfo, WatchState,
} from '../lease-store.ts';
import { Credentials } from './credentials.ts';
import { Documents, readDocument } from './documents.ts';
import { writeDrain, writeMove } from './eip-object.ts';
import { errorFromStatus } from './errors.ts';
import { examine, refuseMissingNamespace } from './examine.ts';
import { Follower, revisionOf } from './follower.ts';
import { HttpClient } from './http.ts';
import { Keeper } from './keeper.ts';
import { Ledger } from './ledger.ts';
import { readObject, writeObject, writePatch } from './lease-object.ts';
import type { LeaseBody } from './lease-object.ts';
import { eipObjectName, nodeObjectName } from './names.ts';
import { NodeLeases } from './node-leases.ts';
import { checkOptions, defaultLongestTtlMs, defaultNamespace, defaultTiming } from './options.ts';
import type { KubernetesOptions, Timing } from './options.ts';
import { Resource, eips, leasesIn } from './resource.ts';
import { Swaps, swapPace } from './swaps.ts';

/** An object that several people change at once is read again so often. */
const mostAttempts = 5;

export class KubernetesStore implements LeaseStore {
  readonly pace = swapPace;
  readonly #http: HttpClient;
  readonly #namespace: string;
  readonly #timing: Timing;
  readonly #longestTtlMs: number;
  readonly #leases: Resource;
  readonly #eips: Resource;
  readonly #keeper: Keeper;
  readonly #nodeLeases: NodeLeases;
  readonly #swaps: Swaps;
  readonly #documents: Documents;
  readonly #closed = new AbortController();

  constructor(options: KubernetesOptions, credentials: Credentials) {
    const now = options.now ?? ((): number => performance.now());
    const namespace = options.namespace ?? credentials.current.namespace ?? defaultNamespace;
    const http = new HttpClient(credentials);
    const leases = new Resource(http, leasesIn(namespace));
    this.#http = http;
    this.#namespace = namespace;
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#longestTtlMs = options.longestTtlMs ?? defaultLongestTtlMs;
    this.#leases = leases;
    this.#eips = new Resource(http, eips);
    this.#keeper = new Keeper({
      leases, namespace, restoreSelf: async (id, signal) => this.#nodeLeases.restore(id, signal),
    }, {
      timing: this.#timing,
      longestTtlMs: this.#longestTtlMs,
      report: options.report ?? ((): void => undefined),
      now,
    });
    const keeper = this.#keeper;
    this.#nodeLeases = new NodeLeases(
      { longestTtlMs: this.#longestTtlMs, now }, { leases, namespace, keeper },
    );
    this.#swaps = new Swaps({ leases, namespace, keeper, nodeLeases: this.#nodeLeases });
    this.#documents = new Documents(this.#eips);
  }

  async perform(request: StoreRequest, signal: AbortSignal): Promise<StoreAnswer> {
    checkRequest(request);
    // Whoever keeps a tenure also judges those of others.
    this.#keeper.start();
    switch (request.kind) {
      case 'open': return this.#nodeLeases.open(request, signal);
      case 'renew': return this.#nodeLeases.renew(request, signal);
      case 'update': return this.#nodeLeases.update(request, signal);
      case 'evict': return this.#nodeLeases.evict(request, signal);
      case 'close': return this.#nodeLeases.close(request, signal);
      case 'swap': return this.#swaps.swap(request, signal);
      case 'settle-moves':
        for (const eip of request.eips) {
          await this.#leases.delete(eipObjectName('move', eip), null, signal);
        }
        return { kind: 'settled' };
    }
  }

  async watch(
    onChange: (change: ViewChange) => void, onState: (state: WatchState) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#keeper.subscribe(onChange, onState, signal);
  }

  async read(signal: AbortSignal): Promise<View> {
    const { items, revision } = await this.#leases.list(signal);
    // Of a namespace that is not there the API server lists nothing, as if it were empty.
    if (items.length === 0) await refuseMissingNamespace(this.#http, this.#namespace, signal);
    const ledger = new Ledger({
      longestTtlMs: this.#longestTtlMs, collectMs: 0, random: () => 0, report: () => undefined,
    });
    ledger.replace(items.map(readObject), revision, performance.now());
    return ledger.view();
  }

  async listDocuments(signal: AbortSignal): Promise<readonly StoredDocument[]> {
    return this.#documents.list(signal);
  }

  async putDocuments(documents: readonly StoredDocument[], signal: AbortSignal): Promise<boolean> {
    for (const { name } of documents) checkName('document', name);
    return this.#documents.put(documents, signal);
  }

  async annotateDocument(
    document: StoredDocument, key: string, value: string, signal: AbortSignal,
  ): Promise<boolean> {
    return this.#documents.annotate(document, key, value, signal);
  }

  async deleteDocument(name: string, signal: AbortSignal): Promise<boolean> {
    checkName('document', name);
    return this.#documents.delete(name, signal);
  }

  async watchDocuments(
    onChange: (change: DocumentChange) => void, signal: AbortSignal,
  ): Promise<void> {
    const follower = new Follower(this.#eips, this.#timing, {
      onList: (items, revision) => {
        const all = items.map(readDocument);
        const documents = all.map((document) => ({ name: document.name, document }));
        onChange({ revision, reset: true, documents });
      },
      onEvents: (events) => {
        const documents = events.filter(({ type }) => type !== 'BOOKMARK').map(({ type, object }) => {
          const document = readDocument(object);
          return { name: document.name, document: type === 'DELETED' ? null : document };
        });
        const revision = revisionOf(events.at(-1)?.object);
        if (documents.length > 0) onChange({ revision, reset: false, documents });
      },
      onState: () => undefined,
    });
    await follower.run(AbortSignal.any([signal, this.#closed.signal]));
  }

  async setDrain(node: string, drained: boolean, signal: AbortSignal): Promise<void> {
    const name = nodeObjectName('drain', node);
    const object = writeObject(writeDrain(node, Date.now()), this.#namespace);
    if (drained) await this.#leases.create(name, object, signal);
    else await this.#leases.delete(name, null, signal);
  }

  async requestMove(move: MoveRequest, signal: AbortSignal): Promise<void> {
    checkName('node', move.to);
    await this.#put(writeMove(move), signal);
  }

  async info(signal: AbortSignal): Promise<StoreInfo> {
    const action = { verb: 'get', resource: 'version', namespace: null, name: null } as const;
    const startedAt = performance.now();
    const address = this.#http.server;
    try {
      const request = { action, method: 'GET', path: '/version' } as const;
      const { status, body, shown } = await this.#http.request(request, signal);
      if (status !== 200) throw errorFromStatus(action, status, {}, shown);
      const { gitVersion } = body as { gitVersion?: unknown };
      const endpoint = { address, problem: null, latencyMs: performance.now() - startedAt };
      return { kind: 'kubernetes', version: String(gitVersion), endpoints: [endpoint] };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const endpoint = { address, problem: error.message, latencyMs: null };
      return { kind: 'kubernetes', version: '', endpoints: [endpoint] };
    }
  }

  async examine(signal: AbortSignal): Promise<readonly StoreFault[]> {
    return examine(this.#http, leasesIn(this.#namespace), eips, signal);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#swaps.close();
    await this.#keeper.close();
    this.#http.close();
  }

  /** Creates the object, or replaces the one that is there. */
  async #put(body: LeaseBody, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const made = await this.#leases.create(body.name, writeObject(body, this.#namespace), signal);
      if (made !== 'exists') return;
      const json = await this.#leases.get(body.name, signal);
      if (json === null) continue;
      const patch = writePatch(body, readObject(json).revision);
      if (typeof await this.#leases.patch(body.name, patch, signal) !== 'string') return;
    }
    throw new StoreError('unavailable', `lease ${body.name} keeps being changed by others`);
  }
}

/**
 * Checks the options and reads the credentials; asks the API server for nothing yet. Rejects with
 * StoreError('invalid') for what could never work.
 */
export async function openKubernetesStore(options: KubernetesOptions): Promise<LeaseStore> {
  checkOptions(options);
  return new KubernetesStore(options, await Credentials.load(options));
}
