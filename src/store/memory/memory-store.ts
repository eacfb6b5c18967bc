/** The memory store behind the port that real ones have, with the process's clock and timers. */
import type { MoveRequest, View, ViewChange } from '../../core/model.ts';
import { maxSwaps } from '../../core/requests.ts';
import type { StoreAnswer, StoreRequest } from '../../core/requests.ts';
import { annotated } from '../annotate.ts';
import { StoreError } from '../lease-store.ts';
import type {
  DocumentChange, LeaseStore, StoreFault, StoreInfo, StoredDocument, WatchState,
} from '../lease-store.ts';
import { MemoryState } from './memory-state.ts';

/** Several of them may share one `MemoryState`, as several clients share a server. */
export class MemoryServer {
  readonly state: MemoryState;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(state = new MemoryState()) {
    this.state = state;
  }

  now(): number {
    return performance.now();
  }

  /** Runs `change`, then tells those who watch, and sees to the next expiry. */
  do<T>(change: () => T): T {
    const { revision } = this.state;
    try {
      return change();
    } finally {
      if (this.state.revision !== revision) for (const tell of this.#listeners) tell();
      this.#schedule();
    }
  }

  listen(tell: () => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const next = this.state.nextExpiry();
    if (next === null) return;
    this.#timer = setTimeout(() => {
      this.do(() => this.state.expire(this.now()));
    }, Math.max(1, next - this.now()));
    this.#timer.unref();
  }
}

export class MemoryStore implements LeaseStore {
  readonly pace = { swapsPerRequest: maxSwaps, requestsAtOnce: 8 };
  readonly #server: MemoryServer;

  constructor(server = new MemoryServer()) {
    this.#server = server;
  }

  perform(request: StoreRequest, signal: AbortSignal): Promise<StoreAnswer> {
    return this.#call(signal, (state, now) => state.apply(request, now));
  }

  watch(
    onChange: (change: ViewChange) => void, onState: (state: WatchState) => void,
    signal: AbortSignal,
  ): Promise<void> {
    let revision = 0;
    return this.#follow(() => {
      const change = this.#server.state.changesSince(revision);
      const news = change.reset || change.nodes.length + change.leases.length
        + change.drains.length + change.moves.length > 0;
      if (news) onChange(change);
      if (revision === 0) onState({ kind: 'following' });
      revision = change.revision;
    }, signal);
  }

  read(signal: AbortSignal): Promise<View> {
    return this.#call(signal, (state) => state.view());
  }

  listDocuments(signal: AbortSignal): Promise<readonly StoredDocument[]> {
    return this.#call(signal, (state) => state.documents());
  }

  putDocuments(documents: readonly StoredDocument[], signal: AbortSignal): Promise<boolean> {
    return this.#call(signal, (state) => state.putDocuments(documents));
  }

  annotateDocument(
    document: StoredDocument, key: string, value: string, signal: AbortSignal,
  ): Promise<boolean> {
    const text = annotated(document.text, key, value);
    return this.putDocuments([{ ...document, text }], signal);
  }

  deleteDocument(name: string, signal: AbortSignal): Promise<boolean> {
    return this.#call(signal, (state) => state.deleteDocument(name));
  }

  watchDocuments(onChange: (change: DocumentChange) => void, signal: AbortSignal): Promise<void> {
    let revision = 0;
    return this.#follow(() => {
      const change = this.#server.state.documentsSince(revision);
      if (change.reset || change.documents.length > 0) onChange(change);
      revision = change.revision;
    }, signal);
  }

  setDrain(node: string, drained: boolean, signal: AbortSignal): Promise<void> {
    return this.#call(signal, (state) => state.setDrain(node, drained));
  }

  requestMove(move: MoveRequest, signal: AbortSignal): Promise<void> {
    return this.#call(signal, (state, now) => state.requestMove(move, now));
  }

  info(signal: AbortSignal): Promise<StoreInfo> {
    return this.#call(signal, () => ({ kind: 'memory', version: '1', endpoints: [] }));
  }

  examine(signal: AbortSignal): Promise<readonly StoreFault[]> {
    return this.#call(signal, () => []);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Answers at a later turn of the event loop, as a real store would. */
  async #call<T>(signal: AbortSignal, act: (state: MemoryState, now: number) => T): Promise<T> {
    await new Promise(setImmediate);
    if (signal.aborted) throw new StoreError('timeout', 'the memory store was not given the time');
    return this.#server.do(() => act(this.#server.state, this.#server.now()));
  }

  #follow(tell: () => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let due = false;
      const run = () => {
        due = false;
        try {
          if (!signal.aborted) tell();
        } catch (error) {
          stop();
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      const stop = this.#server.listen(() => {
        if (!due) setImmediate(run);
        due = true;
      });
      const end = () => {
        stop();
        resolve();
      };
      if (signal.aborted) return end();
      signal.addEventListener('abort', end, { once: true });
      setImmediate(run);
      due = true;
    });
  }
}
