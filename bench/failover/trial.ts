/** One fault on one contender: does it, and notes when. What came of it is judged later. */
import { sleep } from '../../test/lab/command.ts';
import type { Lab } from '../../test/lab/lab.ts';
import type { Prober } from '../../test/lab/prober.ts';
import type { Rest, Running } from './contender.ts';
import type { Fault } from './faults.ts';

/** A fault that was done and undone. Instants are wall-clock ms. */
export interface Done {
  readonly fault: string;
  /** Who held the address. */
  readonly holder: string;
  /** Right before the fault; and the end of what belongs to it. */
  readonly since: number;
  readonly until: number;
  /** False: nobody took over before the fault was undone, where somebody should have. */
  readonly tookOver: boolean;
  /** How often the address was to change hands, and did; null: that is not counted. */
  readonly asked: 0 | 1;
  readonly moves: number | null;
  /** Within this time those happened. */
  readonly counted: { readonly since: number; readonly until: number };
}

/** So long the new holder and the fault are there together: whoever answers wrongly then, shows. */
const togetherMs = 500;
/** For a holder that comes back to be told; `tenure measure` has it settled after 1 s. */
const restMs = 1_200;

/** Begins where the contender is at rest, and waits until it is again, if it can. */
export async function act(
  fault: Fault, running: Running, before: Rest,
  { lab, prober }: { readonly lab: Lab; readonly prober: Prober },
): Promise<{ readonly done: Done; readonly after: Rest }> {
  const { node: holder } = await prober.waitForAnswer();
  // In step with nothing that comes periodically.
  await sleep(100 + Math.random() * running.periodMs);
  const since = lab.now();
  await fault.act(lab, running, holder);
  const tookOver = fault.lasts === true
    ? await sleep(fault.patienceMs).then(() => true)
    : await prober.waitForAnswer({ not: holder, since, timeoutMs: fault.patienceMs })
      .then(() => true, () => false);
  if (fault.lasts !== true) await sleep(togetherMs);
  await fault.undo(lab, running, holder);
  // Whoever claims from now on claims against a holder that has long been there.
  await prober.waitForAnswer({ timeoutMs: 30_000 });
  await sleep(restMs);
  const after = await running.rested();
  const done = {
    fault: fault.name, holder, since, until: lab.now(), tookOver,
    asked: fault.lasts === true ? 0 : 1,
    moves: before.moves === null || after.moves === null ? null : after.moves - before.moves,
    counted: { since: before.told, until: after.asked },
  } as const;
  return { done, after };
}
