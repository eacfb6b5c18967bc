/** The burst of claims on taking over: `count=5,interval=100ms,growth=2,refresh=60s`. Pure. */
import { formatDuration, parseDuration } from './duration.ts';
import { quote, refuse } from './problem.ts';
import type { Parsed } from './problem.ts';
import { didYouMean } from './suggest.ts';

export interface BurstSettings {
  /** Claims per address on taking over, the first at once. */
  readonly count: number;
  /** Time to the second claim, in ms. */
  readonly intervalMs: number;
  /** Each later interval is this many times the one before. */
  readonly growth: number;
  /** Thereafter a claim every so often, in ms; 0: never. */
  readonly refreshMs: number;
}

/** Claims at 0, 0.1, 0.3, 0.7 and 1.5 s: neighbours that missed one frame hear the next soon. */
export const defaultBurst: BurstSettings = {
  count: 5, intervalMs: 100, growth: 2, refreshMs: 60_000,
};

const fields = ['count', 'interval', 'growth', 'refresh'] as const;
const longestInterval = 3_600_000;

/** `key=value` pairs joined by commas. */
export function parseBurst(text: string): Parsed<Partial<BurstSettings>> {
  const pairs = splitPairs(text);
  return 'error' in pairs ? pairs : burstOf(pairs.value);
}

/** `a=1,b=2` as pairs; white space around them does not count. */
export function splitPairs(text: string): Parsed<readonly (readonly [string, string])[]> {
  const pairs: [string, string][] = [];
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    if (equals < 0) return refuse(part.trim(), 'has no "=": write key=value, joined by commas.');
    pairs.push([part.slice(0, equals).trim(), part.slice(equals + 1).trim()]);
  }
  const twice = pairs.find(([key], index) => pairs.findIndex(([other]) => other === key) < index);
  if (twice !== undefined) return refuse(twice[0], 'is given twice: take one out.');
  return { value: pairs };
}

/** Only what the pairs name; sound together with the defaults for the rest. */
export function burstOf(
  pairs: readonly (readonly [string, string])[],
): Parsed<Partial<BurstSettings>> {
  let given: Partial<BurstSettings> = {};
  for (const [key, text] of pairs) {
    const field = fields.find((name) => name === key);
    if (field === undefined) {
      return refuse(key, `is no setting of a burst: ${didYouMean(key, fields)}`);
    }
    const read = readField(field, text);
    if ('error' in read) return { error: `${field}: ${read.error}` };
    given = { ...given, ...read.value };
  }
  const burst = { ...defaultBurst, ...given };
  const last = burst.intervalMs * burst.growth ** Math.max(0, burst.count - 2);
  if (last > longestInterval) {
    return refuse(formatBurst(burst), 'ends with claims more than an hour apart: lower count, interval or growth.');
  }
  return { value: given };
}

function readField(
  field: (typeof fields)[number],
  text: string,
): Parsed<Partial<BurstSettings>> {
  switch (field) {
    case 'count': {
      const count = numberIn(text, /^[0-9]{1,3}$/, 1, 100);
      return count === null
        ? { error: `${quote(text)} is not a whole number from 1 to 100.` }
        : { value: { count } };
    }
    case 'growth': {
      const growth = numberIn(text, /^[0-9]{1,2}(\.[0-9]{1,3})?$/, 1, 10);
      return growth === null
        ? { error: `${quote(text)} is not a number from 1 to 10, as in 1.5.` }
        : { value: { growth } };
    }
    case 'interval': {
      const ms = parseDuration(text, { least: 10, most: 60_000 });
      return 'error' in ms ? ms : { value: { intervalMs: ms.value } };
    }
    case 'refresh': {
      const ms = parseDuration(text, { least: 1000, most: 86_400_000, zero: 'never' });
      return 'error' in ms ? ms : { value: { refreshMs: ms.value } };
    }
  }
}

function numberIn(text: string, form: RegExp, least: number, most: number): number | null {
  const number = form.test(text) ? Number(text) : NaN;
  return number >= least && number <= most ? number : null;
}

/** Text that `parseBurst` reads as `burst`. */
export function formatBurst(burst: Partial<BurstSettings>): string {
  const { count, intervalMs, growth, refreshMs } = burst;
  return [
    ...count === undefined ? [] : [`count=${count}`],
    ...intervalMs === undefined ? [] : [`interval=${formatDuration(intervalMs)}`],
    ...growth === undefined ? [] : [`growth=${growth}`],
    ...refreshMs === undefined ? [] : [`refresh=${formatDuration(refreshMs)}`],
  ].join(',');
}
