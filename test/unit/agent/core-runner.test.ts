import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoreRunner } from '../../../src/agent/core-runner.ts';
import type { StoreRequest } from '../../../src/core/requests.ts';
import { MemoryState } from '../../../src/store/memory/memory-state.ts';
import { facts, options, policies } from '../core/kit.ts';

/** A runner on a memory store; `withdraw` may be made to fail. */
function setUp(withdraw: () => void) {
  const store = new MemoryState();
  const performed: StoreRequest['kind'][] = [];
  const fatal: unknown[] = [];
  const runner: CoreRunner = new CoreRunner({
    core: options, facts, onFact: () => undefined, onStopped: () => undefined,
    onNameTaken: () => undefined, onFatal: (error) => { fatal.push(error); },
  }, {
    announcer: { arm: () => undefined, announce: () => undefined, withdraw },
    request: (id, request) => {
      performed.push(request.kind);
      const answer = store.apply(request, 0);
      queueMicrotask(() => { runner.dispatch({ kind: 'answer', id, answer }); });
    },
    heartbeat: () => undefined,
    arrived: () => 0,
    now: () => performance.now(),
  });
  return { store, performed, fatal, runner };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) {
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  assert.ok(condition());
}

describe('the runner of the core', () => {
  it('sends nothing that gives an address away when the kernel did not withdraw it', async () => {
    const { store, performed, fatal, runner } = setUp(() => { throw new Error('netlink is gone'); });
    runner.dispatch({ kind: 'policies', policies: policies('10.0.0.1') });
    runner.dispatch({ kind: 'view', change: store.changesSince(0) });
    await until(() => store.lease('10.0.0.1') !== undefined);
    store.apply({
      kind: 'open', node: 'b', replaces: 0, ttlMs: 1e9,
      record: { ...facts, boot: 0, draining: false, epoch: 0, voters: [], place: 'b' },
    }, 0);
    store.setDrain('a', true);
    const before = performed.filter((kind) => kind === 'swap').length;
    runner.dispatch({ kind: 'view', change: store.changesSince(0) });
    assert.equal(fatal.length, 1);
    assert.equal(performed.filter((kind) => kind === 'swap').length, before);
    assert.equal(store.lease('10.0.0.1')?.holder?.node, 'a');
  });

  it('does what comes while it is busy afterwards, in order', async () => {
    const order: string[] = [];
    const { store, runner } = setUp(() => {
      order.push('withdraw');
      runner.dispatch({ kind: 'tick' });
      order.push('withdrawn');
    });
    runner.dispatch({ kind: 'policies', policies: policies('10.0.0.1') });
    runner.dispatch({ kind: 'view', change: store.changesSince(0) });
    await until(() => store.lease('10.0.0.1') !== undefined);
    runner.dispatch({ kind: 'policies', policies: new Map() });
    assert.deepEqual(order, ['withdraw', 'withdrawn']);
    runner.end();
  });
});
