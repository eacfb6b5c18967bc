/**
 * Waiting that ends when a signal says so. AbortSignal.any and AbortSignal.timeout are not used
 * together: a signal made of both may be collected before its time has come (nodejs/node#57736),
 * and what `any` adds to a signal that lives as long as the process stays there.
 */

/** Resolves after `ms`, or at the abort. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** Runs with a signal that is aborted after `ms`, with any of `parents`, or when it is done. */
export async function within<T>(
  ms: number, parents: readonly AbortSignal[], run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = ms === Infinity ? undefined : setTimeout(abort, ms);
  for (const parent of parents) {
    if (parent.aborted) abort();
    parent.addEventListener('abort', abort);
  }
  try {
    return await run(controller.signal);
  } finally {
    clearTimeout(timer);
    for (const parent of parents) parent.removeEventListener('abort', abort);
    abort();
  }
}

/** As `promise`, or rejects with `error()` at the instant of the abort. */
export function orAborted<T>(
  promise: Promise<T>, signal: AbortSignal, error: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(error());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}
