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
    assert.match(out, /^WARNING {2}a, b are judged by a, b, c, of which c is gone: if another of them fails, .* unless the agent on c was stopped in order, .* \(quorum\.hold, 5m unless set\)\. Start it again, or "tenure witness" on another machine\.$/m);
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
    assert.match((await user.run('status')).out, /^Lease mode: .* Give every agent the same heartbeat\.keyFile/m);
    user = new Terminal();
    await start({ a: { heartbeat }, b: { heartbeat }, c: {} });
    assert.match((await user.run('status')).out, /^Lease mode: .* Give c the heartbeat\.keyFile of the others/m);
    user = new Terminal();
    await start({ a: { heartbeat }, b: { heartbeat } });
    assert.match((await user.run('status')).out, /^Lease mode: two agents cannot .*"tenure witness"/m);
  });

  it('names, for an address that nobody announces, the lease in line that has to end first', async () => {
    user.stdin = JSON.stringify({
      apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip', metadata: { name: 'web' },
      spec: { address: '192.0.2.1', interface: 'eth0', protocol: 'layer2' },
    });
    await user.run('apply', '-f', '-');
    await start({ a: judged, b: judged });
    const [a, b] = puppets;
    const heir = { node: 'b', incarnation: b!.id.incarnation };
    const swapped = await new MemoryStore(user.server).perform({
      kind: 'swap', tenure: a!.id, swaps: [{
        eip: '192.0.2.1', revision: 0, ended: [], live: [], next: {
          eip: '192.0.2.1', holder: a!.id, term: 1, since: 0, reason: 'claimed', heirs: [heir], former: [],
          moves: [{ term: 1, holder: 'a', reason: 'claimed', at: 0 }],
        },
      }],
    }, AbortSignal.timeout(5000));
    assert.equal(swapped.kind === 'swapped' && swapped.outcomes[0]?.kind, 'applied');
    await a!.die();
    const { out } = await user.run('status');
    assert.match(out, /^ERROR {2}Nobody announces 192\.0\.2\.1: b should claim it within seconds; .* Should b, the next in line, be dead, its lease has to end first: quorum\.hold, 5m unless set\.$/m);
  });
});
