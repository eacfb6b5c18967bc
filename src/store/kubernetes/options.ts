/** How to reach a Kubernetes API server: what a user sets, checked where it enters. */
import type { Finding } from '../../core/model.ts';
import { StoreError } from '../lease-store.ts';

export interface KubernetesOptions {
  /** Where the leases are kept. Default: the pod's own, or 'tenure-system'. */
  readonly namespace?: string | undefined;
  /**
   * A kubeconfig file. Default: what KUBECONFIG names, else the pod's service account, else
   * ~/.kube/config.
   */
  readonly kubeconfig?: string | undefined;
  /** One of the kubeconfig's contexts. Default: its current one. */
  readonly context?: string | undefined;
  /**
   * No node lease has a longer TTL than this, on any node: how long a tenure of which nothing is
   * known must be waited for. Default 300,000. Opening a longer one is refused.
   */
  readonly longestTtlMs?: number | undefined;
  /** Told what people or other programs did to the leases, and what was done about it. */
  readonly report?: ((finding: Finding) => void) | undefined;
  /**
   * The clock that leases are counted by, ms: CLOCK_BOOTTIME, which a suspended machine finds
   * ahead. Default: performance.now(), which stands still while a machine is suspended.
   */
  readonly now?: (() => number) | undefined;
  /** For tests, which cannot wait so long. */
  readonly timing?: Partial<Timing> | undefined;
}

export interface Timing {
  /** A list, or the first answer to a watch, must come within. */
  readonly answerMs: number;
  /** A watch that brings nothing for so long is given up: bookmarks come each minute. */
  readonly silenceMs: number;
  /** A watch that does not show our own write so long after its answer is given up. */
  readonly lagMs: number;
  /** Delays between attempts to reach the server grow from the first to the second. */
  readonly retryMs: number;
  readonly longestRetryMs: number;
  /** The server ends a watch after this at the latest, so that servers share the load. */
  readonly watchSeconds: number;
  /** An ended node lease that nothing refers to is removed after this. */
  readonly collectMs: number;
}

export const defaultTiming: Timing = {
  answerMs: 10_000,
  silenceMs: 150_000,
  lagMs: 10_000,
  retryMs: 100,
  longestRetryMs: 5_000,
  watchSeconds: 3_600,
  collectMs: 3_600_000,
};

export const defaultNamespace = 'tenure-system';
export const defaultLongestTtlMs = 300_000;

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Throws StoreError('invalid'). */
export function checkOptions(options: KubernetesOptions): void {
  const { namespace, longestTtlMs } = options;
  if (namespace !== undefined && !label.test(namespace)) {
    throw new StoreError('invalid', `store namespace ${JSON.stringify(namespace)} is not a name`, {
      fix: `use lower-case letters, digits and "-", at most 63, as in ${defaultNamespace}`,
    });
  }
  if (longestTtlMs !== undefined && !(longestTtlMs >= 1000 && Number.isFinite(longestTtlMs))) {
    throw new StoreError('invalid', `store longestTtlMs is ${longestTtlMs}`, {
      fix: 'set it to 1000 or more, and on every node to the same',
    });
  }
  for (const [what, value] of [['kubeconfig', options.kubeconfig], ['context', options.context]]) {
    if (value === '') {
      throw new StoreError('invalid', `store ${what ?? ''} is empty`, { fix: 'leave it out, or name one' });
    }
  }
}
