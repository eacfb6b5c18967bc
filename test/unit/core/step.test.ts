import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SelfFacts } from '../../../src/core/events.ts';
import type { NodeRecord } from '../../../src/core/model.ts';
import { nextWake } from '../../../src/core/state.ts';
import { Kit, policies } from './kit.ts';

/** A node with a tenure that holds what it can. */
function holding(...eips: readonly string[]): Kit {
  const kit = new Kit();
  kit.send({ kind: 'policies', policies: policies(...eips) });
  kit.settle();
  kit.transcript();
  return kit;
}

describe('a node alone', () => {
  it('opens a tenure, claims what is free, and announces it once the store has confirmed', () => {
    const kit = new Kit();
    kit.send({ kind: 'policies', policies: policies('10.0.0.1') });
    kit.settle();
    assert.deepEqual(kit.transcript(), [
      'request open', 'arm for 2940 ms', 'request swap', 'announce 10.0.0.1#1 after probing',
    ]);
    assert.deepEqual(kit.lease('10.0.0.1')?.holder, { node: 'a', incarnation: 1 });
  });

  it('asks to be woken for its next renewal, and arms the gate from when that was sent', () => {
    const kit = holding('10.0.0.1');
    kit.now = nextWake(kit.state);
    kit.send({ kind: 'tick' });
    const renewal = kit.request('renew');
    const answer = kit.apply(renewal);
    kit.now += 400;
    kit.answer(renewal, answer);
    assert.deepEqual(kit.transcript(), ['request renew', 'arm for 2540 ms']);
  });

  it('falls silent when its lease runs out, and speaks again with the same term', () => {
    const kit = holding('10.0.0.1');
    kit.pass(1000);
    const renewal = kit.request('renew');
    kit.answer(renewal, null);
    kit.now += 1990;
    kit.send({ kind: 'tick' });
    assert.deepEqual(kit.transcript(), [
      'request renew', 'close the gate', 'withdraw 10.0.0.1', 'request renew',
    ]);
    kit.settle();
    assert.deepEqual(kit.transcript(), ['arm for 2940 ms', 'announce 10.0.0.1#1']);
  });

  it('gives everything up when the store says that its tenure has ended, and begins anew', () => {
    const kit = holding('10.0.0.1');
    kit.pass(3001);
    kit.settle();
    const said = kit.transcript();
    assert.deepEqual(said.slice(0, 2), ['close the gate', 'withdraw 10.0.0.1']);
    assert.ok(said.includes('request open'));
    assert.equal(said.at(-1), 'announce 10.0.0.1#2');
    assert.equal(kit.lease('10.0.0.1')?.reason, 'returned');
  });

  it('returns the same state for an event that changes nothing', () => {
    const kit = holding('10.0.0.1');
    const before = kit.state;
    kit.send({ kind: 'tick' });
    assert.equal(kit.state, before);
  });
});

