/** All that was measured, over as many sittings as it took. */
import type { Trial } from './judge.ts';

export interface Outcome {
  /** In the order of the report. */
  readonly contenders: readonly { readonly name: string; readonly ours: boolean }[];
  readonly faults: readonly { readonly name: string; readonly about: string }[];
  /** Who was left out, and why. */
  readonly leftOut: readonly string[];
  readonly trials: readonly Trial[];
  /** Turns that ended before their last fault, and why. */
  readonly unfinished: readonly string[];
}

/** What is measured next, added to what was kept; of each thing as it is called now. */
export function added(before: Outcome | undefined, next: Outcome): Outcome {
  if (before === undefined) return next;
  const { contenders, faults, leftOut, trials, unfinished } = before;
  interface Named { readonly name: string }
  const known = <T extends Named>(old: readonly T[], now: readonly T[]): T[] => (
    [...old.map((one) => now.find(({ name }) => name === one.name) ?? one),
      ...now.filter(({ name }) => !old.some((one) => one.name === name))]
  );
  return {
    contenders: known(contenders, next.contenders), faults: known(faults, next.faults),
    leftOut: [...new Set([...leftOut, ...next.leftOut])],
    trials: [...trials, ...next.trials], unfinished: [...unfinished, ...next.unfinished],
  };
}

export function cell({ trials }: Outcome, contender: string, fault: string): readonly Trial[] {
  return trials.filter((one) => one.contender === contender && one.fault === fault);
}
