/**
 * Where the agents of other nodes are: as their records last said, also after their lease is gone,
 * since that is when they are looked for.
 */
import type { NodeLease, ViewChange } from '../core/model.ts';
import { parseEndpoint } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';

export interface Peer {
  readonly node: string;
  /** Latest that is known; 0: none. */
  readonly boot: number;
  readonly endpoints: readonly Endpoint[];
}

/** Of one node; its networks are a handful. */
const mostEndpoints = 8;

export class Peers {
  readonly #own: string;
  readonly #most: number;
  readonly #peers = new Map<string, Peer>();
  readonly #live = new Set<string>();

  /** `most`: nodes remembered in all; live ones go before those whose lease is gone. */
  constructor(own: string, most = 4096) {
    this.#own = own;
    this.#most = most;
  }

  /** Takes in what the store says. Whether anything is different. */
  learn(change: Pick<ViewChange, 'reset' | 'nodes'>): boolean {
    let changed = false;
    if (change.reset) this.#live.clear();
    for (const { node, lease } of change.nodes) {
      if (node === this.#own) continue;
      if (lease === null) this.#live.delete(node);
      else changed = this.#note(node, lease) || changed;
    }
    this.#forgetSome();
    return changed;
  }

  get(node: string): Peer | null {
    return this.#peers.get(node) ?? null;
  }

  /** All that can be reached. */
  list(): readonly Peer[] {
    return [...this.#peers.values()].filter(({ endpoints }) => endpoints.length > 0);
  }

  #note(node: string, { record }: NodeLease): boolean {
    this.#live.add(node);
    const known = this.#peers.get(node);
    const texts = record.heartbeat.slice(0, mostEndpoints);
    const same = known?.boot === record.boot
      && known.endpoints.map(({ text }) => text).join() === texts.join();
    if (same) return false;
    const endpoints = texts.flatMap((text) => parseEndpoint(text) ?? []);
    // At the end, as the one that is newest.
    this.#peers.delete(node);
    this.#peers.set(node, { node, boot: record.boot, endpoints });
    return true;
  }

  #forgetSome(): void {
    if (this.#peers.size <= this.#most) return;
    const gone = [...this.#peers.keys()].filter((node) => !this.#live.has(node));
    const excess = this.#peers.size - this.#most;
    for (const node of [...gone, ...this.#peers.keys()].slice(0, excess)) this.#peers.delete(node);
  }
}
