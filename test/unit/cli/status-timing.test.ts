import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { NodeRecord, TimingFit } from '../../../src/core/model.ts';
import { MemoryStore } from '../../../src/store/memory/memory-store.ts';
import { Puppet } from './puppet.ts';
import { Terminal } from './terminal.ts';

const nodes = ['a', 'b', 'c'];
const quorum: Partial<NodeRecord> = {
  heartbeat: ['192.0.2.1:9477'], epoch: 1, voters: nodes.map((node) => ({ node, boot: 1 })),
};
let user: Terminal;
let puppets: Puppet[] = [];

beforeEach(() => { user = new Terminal(); });
afterEach(async () => { for (const puppet of puppets.splice(0)) await puppet.close(); });

async function start(timing: readonly (TimingFit | undefined)[]): Promise<void> {
  const store = new MemoryStore(user.server);
  puppets = await Promise.all(nodes.map(async (node, i) => Puppet.start(store, node, {
    ...quorum, ...timing[i] === undefined ? {} : { timing: timing[i] },
  })));
}

const slow: TimingFit = {
  verdict: 'slow', supportMs: 3000, intervalMs: 500, perDay: 0, fitMs: 100, cause: 'host',
};

describe('tenure status, of the time of support', () => {
  it('warns where it is too tight, with how often that costs a move and what would fit', async () => {
    await start([{
      verdict: 'tight', supportMs: 15, intervalMs: 3, perDay: 37, fitMs: 50, cause: 'host',
    }]);
    const { out } = await user.run('status');
    assert.match(out, /WARNING {2}a: heartbeat\.support of 15ms is too tight: its own timers are late.* About 37 false depositions a day .* Set heartbeat\.support to 50ms and heartbeat\.interval to 10ms on every node/);
    const { nodes: shown } = JSON.parse((await user.run('status', '-o', 'json')).out) as
      { nodes: { node: string; timing: TimingFit | null }[] };
    assert.equal(shown[0]?.timing?.perDay, 37);
    assert.equal(shown[1]?.timing, null);
  });

  it('names a profile where one is near', async () => {
    await start([{
      verdict: 'tight', supportMs: 15, intervalMs: 3, perDay: 2.345, fitMs: 200, cause: 'network',
    }]);
    const { out } = await user.run('status');
    assert.match(out, /heartbeats of the others come late, or are lost\. About 2\.3 false.* Set heartbeat\.profile to lan \(300ms\)/);
  });

  it('hints at a shorter one where all nodes find that it would do, the longest of theirs', async () => {
    await start([slow, { ...slow, fitMs: 150 }, slow]);
    const { out } = await user.run('status');
    assert.match(out, /given up after 3s \(heartbeat\.support\), which is longer than these hosts .*\(observed by a, b, c\): heartbeat\.profile to lan \(300ms\) on every node would do/);
    assert.doesNotMatch(out, /WARNING {2}a:/);
  });

  it('hints at nothing while one of them needs it', async () => {
    await start([slow, undefined, slow]);
    assert.doesNotMatch((await user.run('status')).out, /given up after/);
  });
});
