/**
 * Puts the options of the Kubernetes store together, and sees that the kubeconfig can be read. What
 * is in it is for the store, which reads it anew as tokens and certificates are replaced.
 */
import type { KubernetesSettings } from './agent-config.ts';
import { options } from './options.ts';
import type { OptionKey, OptionValues } from './options.ts';
import { quote } from './problem.ts';
import type { ConfigProblem } from './problem.ts';
import type { ReadFile } from './read-file.ts';

type Origins = Readonly<Record<OptionKey, { readonly source: string } | null>>;

const keys = ['kubeconfig', 'kubeContext', 'kubeNamespace'] as const;

/** `refused` are the options whose values were; nothing is said of what depends on them. */
export function kubernetesSettings(
  values: OptionValues, origins: Origins, refused: ReadonlySet<OptionKey>, readFile: ReadFile,
): { readonly settings: KubernetesSettings; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const report = (key: OptionKey, text: string): void => {
    problems.push({ source: origins[key]?.source ?? 'default', field: options[key].path, text });
  };
  const { kubeconfig, kubeContext: context, kubeNamespace: namespace } = values;
  if (kubeconfig !== null) {
    const read = readFile(kubeconfig);
    if (read.kind === 'missing') report('kubeconfig', `${quote(kubeconfig)} is not there.`);
    if (read.kind === 'unreadable') report('kubeconfig', `${quote(kubeconfig)} ${read.why}`);
  }
  // Who names a kubeconfig and no kind of store meant another than the default.
  const isForgotten = origins.storeKind?.source === 'default' && !refused.has('storeKind');
  for (const key of isForgotten ? keys : []) {
    const value = values[key];
    if (value === null) continue;
    report(key, `${quote(value)} has no use, as the store is etcd: say so with store.kind: kubernetes (--store kubernetes), or leave it out.`);
  }
  return {
    settings: {
      ...kubeconfig === null ? {} : { kubeconfig },
      ...context === null ? {} : { context },
      ...namespace === null ? {} : { namespace },
    },
    problems,
  };
}
