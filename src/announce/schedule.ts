/**
 * Many deadlines on one timer. Each lane holds items of one kind, an item once: setting it again
 * moves it. Bounded by the number of items, however often they move.
 */

/** The two of `AnnouncerPorts` that tell the time. */
export interface Clock {
  now(): number;
  setTimer(delayMs: number, run: () => void): { clear(): void };
}

/** What is due within this is due now: one turn for a burst, and timers that fire early. */
const slackMs = 1;
/** Items of a lane handled in one turn; the rest follows in the next, at once. */
const itemsPerTurn = 2048;

/** A binary heap whose items know their place. */
export class Lane<Item> {
  readonly #heap: { readonly item: Item; at: number }[] = [];
  readonly #places = new Map<Item, number>();

  get size(): number {
    return this.#heap.length;
  }

  /** When the first is due; Infinity if there is none. */
  next(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  has(item: Item): boolean {
    return this.#places.has(item);
  }

  set(item: Item, at: number): void {
    const place = this.#places.get(item);
    const node = place === undefined ? undefined : this.#heap[place];
    if (place === undefined || node === undefined) {
      this.#heap.push({ item, at });
      this.#places.set(item, this.#heap.length - 1);
      this.#rise(this.#heap.length - 1);
      return;
    }
    node.at = at;
    this.#rise(place);
    this.#sink(this.#places.get(item) ?? 0);
  }

  delete(item: Item): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const last = this.#heap.pop();
    if (last === undefined || place === this.#heap.length) return;
    this.#put(place, last);
    this.#rise(place);
    this.#sink(this.#places.get(last.item) ?? 0);
  }

  clear(): void {
    this.#heap.length = 0;
    this.#places.clear();
  }

  /** Takes out what is due at `now`, the earliest first, at most `most`. */
  takeDue(now: number, most: number): Item[] {
    const due: Item[] = [];
    for (let head = this.#heap[0]; head !== undefined && head.at <= now; head = this.#heap[0]) {
      if (due.length === most) break;
      due.push(head.item);
      this.delete(head.item);
    }
    return due;
  }

  #put(place: number, node: { readonly item: Item; at: number }): void {
    this.#heap[place] = node;
    this.#places.set(node.item, place);
  }

  #rise(start: number): void {
    const node = this.#heap[start];
    if (node === undefined) return;
    let place = start;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || parent.at <= node.at) break;
      this.#put(place, parent);
      place = above;
    }
    this.#put(place, node);
  }

  #sink(start: number): void {
    const node = this.#heap[start];
    if (node === undefined) return;
    let place = start;
    for (;;) {
      const left = place * 2 + 1;
      const [a, b] = [this.#heap[left], this.#heap[left + 1]];
      const least = b !== undefined && a !== undefined && b.at < a.at ? b : a;
      if (least === undefined || least.at >= node.at) break;
      const below = least === a ? left : left + 1;
      this.#put(place, least);
      place = below;
    }
    this.#put(place, node);
  }
}

interface Work {
  next(): number;
  clear(): void;
  run(now: number): void;
}

export class Schedule {
  readonly #clock: Clock;
  readonly #work: Work[] = [];
  #timer: { clear(): void } | null = null;
  #armedFor = Infinity;
  #onTurn: (turn: () => void) => void;

  /** `onTurn` is given each turn to run, to wrap it. */
  constructor(clock: Clock, onTurn: (turn: () => void) => void) {
    this.#clock = clock;
    this.#onTurn = onTurn;
  }

  /** A lane whose due items `run` is given, at most `most` in a turn. */
  lane<Item>(run: (items: readonly Item[]) => void, most = itemsPerTurn): Lane<Item> {
    const lane = new Lane<Item>();
    this.#work.push({
      next: () => lane.next(),
      clear: () => {
        lane.clear();
      },
      run: (now) => {
        const due = lane.takeDue(now + slackMs, most);
        if (due.length > 0) run(due);
      },
    });
    return lane;
  }

  /** To be called when lanes may have changed: sets the timer for the first deadline of all. */
  rearm(): void {
    const next = Math.min(...this.#work.map((work) => work.next()));
    if (next === this.#armedFor) return;
    this.#timer?.clear();
    this.#timer = null;
    this.#armedFor = next;
    if (next === Infinity) return;
    this.#timer = this.#clock.setTimer(Math.max(0, next - this.#clock.now()), () => {
      this.#timer = null;
      this.#armedFor = Infinity;
      this.#onTurn(() => {
        const now = this.#clock.now();
        for (const work of this.#work) work.run(now);
      });
    });
  }

  /** Forgets all deadlines. */
  clear(): void {
    for (const work of this.#work) work.clear();
    this.rearm();
  }
}
