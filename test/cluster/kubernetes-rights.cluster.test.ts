/** What an agent may do, by the roles in manifests/rbac, and what it says when it may not. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openKubernetesStore } from '../../src/store/kubernetes/kubernetes-store.ts';
import { StoreError } from '../../src/store/lease-store.ts';
import type { LeaseStore } from '../../src/store/lease-store.ts';
import { until } from '../lab/command.ts';
import { freePorts } from '../lab/etcd.ts';
import { sampleRecord, soon, swapOf } from '../store/contract-kit.ts';
import { Stage } from './stage.ts';
import { allClaimed, Player } from './players.ts';

const stage = new Stage();
before(() => stage.open());
after(() => stage.close());

const agent = 'tenure-system/tenure-agent';
const namespace = 'tenure-system';
const role = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/tenure-agent`;
const clusterRole = '/apis/rbac.authorization.k8s.io/v1/clusterroles/tenure-agent';
const eip = '192.0.2.1';

interface Rules {
  readonly rules: readonly { readonly resources: string[]; readonly verbs: string[] }[];
}

interface Config {
  readonly users: [{ user: object }];
  readonly clusters: [{ readonly cluster: Record<string, string> }];
}

let runs = 0;

async function following(
  watch: (onFirst: () => void, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  let late: NodeJS.Timeout | undefined;
  const told = new Promise<void>((resolve, reject) => {
    watch(resolve, stop.signal).then(resolve, reject);
    late = setTimeout(() => reject(new Error('told nothing')), 10_000);
  });
  try {
    await told;
  } finally {
    clearTimeout(late);
    stop.abort();
  }
}

/** All that an agent ever does. */
async function everything(store: LeaseStore): Promise<void> {
  runs += 1;
  const node = `node-${runs}`;
  const stop = new AbortController();
  let refused: unknown = null;
  const documents = store.watchDocuments(() => undefined, stop.signal)
    .catch((error: unknown) => { refused = error; });
  await following((onFirst, signal) => store.watch(() => undefined, (state) => {
    if (state.kind === 'following') onFirst();
  }, signal));
  const opened = await store.perform({
    kind: 'open', node, replaces: 0, ttlMs: 60_000, record: sampleRecord,
  }, soon());
  assert.ok(opened.kind === 'opened');
  const tenure = opened.lease.id;
  const eips = { eip, next: swapOf(eip, tenure, 1, 0) };
  const renewed = await store.perform({ kind: 'renew', tenure, ttlMs: 60_000 }, soon());
  assert.equal(renewed.kind, 'renewed');
  const held = (await store.read(soon())).leases.get(eip);
  const swap = held === undefined ? eips.next : swapOf(eip, tenure, held.term + 1, held.revision);
  const swapped = await store.perform({ kind: 'swap', tenure, swaps: [swap] }, soon());
  assert.ok(swapped.kind === 'swapped' && swapped.outcomes[0]?.kind === 'applied');
  await store.perform({ kind: 'settle-moves', eips: [eip] }, soon());
  assert.equal((await store.perform({ kind: 'close', tenure }, soon())).kind, 'closed');
  stop.abort();
  await documents;
  if (refused !== null) throw refused as Error;
  // As an Eip of VRRP is given its VRID; that there is none of this name is no matter.
  const text = 'apiVersion: network.kubesphere.io/v1alpha2\nkind: Eip\nmetadata: {name: none}\n';
  const document = { name: 'none', text, revision: 1 };
  await store.annotateDocument(document, 'tenure.io/vrid', '7', soon());
}

