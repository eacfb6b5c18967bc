/**
 * A bound on how much is done at once. What has been asked for and not begun is dropped when nobody
 * waits for it any more; what was begun is carried through.
 */
import { StoreError } from '../lease-store.ts';

interface Waiting {
  readonly begin: () => void;
  readonly drop: () => void;
}

export class Lanes {
  #free: number;
  readonly #waiting = new Set<Waiting>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` once a lane is free; rejects with StoreError('timeout') if aborted before. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw tooLate();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        begin: () => {
          signal.removeEventListener('abort', waiting.drop);
          resolve();
        },
        drop: () => {
          this.#waiting.delete(waiting);
          reject(tooLate());
        },
      };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', waiting.drop, { once: true });
    });
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next.begin();
  }
}

function tooLate(): StoreError {
  return new StoreError('timeout', 'the API server was too busy with what was asked before');
}

/** The outcome of `work`, or StoreError('timeout') if aborted before; `work` goes on either way. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new StoreError('timeout', 'the API server gave no answer in time'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    // Whatever becomes of the loser, it has been told of.
    aborted.catch(() => undefined);
    work.catch(() => undefined);
  }
}
