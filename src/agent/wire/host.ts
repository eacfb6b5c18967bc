/**
 * The wire thread as the main thread sees it: starts it, feeds it, and watches it.
 *
 *   open ── start ── … ── close
 *     └ refused: KernelError   └ dead, or silent for long: onDead, and nothing can be promised
 */
import { Worker } from 'node:worker_threads';
import type { AnnounceSettings } from '../../announce/types.ts';
import type { CoreOptions, EipPolicy, SelfFacts } from '../../core/events.ts';
import type { Eip, NodeLease, ViewChange } from '../../core/model.ts';
import type { StoreAnswer, StoreRequest } from '../../core/requests.ts';
import { KernelError } from '../kernel.ts';
import { Channel, channelEnds } from './channel.ts';
import { MapFollower, piecesOfView, samePolicy, sameSettings } from './bulk.ts';
import { notStarted } from './look.ts';
import { keepHeapsStill } from './still-heap.ts';
import type { WireData } from './thread.ts';
import type {
  Bulk, FromWire, MapChange, News, Standing, ToWire, WireReadings, WireSetup,
} from './messages.ts';

/**
 * Collections of a small young generation are short, which counts here: V8 halts the thread for
 * them. The old generation is bounded by what 50,000 addresses need, with room to spare.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 768 };

/** Beside the program as it is built. Loaders of TypeScript do not reach into threads. */
const builtEntry = new URL('thread.js', import.meta.url);

const pingEveryMs = 250;
/** Pings in a row without an answer: counted, not timed, as this thread may have been held up. */
const slowAfterPings = 4;
const deadAfterPings = 40;
const closeWithinMs = 10_000;
const readWithinMs = 250;

export interface WireHandlers {
  readonly onRequest: (id: number, request: StoreRequest) => void;
  readonly onNews: (news: readonly News[]) => void;
  readonly onStopped: () => void;
  readonly onNameTaken: (by: NodeLease) => void;
  /** It does not answer: for about a second, and it is not dead yet; then that it answers again. */
  readonly onSlow: (slow: boolean) => void;
  /** It is gone, or nothing can be promised any more. */
  readonly onDead: (error: Error) => void;
}

type Opened = Extract<FromWire, { kind: 'opened' }>;

export class WireHost {
  /** As last told: a moment old. */
  standing: Standing = notStarted;
  readonly #worker: Worker;
  readonly #direct: Channel<ToWire, FromWire>;
  readonly #bulk: Channel<Bulk, never>;
  readonly #policies = new MapFollower<EipPolicy>(samePolicy);
  readonly #settings = new MapFollower<AnnounceSettings>(sameSettings);
  readonly #reads = new Map<number, (readings: WireReadings | null) => void>();
  #opening: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #opened: Opened | null = null;
  #handlers: WireHandlers | null = null;
  #pinging: NodeJS.Timeout | undefined;
  #pings = 0;
  #answered = 0;
  #slow = false;
  #n = 0;
  #ending = false;
  #onClosed: (() => void) | null = null;

