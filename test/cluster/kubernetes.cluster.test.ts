import { after, before } from 'node:test';
import { stringify } from 'yaml';
import { Credentials } from '../../src/store/kubernetes/credentials.ts';
import { KubernetesStore } from '../../src/store/kubernetes/kubernetes-store.ts';
import { startApiServer } from '../lab/apiserver.ts';
import type { ApiServer } from '../lab/apiserver.ts';
import { leaseStoreContract } from '../store/contract.ts';

let server: ApiServer | null = null;
let credentials: Credentials | null = null;
let count = 0;

before(async () => {
  server = await startApiServer();
  await server.apply('manifests/crd');
  credentials = await Credentials.load({ kubeconfig: await server.kubeconfig() });
});
after(() => server?.stop());

leaseStoreContract('kubernetes', async () => {
  count += 1;
  const namespace = `contract-${count}`;
  await server!.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  return {
    client: () => new KubernetesStore({ namespace }, credentials!),
    dispose: async () => {
      await server!.must('DELETE', '/apis/network.kubesphere.io/v1alpha2/eips');
    },
  };
}, { ttlMs: 2_000, eventuallyMs: 20_000 }, (name, text) => stringify({
  apiVersion: 'network.kubesphere.io/v1alpha2',
  kind: 'Eip',
  metadata: { name, annotations: { note: text } },
  spec: { address: '192.0.2.1', disable: false, interface: 'eth0', priority: 0, protocol: 'layer2' },
}));
