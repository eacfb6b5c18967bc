import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lockNamespace } from '../../../src/agent/lock.ts';

describe('the lock of a network namespace', { skip: process.platform !== 'linux' }, () => {
  it('is had by one agent at a time, and says by which', async () => {
    const lock = await lockNamespace('n1');
    await assert.rejects(lockNamespace('n2'), (error: Error) =>
      error.message.includes(`n1 (process ${String(process.pid)})`));
    lock.release();
    const next = await lockNamespace('n2');
    next.release();
  });
});
