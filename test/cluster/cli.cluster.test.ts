/** The commands against a real API server, and what they say when something is missing there. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openStore } from '../../src/cli/open-store.ts';
import { readFile } from '../../src/config/read-file.ts';
import { hasKubectl, startApiServer } from '../lab/apiserver.ts';
import type { ApiServer } from '../lab/apiserver.ts';
import { until } from '../lab/command.ts';
import { Terminal } from '../unit/cli/terminal.ts';
import { manifest } from '../unit/config/eips.ts';

let server: ApiServer;
const dir = mkdtempSync(join(tmpdir(), 'tenure-cli-'));
before(async () => { server = await startApiServer(['tenure-system/tenure-agent']); });
after(async () => {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/eips.network.kubesphere.io';
const eips = '/apis/network.kubesphere.io/v1alpha2/eips';
const role = '/apis/rbac.authorization.k8s.io/v1/namespaces/tenure-system/roles/tenure-agent';

/** With the variables of the store; `files` that are named are the machine's own. */
function user(env: Record<string, string>): Terminal {
  const terminal = new Terminal();
  terminal.env = { TENURE_STORE: 'kubernetes', ...env };
  terminal.makeStore = (settings) => openStore(settings);
  const { TENURE_KUBECONFIG: kubeconfig } = env;
  if (kubeconfig !== undefined) terminal.files.set(kubeconfig, readFile(kubeconfig));
  return terminal;
}

async function admin(): Promise<Terminal> {
  return user({ TENURE_KUBECONFIG: await server.kubeconfig() });
}

async function agent(): Promise<Terminal> {
  return user({ TENURE_KUBECONFIG: await server.kubeconfig('tenure-system/tenure-agent') });
}

/** A kubeconfig whose user shows that token. */
async function withToken(token: string): Promise<string> {
  const config = JSON.parse(readFileSync(await server.kubeconfig(), 'utf8')) as {
    users: [{ user: { token: string } }];
  };
  config.users[0].user.token = token;
  const path = join(dir, 'with-token');
  writeFileSync(path, JSON.stringify(config));
  return path;
}

describe('in a cluster where not all was applied yet', () => {
  it('the namespace that is missing is named, by status and by doctor', async () => {
    await server.apply('manifests/crd');
    const said = await (await admin()).run('status');
    assert.equal(said.code, 1);
    assert.match(said.err, /^tenure: store: namespace tenure-system does not exist: kubectl create namespace tenure-system, or apply manifests\/rbac/);
    const doctor = await (await admin()).run('doctor');
    assert.match(doctor.out, /FAIL {2}store: namespace tenure-system does not exist\n +kubectl create namespace/);
    assert.equal(doctor.code, 1);
  });

  it('the CRD that is missing is named', async () => {
    await server.apply('manifests/rbac');
    await server.must('DELETE', crd);
    await until('it is gone', async () => (await server.ask('GET', eips)).status === 404, 20_000, 50);
    for (const command of ['status', 'get eips', 'apply -f -']) {
      const terminal = await admin();
      terminal.stdin = manifest({ name: 'web', address: '192.0.2.1' });
      const { code, err } = await terminal.run(...command.split(' '));
      assert.equal(code, 1, command);
      assert.match(err, /eips\.network\.kubesphere\.io is not known to the API server.*kubectl apply -f manifests\/crd/, command);
    }
    const doctor = await (await agent()).run('doctor');
    assert.match(doctor.out, /FAIL {2}store: .*eips\.network\.kubesphere\.io is not known[^\n]*\n +kubectl apply -f manifests\/crd/);
    assert.doesNotMatch(doctor.err, /internal error/);
  });
});

