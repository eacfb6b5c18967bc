/**
 * The port between Tenure and whatever keeps its leases. Nothing outside src/store and the wiring
 * in src/agent knows which store it has.
 */
import type { Finding, MoveRequest, View, ViewChange } from '../core/model.ts';
import type { StoreAnswer, StoreRequest } from '../core/requests.ts';

export type StoreErrorCode =
  /** No endpoint answered, or the connection broke: the outcome is unknown. */
  | 'unavailable'
  /** The deadline passed: the outcome is unknown. */
  | 'timeout'
  /** Credentials refused, or a right is missing. */
  | 'denied'
  /** The store takes no writes: out of space (etcd's NOSPACE alarm) or read-only. */
  | 'read-only'
  /** What is stored under our prefix was not written by a version of Tenure that this one knows. */
  | 'schema'
  /** The request itself was refused as wrong; a bug, or a wrong setting. */
  | 'invalid';

/** Whatever a store's client throws is translated into this once, in the adapter. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  /** What would mend it, as a sentence, where the store can tell. */
  readonly fix: string | undefined;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions & { fix?: string }) {
    super(message, options);
    this.code = code;
    this.fix = options?.fix;
  }
}

/** A stored document: an Eip manifest as its author wrote it, by name. */
export interface StoredDocument {
  readonly name: string;
  readonly text: string;
  readonly revision: number;
}

export interface DocumentChange {
  readonly revision: number;
  readonly reset: boolean;
  readonly documents: readonly {
    readonly name: string;
    readonly document: StoredDocument | null;
  }[];
}

export interface StoreInfo {
  readonly kind: string;
  readonly version: string;
  /** One per endpoint: its address, and what is wrong with it if something is. */
  readonly endpoints: readonly {
    readonly address: string;
    readonly problem: string | null;
    readonly latencyMs: number | null;
  }[];
}

/** Something that will keep an agent from doing its work. */
export interface StoreFault {
  /** What is wrong, without a full stop. */
  readonly what: string;
  readonly fix: string;
}

/**
 * How changes of ownership are best asked for. Whoever has much to change keeps to it: what is
 * asked for and has to wait for its turn is answered late, and an address that is being handed over
 * is silent meanwhile.
 */
export interface Pace {
  readonly swapsPerRequest: number;
  readonly requestsAtOnce: number;
}

/** What a store asks of, and tells, whoever runs it for long. */
export interface StoreHooks {
  /**
   * The clock that leases are counted by, ms: CLOCK_BOOTTIME, which a suspended machine finds
   * ahead. Default: performance.now(), which stands still meanwhile.
   */
  readonly now?: () => number;
  /** Told what people or other programs did to what is stored, and what was done about it. */
  readonly report?: (finding: Finding) => void;
}

/**
 * Every method takes a signal and gives up when it is aborted: callers set deadlines by it. All
 * reject with StoreError, and with nothing else.
 */
export interface LeaseStore {
  readonly pace: Pace;
  /** Ownership. Deadlines count from before the call: the adapter sends at once, never queues. */
  perform(request: StoreRequest, signal: AbortSignal): Promise<StoreAnswer>;
  /**
   * Follows ownership: one change with `reset` first, then every later change in the order of
   * revisions, none left out. Reconnects and re-lists by itself, with growing delay, and tells of
   * its state through `onState`. Resolves when aborted; rejects only where going on is pointless
   * (`denied`, `schema`).
   */
  watch(
    onChange: (change: ViewChange) => void,
    onState: (state: WatchState) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Reads everything once: for the command line. */
  read(signal: AbortSignal): Promise<View>;

  /** Eip documents. On hosts they live in the store; elsewhere they may come from outside. */
  listDocuments(signal: AbortSignal): Promise<readonly StoredDocument[]>;
  /** All or nothing; each `revision` must be what was read (0: not there), else false. */
  putDocuments(documents: readonly StoredDocument[], signal: AbortSignal): Promise<boolean>;
  /**
   * Sets one annotation of a document and leaves all else of it as it is; `document` is as it was
   * read. False: it is not what is there any more.
   */
  annotateDocument(
    document: StoredDocument, key: string, value: string, signal: AbortSignal,
  ): Promise<boolean>;
  deleteDocument(name: string, signal: AbortSignal): Promise<boolean>;
  watchDocuments(onChange: (change: DocumentChange) => void, signal: AbortSignal): Promise<void>;

  /** Requests of operators. */
  setDrain(node: string, drained: boolean, signal: AbortSignal): Promise<void>;
  /** A request to move is forgotten by the store after a minute if nobody settles it. */
  requestMove(move: MoveRequest, signal: AbortSignal): Promise<void>;

  info(signal: AbortSignal): Promise<StoreInfo>;
  /** What an agent with these settings could not do, found out without doing it. */
  examine(signal: AbortSignal): Promise<readonly StoreFault[]>;
  close(): Promise<void>;
}

/** How a watch stands. `following` means that what it has told so far is all there is. */
export type WatchState =
  | { readonly kind: 'following' }
  | { readonly kind: 'broken'; readonly error: StoreError };