  private constructor(
    worker: Worker, { direct, bulk }: { readonly direct: number; readonly bulk: number },
  ) {
    this.#worker = worker;
    this.#direct = new Channel(direct);
    this.#bulk = new Channel(bulk);
    this.#direct.onMessage((message) => { this.#receive(message); });
    worker.on('error', (error) => { this.#dead(error); });
    worker.on('exit', (code) => {
      this.#dead(new Error(`the wire thread ended (${String(code)})`));
    });
  }

  /** Resolves when the thread has opened the kernel; rejects with KernelError. */
  static async open(setup: WireSetup, entry: string | URL = builtEntry): Promise<WireHost> {
    const [direct, farDirect] = channelEnds();
    const [bulk, farBulk] = channelEnds();
    const workerData: WireData = { setup, direct: farDirect, bulk: farBulk };
    const release = keepHeapsStill(setup.supportMs);
    const worker = new Worker(entry, { workerData, resourceLimits, name: 'tenure-wire' });
    const host = new WireHost(worker, { direct, bulk });
    try {
      await new Promise<void>((resolve, reject) => { host.#opening = { resolve, reject }; });
      return host;
    } catch (error) {
      await host.kill();
      throw error;
    } finally {
      release();
    }
  }

  /** What the thread said when it had opened the kernel. */
  get opened(): Opened {
    if (this.#opened === null) throw new Error('the wire thread is not open yet');
    return this.#opened;
  }

  /** The core begins; from here on the two threads watch each other. */
  start(core: CoreOptions, facts: SelfFacts, handlers: WireHandlers): void {
    this.#handlers = handlers;
    this.#post({ kind: 'start', core, facts });
    this.#pinging = setInterval(() => { this.#ping(); }, pingEveryMs);
  }

  view(change: ViewChange): void {
    this.#feed(piecesOfView(change));
  }

  policies(policies: ReadonlyMap<Eip, EipPolicy>): void {
    this.#feed(tagged('policies', this.#policies.pieces(policies)));
  }

  configure(settings: ReadonlyMap<Eip, AnnounceSettings>): void {
    this.#feed(tagged('settings', this.#settings.pieces(settings)));
  }

  self(facts: SelfFacts): void {
    this.#post({ kind: 'self', facts });
  }

  answer(id: number, answer: StoreAnswer | null): void {
    this.#post({ kind: 'answer', id, answer });
  }

  /** Hand over all there is: `onStopped` follows. */
  stop(): void {
    this.#post({ kind: 'stop' });
  }

  listen(addresses: readonly string[], judged: readonly string[]): void {
    this.#post({ kind: 'listen', addresses, judged });
  }

  keys(keys: readonly string[]): void {
    this.#post({ kind: 'keys', keys });
  }

  realtime(priority: number): void {
    this.#post({ kind: 'realtime', priority });
  }

  /** Null if it has none yet, or takes too long. */
  read(): Promise<WireReadings | null> {
    const n = ++this.#n;
    return new Promise((resolve) => {
      const done = (readings: WireReadings | null): void => {
        clearTimeout(timer);
        this.#reads.delete(n);
        resolve(readings);
      };
      const timer = setTimeout(() => { done(null); }, readWithinMs);
      this.#reads.set(n, done);
      this.#post({ kind: 'read', n });
    });
  }

  /** Withdraws all and removes the fence, then ends the thread: in good order if it can. */
  async close(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    clearInterval(this.#pinging);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, closeWithinMs);
      this.#onClosed = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#worker.once('exit', this.#onClosed);
      this.#post({ kind: 'close' });
    });
    await this.#end();
  }

  /** Ends the thread as it is: the kernel fence holds what it held. */
  async kill(): Promise<void> {
    this.#ending = true;
    clearInterval(this.#pinging);
    await this.#end();
  }

  async #end(): Promise<void> {
    for (const done of [...this.#reads.values()]) done(null);
    this.#direct.close();
    this.#bulk.close();
    await this.#worker.terminate();
  }

  #post(message: ToWire): void {
    this.#direct.post(message);
  }

  #feed(pieces: Iterable<Bulk>): void {
    let count = 0;
    for (const piece of pieces) {
      this.#bulk.post(piece);
      count += 1;
    }
    if (count > 0) this.#post({ kind: 'bulk', pieces: count });
  }

  #ping(): void {
    const unanswered = this.#pings - this.#answered;
    this.#setSlow(unanswered >= slowAfterPings);
    if (unanswered >= deadAfterPings) {
      return this.#dead(new Error(`the wire thread has not answered for ${String(unanswered)} pings`));
    }
    this.#pings += 1;
    this.#post({ kind: 'ping', n: this.#pings });
  }

  #setSlow(slow: boolean): void {
    if (slow === this.#slow) return;
    this.#slow = slow;
    this.#handlers?.onSlow(slow);
  }

  #dead(error: Error): void {
    if (this.#ending) return;
    clearInterval(this.#pinging);
    this.#opening?.reject(error);
    this.#handlers?.onDead(error);
  }

  #receive(message: FromWire): void {
    const handlers = this.#handlers;
    switch (message.kind) {
      case 'opened':
        this.#opened = message;
        return this.#opening?.resolve();
      case 'refused':
        return this.#opening?.reject(new KernelError(message.message));
      case 'request':
        return handlers?.onRequest(message.id, message.request);
      case 'news':
        this.standing = message.standing;
        return handlers?.onNews(message.news);
      case 'pong':
        this.#answered = message.n;
        return this.#setSlow(false);
      case 'readings':
        return this.#reads.get(message.n)?.(message.readings);
      case 'stopped':
        return handlers?.onStopped();
      case 'name-taken':
        return handlers?.onNameTaken(message.by);
      case 'fatal': {
        const error = new Error(message.message);
        if (message.stack !== undefined) error.stack = message.stack;
        return handlers?.onDead(error);
      }
      case 'closed':
        return this.#onClosed?.();
    }
  }
}

function* tagged<K extends 'policies' | 'settings', V>(
  kind: K, pieces: Iterable<MapChange<V>>,
): Generator<{ readonly kind: K } & MapChange<V>> {
  for (const piece of pieces) yield { kind, ...piece };
}
