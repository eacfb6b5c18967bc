/** The store that a configuration names. Each is loaded only where it is used. */
import type { StoreSettings } from '../config/agent-config.ts';
import type { Finding } from '../core/model.ts';
import { StoreError } from '../store/lease-store.ts';
import type { LeaseStore, StoreHooks } from '../store/lease-store.ts';

/** Connects at the first call. Rejects with StoreError('invalid') for what could never be used. */
export async function openStore(
  settings: StoreSettings, hooks: StoreHooks = {},
): Promise<LeaseStore> {
  switch (settings.kind) {
    case 'etcd': {
      const { EtcdStore } = await import('../store/etcd/etcd-store.ts');
      const { report } = hooks;
      return new EtcdStore(settings.etcd, report === undefined ? {} : { onFindings: news(report) });
    }
    case 'none':
      throw new StoreError('invalid', 'there is none (store: none)', {
        fix: 'change the manifests in eips.directory, or name a store with --store',
      });
    case 'kubernetes': {
      const { openKubernetesStore } = await import('../store/kubernetes/kubernetes-store.ts');
      return openKubernetesStore({ ...settings.kubernetes, ...hooks });
    }
  }
}

/** From all that there is, each time, to what was not there the last time. */
function news(report: (finding: Finding) => void): (findings: readonly Finding[]) => void {
  let told: readonly string[] = [];
  return (findings) => {
    for (const finding of findings) if (!told.includes(finding.subject)) report(finding);
    told = findings.map(({ subject }) => subject);
  };
}
