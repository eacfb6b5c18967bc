/**
 * What has arrived is heard before anyone is judged. A process that was held up finds its timers
 * due and its sockets full; libuv runs timers first, so that without this a voter that was late
 * itself would take everyone else for silent.
 *
 * After a timer comes a poll of the sockets, and then what `setImmediate` was given (libuv's order
 * of a turn of its loop). One poll reads so many datagrams of a socket and no more (libuv: 32), so
 * it is repeated until one brings nothing.
 */

/**
 * Enough for all that a socket's buffer can hold (src/liveness/sockets.ts); more than that is a
 * flood, and what belongs to it came after the timer.
 */
const mostRounds = 64;

/** Calls `then` once what had arrived was read. `arrived`: datagrams read so far, of any kind. */
export function afterArrivals(arrived: () => number, then: () => void): { cancel(): void } {
  let before = arrived();
  let rounds = 0;
  const look = (): void => {
    const now = arrived();
    rounds += 1;
    if (now === before || rounds >= mostRounds) {
      then();
      return;
    }
    before = now;
    pending = setImmediate(look);
  };
  let pending = setImmediate(look);
  return { cancel: () => { clearImmediate(pending); } };
}
