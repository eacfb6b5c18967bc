/** What agents ask of etcd when nothing happens, by etcd's own count. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdMember } from '../lab/etcd.ts';
import { ok, open, soon, swap, swapOf } from './contract-kit.ts';
import { etcdctl, metric, percentile, withEtcd } from './etcd-kit.ts';
import type { EtcdLab } from './etcd-kit.ts';

async function requests(member: EtcdMember) {
  const [calls, messages, keepAlives, puts, proposals] = await Promise.all([
    /^grpc_server_started_total/,
    /^grpc_server_msg_received_total.*grpc_type="bidi_stream"/,
    /^grpc_server_msg_received_total.*LeaseKeepAlive/,
    /^etcd_mvcc_(put|delete|txn)_total/,
    /^etcd_server_proposals_applied_total/,
  ].map((pattern) => metric(member, pattern)));
  return {
    calls: calls!, messages: messages!, keepAlives: keepAlives!, puts: puts!,
    proposals: proposals!,
  };
}

async function atRest(lab: EtcdLab, addresses: number) {
  const agents = await Promise.all(['a', 'b', 'c'].map(async (node) => {
    const client = lab.store();
    const observer = await lab.observe(client);
    lab.background((signal) => client.watchDocuments(() => undefined, signal));
    return { client, observer, id: (await open(client, node, { ttlMs: 60_000 })).id };
  }));
  for (let from = 0; from < addresses; from += 100) {
    const { client, id } = agents[(from / 100) % 3]!;
    const eips = Array.from({ length: Math.min(100, addresses - from) }, (_, n) => (
      `10.0.${Math.floor((from + n) / 250)}.${(from + n) % 250}`
    ));
    await swap(client, id, eips.map((eip) => swapOf(eip, id, 1, 0)));
  }
  for (const { observer } of agents) {
    await observer.until(() => observer.view.leases.size === addresses);
  }
  await delay(300);
  const before = await requests(lab.member);
  let renewals = 0;
  for (let round = 0; round < 15; round += 1) {
    for (const { client, id } of agents) {
      const answer = await client.perform({ kind: 'renew', tenure: id, ttlMs: 60_000 }, soon());
      assert.equal(answer.kind, 'renewed');
      renewals += 1;
    }
    await delay(100);
  }
  const after = await requests(lab.member);
  return {
    renewals,
    calls: after.calls - before.calls,
    messages: after.messages - before.messages,
    keepAlives: after.keepAlives - before.keepAlives,
    puts: after.puts - before.puts,
    proposals: after.proposals - before.proposals,
  };
}

describe('at rest', () => {
  it('etcd itself forgets a request to move, after a minute', withEtcd(async (lab) => {
    const client = lab.store();
    const { id } = await open(client, 'a');
    await client.requestMove({ eip: '192.0.2.1', to: id.node, at: 1 }, soon());
    const found = await etcdctl(lab.member, 'get', '/tenure/moves/192.0.2.1', '--write-out=json');
    const lease = /"lease":(\d+)/.exec(found)?.[1] ?? '0';
    const time = await etcdctl(lab.member, 'lease', 'timetolive', BigInt(lease).toString(16));
    assert.match(time, /granted with TTL\(60s\)/);
  }));

  it('is asked nothing by who only watches: the connection is looked after without', withEtcd(async (lab) => {
    const client = lab.store();
    const observer = await lab.observe(client);
    lab.background((signal) => client.watchDocuments(() => undefined, signal));
    await open(client, 'a', { ttlMs: 300_000 });
    await observer.until(() => observer.view.nodes.size === 1);
    await delay(500);
    const before = await requests(lab.member);
    await delay(9_000);
    assert.deepEqual(await requests(lab.member), before);
    assert.equal(observer.following, true, 'its watch is up');
  }));

  for (const addresses of [1, 100, 10_000]) {
    it(`each renewal is one request, and there is no other, with ${addresses} addresses`, (context) => (
      withEtcd(async (lab) => {
        const rest = await atRest(lab, addresses);
        context.diagnostic(JSON.stringify(rest));
        assert.equal(rest.keepAlives, rest.renewals);
        assert.equal(rest.calls, rest.renewals);
        assert.equal(rest.messages, rest.renewals);
        assert.equal(rest.puts, 0);
        assert.equal(rest.proposals, 0);
      })()
    ));
  }

  it('a renewal, a swap of one and of a hundred, and a watch take a few milliseconds', (context) => (
    withEtcd(async (lab) => {
      const client = lab.store();
      const { id } = await open(client, 'a', { ttlMs: 60_000 });
      const observer = await lab.observe();
      const time = async (count: number, act: (n: number) => Promise<unknown>) => {
        const samples: number[] = [];
        for (let n = 0; n < count; n += 1) {
          const startedAt = performance.now();
          await act(n);
          samples.push(performance.now() - startedAt);
        }
        return samples;
      };
      const eips = Array.from({ length: 100 }, (_, n) => `192.0.2.${n}`);
      let revision = 0;
      const many = async (n: number) => {
        const swaps = eips.map((eip) => swapOf(eip, id, n + 1, revision));
        const outcomes = await swap(client, id, swaps);
        ok(outcomes[0]?.kind === 'applied');
        ({ revision } = outcomes[0].lease);
      };
      const figures = {
        renew: await time(100, () => (
          client.perform({ kind: 'renew', tenure: id, ttlMs: 60_000 }, soon())
        )),
        'swap(1)': await time(100, (n) => swap(client, id, [swapOf(`10.0.0.${n}`, id, 1, 0)])),
        'swap(100)': await time(30, many),
        // From before the swap is sent to when another client is told of it.
        'swap and watch': await time(100, async (n) => {
          const eip = `10.1.0.${n}`;
          const told = observer.until(() => observer.view.leases.has(eip));
          await Promise.all([told, swap(client, id, [swapOf(eip, id, 1, 0)])]);
        }),
      };
      for (const [what, samples] of Object.entries(figures)) {
        const p50 = percentile(samples, 0.5);
        const p99 = percentile(samples, 0.99);
        context.diagnostic(`${what}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
        ok(p50 < 500);
      }
    })()
  ));
});
