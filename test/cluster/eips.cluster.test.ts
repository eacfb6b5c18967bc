/** Eips as objects of the cluster: the CRD, kubectl, and the documents that agents get. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { parseEipDocuments } from '../../src/config/eip-document.ts';
import { openKubernetesStore } from '../../src/store/kubernetes/kubernetes-store.ts';
import type { DocumentChange, LeaseStore } from '../../src/store/lease-store.ts';
import { hasKubectl } from '../lab/apiserver.ts';
import { soon } from '../store/contract-kit.ts';
import { Stage } from './stage.ts';
import { eventually } from './players.ts';

const stage = new Stage();
let store: LeaseStore | null = null;
before(async () => {
  await stage.open();
  store = await openKubernetesStore({ kubeconfig: await stage.server!.kubeconfig() });
});
after(async () => {
  await store?.close();
  await stage.close();
});

const path = '/apis/network.kubesphere.io/v1alpha2/eips';

function eip(name: string, spec: object, annotations = {}) {
  return {
    apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip',
    metadata: { name, annotations }, spec,
  };
}

describe('an Eip', () => {
  it('that kubectl applies reads back in columns, by its category too, and in both versions', async () => {
    if (!hasKubectl()) return;
    const run = (args: string[], input?: string) => stage.server!.kubectl(args, input);
    const manifest = JSON.stringify(eip('columns', {
      address: '192.0.2.0/24', protocol: 'layer2', interface: 'eth0',
    }));
    assert.equal((await run(['apply', '-f', '-'], manifest)).stdout, 'eip.network.kubesphere.io/columns created\n');
    await stage.server!.must('PATCH', `${path}/columns/status`, { status: { usage: 3, poolSize: 256 } });
    for (const kind of ['eip', 'eips', 'networking', 'eips.v1alpha1.network.kubesphere.io']) {
      const { stdout } = await run(['get', kind]);
      assert.match(stdout, /^NAME +CIDR +USAGE +TOTAL *\ncolumns +192\.0\.2\.0\/24 +3 +256/);
    }
    assert.equal((await run(['delete', 'eip', 'columns'])).code, 0);
  });

  it('that could not be meant is refused, with the field and the reason', async () => {
    const cases: [object, RegExp][] = [
      [{}, /spec\.address: Required/],
      [{ address: '192.0.2.0/24', protocol: 'layer2' }, /interface should not be empty/],
      [{ address: '192.0.2.0/24', protocol: 'vip', interface: '' }, /interface should not be empty/],
      [{ address: '192.0.2.1 - 192.0.2.2' }, /spec\.address/],
      [{ address: '192.0.2.0/255.255.255.0' }, /spec\.address/],
      [{ address: 'fe80::1%eth0' }, /spec\.address/],
      [{ address: '192.0.2.1', protocol: 'ospf' }, /spec\.protocol/],
      [{ address: '192.0.2.1', protocol: 'layer2', interface: 'a b' }, /spec\.interface/],
      [{ address: '192.0.2.1', priority: 'first' }, /spec\.priority/],
    ];
    for (const [spec, reason] of cases) {
      const { status, body } = await stage.server!.ask('POST', path, eip('bad', spec));
      assert.equal(status, 422, JSON.stringify(spec));
      assert.match((body as { message: string }).message, reason);
    }
  });

  it('keeps its address once it has one', async () => {
    await stage.server!.must('POST', path, eip('kept', { address: '192.0.2.1' }));
    const { status, body } = await stage.server!.ask('PATCH', `${path}/kept`, { spec: { address: '192.0.2.2' } });
    assert.equal(status, 422);
    assert.match((body as { message: string }).message, /the address field is not allowed to be modified/);
    await stage.server!.must('DELETE', `${path}/kept`);
  });

  it('of each form that OpenELB takes is taken', async () => {
    const specs = [
      { address: '192.0.2.7' },
      { address: '192.0.2.0/24', protocol: 'bgp' },
      { address: '192.0.2.1-192.0.2.9', protocol: 'layer2', interface: 'can_reach:192.0.2.254' },
      { address: '2001:db8::/120', protocol: 'layer2', interface: 'eth0.7', disable: true },
      { address: '192.0.2.1', priority: 5, namespaces: ['a'], namespaceSelector: { team: 'x' }, usingKnownIPs: true },
    ];
    for (const [index, spec] of specs.entries()) {
      const made = await stage.server!.must('POST', path, eip(`form-${index}`, spec)) as { spec: object };
      assert.deepEqual({ ...made.spec, ...spec }, made.spec);
      await stage.server!.must('DELETE', `${path}/form-${index}`);
    }
  });

  it('reaches agents as a document that they can read', async () => {
    const changes: DocumentChange[] = [];
    const stop = new AbortController();
    const watching = store!.watchDocuments((change) => changes.push(change), stop.signal);
    await eventually(() => changes.length === 1, 'the list');
    await stage.server!.must('POST', path, eip('web', {
      address: '192.0.2.1-192.0.2.3', protocol: 'layer2', interface: 'eth0',
    }, { 'tenure.io/announce': 'bind' }));
    await eventually(() => changes.length === 2, 'the change');
    const document = changes[1]?.documents[0]?.document;
    const { documents, problems } = parseEipDocuments('web', document?.text ?? '');
    assert.deepEqual(problems, []);
    assert.equal(documents[0]?.name, 'web');
    assert.equal(documents[0].block.size, 3n);
    await stage.server!.must('DELETE', `${path}/web`);
    await eventually(() => changes.at(-1)?.documents[0]?.document === null, 'the deletion');
    stop.abort();
    await watching;
  });

  it('with a field that does not exist is refused, and nothing that came with it is kept', async () => {
    const good = JSON.stringify(eip('good', { address: '192.0.2.1' }));
    const bad = JSON.stringify(eip('odd', { address: '192.0.2.2', adress: 'x' }));
    await assert.rejects(store!.putDocuments([
      { name: 'good', text: good, revision: 0 }, { name: 'odd', text: bad, revision: 0 },
    ], soon()), { code: 'invalid', message: /unknown field "spec\.adress"/ });
    assert.deepEqual(await store!.listDocuments(soon()), []);
  });

  it('that is changed as it is applied with others takes those back', async () => {
    const text = (name: string, priority: number) => JSON.stringify(eip(name, {
      address: '192.0.2.1', priority,
    }));
    await store!.putDocuments([
      { name: 'one', text: text('one', 1), revision: 0 },
      { name: 'two', text: text('two', 1), revision: 0 },
    ], soon());
    const [one, two] = await store!.listDocuments(soon());
    const put = await store!.putDocuments([
      { name: 'one', text: text('one', 2), revision: one!.revision },
      { name: 'two', text: text('two', 2), revision: two!.revision - 1 },
    ], soon());
    assert.equal(put, false);
    const priorities = (await store!.listDocuments(soon())).map((document) => (
      (parse(document.text) as { spec: { priority: number } }).spec.priority
    ));
    assert.deepEqual(priorities, [1, 1]);
    for (const name of ['one', 'two']) await store!.deleteDocument(name, soon());
  });

  it('of a cluster without the CRD: said, with what to do', async () => {
    const name = 'eips.network.kubesphere.io';
    await stage.server!.must('DELETE', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
    await eventually(async () => (await stage.server!.ask('GET', path)).status === 404, 'the end of the CRD');
    await assert.rejects(store!.watchDocuments(() => undefined, soon()), {
      code: 'invalid', message: /eips\.network\.kubesphere\.io is not known/, fix: /manifests\/crd/,
    });
  });
});
