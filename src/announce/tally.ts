/** Counters, and reports that wait for the end of a step. */
import type { Eip } from '../core/model.ts';
import type { SendError } from './ports.ts';
import type { AnnouncerCounters, AnnouncerEvent } from './types.ts';

/** Kinds of trouble whose last report is remembered; links come and go, so there is an end. */
const kindsRemembered = 256;

export class Tally {
  claimsSent = 0;
  questionsAnswered = 0;
  conflicts = 0;
  defences = 0;
  readonly #framesDropped = new Map<string, number>();
  readonly #sendErrors = new Map<string, number>();
  readonly #events: AnnouncerEvent[] = [];
  #delivered = 0;
  readonly #reported = new Map<string, number>();
  readonly #onEvent: (event: AnnouncerEvent) => void;
  readonly #now: () => number;
  readonly #troubleMs: number;

  constructor(
    options: { readonly onEvent: (event: AnnouncerEvent) => void; readonly troubleMs: number },
    ports: { now(): number },
  ) {
    this.#onEvent = options.onEvent;
    this.#troubleMs = options.troubleMs;
    this.#now = () => ports.now();
  }

  drop(reason: string, count = 1): void {
    this.#framesDropped.set(reason, (this.#framesDropped.get(reason) ?? 0) + count);
  }

  sendError(error: SendError): void {
    this.#sendErrors.set(error, (this.#sendErrors.get(error) ?? 0) + 1);
  }

  event(event: AnnouncerEvent): void {
    this.#events.push(event);
  }

  /** Trouble of one kind (`key`), reported once in a while. */
  trouble(key: string, eip: Eip | null, text: string): void {
    const now = this.#now();
    if (now < (this.#reported.get(key) ?? -Infinity) + this.#troubleMs) return;
    this.#reported.delete(key);
    if (this.#reported.size >= kindsRemembered) {
      const [oldest] = this.#reported.keys();
      if (oldest !== undefined) this.#reported.delete(oldest);
    }
    this.#reported.set(key, now);
    this.event({ kind: 'trouble', eip, text });
  }

  /** Hands out what was reported. A listener may call the announcer: its events come after. */
  deliver(): void {
    for (let event = this.#next(); event !== undefined; event = this.#next()) this.#onEvent(event);
  }

  /** A listener's calls come back here, so the place is kept outside of any loop. */
  #next(): AnnouncerEvent | undefined {
    const event = this.#events[this.#delivered];
    if (event === undefined) {
      this.#events.length = 0;
      this.#delivered = 0;
      return undefined;
    }
    this.#delivered += 1;
    return event;
  }

  counters(): AnnouncerCounters {
    return {
      claimsSent: this.claimsSent,
      questionsAnswered: this.questionsAnswered,
      framesDropped: Object.fromEntries(this.#framesDropped),
      sendErrors: Object.fromEntries(this.#sendErrors),
      conflicts: this.conflicts,
      defences: this.defences,
    };
  }
}

/** The message of whatever was thrown, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');
}
