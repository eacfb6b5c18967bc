/**
 * VRIDs that all nodes of a store agree on: each Eip has its own as an annotation, written once by
 * whichever node comes first, by compare-and-swap. What stands there stays, whatever is heard and
 * whichever nodes there are; where two Eips come to the same one (they were made at the same
 * moment, or by hand), the first by name keeps it and the other is given another.
 *
 * An Eip is kept from when the store shows its VRID, so that nobody uses one that was not written.
 */
import type { Logger } from 'pino';
import type { EipDocument } from '../../config/eip-document.ts';
import { vridKey } from '../../config/eip-annotations.ts';
import { hash32 } from '../../core/hash.ts';
import type { Finding } from '../../core/model.ts';
import { allocateVrids, type ForeignVrids } from '../../keepalived/render/vrids.ts';
import { StoreError } from '../../store/lease-store.ts';
import type { LeaseStore, StoredDocument } from '../../store/lease-store.ts';
import type { Wanted } from './vip-engine.ts';

export interface VridModules {
  readonly store: Pick<LeaseStore, 'annotateDocument'>;
  readonly log: Logger;
  readonly engine: {
    set(wanted: Wanted): void;
    readonly foreign: ForeignVrids;
    listenedMs(eip: string): number | null;
  };
}

/** A stranger that advertises every second, as most do, is heard by then. */
const listenMs = 3_500;
/** Nodes do not all write at once; most find that it has been done. */
const spreadMs = 2_000;
const retryMs = 5_000;

export class VridKeeper {
  readonly #node: string;
  readonly #timeoutMs: number;
  readonly #modules: VridModules;
  #documents: readonly EipDocument[] = [];
  #stored: ReadonlyMap<string, StoredDocument> = new Map();
  #failure: Finding | null = null;
  #timer: NodeJS.Timeout | undefined;
  #writing = false;
  #closed = false;

  constructor(
    options: { readonly node: string; readonly timeoutMs: number }, modules: VridModules,
  ) {
    this.#node = options.node;
    this.#timeoutMs = options.timeoutMs;
    this.#modules = modules;
  }

  /** All Eips of VRRP, disabled ones too: their VRIDs stay theirs. */
  set(documents: readonly EipDocument[], stored: ReadonlyMap<string, StoredDocument>): void {
    this.#documents = documents;
    this.#stored = stored;
    this.#hand();
    this.#later(0);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #allocate() {
    const known = new Map(this.#documents.flatMap(({ name, settings: { vrid } }) =>
      vrid === undefined ? [] : [[name, vrid] as const]));
    const pools = this.#documents.map(({ name, block }) =>
      ({ pool: name, family: block.family }));
    const { vrids, findings } = allocateVrids(pools, known, this.#modules.engine.foreign);
    const settled = new Map([...vrids].filter(([name, vrid]) => known.get(name) === vrid));
    const missing = [...vrids].filter(([name]) => !settled.has(name))
      .sort(([a], [b]) => a < b ? -1 : 1);
    return { settled, missing, findings };
  }

  #hand(): void {
    const { settled, findings } = this.#allocate();
    const failures = this.#failure === null ? [] : [this.#failure];
    this.#modules.engine.set({
      documents: this.#documents, vrids: settled, findings: [...findings, ...failures],
    });
  }

  #later(ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#work().catch((error: unknown) => {
        this.#modules.log.error({ error }, 'VRIDs cannot be kept');
      });
    }, ms);
  }

  /** One Eip at a time: the next is chosen in the light of what the store then shows. */
  async #work(): Promise<void> {
    const [first] = this.#allocate().missing;
    if (first === undefined || this.#writing) return;
    const [name, vrid] = first;
    const stored = this.#stored.get(name);
    const listened = this.#modules.engine.listenedMs(name);
    // A node that the Eip is not on does not know who else is there.
    if (listened === null || stored === undefined) return this.#later(retryMs);
    const due = listenMs + hash32(`${this.#node}\n${name}`) % spreadMs;
    if (listened < due) return this.#later(Math.max(50, due - listened));
    this.#writing = true;
    try {
      await this.#write(stored, vrid);
    } finally {
      this.#writing = false;
    }
    // The watch tells of it; if it does not, or someone else was first, it is looked at again.
    this.#later(this.#failure === null ? 1_000 : retryMs);
  }

  async #write(stored: StoredDocument, vrid: number): Promise<void> {
    const { store, log } = this.#modules;
    const before = this.#failure;
    try {
      const signal = AbortSignal.timeout(this.#timeoutMs);
      const done = await store.annotateDocument(stored, vridKey, String(vrid), signal);
      this.#failure = null;
      if (done) log.info({ eip: stored.name, vrid }, 'the Eip was given a VRID');
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#failure = {
        code: 'vip-vrid-unwritten', subject: stored.name,
        text: `${stored.name} has no VRID yet, as it cannot be written to the store: ${error.message}`
          + `${error.fix === undefined ? '' : `: ${error.fix}`}; or annotate the Eip with ${vridKey}`,
      };
    }
    if (before?.text !== this.#failure?.text) this.#hand();
  }
}
