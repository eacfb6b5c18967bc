/** What a state counts as it goes, counted afresh. */
import type { TenureId } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { Violation } from './violation.ts';

type Counts = Record<'holds' | 'follows' | 'leaves' | 'gets', number>;

export function expectTallies({ options, view, busy, tallies }: State): void {
  const counted = new Map<string, Counts>();
  const add = (id: TenureId | null | undefined, what: keyof Counts): void => {
    if (!id) return;
    const key = `${String(id.incarnation)}/${id.node}`;
    const counts = counted.get(key) ?? { holds: 0, follows: 0, leaves: 0, gets: 0 };
    counts[what] += 1;
    counted.set(key, counts);
  };
  for (const { holder, heirs } of view.leases.values()) {
    add(holder, 'holds');
    if (holder?.node === options.node) add(heirs[0], 'follows');
  }
  for (const { action, lease, swap } of busy.values()) {
    if (action === 'line' || action === 'reclaim' || action === 'renounce') continue;
    add(lease?.holder, 'leaves');
    add(swap.next.holder, 'gets');
  }
  const kept = [...tallies].map(([key, { holds, follows, leaves, gets }]) => (
    [key, { holds, follows, leaves, gets }] as const));
  const told = (entries: Iterable<readonly [string, Counts]>): string => (
    JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1))));
  if (told(kept) !== told(counted)) {
    throw new Violation(`${options.node} counts ${told(kept)}, and there is ${told(counted)}`);
  }
}
