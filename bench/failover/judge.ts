/** What came of a fault, by `tenure measure` and by the sniffer: read when the turn is over. */
import type { GapEvent, MeasureEvent, MoveEvent } from '../../src/measure/events.ts';
import type { Lab } from '../../test/lab/lab.ts';
import type { Done } from './trial.ts';

export interface Trial {
  readonly contender: string;
  readonly fault: string;
  /** What a client missed, from the last answer to the next holder's first, ms. */
  readonly gapMs: number;
  readonly lost: number;
  /** So much of it the measuring process itself stood still. */
  readonly ownStallMs: number;
  /** The longest time in which one who asks the LAN for the address heard nothing, ms. */
  readonly newcomerMs: number;
  /** From the fault to another's first claim, ms; null: nobody else claimed it. */
  readonly claimMs: number | null;
  /** False: nobody took over before the fault was undone, where somebody should have. */
  readonly tookOver: boolean;
  /** Claims by the old holder after a new one's first, and for how long; by the sniffer. */
  readonly lateClaims: number;
  readonly lateMs: number;
  /** Changes of hands beyond the one that the fault asks for; null: the contender counts none. */
  readonly needless: number | null;
}

/** What the two who measure have told, from a turn's beginning to its end. */
export interface Told {
  /** A client at 1,000 packets a second: its gap is what counts. */
  readonly client: readonly MeasureEvent[];
  /** Asks by ARP: whoever would answer wrongly does. */
  readonly newcomer: readonly MeasureEvent[];
}

export async function judge(
  lab: Lab, address: string, contender: string, done: Done, told: Told,
): Promise<Trial> {
  const { fault, tookOver } = done;
  const { gapMs: newcomerMs } = worstGap(told.newcomer, done);
  return {
    contender, fault, tookOver, ...worstGap(told.client, done), newcomerMs,
    ...await claims(lab, address, done),
  };
}

/** The longest silence that was no stall of our own, or the one in which the address moved. */
function worstGap(events: readonly MeasureEvent[], { since, until }: Done) {
  const isIn = (at: number): boolean => at >= since && at <= until;
  const moves = events.filter((event): event is MoveEvent => event.event === 'move' && isIn(event.at));
  const moved = moves.flatMap(({ gaps }) => gaps)
    .flatMap(({ ms, lost, ownStallMs }) => (ms === null ? [] : [{ ms, lost, ownStallMs }]));
  const silent = events
    .filter((event): event is GapEvent => event.event === 'gap' && isIn(event.to))
    .filter(({ ms, before, after, ownStallMs }) => before !== after || ownStallMs < ms / 2);
  const [worst] = [...moved, ...silent].toSorted((a, b) => b.ms - a.ms);
  return {
    gapMs: rounded(worst?.ms ?? 0), lost: worst?.lost ?? 0,
    ownStallMs: rounded(worst?.ownStallMs ?? 0),
  };
}

/**
 * Where changes of hands are counted, each run of claims after the holder's must be one of them: an
 * address that went away and came back in order is none that two claimed.
 */
async function claims(
  lab: Lab, address: string, { holder, since, until, asked, moves, counted }: Done,
) {
  await lab.sniffer.assertHeardAll();
  // The holder's last claim before the fault is in it, so that it counts as the first to claim.
  const window = { since: since - 500, until };
  const runs = await lab.sniffer.runs(address, window);
  const next = runs.find(({ host, first }) => host !== holder && first >= since);
  const common = {
    claimMs: next === undefined ? null : rounded(next.first - since),
    needless: moves === null ? null : Math.max(0, moves - asked),
  };
  const turns = (await lab.sniffer.runs(address, counted)).map(({ host }) => host);
  // It may have said nothing since it was looked at.
  if (turns[0] !== holder) turns.unshift(holder);
  if (moves !== null && turns.length - 1 <= moves) return { ...common, lateClaims: 0, lateMs: 0 };
  const overlaps = await lab.sniffer.overlaps({ addresses: [address], ...window });
  const late = overlaps.find(({ host }) => host === holder) ?? overlaps[0];
  return { ...common, lateClaims: late?.claims ?? 0, lateMs: rounded(late?.ms ?? 0) };
}

/** A thousandth of a ms is enough. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
