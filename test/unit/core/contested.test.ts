import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Withdrawal } from '../../../src/core/heartbeat.ts';
import { Kit } from './kit.ts';

const supportMs = 60;
const heartbeat = ['10.9.0.1:9477'];

function asked(kit: Kit): { readonly epoch: number; readonly of: readonly string[] } {
  const { phase } = kit.state;
  assert.equal(phase.kind, 'open');
  return { epoch: phase.judged.bid, of: phase.judged.intended.map(({ node }) => node) };
}

describe('an epoch that a node withdrew from before it was asked again', () => {
  it('is not the one that it is asked for: it would never support it', () => {
    const kit = new Kit({ supportMs, heartbeatMs: 20 }, { heartbeat });
    kit.pass(0);
    kit.settle();
    const b = kit.join('b', { heartbeat });
    const d = kit.join('d', { heartbeat });
    kit.settle();
    kit.pass(supportMs);
    assert.deepEqual(asked(kit), { epoch: 1, of: ['a', 'b', 'd'] });

    const withdrawal: Withdrawal = {
      voter: { node: 'c', boot: 3 }, of: { node: 'a', incarnation: 1 }, epoch: 1, floor: 0, relied: 0,
    };
    kit.send({
      kind: 'heard',
      heartbeat: {
        node: 'b', incarnation: b.incarnation, boot: b.incarnation, epoch: 0, supportMs, sentAt: 1,
        floor: 0, relied: 0, reached: 0, echo: null, withdrawals: [withdrawal],
      },
    });
    kit.pass(supportMs);
    assert.deepEqual(asked(kit), { epoch: 1, of: ['a', 'b', 'd'] }, 'nobody asks c');

    kit.store.apply({ kind: 'close', tenure: d }, kit.now);
    kit.join('c', { heartbeat, boot: 3 });
    kit.settle();
    kit.pass(supportMs);
    assert.deepEqual(asked(kit), { epoch: 2, of: ['a', 'b', 'c'] });
  });
});
