/**
 * Does what a ledger says is due: ends node leases that expired, puts right what was deleted or
 * changed by hand, and removes what is of no more use. Each is one write, by compare-and-swap on
 * what was seen, so that several agents may do it at once, and one of them does.
 */
import type { TenureId } from '../../core/model.ts';
import { StoreError } from '../lease-store.ts';
import { writeEip } from './eip-object.ts';
import { readObject, writeObject, writePatch } from './lease-object.ts';
import type { LeaseBody } from './lease-object.ts';
import type { Action, Ledger } from './ledger.ts';
import { eipObjectName, nodeObjectName } from './names.ts';
import { writeEndedNode } from './node-object.ts';
import type { Timing } from './options.ts';
import type { Resource } from './resource.ts';

export interface CaretakerModules {
  readonly ledger: Ledger;
  readonly leases: Resource;
  readonly namespace: string;
  /** Writes our own node lease again, if its tenure is still in force. */
  readonly restoreSelf: (id: TenureId, signal: AbortSignal) => Promise<void>;
}

export interface CaretakerOptions {
  readonly timing: Timing;
  readonly now: () => number;
}

/** So many writes at once. */
const mostAtOnce = 16;
/** A server that takes longer to show a lease is no witness that it was not renewed. */
const promptMs = 1000;
const repeatMs = 500;
const settleMs = 2000;
const longestTimerMs = 60_000;

export class Caretaker {
  readonly #modules: CaretakerModules;
  readonly #options: CaretakerOptions;
  readonly #inFlight = new Set<string>();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  /** A look at a lease that seemed to expire failed, or took long. */
  #blind = false;
  /** How often counting began anew; looks that were begun before that prove nothing. */
  #restarts = 0;
  /** Whether the ledger is being kept up to date: else nothing is judged by it. */
  active = false;

  constructor(options: CaretakerOptions, modules: CaretakerModules) {
    this.#options = options;
    this.#modules = modules;
  }

  close(): void {
    this.#stop.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Does what is due, and comes back when the next thing is. */
  act(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#stop.signal.aborted || !this.active) return;
    const now = this.#options.now();
    const { actions, nextAt } = this.#modules.ledger.due(now);
    for (const action of actions) {
      if (this.#inFlight.size < mostAtOnce && !this.#inFlight.has(keyOf(action))) {
        void this.#carryOut(action);
      }
    }
    const delay = Math.min(longestTimerMs, Math.max(1, nextAt - now));
    this.#timer = setTimeout(() => this.act(), delay);
  }

  async #carryOut(action: Action): Promise<void> {
    const key = keyOf(action);
    this.#inFlight.add(key);
    const signal = AbortSignal.any([
      this.#stop.signal, AbortSignal.timeout(this.#options.timing.answerMs),
    ]);
    let again = settleMs;
    try {
      await this.#perform(action, signal);
    } catch (error) {
      // What it was about is still as it was, and so is still due.
      if (!(error instanceof StoreError)) throw error;
      again = repeatMs;
    } finally {
      this.#modules.ledger.postpone(action, this.#options.now() + again);
      this.#inFlight.delete(key);
      this.act();
    }
  }

  async #perform(action: Action, signal: AbortSignal): Promise<void> {
    const { leases } = this.#modules;
    switch (action.kind) {
      case 'end-node':
        return this.#end(action, signal);
      case 'restore-self':
        return this.#modules.restoreSelf(action.id, signal);
      case 'restore-eip':
        return this.#write(writeEip(action.lease), action.revision, signal);
      case 'collect-node': {
        await leases.delete(nodeObjectName('node', action.node), action.revision, signal);
        return;
      }
      case 'forget-move': {
        await leases.delete(eipObjectName('move', action.eip), action.revision, signal);
      }
    }
  }

  async #end(action: Action & { kind: 'end-node' }, signal: AbortSignal): Promise<void> {
    const { id, revision } = action;
    if (action.confirm && !await this.#confirmExpiry(action, signal)) return;
    const by = this.#modules.ledger.nodes.self?.node;
    const why = `expired${by === undefined ? '' : `, as ${by} found`}`;
    await this.#write(writeEndedNode(id, why, Date.now()), revision, signal);
  }

  /**
   * Whether the lease is still what it was when it was last seen to change, by an answer that came
   * promptly. Where it did not, the server was in no state to take renewals either.
   */
  async #confirmExpiry(
    { id, revision }: Action & { kind: 'end-node' }, signal: AbortSignal,
  ): Promise<boolean> {
    const { leases } = this.#modules;
    const restarts = this.#restarts;
    let json: unknown;
    try {
      const prompt = AbortSignal.any([signal, AbortSignal.timeout(promptMs)]);
      json = await leases.get(nodeObjectName('node', id.node), prompt);
    } catch (error) {
      this.#blind = true;
      throw error;
    }
    const now = this.#options.now();
    if (this.#blind) {
      this.#blind = false;
      this.#restarts += 1;
      this.#modules.ledger.nodes.restart(now);
    }
    if (this.#restarts !== restarts) return false;
    if ((json === null ? null : readObject(json).revision) === revision) return true;
    this.#modules.ledger.nodes.touch(id.node, now);
    return false;
  }

  async #write(body: LeaseBody, revision: number | null, signal: AbortSignal): Promise<void> {
    const { leases, namespace } = this.#modules;
    const { name } = body;
    // Whoever was there first, it is the watch that tells what became of it.
    if (revision === null) await leases.create(name, writeObject(body, namespace), signal);
    else await leases.patch(name, writePatch(body, revision), signal);
  }
}

function keyOf(action: Action): string {
  switch (action.kind) {
    case 'end-node':
    case 'restore-self':
      return `node ${action.id.node}`;
    case 'collect-node':
      return `node ${action.node}`;
    case 'restore-eip':
      return `eip ${action.eip}`;
    case 'forget-move':
      return `move ${action.eip}`;
  }
}
