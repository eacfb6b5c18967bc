/** The way of each past move, step by step: for `tenure history --timeline`. Pure. */
import type { Move, MovePath } from '../core/model.ts';
import type { Column } from './output.ts';

/** In the order in which they happen. */
const steps = [
  ['withdrawn', 'WITHDRAWN'], ['certified', 'CERTIFICATE'], ['opened', 'GATE'],
  ['claimed', 'CLAIM'], ['served', 'SERVED'], ['confirmed', 'STORE'],
] as const satisfies readonly (readonly [keyof MovePath, string])[];

/** Steps of a move, ms from the last heartbeat of the old holder where that is known. */
export interface Timeline {
  /** What steps count from: that heartbeat, or when the new holder knew that it was its turn. */
  readonly from: 'heartbeat' | 'turn';
  readonly turn: number;
  readonly steps: Readonly<Record<(typeof steps)[number][0], number | null>>;
}

/** Null: nothing of its way was written down. */
export function timelineOf({ path }: Move): Timeline | null {
  if (path === undefined) return null;
  const zero = path.heard ?? 0;
  const since = (at: number | undefined): number | null => (
    at === undefined ? null : Math.round((at - zero) * 10) / 10
  );
  return {
    from: path.heard === undefined ? 'turn' : 'heartbeat',
    turn: since(0) ?? 0,
    steps: {
      withdrawn: since(path.withdrawn), certified: since(path.certified),
      opened: since(path.opened), claimed: since(path.claimed), served: since(path.served),
      confirmed: since(path.confirmed),
    },
  };
}

function shown(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? '-' : ms.toFixed(1);
}

/** After those of `tenure history`. */
export const timelineColumns: readonly Column<{ readonly move: Move }>[] = [
  { title: 'MS SINCE', of: ({ move }) => timelineOf(move)?.from ?? '-' },
  ...steps.map(([step, title]): Column<{ readonly move: Move }> => (
    { title, of: ({ move }) => shown(timelineOf(move)?.steps[step]) }
  )),
];
