import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { TenureId } from '../../src/core/model.ts';
import type { LeaseStore } from '../../src/store/lease-store.ts';
import { StoreError } from '../../src/store/lease-store.ts';
import { ok, open, soon, swap, swapOf } from './contract-kit.ts';
import { EtcdLab, leaderOf, scale } from './etcd-kit.ts';
import { startEtcd } from '../lab/etcd.ts';

const x = '192.0.2.1';
const three = { members: 3, heartbeatMs: 50, electionMs: 500 } as const;

/** Swaps one record again and again, knowing what was acknowledged and what may have been. */
class Writer {
  acknowledged = 0;
  unknown = 0;
  term = 0;
  longestGapMs = 0;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(client: LeaseStore, id: TenureId) {
    this.#done = this.#run(client, id);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(client: LeaseStore, id: TenureId): Promise<void> {
    let revision = 0;
    let lastAt = performance.now();
    while (!this.#stop.signal.aborted) {
      try {
        const [outcome] = await swapOnce(client, id, this.term + 1, revision);
        if (outcome?.kind === 'applied') {
          this.acknowledged += 1;
          ({ term: this.term, revision } = outcome.lease);
        } else if (outcome?.kind === 'conflict' && outcome.current !== null) {
          // Only by a swap of our own whose answer was lost.
          assert.equal(outcome.current.term, this.term + 1);
          ({ term: this.term, revision } = outcome.current);
        } else {
          assert.fail(JSON.stringify(outcome));
        }
        this.longestGapMs = Math.max(this.longestGapMs, performance.now() - lastAt);
        lastAt = performance.now();
      } catch (error) {
        ok(error instanceof StoreError);
        ok(error.code === 'unavailable' || error.code === 'timeout', error.message);
        this.unknown += 1;
      }
      await delay(10);
    }
  }
}

async function swapOnce(client: LeaseStore, id: TenureId, term: number, revision: number) {
  const answer = await client.perform({
    kind: 'swap', tenure: id, swaps: [swapOf(x, id, term, revision)],
  }, soon(400));
  return answer.kind === 'swapped' ? answer.outcomes : assert.fail(answer.kind);
}

async function withThree(
  test: (lab: EtcdLab, context: TestContext) => Promise<void>, context: TestContext,
): Promise<void> {
  const lab = new EtcdLab(await startEtcd(three));
  try {
    await test(lab, context);
  } finally {
    await lab.dispose();
  }
}

describe('an etcd of three members', () => {
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    it(`loses its leader by ${signal}: no write that was acknowledged is lost, watches go on`, (context) => (
      withThree(async (lab) => {
        const observers = [await lab.observe(), await lab.observe()];
        const client = lab.client();
        const { id } = await open(client, 'a', { ttlMs: 30_000 });
        const writer = new Writer(client, id);
        await observers[0]!.until(() => (observers[0]!.view.leases.get(x)?.term ?? 0) > 5);
        for (let round = 0; round < 2; round += 1) {
          const leader = await leaderOf(lab.cluster.members);
          if (signal === 'SIGKILL') await leader.stop('SIGKILL');
          else await leader.pause();
          const others = lab.cluster.members.filter((member) => member !== leader);
          await leaderOf(others);
          const { acknowledged } = writer;
          const until = performance.now() + scale.eventuallyMs;
          while (writer.acknowledged < acknowledged + 5) {
            ok(performance.now() < until, 'writes go on under the new leader');
            await delay(10);
          }
          if (signal === 'SIGKILL') await leader.start();
          else leader.resume();
          await delay(300);
        }
        await writer.stop();
        const { leases, nodes } = await lab.client().read(soon());
        const stored = leases.get(x)!;
        ok(stored.term >= writer.term && stored.term <= writer.term + writer.unknown);
        assert.deepEqual(nodes.get('a')?.id, id);
        for (const observer of observers) {
          await observer.until(() => observer.view.leases.get(x)?.term === stored.term);
          const told = observer.changes.flatMap((change) => change.leases);
          const terms = told.map(({ lease }) => lease!.term);
          assert.deepEqual(terms, Array.from({ length: stored.term }, (_, n) => n + 1), 'none left out');
        }
        context.diagnostic(`${writer.acknowledged} acknowledged, ${writer.unknown} unknown, `
          + `longest time without: ${Math.round(writer.longestGapMs)} ms`);
      }, context)
    ));
  }

  it('loses its majority: a watch on the member that is left says so, and mends', (context) => (
    withThree(async (lab) => {
      const [left, ...others] = lab.cluster.members;
      const observer = await lab.observe(lab.store({ endpoints: [left!.endpoint] }));
      await Promise.all(others.map((member) => member.pause()));
      const startedAt = performance.now();
      await observer.until(() => !observer.following, 'the watch to break');
      // By itself: not because it was asked, which takes seven seconds.
      ok(performance.now() - startedAt < 6_500);
      for (const member of others) member.resume();
      await observer.until(() => observer.following, 'the watch to mend');
      const { id } = await open(lab.client(), 'a');
      await observer.until(() => observer.view.nodes.get('a')?.id.incarnation === id.incarnation);
    }, context)
  ));

  it('has one member cut off from the others: its clients go to those', (context) => (
    withThree(async (lab) => {
      // Its client port answers, but it finds no majority.
      const leader = await leaderOf(lab.cluster.members);
      const [cut, ...rest] = lab.cluster.members.filter((member) => member !== leader);
      const client = lab.store({ endpoints: [cut!.endpoint, leader.endpoint, rest[0]!.endpoint] });
      const observer = await lab.observe(client);
      const { id } = await open(client, 'a', { ttlMs: 30_000 });
      await cut!.pause();
      const startedAt = performance.now();
      await assert.rejects(client.perform({ kind: 'renew', tenure: id, ttlMs: 30_000 }, soon(500)), {
        code: 'timeout',
      });
      const answer = await client.perform({ kind: 'renew', tenure: id, ttlMs: 30_000 }, soon(5_000));
      assert.equal(answer.kind, 'renewed');
      await swap(client, id, [swapOf(x, id, 1, 0)]);
      await observer.until(() => observer.view.leases.has(x));
      context.diagnostic(`moved over after ${Math.round(performance.now() - startedAt)} ms`);
    }, context)
  ));
});