describe('handing over', () => {
  it('withdraws before it writes, and tells nobody else what it keeps', () => {
    const kit = holding('10.0.0.1', '10.0.0.2');
    kit.join('b');
    kit.store.setDrain('a', true);
    kit.watch();
    assert.deepEqual(kit.transcript(), ['withdraw 10.0.0.2 10.0.0.1', 'request swap']);
    kit.settle();
    assert.equal(kit.lease('10.0.0.1')?.holder?.node, 'b');
    assert.equal(kit.lease('10.0.0.1')?.reason, 'drain');
    assert.deepEqual(kit.lease('10.0.0.1')?.moves.map(({ holder }) => holder), ['b', 'a']);
  });

  it('gives each taker his share of every request', () => {
    const eips = Array.from({ length: 40 }, (_, i) => `10.0.0.${i + 1}`);
    const kit = holding(...eips);
    kit.join('b', { labels: { rack: 'b' } });
    kit.join('c', { labels: { rack: 'c' } });
    kit.settle();
    // The first half is for b alone, the other for c.
    kit.send({
      kind: 'policies',
      policies: new Map(eips.map((eip, i) => [eip, {
        pool: 'pool', failbackMs: null,
        selector: [{ kind: 'in', key: 'rack', values: [i < 20 ? 'b' : 'c'] }],
      }])),
    });
    const swap = kit.waiting.get(kit.request('swap'));
    assert.ok(swap?.kind === 'swap', 'a swap is under way');
    const takers = swap.swaps.map(({ next }) => next.holder?.node);
    assert.equal(takers.length, 40);
    for (const part of [takers.slice(0, 10), takers.slice(10, 20), takers.slice(20)]) {
      assert.equal(part.filter((node) => node === 'b').length, part.length / 2, takers.join(' '));
    }
  });

  it('keeps answering for an address when nobody else could take it', () => {
    const kit = holding('10.0.0.1');
    kit.store.setDrain('a', true);
    kit.settle();
    assert.deepEqual(kit.transcript(), []);
  });

  it('does not take an address up again that it gave away, whatever a late watch says', () => {
    const kit = holding('10.0.0.1');
    kit.join('b');
    kit.store.requestMove({ eip: '10.0.0.1', to: 'b', at: 0 }, kit.now);
    kit.watch();
    const swap = kit.request('swap');
    kit.apply(swap);
    kit.answer(swap, null);
    // The watch still shows us as the holder; the store does not.
    kit.pass(300);
    const said = kit.transcript();
    assert.ok(said.every((line) => !line.startsWith('announce')), said.join('\n'));
    kit.settle();
    assert.equal(kit.lease('10.0.0.1')?.holder?.node, 'b');
  });

  it('reclaims with a new term when a hand-over was lost on its way', () => {
    const kit = holding('10.0.0.1');
    const other = kit.join('b');
    kit.store.requestMove({ eip: '10.0.0.1', to: 'b', at: 0 }, kit.now);
    kit.watch();
    kit.answer(kit.request('swap'), null);
    kit.store.apply({ kind: 'close', tenure: other }, kit.now);
    kit.store.apply({ kind: 'settle-moves', eips: ['10.0.0.1'] }, kit.now);
    kit.pass(300);
    kit.settle();
    assert.equal(kit.lease('10.0.0.1')?.reason, 'reclaimed');
    assert.equal(kit.transcript().at(-1), 'announce 10.0.0.1#2');
  });

  it('refuses to move an address to a node that may not hold it', () => {
    const kit = holding('10.0.0.1');
    kit.join('b', { unable: { pool: 'eth0 is down' } });
    kit.store.requestMove({ eip: '10.0.0.1', to: 'b', at: 0 }, kit.now);
    kit.settle();
    assert.equal(kit.lease('10.0.0.1')?.holder?.node, 'a');
    assert.equal(kit.store.view().moves.size, 0);
  });

  it('sends at most 100 changes at once, and withdraws only those', () => {
    const eips = Array.from({ length: 450 }, (_, i) => `10.0.${String(i >> 8)}.${String(i & 255)}`);
    const kit = holding(...eips);
    kit.join('b');
    kit.store.setDrain('a', true);
    kit.watch();
    const withdrawn = kit.transcript().filter((line) => line.startsWith('withdraw'));
    assert.deepEqual(withdrawn.map((line) => line.split(' ').length - 1), [100, 100, 100, 100]);
    kit.settle();
    assert.ok(eips.every((eip) => kit.lease(eip)?.holder?.node === 'b'));
  });

  it('stops once all is handed over and its tenure closed', () => {
    const kit = holding('10.0.0.1');
    kit.join('b');
    kit.watch();
    kit.send({ kind: 'stop' });
    kit.settle();
    const said = kit.transcript();
    assert.equal(said.at(-1), 'stopped');
    assert.ok(said.indexOf('withdraw 10.0.0.1') < said.indexOf('request swap'));
    assert.equal(kit.store.node('a'), undefined);
  });
});

describe('a name that is taken', () => {
  /** Another run of the name left a lease with this in its record. */
  function leave(kit: Kit, left: Partial<NodeRecord>, ttlMs = 1e9): void {
    kit.store.apply({
      kind: 'open', node: 'a', replaces: 0, ttlMs,
      record: { ...kit.state.facts, boot: 0, draining: false, epoch: 0, voters: [], ...left },
    }, kit.now);
  }

  it('is left alone, and given up on when its owner keeps it alive', () => {
    const kit = new Kit();
    leave(kit, { place: 'elsewhere', host: 'other' });
    for (let i = 0; i < 100 && kit.state.phase.kind !== 'stopped'; i++) {
      kit.pass(200);
      kit.settle();
    }
    assert.equal(kit.transcript().at(-1), 'name-taken');
    assert.equal(kit.store.node('a')?.record.host, 'other');
  });

  /** `left` on the name's lease by a run before `mine`: whether that one is replaced at once. */
  function replaced(mine: Partial<SelfFacts>, left: Partial<NodeRecord>): boolean {
    const kit = new Kit({}, mine);
    leave(kit, left);
    kit.pass(0);
    kit.settle();
    return kit.store.node('a')?.id.incarnation === 2;
  }

  it('is replaced at once where the machine left it before it was started anew', () => {
    const machine = { id: 'm1', kernel: 'k2' };
    assert.equal(replaced({ machine }, { place: 'k1/net', machine: { id: 'm1', kernel: 'k1' } }), true);
  });

  it('is not replaced on the word of another machine, of another namespace, or of no machine', () => {
    const machine = { id: 'm1', kernel: 'k1' };
    const place = 'k1/other';
    assert.equal(replaced({ machine }, { place, machine }), false, 'the kernel runs on');
    assert.equal(replaced({ machine }, { place, machine: { id: 'm2', kernel: 'k0' } }), false);
    assert.equal(replaced({ machine }, { place, machine: undefined }), false);
    assert.equal(replaced({}, { place, machine }), false);
  });

  it('is waited for as long as a lease of quorum mode lasts, and not given up on before', () => {
    const kit = new Kit({ ttlMs: 3000, holdMs: 60_000 });
    leave(kit, { boot: 1, epoch: 3, voters: [{ node: 'b', boot: 1 }], place: 'before' }, 60_000);
    for (let waited = 0; waited < 62_000; waited += 500) {
      kit.pass(500);
      kit.settle();
    }
    assert.equal(kit.state.phase.kind, 'open');
    assert.equal(kit.store.node('a')?.id.incarnation, 2);
  });

  it('is replaced at once where an earlier run of this very place left it', () => {
    assert.equal(replaced({}, {}), true);
  });
});