describe('the commands with Kubernetes', () => {
  before(async () => {
    await server.apply('manifests/rbac', 'manifests/crd');
  });

  it('apply, list and delete Eips, and say what is unchanged', async () => {
    const terminal = await admin();
    terminal.stdin = manifest({ name: 'web', address: '192.0.2.10-192.0.2.12' });
    assert.deepEqual(await terminal.run('apply', '-f', '-'), { code: 0, out: 'eip/web created\n', err: '' });
    assert.equal((await terminal.run('apply', '-f', '-')).out, 'eip/web unchanged\n');
    assert.match((await terminal.run('get', 'eips')).out, /^NAME.*\nweb +192\.0\.2\.10-192\.0\.2\.12 +0 +3 /);
    assert.match((await terminal.run('get', 'eip', 'web', '-o', 'yaml')).out, /address: 192\.0\.2\.10-192\.0\.2\.12/);
    if (hasKubectl()) {
      const { stdout } = await server.kubectl(['get', 'eip', '-o', 'name']);
      assert.equal(stdout, 'eip.network.kubesphere.io/web\n');
    }
    const status = await terminal.run('status');
    assert.match(status.out, /No agent is alive/);
    assert.match((await terminal.run('drain', 'n1', '--absent')).out, /node\/n1 drained/);
    assert.match((await terminal.run('undrain', 'n1')).out, /node\/n1 undrained/);
    assert.equal((await terminal.run('delete', 'eip', 'web')).out, 'eip/web deleted\n');
  });

  it('show status to one who has the rights of an agent alone', async () => {
    assert.match((await (await agent()).run('status')).out, /0 of 0 addresses held/);
  });

  it('take the DaemonSet of manifests/ as it is written', async () => {
    const path = new URL('../../manifests/daemonset/tenure-agent.yaml', import.meta.url);
    const { parse } = await import('yaml');
    const object = parse(readFileSync(path, 'utf8')) as object;
    const url = '/apis/apps/v1/namespaces/tenure-system/daemonsets?dryRun=All&fieldValidation=Strict';
    const made = await server.must('POST', url, object) as { spec: { template: { spec: { hostNetwork: boolean } } } };
    assert.equal(made.spec.template.spec.hostNetwork, true);
  });

  it('name each right of an agent that is missing: doctor', async () => {
    const { rules } = await server.must('GET', role) as { rules: { verbs: string[] }[] };
    const fewer = rules.map((rule) => ({
      ...rule, verbs: rule.verbs.filter((verb) => verb !== 'patch' && verb !== 'delete'),
    }));
    await server.must('PATCH', role, { rules: fewer });
    try {
      let out = '';
      for (let tries = 0; tries < 20 && !out.includes('patch'); tries += 1) {
        ({ out } = await (await agent()).run('doctor'));
      }
      for (const verb of ['patch', 'delete']) {
        assert.match(out, new RegExp(`FAIL {2}store: the right to ${verb} leases\\.coordination\\.k8s\\.io in namespace tenure-system is missing\\n +grant it by a Role`));
      }
      assert.doesNotMatch(out, /right to (get|list|watch|create)/);
    } finally {
      await server.must('PATCH', role, { rules });
    }
  });
});

describe('a kubeconfig', () => {
  it('that is not there, may not be read or is none is named, with what would do', async () => {
    const missing = join(dir, 'missing');
    const { code, err } = await user({ TENURE_KUBECONFIG: missing }).run('status');
    assert.deepEqual([code, err], [2, `tenure: TENURE_KUBECONFIG: store.kubernetes.kubeconfig: "${missing}" is not there.\n`]);
    const odd = join(dir, 'odd');
    writeFileSync(odd, 'a: [');
    assert.match((await user({ TENURE_KUBECONFIG: odd }).run('status')).err, /kubeconfig \S+odd: is not YAML.*: correct it/s);
    chmodSync(odd, 0);
    // Root may read it all the same.
    assert.match((await user({ TENURE_KUBECONFIG: odd }).run('status')).err, /odd/);
  });

  it('without that context says which ones it has', async () => {
    const path = await server.kubeconfig();
    const { code, err } = await user({ TENURE_KUBECONFIG: path, TENURE_KUBE_CONTEXT: 'prod' }).run('status');
    assert.deepEqual([code, err], [1, `tenure: store: kubeconfig ${path}: context "prod" is not defined: use one of: test\n`]);
  });

  it('whose token has expired is named with its user, and when that was', async () => {
    const claims = Buffer.from(JSON.stringify({ exp: 1_700_000_000 })).toString('base64url');
    const path = await withToken(`head.${claims}.signature`);
    for (const command of ['status', 'doctor']) {
      const { code, out, err } = await user({ TENURE_KUBECONFIG: path }).run(command);
      assert.equal(code, 1);
      assert.match(`${out}${err}`, /the API server does not accept the token of user "admin" of kubeconfig \S+with-token, which expired at 2023-11-14T22:13:20Z/);
      assert.match(`${out}${err}`, /give a token or client certificate that is valid/);
      assert.doesNotMatch(`${out}${err}`, /signature/);
    }
  });

  it('that leads where nothing listens: the address, and how to see', async () => {
    const path = await server.kubeconfig('admin', { server: 'https://127.0.0.1:1' });
    const { err } = await user({ TENURE_KUBECONFIG: path }).run('status');
    assert.match(err, /https:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*: see whether the API server answers there/);
  });
});
