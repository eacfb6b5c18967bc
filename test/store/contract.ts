/**
 * What every lease store must do, whatever it is made of: the meaning of src/core/requests.ts and
 * src/store/lease-store.ts, as tests. Nothing in them depends on how time is kept: what happens by
 * itself is waited for through a watch.
 */
import { describe } from 'node:test';
import { Lab } from './contract-kit.ts';
import type { Backend, Contract, Scale } from './contract-kit.ts';
import { operatorContract } from './contract-operators.ts';
import type { Manifest } from './contract-operators.ts';
import { swapContract } from './contract-swaps.ts';
import { tenureContract } from './contract-tenures.ts';
import { watchContract } from './contract-watch.ts';

export function leaseStoreContract(
  name: string, makeBackend: () => Promise<Backend>, scale: Scale, manifest?: Manifest,
): void {
  const contract: Contract = {
    scale,
    run: (test) => async () => {
      const lab = new Lab(await makeBackend(), scale);
      try {
        await test(lab);
      } finally {
        await lab.dispose();
      }
    },
  };
  describe(`a lease store: ${name}`, () => {
    tenureContract(contract);
    swapContract(contract);
    watchContract(contract);
    operatorContract(contract, manifest);
  });
}
