/** Which nodes may hold an address, and why one may not. */
import type { EipPolicy } from './events.ts';
import type { Eip, NodeLease } from './model.ts';
import { matchesSelector } from './selector.ts';

/** Why `lease`'s node may not hold `eip`, as a sentence fragment; null: it may. */
export function whyUnfit(
  eip: Eip, policy: EipPolicy, lease: NodeLease | undefined, drained: boolean,
): string | null {
  if (lease === undefined) return 'has no live node lease';
  const { record } = lease;
  if (drained) return 'is drained';
  if (record.draining) return 'is stopping';
  if (record.weight <= 0) return 'has weight 0';
  if (!matchesSelector(policy.selector, record.labels)) return "does not match the Eip's node selector";
  return record.unable[eip] ?? record.unable[policy.pool] ?? null;
}
