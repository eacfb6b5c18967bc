/**
 * The kernel's part of one simulated machine: which EIPs may be claimed, and until when by that
 * machine's clock. Outlives the agent's process.
 */
import type { Host } from './host.ts';

/** By EIP: the machines whose fence has it, their gates open or not. */
export type Holders = Map<string, Set<Host>>;

export class SimFence {
  readonly #host: Host;
  readonly #holders: Holders;
  readonly #held = new Map<string, number>();
  until = 0;

  constructor(host: Host, holders: Holders) {
    this.#host = host;
    this.#holders = holders;
  }

  /** EIP to term. */
  get held(): ReadonlyMap<string, number> {
    return this.#held;
  }

  hold(eip: string, term: number): void {
    this.#held.set(eip, term);
    const holders = this.#holders.get(eip) ?? new Set();
    this.#holders.set(eip, holders.add(this.#host));
  }

  release(eip: string): void {
    if (this.#held.delete(eip)) this.#holders.get(eip)?.delete(this.#host);
  }

  /** The machine lost its power, or another agent makes the fence anew. */
  clear(): void {
    for (const eip of this.#held.keys()) this.#holders.get(eip)?.delete(this.#host);
    this.#held.clear();
    this.until = 0;
  }
}
