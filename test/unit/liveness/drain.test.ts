import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterArrivals } from '../../../src/liveness/drain.ts';
import { beat, TestNode } from './kit.ts';

/** Blocks the thread, as a host that stops does. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('a node that was late itself', () => {
  for (const count of [1, 150]) {
    it(`hears ${String(count)} heartbeats that have arrived before it judges`, async () => {
      using a = await TestNode.start('a', '127.0.0.1');
      using b = await TestNode.start('b', '127.0.0.1');
      a.meet(b, 2);
      const judged = await new Promise<number>((resolve) => {
        // Due while nothing turns; the heartbeats arrive before it is.
        setTimeout(() => {
          afterArrivals(() => b.transport.received, () => { resolve(b.heard.length); });
        }, 20);
        for (let i = 0; i < count; i++) a.transport.send('b', beat('a', 1));
        block(60);
      });
      assert.equal(judged, count);
    });
  }

  it('judges at last though a flood does not end', async () => {
    let arrived = 0;
    await new Promise<void>((resolve) => { afterArrivals(() => ++arrived, resolve); });
    assert.ok(arrived < 1000, String(arrived));
  });

  it('does not judge what was cancelled', async () => {
    let judged = false;
    afterArrivals(() => 0, () => { judged = true; }).cancel();
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    assert.equal(judged, false);
  });
});
