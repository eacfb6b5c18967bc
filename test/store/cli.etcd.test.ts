/** The commands against a real etcd: what they write is there, and what they wait for comes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openStore } from '../../src/cli/open-store.ts';
import { EtcdStore } from '../../src/store/etcd/etcd-store.ts';
import { until } from '../lab/command.ts';
import { startEtcd } from '../lab/etcd.ts';
import type { EtcdCluster } from '../lab/etcd.ts';
import { Puppet } from '../unit/cli/puppet.ts';
import { Terminal } from '../unit/cli/terminal.ts';
import { manifest } from '../unit/config/eips.ts';

let cluster: EtcdCluster;
before(async () => { cluster = await startEtcd(); });
after(() => cluster.stop());

let prefixes = 0;

function setUp() {
  prefixes += 1;
  const prefix = `/cli-${prefixes}/`;
  const user = new Terminal();
  user.env = { TENURE_ETCD_ENDPOINTS: cluster.endpoints.join(','), TENURE_ETCD_PREFIX: prefix };
  user.makeStore = (settings) => openStore(settings);
  return { user, store: new EtcdStore({ endpoints: cluster.endpoints, prefix }) };
}

async function apply(user: Terminal, ...texts: string[]) {
  user.stdin = texts.join('---\n');
  return user.run('apply', '-f', '-');
}

describe('the commands with etcd', () => {
  it('apply, list and delete Eips, and come to an end', async () => {
    const { user, store } = setUp();
    const web = manifest({ name: 'web', address: '192.0.2.10-192.0.2.12' });
    const text = `# a comment that must stay\n${web}`;
    assert.deepEqual(await apply(user, text, manifest({ name: 'dns', address: '2001:db8::53' })), { code: 0, out: 'eip/web created\neip/dns created\n', err: '' });
    const documents = await store.listDocuments(AbortSignal.timeout(5000));
    assert.deepEqual(documents.map(({ name }) => name).toSorted(), ['dns', 'web']);
    assert.equal(documents.find(({ name }) => name === 'web')?.text, text);
    assert.equal((await apply(user, text)).out, 'eip/web unchanged\n');
    assert.match((await user.run('get', 'eips')).out, /^NAME.*\nweb +192\.0\.2\.10-192\.0\.2\.12 +0 +3 .*\ndns +2001:db8::53 /);
    assert.match((await apply(user, manifest({ name: 'x', address: '192.0.2.12' }))).err, /overlaps Eip "web" in the store in 192\.0\.2\.12/);
    assert.equal((await user.run('delete', 'eip', 'web', 'dns')).out, 'eip/web deleted\neip/dns deleted\n');
    assert.match((await user.run('get', 'eips')).out, /There are no Eips/);
    await store.close();
  });

  it('apply many at once, or say that they are too many', async () => {
    const { user, store } = setUp();
    const many = (number: number) => Array.from({ length: number }, (_, i) =>
      manifest({ name: `e${i}`, address: `10.0.${i >> 8}.${i & 255}` }));
    assert.equal((await apply(user, ...many(100))).code, 0);
    const { code, err } = await apply(user, ...many(300));
    assert.equal(code, 2, err);
    assert.match(err, /^tenure: apply: 200 Eips: are to be changed at once, and at most 100 can be: .*\n$/);
    assert.equal((await store.listDocuments(AbortSignal.timeout(5000))).length, 100);
    await store.close();
  });

  it('lose nothing when two people apply at the same time', async () => {
    const { user, store } = setUp();
    const { env } = user;
    const calls = Array.from({ length: 6 }, (_, i) => {
      const one = new Terminal();
      one.env = env;
      one.makeStore = (settings) => openStore(settings);
      return apply(one, manifest({ name: 'web', address: `192.0.2.${i + 1}` }));
    });
    const said = await Promise.all(calls);
    for (const { code, err } of said) assert.ok(code === 0 || err.includes('others change them'), err);
    assert.equal((await store.listDocuments(AbortSignal.timeout(5000))).length, 1);
    await store.close();
  });

  it('drain and move by waiting for what the nodes do', async () => {
    const { user, store } = setUp();
    await apply(user, manifest({ name: 'web', address: '192.0.2.10-192.0.2.11' }));
    const a = await Puppet.start(store, 'a');
    const b = await Puppet.start(store, 'b');
    await a.take('192.0.2.10');
    await a.take('192.0.2.11');
    a.obey();
    b.obey();
    try {
      assert.match((await user.run('get', 'nodes')).out, /a +ready +2 .*\nb +ready +0 /);
      assert.match((await user.run('drain', 'a')).out, /^node\/a drained\n2 addresses moved in \S+: b 2\n$/);
      assert.match((await user.run('get', 'nodes')).out, /a +drained +0 .*\nb +ready +2 /);
      assert.equal((await user.run('undrain', 'a')).out, 'node/a undrained\n');
      assert.match((await user.run('move', '192.0.2.10', 'a')).out, /^192\.0\.2\.10 moved from b to a in \S+ \(term 3\)\n$/);
      await until('the request is settled', async () =>
        (await store.read(AbortSignal.timeout(5000))).moves.size === 0);
      const { out } = await user.run('history', '192.0.2.10');
      assert.deepEqual(out.trim().split('\n').slice(1).map((line) => line.split(/ {2,}/).slice(2).join(' ')), [
        '192.0.2.10 3 b a move', '192.0.2.10 2 a b drain', '192.0.2.10 1 - a claimed',
      ]);
      assert.match((await user.run('drain', 'a', '--timeout', '20s')).out, /1 address moved/);
    } finally {
      await a.close();
      await b.close();
      await store.close();
    }
  });

  it('say in one line that nothing listens, and soon', async () => {
    const { user, store } = setUp();
    await store.close();
    user.env = { TENURE_ETCD_ENDPOINTS: 'http://127.0.0.1:1' };
    const started = performance.now();
    const { code, out, err } = await user.run('get', 'eips');
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /^tenure: store: [^\n]*127\.0\.0\.1:1[^\n]*: see whether etcd runs at http:\/\/127\.0\.0\.1:1[^\n]*\n$/);
    assert.ok(performance.now() - started < 20_000);
  });
});
