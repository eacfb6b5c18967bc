import { MemoryServer, MemoryStore } from '../../src/store/memory/memory-store.ts';
import { leaseStoreContract } from './contract.ts';

leaseStoreContract('memory', () => {
  const server = new MemoryServer();
  return Promise.resolve({
    client: () => new MemoryStore(server),
    dispose: () => Promise.resolve(),
  });
}, { ttlMs: 200, eventuallyMs: 10_000 });
