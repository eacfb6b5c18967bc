/** One schedule: faults, then peace; safety throughout, liveness and spread at the end. */
import { capacity } from '../../src/core/placement.ts';
import type { CoreModule } from './core-module.ts';
import { mend, startFaults } from './faults.ts';
import { Prng } from './prng.ts';
import { aims } from './scripts.ts';
import type { Aim } from './scripts.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';

export interface Outcome {
  readonly seed: number;
  readonly violation: string | null;
  readonly counts: ReadonlyMap<string, number>;
  readonly digest: number;
}

/** How long things go wrong, how long what they began takes, and how long to come to rest, ms. */
const times = {
  lease: { faults: 15_000, tail: 8000, peace: 12_000 },
  quorum: { faults: 8000, tail: 4000, peace: 8000 },
};

/** In peace, too, a late heartbeat may silence a holder for a moment: it is back by then. */
const lapseMs = 500;

export type Mode = 'lease' | 'quorum';

export interface Hunt {
  /** What its faults aim at; null: each schedule at something else. */
  readonly aim: Aim | null;
  /** Only two announcers are looked for: no peace at the end. */
  readonly restless: boolean;
}

/** Six in ten schedules of quorum mode have an aim, one in four of lease mode. */
const usualAims: Readonly<Record<Mode, readonly Aim[]>> = {
  lease: ['mixed', 'mixed', 'mixed', 'answers'],
  quorum: [...aims, 'mixed', 'mixed', 'mixed'],
};

export function explore(
  core: CoreModule, seed: number, mode: Mode, { aim, restless }: Hunt,
): Outcome {
  const shape = new Prng(seed ^ 0x5eed);
  const world = new World({
    core, seed,
    nodes: shape.pick(mode === 'lease' ? [2, 3, 3, 5] : [3, 3, 3, 4, 5, 5, 7]),
    eips: shape.pick([1, 3, 6]),
    failbackMs: shape.pick([null, 0, 1500]),
    quorum: mode === 'quorum',
    pauseInStep: shape.pick([0, 0.002, 0.02]),
    requestTimeoutMs: shape.pick([400, 400, 2500]),
    wired: shape.chance(0.1),
    unbound: seed % 3 === 0,
  });
  const usual = shape.pick(usualAims[mode]);
  let violation: string | null = null;
  try {
    for (const host of world.hosts) {
      world.schedule.after(world.prng.between(0, 500), () => host.start());
    }
    world.run(1000);
    const { faults, tail, peace } = times[mode];
    startFaults(world, faults, aim ?? usual);
    world.run(faults);
    world.run(tail);
    if (!restless) {
      mend(world);
      world.run(peace);
      for (let waited = 0; waited < lapseMs && unclaimed(world) !== undefined; waited += 10) {
        world.run(10);
      }
      expectRest(world, peace);
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    violation = error instanceof Violation ? error.message : (error.stack ?? error.message);
  }
  return { seed, violation, counts: world.counts, digest: world.digest };
}

/** An address that nobody announces; undefined: each has its one. */
function unclaimed(world: World): string | undefined {
  return world.eips.find((eip) => world.claimants(eip).length !== 1);
}

function expectRest(world: World, peaceMs: number): void {
  const eip = unclaimed(world);
  if (eip !== undefined) {
    const lease = JSON.stringify(world.store.state.lease(eip));
    throw new Violation(`nobody announces ${eip} after ${String(peaceMs)} ms of peace: ${lease}`);
  }
  if (world.failbackMs === null) return;
  const most = capacity(world.eips.length, 1, world.hosts.length);
  for (const host of world.hosts) {
    const load = world.eips.filter((eip) => host.claims(eip)).length;
    if (load > most) {
      throw new Violation(`${host.name} holds ${String(load)} addresses, over its bound of ${String(most)}`);
    }
  }
}

/** What every run of some thousand schedules must have met, or it has tested too little. */
export const expectedInLeaseMode = [
  'took:claimed', 'took:takeover', 'took:returned', 'took:drain', 'took:unfit', 'took:move',
  'took:failback', 'took:reclaimed', 'gave:drain', 'gave:unfit', 'gave:move', 'gave:failback',
  'gave:released', 'silenced:lease', 'resumed', 'tenure-opened', 'tenure-ended:expired', 'late-answer',
  'swap-lost:conflict', 'swap-lost:refused', 'swap-lost:unknown', 'move-refused', 'paused', 'name-taken',
] as const;

export const expectedInQuorumMode = [
  'quorum', 'withdrew', 'deposed', 'evicted', 'epoch-released', 'buried',
  'took:inherited', 'inherited-in-outage', 'inherited-by-second', 'confirmed',
  'line:appointed', 'line:struck', 'line:freed', 'renounced',
  'tenure-ended:deposed', 'tenure-ended:unsupported', 'tenure-ended:expired', 'silenced:support',
  'silenced:lease', 'resumed', 'took:claimed', 'took:takeover', 'took:returned', 'took:drain',
  'took:move', 'took:unfit', 'took:failback', 'took:reclaimed', 'gave:released', 'late-answer',
  'swap-lost:conflict', 'swap-lost:refused', 'swap-lost:unknown', 'paused',
  'not-believed:tag', 'not-believed:replayed', 'not-believed:misdirected',
] as const;
