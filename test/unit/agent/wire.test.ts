import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EipLease } from '../../../src/core/model.ts';
import { freePort, until } from '../liveness/kit.ts';
import { block, join, Listener, longestGap, secret, startWire } from './wire-kit.ts';

const wall = (): number => performance.timeOrigin + performance.now();
const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

/** A thread that sends a heartbeat to `b` every 20 ms, which the listener counts. */
async function beating() {
  const listener = await Listener.start();
  const own = `127.0.0.1:${String(await freePort('127.0.0.1'))}`;
  const test = await startWire({ supportMs: 200, heartbeatMs: 20 }, { heartbeat: [own] });
  test.wire.keys([secret]);
  test.wire.listen([own], [own]);
  for (const node of ['b', 'c']) {
    join(test, node, { heartbeat: [`127.0.0.1:${String(listener.port)}`] });
  }
  await until(() => test.wire.standing.phase === 'open' && test.wire.standing.listed);
  let heard = 0;
  for (let i = 0; i < 200 && heard < 5; i++) {
    await pause(25);
    heard += (await listener.heard()).length;
  }
  assert.ok(heard >= 5, 'no heartbeat was sent');
  return {
    ...test, listener,
    async [Symbol.asyncDispose]() {
      await test.wire.close();
      await listener.close();
    },
  };
}

describe('the wire thread', () => {
  it('sends its heartbeats on time while the main thread is held up for a second', async () => {
    await using test = await beating();
    await test.listener.heard();
    const from = wall();
    block(1000);
    const times = await test.listener.heard();
    const gap = longestGap(times, from, from + 1000);
    assert.ok(gap < 300, `${String(times.length)} heartbeats, the longest gap ${String(gap)} ms`);
  });

  it('falls silent when the main thread hangs, and says so when it is back', async () => {
    await using test = await beating();
    await test.listener.heard();
    const from = wall();
    block(3500);
    const times = await test.listener.heard();
    const late = times.filter((time) => time > from + 2800 && time < from + 3500);
    assert.equal(late.length, 0, 'heartbeats went on');
    await until(() => test.news.some(({ kind }) => kind === 'muted'));
    await pause(200);
    assert.ok((await test.listener.heard()).length > 0, 'heartbeats did not resume');
  });

  it('takes ten thousand leases in without holding heartbeats up for long', async () => {
    await using test = await beating();
    const leases = Array.from({ length: 10_000 }, (_, i): EipLease => {
      const eip = `10.${String(i >> 16)}.${String((i >> 8) & 255)}.${String(i & 255)}`;
      const move = { term: 1, holder: 'b', reason: 'claimed' as const, at: 1 };
      return {
        eip, holder: { node: 'b', incarnation: 2 }, term: 1, since: 1, reason: 'claimed',
        heirs: [], former: [], moves: Array.from({ length: 8 }, () => move), revision: 100,
      };
    });
    const change = test.store.changesSince(0);
    await test.listener.heard();
    const from = wall();
    test.wire.view({
      ...change, revision: 100, reset: true,
      leases: leases.map((lease) => ({ eip: lease.eip, lease })),
    });
    await pause(1500);
    const gap = longestGap(await test.listener.heard(), from, wall() - 50);
    assert.ok(gap < 400, `the longest gap was ${String(gap)} ms`);
  });

  it('is missed at once when it dies', async () => {
    const test = await startWire();
    await until(() => test.wire.standing.phase === 'open');
    // No keys at all: a bug of ours, which the thread does not survive.
    test.wire.keys(null as unknown as string[]);
    await until(() => test.dead.length > 0);
    await test.wire.kill();
    assert.equal(test.dead[0]?.name, 'TypeError');
  });
});
