/** Durations as people write them: `300ms`, `5s`, `2m`, `1m30s`. Pure. */
import { refuse } from './problem.ts';
import type { Parsed } from './problem.ts';

const shape = /^(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?(?:([0-9]{1,9})ms)?$/;

export interface DurationBounds {
  /** Least and greatest value, ms, both included. */
  readonly least: number;
  readonly most: number;
  /** `0` (which may stand without a unit) is taken besides: what it means, as in `never`. */
  readonly zero?: string;
}

/** Milliseconds. Without a unit, outside the bounds, or not a duration: refused. */
export function parseDuration(text: string, bounds: DurationBounds): Parsed<number> {
  const zero = bounds.zero === undefined ? '' : `, or 0 for ${bounds.zero}`;
  const range = `${formatDuration(bounds.least)} to ${formatDuration(bounds.most)}${zero}`;
  if (/^[0-9]+$/.test(text) && !(text === '0' && bounds.zero !== undefined)) {
    return refuse(text, `lacks a unit: write ${text.slice(0, 12)}s or ${text.slice(0, 12)}ms.`);
  }
  const ms = text === '0' ? 0 : millisecondsOf(text);
  if (ms === null) {
    return refuse(text, 'is not a duration: write it as 300ms, 5s, 2m or 1m30s.');
  }
  if (ms === 0 && bounds.zero !== undefined) return { value: 0 };
  if (ms < bounds.least || ms > bounds.most) {
    return refuse(text, `is out of bounds: write ${range}.`);
  }
  return { value: ms };
}

function millisecondsOf(text: string): number | null {
  const match = shape.exec(text);
  if (match === null || text === '') return null;
  const [hours = 0, minutes = 0, seconds = 0, ms = 0] = match.slice(1).map(
    (part: string | undefined) => part === undefined ? 0 : Number(part));
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

/** The shortest text that `parseDuration` reads as `ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, size] of [['h', 3_600_000], ['m', 60_000], ['s', 1000], ['ms', 1]] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join('');
}
