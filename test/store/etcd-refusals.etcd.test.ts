import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { EtcdStore } from '../../src/store/etcd/etcd-store.ts';
import type { EtcdOptions } from '../../src/store/etcd/options.ts';
import type { StoreErrorCode } from '../../src/store/lease-store.ts';
import { StoreError } from '../../src/store/lease-store.ts';
import { ok, open, soon, swap, swapOf, tryOpen } from './contract-kit.ts';
import { etcdctl, untilWorks, withEtcd } from './etcd-kit.ts';
import type { EtcdLab } from './etcd-kit.ts';

async function refused(
  call: Promise<unknown>, code: StoreErrorCode, message: RegExp, fix?: RegExp,
): Promise<void> {
  await assert.rejects(call, (error) => {
    ok(error instanceof StoreError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    if (fix !== undefined) assert.match(error.fix ?? '', fix);
    return true;
  });
}

function watching(lab: EtcdLab, store = lab.store()): Promise<void> {
  return store.watch(() => undefined, () => undefined, soon());
}

describe('an etcd that asks who is there', () => {
  const login = { user: 'tenure', password: 'right' };

  async function enableAuth({ member }: EtcdLab): Promise<void> {
    await etcdctl(member, 'user', 'add', 'root:rootpw');
    await etcdctl(member, 'user', 'add', 'tenure:right');
    await etcdctl(member, 'role', 'add', 'tenure');
    await etcdctl(member, 'role', 'grant-permission', 'tenure', 'readwrite', '--prefix=true', '/tenure/');
    await etcdctl(member, 'user', 'grant-role', 'tenure', 'tenure');
    await etcdctl(member, 'user', 'grant-role', 'root', 'root');
    await etcdctl(member, 'auth', 'enable');
  }

  it('lets in the right user, and says what is wrong with any other', withEtcd(async (lab) => {
    await enableAuth(lab);
    const client = lab.store(login);
    const { id } = await open(client, 'a');
    await swap(client, id, [swapOf('192.0.2.1', id, 1, 0)]);
    const wrong = lab.store({ ...login, password: 'wrong' });
    await refused(wrong.read(soon()), 'denied', /invalid user ID or password/, /user and password/);
    await refused(watching(lab, lab.store({ user: 'x', password: 'x' })), 'denied', /invalid user/);
    await refused(lab.store().read(soon()), 'denied', /user name is empty/, /set the store's user/);
    const elsewhere = lab.store({ ...login, prefix: '/elsewhere/' });
    await refused(tryOpen(elsewhere, 'a'), 'denied', /permission denied/, /grant-permission/);
    await refused(watching(lab, elsewhere), 'denied', /permission denied/);
  }));

  it('forgets its tokens in a restart: calls and watches go on as if it had not',
    withEtcd(async (lab) => {
      await enableAuth(lab);
      const client = lab.store(login);
      const observer = await lab.observe(client);
      const { id } = await open(client, 'a', { ttlMs: 20_000 });
      await lab.member.restart('SIGKILL');
      await untilWorks(() => client.read(soon(1_000)));
      await swap(client, id, [swapOf('192.0.2.1', id, 1, 0)]);
      await observer.until(() => observer.view.leases.size === 1);
    }));

  it('turns a token away on a connection that stays: it is asked for another, and called again',
    withEtcd(async (lab) => {
      await enableAuth(lab);
      const client = lab.store(login);
      const { id } = await open(client, 'a');
      for (const request of [
        () => swap(client, id, [swapOf('192.0.2.1', id, 1, 0)]),
        () => client.perform({ kind: 'renew', tenure: id, ttlMs: 60_000 }, soon()),
        () => client.read(soon()),
      ]) {
        // Makes it forget all tokens.
        await etcdctl(lab.member, '--user=root:rootpw', 'auth', 'disable');
        await etcdctl(lab.member, 'auth', 'enable');
        await request();
      }
      assert.equal((await client.perform({ kind: 'close', tenure: id }, soon())).kind, 'closed');
    }));

  it('asks for no login: one that is configured does no harm', withEtcd(async (lab) => {
    await open(lab.store(login), 'a');
  }));
});

describe('an etcd behind TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tenure-tls-'));
  after(() => rmSync(dir, { recursive: true }));
  const at = (name: string) => join(dir, name);

  function openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  }

  function makeCa(name: string): void {
    openssl(
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
      '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`,
    );
  }

  function makeCert(name: string, ca: string): void {
    writeFileSync(at(`${name}.ext`), 'subjectAltName=IP:127.0.0.1\n'
      + 'extendedKeyUsage=serverAuth,clientAuth\n');
    openssl(
      'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`,
    );
    openssl(
      'x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.crt`, '-CAkey', `${ca}.key`,
      '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.crt`,
    );
  }

  for (const ca of ['ca', 'other-ca']) makeCa(ca);
  for (const [name, ca] of [['server', 'ca'], ['client', 'ca'], ['stranger', 'other-ca']] as const) {
    makeCert(name, ca);
  }
  const client = { ca: at('ca.crt'), cert: at('client.crt'), key: at('client.key') };
  const tls = { cert: at('server.crt'), key: at('server.key'), clientCa: at('ca.crt') };

  it('is spoken to with the right certificates, and with no others', withEtcd(async (lab) => {
    const { id } = await open(lab.store({ tls: client }), 'a');
    assert.equal(id.node, 'a');
    const wrongCa = lab.store({ tls: { ...client, ca: at('other-ca.crt') } });
    await refused(wrongCa.read(soon()), 'unavailable', /certificate/i);
    const noClient = lab.store({ tls: { ca: client.ca } });
    await refused(noClient.read(soon()), 'unavailable', /127\.0\.0\.1/);
    const stranger = { ca: client.ca, cert: at('stranger.crt'), key: at('stranger.key') };
    await refused(lab.store({ tls: stranger }).read(soon()), 'unavailable', /127\.0\.0\.1/);
    const plain = lab.store({ endpoints: [lab.member.endpoint.replace('https', 'http')] });
    await refused(plain.read(soon()), 'unavailable', /127\.0\.0\.1/);
    const info = await wrongCa.info(soon());
    assert.match(info.endpoints[0]?.problem ?? '', /certificate/i);
  }, { tls }));

  it('is not even tried with files that cannot be used', () => {
    const bad: [NonNullable<EtcdOptions['tls']>, RegExp][] = [
      [{ ...client, ca: at('nothing.crt') }, /tls ca .*nothing\.crt cannot be read: .*ENOENT/],
      [{ ...client, ca: at('server.ext') }, /tls ca .*server\.ext holds no PEM block/],
      [{ ...client, key: at('server.key') }, /client\.crt, .*server\.key\): .*mismatch/],
      [{ ca: client.ca, cert: client.cert }, /only one is set/],
    ];
    for (const [files, message] of bad) {
      const connect = () => new EtcdStore({ endpoints: ['https://127.0.0.1:1'], tls: files });
      assert.throws(connect, { name: 'StoreError', code: 'invalid', message });
    }
  });
});

