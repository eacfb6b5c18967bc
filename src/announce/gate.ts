/** R2 as this process keeps it: asked as the last thing before anything leaves. */
export class Gate {
  #until = 0;
  /** Until when an earlier end let it be open, or it was shut ahead of that. */
  #lastOpen = -Infinity;
  readonly #now: () => number;

  constructor(ports: { now(): number }) {
    this.#now = () => ports.now();
  }

  get until(): number {
    return this.#until;
  }

  set(until: number): void {
    this.#lastOpen = this.#openUntil();
    this.#until = until;
  }

  /** For so long nothing could leave, ms; 0 while it is open. */
  shutForMs(): number {
    return Math.max(0, this.#now() - this.#openUntil());
  }

  /** At the latest until now. */
  #openUntil(): number {
    return Math.max(this.#lastOpen, Math.min(this.#until, this.#now()));
  }

  isOpen(): boolean {
    return this.#now() < this.#until;
  }
}
