import { after, before } from 'node:test';
import { EtcdStore } from '../../src/store/etcd/etcd-store.ts';
import { startEtcd } from '../lab/etcd.ts';
import type { EtcdCluster } from '../lab/etcd.ts';
import { leaseStoreContract } from './contract.ts';

let cluster: EtcdCluster | null = null;
let count = 0;

before(async () => {
  // A short election timeout makes a short minimum for leases: one second.
  cluster = await startEtcd({ heartbeatMs: 20, electionMs: 200 });
});
after(() => cluster?.stop());

leaseStoreContract('etcd', () => {
  count += 1;
  const options = { endpoints: cluster?.endpoints ?? [], prefix: `/contract-${count}/` };
  return Promise.resolve({
    client: () => new EtcdStore(options),
    dispose: () => Promise.resolve(),
  });
}, { ttlMs: 1_000, eventuallyMs: 15_000 });
