/** Sends at steady rates, and notices when this process was kept from it. */
import { monotonicMs, realtimeMs } from '../net/clock.ts';

export interface PacerOptions {
  /** It did nothing from `from` to `to` (wall-clock ms) though something was due. */
  readonly onStall: (from: number, to: number) => void;
  /** Called every `tickMs`, once everything that had arrived by then was taken. */
  readonly onTick: () => void;
}

interface Task {
  readonly intervalMs: number;
  readonly send: () => void;
  due: number;
}

const tickMs = 50;
/** How long the process sleeps at most before it looks for what has arrived. */
const longestSliceMs = 1;
const stallMs = 3;

/**
 * One turn of the loop: a sleep of half an interval, then the event loop takes what has arrived.
 * Timers would do with one turn a packet, but they come 1 to 2 ms late.
 */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #tasks: Task[] = [];
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** `rate`: calls of `send` a second. */
  add(rate: number, send: () => void): void {
    this.#tasks.push({ intervalMs: 1000 / rate, send, due: 0 });
  }

  /** Resolves when the signal comes. */
  async run(signal: AbortSignal): Promise<void> {
    const shortest = Math.min(...this.#tasks.map(({ intervalMs }) => intervalMs));
    const sliceMs = Math.min(shortest / 2, longestSliceMs);
    const begun = monotonicMs();
    for (const task of this.#tasks) task.due = begun;
    let turnedAt = begun;
    let tickAt = begun + tickMs;
    while (!signal.aborted) {
      const next = Math.min(...this.#tasks.map(({ due }) => due));
      Atomics.wait(this.#cell, 0, 0, Math.max(0.05, Math.min(sliceMs, next - monotonicMs())));
      const now = monotonicMs();
      if (now - turnedAt > stallMs + sliceMs) {
        const wall = realtimeMs();
        this.#options.onStall(wall - (now - turnedAt), wall);
      }
      turnedAt = now;
      for (const task of this.#tasks) {
        if (now < task.due) continue;
        task.send();
        // Packets that a stall prevented are not made up for: a burst would look like an outage.
        task.due = Math.max(task.due + task.intervalMs, now);
      }
      await new Promise((resolve) => { setImmediate(resolve); });
      if (now < tickAt) continue;
      tickAt = now + tickMs;
      this.#options.onTick();
    }
  }
}
