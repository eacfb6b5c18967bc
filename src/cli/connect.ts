/** The store that a command goes to, for as long as it needs it. */
import type { Command } from 'commander';
import type { StoreSettings } from '../config/agent-config.ts';
import type { LeaseStore } from '../store/lease-store.ts';
import { StoreError } from '../store/lease-store.ts';
import { clientConfig } from './configuration.ts';
import type { CliContext } from './context.ts';
import { failed } from './context.ts';

export interface StoreSession {
  readonly store: LeaseStore;
  /** A deadline for one request. People wait longer than agents do. */
  readonly deadline: () => AbortSignal;
}

const patience = 5;

/** Runs `work` with the store that `command`'s flags name, and closes it afterwards. */
export async function withStore<T>(
  context: CliContext, command: Command, work: (session: StoreSession) => Promise<T>,
): Promise<T> {
  return withStoreOf(context, clientConfig(context, command).store, work);
}

/** The same for a command that has read its configuration already. */
export async function withStoreOf<T>(
  context: CliContext, settings: StoreSettings, work: (session: StoreSession) => Promise<T>,
): Promise<T> {
  const deadline = (): AbortSignal => AbortSignal.timeout(settings.requestTimeoutMs * patience);
  let store: LeaseStore | null = null;
  try {
    store = await context.openStore(settings);
    return await work({ store, deadline });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw Object.assign(failed(explainStoreError(error, settings)), { cause: error });
  } finally {
    await store?.close();
  }
}

/** `store: what happened: what would mend it`; one of the two says where. */
export function explainStoreError(error: StoreError, settings: StoreSettings): string {
  return `store: ${error.message}: ${error.fix ?? advice[settings.kind](error, settings)}`;
}

const advice: Readonly<
  Record<StoreSettings['kind'], (error: StoreError, settings: StoreSettings) => string>
> = {
  etcd: ({ code }, { etcd }) => {
    switch (code) {
      case 'unavailable':
      case 'timeout': return `see whether etcd runs at ${etcd.endpoints.join(', ')}, or name another with --etcd-endpoints`;
      case 'denied': return 'see store.etcd.user and its password, and the rights of that user';
      case 'read-only': return 'see etcd\'s alarms ("etcdctl alarm list") and free space';
      case 'schema': return 'see whether another program, or another version of Tenure, uses this prefix';
      case 'invalid': return 'see the options of the store in docs/options.md';
    }
  },
  none: () => 'name a store with --store',
  kubernetes: ({ code }) => {
    switch (code) {
      case 'unavailable':
      case 'timeout': return 'see whether the API server answers: kubectl get --raw /readyz';
      case 'denied': return 'see the rights in manifests/rbac, and the kubeconfig';
      case 'read-only': return 'see the log of the API server and its etcd';
      case 'schema': return 'see whether another program, or another version of Tenure, uses these Lease objects';
      case 'invalid': return 'see the options of the store in docs/options.md, and manifests/crd';
    }
  },
};
