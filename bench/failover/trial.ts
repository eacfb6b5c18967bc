/** One fault on one contender, and what came of it: by `tenure measure` and by the sniffer. */
import { sleep } from '../../test/lab/command.ts';
import type { Lab } from '../../test/lab/lab.ts';
import type { Measure } from '../../test/lab/measure.ts';
import type { Prober } from '../../test/lab/prober.ts';
import type { Running } from './contender.ts';
import type { Fault } from './faults.ts';

export interface Trial {
  readonly contender: string;
  readonly fault: string;
  /** What a client missed, from the last answer to the next holder's first, ms. */
  readonly gapMs: number;
  readonly lost: number;
  /** The longest time in which one who asks the LAN for the address heard nothing, ms. */
  readonly newcomerMs: number;
  /** So much of it the measuring process itself stood still. */
  readonly ownStallMs: number;
  /** False: nobody took over before the fault was undone, where somebody should have. */
  readonly tookOver: boolean;
  /** Claims by the old holder after a new one's first, and for how long; by the sniffer. */
  readonly lateClaims: number;
  readonly lateMs: number;
}

export interface Instruments {
  readonly lab: Lab;
  /** A client at 1,000 packets a second: its gap is what counts. */
  readonly measure: Measure;
  /** Asks by ARP: whoever would answer wrongly does. */
  readonly newcomer: Measure;
  /** Tells when things have come to rest; nothing of it is kept. */
  readonly prober: Prober;
}

/** Long enough for a holder that comes back to be told, and for bursts to end. */
const restMs = 2_500;
/** `tenure measure` tells of a move when it has been settled for a second. */
const tellMs = 1_700;

export async function trial(
  contender: string, fault: Fault, running: Running,
  { lab, measure, newcomer, prober }: Instruments,
): Promise<Trial> {
  const { address } = running;
  const { node: holder } = await prober.waitForAnswer({ timeoutMs: 30_000 });
  await running.rested?.();
  // In step with nothing that comes periodically.
  await sleep(500 + Math.random() * 1_000);
  const since = lab.now();
  await fault.act(lab, running, holder);
  const tookOver = fault.lasts === true
    ? await sleep(fault.patienceMs).then(() => true)
    : await prober.waitForAnswer({ not: holder, since, timeoutMs: fault.patienceMs })
      .then(() => true, () => false);
  await sleep(500);
  await fault.undo(lab, running, holder);
  // Whoever claims from now on claims against a holder that has long been there.
  await prober.waitForAnswer({ timeoutMs: 30_000 });
  await sleep(restMs + tellMs);
  return {
    contender, fault: fault.name, tookOver, ...await gapSince(measure, since),
    newcomerMs: (await gapSince(newcomer, since)).gapMs,
    ...await lateSince(lab, address, holder, since),
  };
}

/** The longest silence that was no stall of our own, or the one in which the address moved. */
async function gapSince(measure: Measure, since: number) {
  const moved = (await measure.moves(since)).flatMap(({ gaps }) => gaps)
    .flatMap(({ ms, lost, ownStallMs }) => (ms === null ? [] : [{ ms, lost, ownStallMs }]));
  const silent = (await measure.gaps(since))
    .filter(({ ms, before, after, ownStallMs }) => before !== after || ownStallMs < ms / 2);
  const [worst] = [...moved, ...silent].toSorted((a, b) => b.ms - a.ms);
  return { gapMs: worst?.ms ?? 0, lost: worst?.lost ?? 0, ownStallMs: worst?.ownStallMs ?? 0 };
}

async function lateSince(lab: Lab, address: string, holder: string, since: number) {
  await lab.sniffer.assertHeardAll();
  // The holder's last claim before the fault is in it, so that it counts as the first to claim.
  const overlaps = await lab.sniffer.overlaps({ addresses: [address], since: since - 500 });
  const [late] = overlaps.filter(({ host }) => host === holder);
  return { lateClaims: late?.claims ?? 0, lateMs: late?.ms ?? 0 };
}
