/** The store that a configuration names. */
import type { StoreSettings } from '../config/agent-config.ts';
import { EtcdStore } from '../store/etcd/etcd-store.ts';
import type { LeaseStore } from '../store/lease-store.ts';

/** Connects at the first call. Throws StoreError('invalid') for settings that cannot be used. */
export function openStore(settings: StoreSettings): LeaseStore {
  return new EtcdStore(settings.etcd);
}