describe('an etcd that takes no writes', () => {
  it('is full: writes are refused with what mends it, leases are renewed and watched on',
    withEtcd(async (lab) => {
      const client = lab.store();
      const observer = await lab.observe(client);
      const { id } = await open(client, 'a', { ttlMs: 5_000 });
      const big = 'x'.repeat(120_000);
      await assert.rejects(async () => {
        for (let n = 0; n < 500; n += 1) await etcdctl(lab.member, 'put', '/other/big', big);
      });
      for (const call of [
        () => tryOpen(client, 'b'),
        () => client.setDrain('a', true, soon()),
        () => swap(client, id, [swapOf('192.0.2.1', id, 1, 0)]),
      ]) await refused(call(), 'read-only', /space exceeded/, /alarm disarm/);
      const renewed = await client.perform({ kind: 'renew', tenure: id, ttlMs: 5_000 }, soon());
      assert.equal(renewed.kind, 'renewed');
      ok((await client.read(soon())).nodes.has('a'));
      ok(observer.following);
      const status = await etcdctl(lab.member, 'endpoint', 'status', '--write-out=json');
      await etcdctl(lab.member, 'compact', /"revision":(\d+)/.exec(status)?.[1] ?? '');
      await etcdctl(lab.member, 'defrag');
      await etcdctl(lab.member, 'alarm', 'disarm');
      await swap(client, id, [swapOf('192.0.2.1', id, 1, 0)]);
      await observer.until(() => observer.view.leases.size === 1);
    }, { flags: ['--quota-backend-bytes=4194304', '--snapshot-count=100000'] }));
});

describe('a prefix that is not Tenure\'s', () => {
  it('has another schema: nobody reads, follows or writes there', withEtcd(async (lab) => {
    await etcdctl(lab.member, 'put', '/tenure/version', '{"schema":2,"id":"x"}');
    const store = lab.store();
    for (const call of [
      () => tryOpen(store, 'a'), () => store.read(soon()), () => watching(lab, store),
      () => store.putDocuments([{ name: 'a', text: '', revision: 0 }], soon()),
      () => store.listDocuments(soon()), () => store.deleteDocument('a', soon()),
      () => store.setDrain('a', true, soon()),
      () => store.requestMove({ eip: 'x', to: 'a', at: 1 }, soon()),
    ]) {
      await refused(call(), 'schema', /\/tenure\/version says .*schema.*2/, /another store prefix/);
    }
    assert.equal(await etcdctl(lab.member, 'get', '--prefix', '/tenure/n', '--keys-only'), '');
  }));

  it('turns to another schema while it is followed: following ends', withEtcd(async (lab) => {
    const store = lab.store();
    await open(store, 'a');
    const ended = watching(lab, store);
    ended.catch(() => undefined);
    await store.read(soon());
    await etcdctl(lab.member, 'put', '/tenure/version', '{"schema":2,"id":"x"}');
    await refused(ended, 'schema', /schema/);
  }));

  it('holds keys of others: it is left alone', withEtcd(async (lab) => {
    for (const key of ['/tenure/a', '/tenure/leases2/x', '/tenure/zzz']) {
      await etcdctl(lab.member, 'put', key, 'theirs');
      const store = lab.store();
      const message = new RegExp(`holds the key "${key}"`);
      for (const call of [
        () => tryOpen(store, 'a'), () => store.read(soon()), () => watching(lab, store),
      ]) await refused(call(), 'schema', message, /prefix of Tenure's own/);
      await etcdctl(lab.member, 'del', key);
    }
    await open(lab.store(), 'a');
  }));

  it('lost its marker: it is made again', withEtcd(async (lab) => {
    await open(lab.store(), 'a');
    await etcdctl(lab.member, 'del', '/tenure/version');
    await open(lab.store(), 'b');
    assert.match(await etcdctl(lab.member, 'get', '/tenure/version'), /"schema":1/);
  }));
});
