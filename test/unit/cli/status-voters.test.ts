import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { NodeRecord } from '../../../src/core/model.ts';
import { MemoryStore } from '../../../src/store/memory/memory-store.ts';
import { Puppet } from './puppet.ts';
import { Terminal } from './terminal.ts';

const heartbeat = ['192.0.2.1:9477'];
const voters = ['a', 'b', 'c'].map((node) => ({ node, boot: 1 }));
const judged: Partial<NodeRecord> = { heartbeat, epoch: 1, voters };
let user: Terminal;
let puppets: Puppet[] = [];

beforeEach(() => { user = new Terminal(); });
afterEach(async () => { for (const puppet of puppets.splice(0)) await puppet.close(); });

async function start(records: Readonly<Record<string, Partial<NodeRecord>>>): Promise<void> {
  const store = new MemoryStore(user.server);
  puppets = await Promise.all(Object.entries(records)
    .map(async ([node, record]) => Puppet.start(store, node, record)));
}

describe('tenure status, of who judges whom', () => {
  it('says nothing where all have the same voters, and all of these live', async () => {
    await start({ a: judged, b: judged, c: judged });
    const { out } = await user.run('status');
    assert.match(out, /^All is well/);
    assert.doesNotMatch(out, /judged by|heartbeat/);
  });

  it('warns of nodes that lost a voter, so that nobody could depose the next', async () => {
    await start({ a: judged, b: judged });
    const { out } = await user.run('status');
    assert.match(out, /^WARNING {2}a, b are judged by a, b, c, of which c is gone: if another of them fails, .* \(quorum\.hold, 5m unless set\)\. Start the agent on c again, or "tenure witness" on another machine\.$/m);
    // Of five, one may be gone: two more may fail.
    const five = { heartbeat, epoch: 1, voters: ['a', 'b', 'c', 'd', 'e'].map((node) => ({ node, boot: 1 })) };
    user = new Terminal();
    await start({ a: five, b: five, c: five, d: five });
    assert.doesNotMatch((await user.run('status')).out, /is gone/);
  });

  it('names those that have no key, where others have', async () => {
    await start({ a: judged, b: judged, c: judged, d: {} });
    const { out } = await user.run('status');
    assert.match(out, /^d has no heartbeats and no part in quorum mode: .* heartbeat\.keyFile of the others\.$/m);
  });

  it('says how to get quorum mode where there is none', async () => {
    await start({ a: {}, b: {} });
    assert.match((await user.run('status')).out, /^Lease mode: .* the same heartbeat\.keyFile/m);
    user = new Terminal();
    await start({ a: { heartbeat }, b: { heartbeat } });
    assert.match((await user.run('status')).out, /^Lease mode: two agents cannot .*"tenure witness"/m);
  });
});
