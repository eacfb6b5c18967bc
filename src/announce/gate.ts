/** R2 as this process keeps it: asked as the last thing before anything leaves. */
export class Gate {
  #until = 0;
  readonly #now: () => number;

  constructor(ports: { now(): number }) {
    this.#now = () => ports.now();
  }

  get until(): number {
    return this.#until;
  }

  set(until: number): void {
    this.#until = until;
  }

  isOpen(): boolean {
    return this.#now() < this.#until;
  }
}
