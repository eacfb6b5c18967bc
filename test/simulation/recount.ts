/** What a state counts as it goes, counted afresh. */
import type { TenureId } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import type { Tally } from '../../src/core/tally.ts';
import { Violation } from './violation.ts';

type Counts = Omit<Tally, 'id'>;

const nothing: Counts = { holds: 0, follows: 0, leaves: 0, gets: 0, parts: 0, joins: 0 };

export function expectTallies({ options, view, busy, tallies }: State): void {
  const counted = new Map<string, Counts>();
  const add = (id: TenureId | null | undefined, what: keyof Counts): void => {
    if (!id) return;
    const key = `${String(id.incarnation)}/${id.node}`;
    const counts = counted.get(key) ?? nothing;
    counted.set(key, { ...counts, [what]: counts[what] + 1 });
  };
  for (const { holder, heirs } of view.leases.values()) {
    add(holder, 'holds');
    if (holder?.node === options.node) add(heirs[0], 'follows');
  }
  for (const { action, lease, swap } of busy.values()) {
    if (lease?.holder?.node === options.node) add(lease.heirs[0], 'parts');
    if (swap.next.holder?.node === options.node) add(swap.next.heirs[0], 'joins');
    if (action === 'line' || action === 'reclaim' || action === 'renounce') continue;
    add(lease?.holder, 'leaves');
    add(swap.next.holder, 'gets');
  }
  const kept = [...tallies].map(([key, { id: _, ...counts }]) => [key, counts] as const);
  const told = (entries: Iterable<readonly [string, Counts]>): string => (
    JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1))));
  if (told(kept) !== told(counted)) {
    throw new Violation(`${options.node} counts ${told(kept)}, and there is ${told(counted)}`);
  }
}
