/** A node that holds addresses and obeys drains and moves, without kernel and core. */
import assert from 'node:assert/strict';
import { FollowedView } from '../../../src/cli/view.ts';
import type {
  EipLeaseValue, MovePath, MoveReason, NodeRecord, TenureId,
} from '../../../src/core/model.ts';
import type { LeaseStore } from '../../../src/store/lease-store.ts';

const deadline = () => AbortSignal.timeout(5000);

export class Puppet {
  readonly id: TenureId;
  readonly #store: LeaseStore;
  readonly #stop = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  readonly #view = new FollowedView();
  #queue: Promise<void> = Promise.resolve();

  private constructor(id: TenureId, store: LeaseStore) {
    this.id = id;
    this.#store = store;
  }

  static async start(store: LeaseStore, node: string, facts: Partial<NodeRecord> = {}) {
    const record: NodeRecord = {
      boot: 0, place: node, host: `${node}.example`, version: '0.1.0', startedAt: Date.now(),
      weight: 100, labels: {}, draining: false, unable: {}, findings: [], storeLatencyMs: 1.25,
      heartbeat: [], witness: false, epoch: 0, voters: [],
      ...facts,
    };
    const answer = await store.perform(
      { kind: 'open', node, replaces: 0, ttlMs: 60_000, record }, deadline());
    assert.equal(answer.kind, 'opened');
    assert.ok('lease' in answer);
    return new Puppet(answer.lease.id, store);
  }

  /** Takes an address, whoever has it, for a wall-clock instant. */
  async take(
    eip: string, reason: MoveReason = 'claimed', at = Date.now(), path?: MovePath,
  ): Promise<void> {
    await this.#give(eip, this.id, reason, at, path);
  }

  /** Hands over what it holds when drained, or asked to; `refuse`: settles requests without. */
  obey(refuse = false): void {
    this.#watching = this.#store.watch((change) => {
      this.#view.apply(change);
      this.#queue = this.#queue.then(() => this.#act(refuse));
    }, () => undefined, this.#stop.signal);
  }

  /** Ends its tenure; the leases of what it held still name it. */
  async die(): Promise<void> {
    await this.#store.perform({ kind: 'close', tenure: this.id }, deadline());
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    await this.#queue;
  }

  async #act(refuse: boolean): Promise<void> {
    for (const { eip, holder } of this.#view.leases.values()) {
      if (holder?.node !== this.id.node) continue;
      const asked = this.#view.moves.get(eip)?.to;
      const wish = asked === this.id.node ? undefined : asked;
      const drain = this.#view.drains.has(this.id.node);
      if (wish === undefined && !drain) continue;
      const others = [...this.#view.nodes.values()].map(({ id }) => id)
        .filter(({ node }) => wish === undefined ? node !== this.id.node : node === wish);
      const [to] = others;
      if (to !== undefined && !refuse) await this.#give(eip, to, drain ? 'drain' : 'move', Date.now());
      if (wish !== undefined) await this.#store.perform({ kind: 'settle-moves', eips: [eip] }, deadline());
    }
  }

  async #give(
    eip: string, to: TenureId, reason: MoveReason, at: number, path?: MovePath,
  ): Promise<void> {
    const before = (await this.#store.read(deadline())).leases.get(eip);
    const term = (before?.term ?? 0) + 1;
    const next: EipLeaseValue = {
      eip, holder: to, term, since: at, reason, heirs: [], former: [],
      moves: [
        { term, holder: to.node, reason, at, ...path === undefined ? {} : { path } },
        ...before?.moves ?? [],
      ],
    };
    await this.#store.perform({
      kind: 'swap', tenure: this.id,
      swaps: [{ eip, revision: before?.revision ?? 0, next, ended: [], live: [] }],
    }, deadline());
  }
}