async function asAgent(work: (store: LeaseStore) => Promise<void>): Promise<void> {
  const kubeconfig = await stage.server!.kubeconfig(agent);
  const store = await openKubernetesStore({ kubeconfig, namespace });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

/** The server learns of changed roles by a watch of its own: a moment later. */
async function soonRejects(work: () => Promise<void>): Promise<StoreError> {
  const end = performance.now() + 10_000;
  for (;;) {
    try {
      await work();
      assert.ok(performance.now() < end, 'it still works without the right');
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return error;
    }
  }
}

async function without(
  path: string, verb: string, work: () => Promise<void>,
): Promise<void> {
  const whole = await stage.server!.must('GET', path) as Rules;
  const rules = whole.rules.map((rule) => (
    { ...rule, verbs: rule.verbs.filter((one) => one !== verb) }
  ));
  await stage.server!.must('PATCH', path, { rules });
  try {
    await work();
  } finally {
    await stage.server!.must('PATCH', path, { rules: whole.rules });
  }
}

describe('the rights in manifests/rbac', () => {
  it('are enough for all that an agent does', async () => {
    await asAgent(everything);
    const { rules } = await stage.server!.must('GET', role) as Rules;
    assert.deepEqual(rules.map(({ verbs }) => verbs), [
      ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    ]);
  });

  for (const verb of ['get', 'list', 'watch', 'create', 'patch', 'delete']) {
    it(`include none too many: without ${verb} on leases something fails, and says so`, async () => {
      await without(role, verb, async () => {
        const error = await soonRejects(() => asAgent(everything));
        assert.equal(error.code, 'denied');
        assert.match(error.message, new RegExp(
          `the right to ${verb} leases\\.coordination\\.k8s\\.io in namespace tenure-system is missing`,
        ));
        assert.match(error.fix ?? '', new RegExp(`Role .*tenure-system.*"${verb}"`));
      });
    });
  }

  for (const verb of ['get', 'list', 'watch']) {
    it(`include none too many: without ${verb} on eips something fails, and says so`, async () => {
      await without(clusterRole, verb, async () => {
        const error = await soonRejects(() => asAgent(everything));
        assert.equal(error.code, 'denied');
        assert.match(error.message, new RegExp(
          `the right to ${verb} eips\\.network\\.kubesphere\\.io in the cluster is missing`,
        ));
        assert.match(error.fix ?? '', new RegExp(`ClusterRole.*"${verb}"`));
      });
    });
  }

  it('once lost are waited for: the agent goes on when it has them again', stage.scene(async (scene) => {
    const player = await Player.start({
      node: 'waits', eips: [eip],
      store: { kubeconfig: await scene.server.kubeconfig(agent), namespace },
    });
    scene.players.push(player);
    await allClaimed([player], [eip]);
    await without(role, 'patch', async () => {
      await soonRejects(() => asAgent(everything));
      // A busy server may make it wait first, for anything.
      await until('it is told what it lacks', () => player.errors.some((text) => (
        /^(renew|swap): denied: patch leases\.coordination\.k8s\.io/.test(text))), 10_000, 100);
    });
    await allClaimed([player], [eip]);
  }));

  it('in no other namespace', async () => {
    const kubeconfig = await stage.server!.kubeconfig(agent);
    const store = await openKubernetesStore({ kubeconfig, namespace: 'kube-system' });
    await assert.rejects(store.read(soon()), {
      code: 'denied', message: /right to list leases\.coordination\.k8s\.io in namespace kube-system/,
    });
    await store.close();
  });
});

describe('a namespace that does not exist', () => {
  it('is named, with what to do', async () => {
    const kubeconfig = await stage.server!.kubeconfig();
    const store = await openKubernetesStore({ kubeconfig, namespace: 'nowhere' });
    const opening = store.perform({
      kind: 'open', node: 'a', replaces: 0, ttlMs: 60_000, record: sampleRecord,
    }, soon());
    await assert.rejects(opening, {
      code: 'invalid', message: /namespace nowhere does not exist/, fix: /kubectl create namespace nowhere/,
    });
    await store.close();
  });

  it('is named to one without rights too', async () => {
    const kubeconfig = await stage.server!.kubeconfig(agent);
    const store = await openKubernetesStore({ kubeconfig, namespace: 'nowhere' });
    await assert.rejects(
      store.watch(() => undefined, () => undefined, soon()),
      { code: 'denied', message: /namespace nowhere/, fix: /does not exist/ },
    );
    await store.close();
  });
});

describe('the way to the API server', () => {
  const edited = async (edit: (config: Config) => void): Promise<LeaseStore> => {
    const { server } = stage;
    const config = JSON.parse(readFileSync(await server!.kubeconfig(), 'utf8')) as Config;
    edit(config);
    runs += 1;
    const path = join(server!.dir, `edited-${runs}`);
    writeFileSync(path, JSON.stringify(config));
    return openKubernetesStore({ kubeconfig: path, namespace });
  };

  it('is shown a token by a credential plugin', async () => {
    const path = join(stage.server!.dir, 'plugin');
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential',
      status: { token: stage.server!.token('admin') },
    };
    writeFileSync(path, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`, { mode: 0o755 });
    const store = await edited(({ users: [user] }) => {
      const apiVersion = 'client.authentication.k8s.io/v1';
      user.user = { exec: { apiVersion, command: path, interactiveMode: 'Never' } };
    });
    assert.ok((await store.read(soon())).revision > 0);
    await store.close();
  });

  it('may lead through a proxy', async () => {
    let tunnels = 0;
    const proxy = createServer().on('connect', (request, socket) => {
      tunnels += 1;
      const [host, port] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [socket, upstream]) end.on('error', () => end.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const store = await edited(({ clusters: [cluster] }) => {
      cluster.cluster['proxy-url'] = `http://127.0.0.1:${port}`;
    });
    for (let times = 0; times < 5; times += 1) await store.read(soon());
    assert.equal(tunnels, 1, 'one connection for all');
    await store.close();
    proxy.close();
  });

  it('ends where the certificate is not of the authority that is trusted', async () => {
    const store = await edited(({ clusters: [cluster] }) => {
      delete cluster.cluster['certificate-authority'];
    });
    await assert.rejects(store.watch(() => undefined, () => undefined, soon()), {
      code: 'denied', fix: /certificate-authority/,
    });
    await store.close();
  });

  it('leads nowhere where nothing listens', async () => {
    const [port] = await freePorts(1);
    const server = `https://127.0.0.1:${port!}`;
    const store = await edited(({ clusters: [cluster] }) => { cluster.cluster.server = server; });
    await assert.rejects(store.read(soon()), {
      code: 'unavailable', message: /list leases\..*https:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/,
    });
    const { endpoints: [endpoint] } = await store.info(soon());
    assert.match(endpoint?.problem ?? '', /ECONNREFUSED/);
    await store.close();
  });
});
