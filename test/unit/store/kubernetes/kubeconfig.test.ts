import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { Credentials, fromServiceAccount, shownBy } from '../../../../src/store/kubernetes/credentials.ts';
import { openKubernetesStore } from '../../../../src/store/kubernetes/kubernetes-store.ts';

const dir = mkdtempSync(join(tmpdir(), 'tenure-kubeconfig-'));
after(() => rmSync(dir, { recursive: true, force: true }));

let files = 0;

function file(text: string): string {
  files += 1;
  const path = join(dir, `file-${files}`);
  writeFileSync(path, text);
  return path;
}

function config(user: object, cluster: object = {}, more: object = {}): string {
  return file(stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'one',
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u', namespace: 'ns-1' } },
      { name: 'two', context: { cluster: 'c', user: 'nobody' } },
    ],
    clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1:6443/', ...cluster } }],
    users: [{ name: 'u', user }],
    ...more,
  }));
}

describe('a kubeconfig', () => {
  it('tells the server, the namespace and the token', async () => {
    const { current } = await Credentials.load({ kubeconfig: config({ token: 'secret' }) });
    assert.equal(current.server, 'https://192.0.2.1:6443');
    assert.equal(current.namespace, 'ns-1');
    assert.deepEqual(current.headers, { authorization: 'Bearer secret' });
    assert.equal(current.agent, null);
  });

  it('names files beside it, and holds what they hold', async () => {
    writeFileSync(join(dir, 'ca.pem'), 'CA');
    const key = Buffer.from('KEY').toString('base64');
    const { current } = await Credentials.load({
      kubeconfig: config(
        { 'client-certificate': 'ca.pem', 'client-key-data': key },
        { 'certificate-authority': './ca.pem', 'tls-server-name': 'kubernetes' },
      ),
    });
    assert.deepEqual(current.tls, {
      ca: Buffer.from('CA'), cert: Buffer.from('CA'), key: Buffer.from('KEY'), servername: 'kubernetes',
    });
  });

  it('takes a user and a password, or no check of certificates', async () => {
    const { current } = await Credentials.load({
      kubeconfig: config({ username: 'x', password: 'y' }, { 'insecure-skip-tls-verify': true }),
    });
    assert.deepEqual(current.headers, { authorization: `Basic ${Buffer.from('x:y').toString('base64')}` });
    assert.deepEqual(current.tls, { rejectUnauthorized: false });
  });

  it('names a token file, which is read anew when its token is refused', async () => {
    const tokenFile = file('first\n');
    const credentials = await Credentials.load({ kubeconfig: config({ tokenFile }) });
    const refused = credentials.current;
    assert.equal(refused.headers.authorization, 'Bearer first');
    assert.equal(await credentials.renew(refused), false);
    writeFileSync(tokenFile, 'second\n');
    assert.equal(await credentials.renew(credentials.current), true);
    assert.equal(credentials.current.headers.authorization, 'Bearer second');
    rmSync(tokenFile);
    assert.equal(await credentials.renew(credentials.current), false, 'the last good one stays');
  });

  it('that cannot be used is refused with its name, what is wrong, and what would do', async () => {
    const cases: [string, string | undefined, RegExp][] = [
      [join(dir, 'none'), undefined, /kubeconfig .*none: cannot be read/],
      [file('{ not yaml'), undefined, /is not YAML/],
      [file('[]'), undefined, /kubeconfig/],
      [file('{}'), undefined, /no context is chosen/],
      [config({}), 'three', /context "three" is not defined/],
      [config({}), 'two', /user "nobody" is not defined/],
      [config({}, { server: 'example.com' }), undefined, /server is "example\.com"/],
      [config({ tokenFile: '/nowhere/token' }), undefined, /tokenFile \/nowhere\/token cannot be read/],
      [config({}, {}, { users: 'none' }), undefined, /users/],
    ];
    for (const [kubeconfig, context, message] of cases) {
      const opening = openKubernetesStore({ kubeconfig, context });
      await assert.rejects(opening, { code: 'invalid', message, fix: /./ });
    }
  });
});

describe('without a kubeconfig', () => {
  it('KUBECONFIG is used, then ~/.kube/config', async () => {
    const path = config({ token: 'by-env' });
    const { current } = await Credentials.load({}, { KUBECONFIG: path });
    assert.equal(current.headers.authorization, 'Bearer by-env');
    await assert.rejects(Credentials.load({}, { HOME: dir }), {
      code: 'invalid', message: /no way to the Kubernetes API/, fix: /kubeconfig/,
    });
  });

  it('a pod\'s service account is', async () => {
    for (const [name, text] of [['token', 'abc\n'], ['ca.crt', 'CA'], ['namespace', 'pods\n']] as const) {
      writeFileSync(join(dir, name), text);
    }
    const env = { KUBERNETES_SERVICE_HOST: '2001:db8::1', KUBERNETES_SERVICE_PORT: '443' };
    const { current } = await Credentials.from(fromServiceAccount(dir, env));
    assert.deepEqual(current, {
      server: 'https://[2001:db8::1]:443', headers: { authorization: 'Bearer abc' },
      tls: { ca: Buffer.from('CA') }, agent: null, namespace: 'pods',
      origin: `the service account in ${dir}`,
    });
  });
});

describe('what is shown to the API server is said where it is refused', () => {
  const claims = (exp: number): string => (
    `head.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.signature`
  );
  const shown = async (user: object): Promise<string> => (
    shownBy((await Credentials.load({ kubeconfig: config(user) })).current)
  );

  it('with the file and the user, and when the token expired, and never the token', async () => {
    assert.match(await shown({ token: claims(1_700_000_000) }), /^the token of user "\w+" of kubeconfig \/\S+, which expired at 2023-11-14T22:13:20Z$/);
    assert.match(await shown({ token: claims(9e9) }), /^the token of user "\w+" of kubeconfig \/\S+$/);
    assert.match(await shown({ token: 'opaque' }), /^the token of user "\w+" of kubeconfig \/\S+$/);
    assert.match(await shown({ username: 'x', password: 'hunter2' }), /^the password of user/);
    assert.match(await shown({}), /^a request without credentials \(user "\w+" of kubeconfig \/\S+ has none\)$/);
  });
});

describe('options', () => {
  it('are checked where they enter', async () => {
    const kubeconfig = config({});
    const cases: [object, RegExp][] = [
      [{ namespace: 'Tenure_System' }, /namespace "Tenure_System"/],
      [{ namespace: '' }, /namespace ""/],
      [{ longestTtlMs: 0 }, /longestTtlMs is 0/],
      [{ context: '' }, /context is empty/],
    ];
    for (const [more, message] of cases) {
      await assert.rejects(openKubernetesStore({ kubeconfig, ...more }), { code: 'invalid', message });
    }
  });
});
