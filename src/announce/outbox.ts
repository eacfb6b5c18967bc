/**
 * What waits to leave on one link, in the order of its weight: addresses that wait to be admitted,
 * first claims, probes, later claims. An address is in it once at most. Frames leave at a rate, so
 * that thousands of addresses do not overrun the queue of the interface, or a switch; and while
 * first claims keep coming, later ones leave at a lower rate, for every frame takes all hosts of
 * the LAN some time that the first claims need.
 */
import type { Entry } from './entry.ts';
import type { Settled } from './options.ts';

export type Queue = 'admission' | 'first' | 'probe' | 'later';

export class Outbox {
  readonly #options: Settled;
  readonly #queues: Readonly<Record<Queue, Set<Entry>>> = {
    admission: new Set(), first: new Set(), probe: new Set(), later: new Set(),
  };
  #room: number;
  #laterRoom: number;
  #roomAt = -Infinity;
  #firstAt = -Infinity;

  constructor(options: Settled) {
    this.#options = options;
    this.#room = options.limits.framesAtOnce;
    this.#laterRoom = options.limits.laterFramesAtOnce;
  }

  get size(): number {
    const { admission, first, probe, later } = this.#queues;
    return admission.size + first.size + probe.size + later.size;
  }

  /** Addresses that wait for their first claim. */
  get firsts(): number {
    return this.#queues.admission.size + this.#queues.first.size;
  }

  put(entry: Entry, queue: Queue): void {
    this.drop(entry);
    this.#queues[queue].add(entry);
  }

  drop(entry: Entry): void {
    for (const queue of Object.values(this.#queues)) queue.delete(entry);
  }

  /** Frames that may leave at `now`. */
  room(now: number): number {
    const { framesPerMs, framesAtOnce, laterFramesPerMs, laterFramesAtOnce } = this.#options.limits;
    const passed = Math.max(0, now - this.#roomAt);
    this.#room = Math.min(framesAtOnce, this.#room + passed * framesPerMs);
    this.#laterRoom = Math.min(laterFramesAtOnce, this.#laterRoom + passed * laterFramesPerMs);
    this.#roomAt = now;
    return Math.floor(this.#room);
  }

  spend(frames: number): void {
    this.#room -= frames;
  }

  /** Those first in line for admission, at most `most`; they stay there. */
  nextAdmissions(most: number): Entry[] {
    const next: Entry[] = [];
    for (const entry of this.#queues.admission) {
      if (next.length === most) break;
      next.push(entry);
    }
    return next;
  }

  /** Takes those to admit now: as many as could claim in `room` frames, at most `most`. */
  takeAdmissions(room: number, most: number): Entry[] {
    return takeFrom(this.#queues.admission, room, most);
  }

  /** Takes what is to leave now, first things first. Later claims wait for all first ones. */
  take(
    room: number, now: number,
  ): { readonly claims: readonly Entry[]; readonly probes: readonly Entry[] } {
    const { admission, first, probe, later } = this.#queues;
    const claims = takeFrom(first, room, Infinity);
    if (claims.length > 0) this.#firstAt = now;
    let left = room - framesIn(claims);
    const probes = takeFrom(probe, left, Infinity);
    left -= probes.length;
    if (admission.size > 0 || first.size > 0) return { claims, probes };
    const isCalm = now - this.#firstAt >= this.#options.timing.calmMs;
    const others = takeFrom(later, isCalm ? left : Math.min(left, this.#laterRoom), Infinity);
    this.#laterRoom -= framesIn(others);
    return { claims: [...claims, ...others], probes };
  }
}

function framesIn(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entry.claim.length, 0);
}

/** Those at the front whose claims fit into `room` frames. */
function takeFrom(queue: Set<Entry>, room: number, most: number): Entry[] {
  const taken: Entry[] = [];
  let left = room;
  for (const entry of queue) {
    left -= entry.claim.length;
    if (left < 0 || taken.length === most) break;
    taken.push(entry);
    queue.delete(entry);
  }
  return taken;
}
