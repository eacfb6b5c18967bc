/** One schedule: faults, then peace; safety throughout, liveness and spread at the end. */
import { capacity } from '../../src/core/placement.ts';
import type { CoreModule } from './core-module.ts';
import { mend, startFaults } from './faults.ts';
import { Prng } from './prng.ts';
import { Violation, World } from './world.ts';

export interface Outcome {
  readonly seed: number;
  readonly violation: string | null;
  readonly counts: ReadonlyMap<string, number>;
  readonly digest: number;
}

const faultsMs = 15_000;
/** Everything must be announced again within so long after the last fault: six leases. */
const peaceMs = 12_000;

export function explore(core: CoreModule, seed: number): Outcome {
  const shape = new Prng(seed ^ 0x5eed);
  const world = new World({
    core, seed,
    nodes: shape.pick([2, 3, 3, 5]),
    eips: shape.pick([1, 3, 6]),
    failbackMs: shape.pick([null, 0, 1500]),
    pauseInStep: shape.pick([0, 0.002, 0.02]),
  });
  let violation: string | null = null;
  try {
    for (const host of world.hosts) {
      world.schedule.after(world.prng.between(0, 500), () => host.start());
    }
    world.run(1000);
    startFaults(world, faultsMs);
    world.run(faultsMs);
    world.run(8000); // Let whatever the last fault began come to its end.
    mend(world);
    world.run(peaceMs);
    expectRest(world);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    violation = error instanceof Violation ? error.message : (error.stack ?? error.message);
  }
  return { seed, violation, counts: world.counts, digest: world.digest };
}

function expectRest(world: World): void {
  for (const eip of world.eips) {
    if (world.claimants(eip).length !== 1) {
      const lease = JSON.stringify(world.store.state.lease(eip));
      throw new Violation(`nobody announces ${eip} after ${String(peaceMs)} ms of peace: ${lease}`);
    }
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
export const expectedCoverage = [
  'took:claimed', 'took:takeover', 'took:returned', 'took:drain', 'took:unfit', 'took:move',
  'took:failback', 'took:reclaimed', 'gave:drain', 'gave:unfit', 'gave:move', 'gave:failback',
  'gave:released', 'silenced', 'resumed', 'tenure-opened', 'tenure-ended', 'late-answer',
  'swap-lost:conflict', 'swap-lost:refused', 'swap-lost:unknown', 'move-refused', 'paused', 'name-taken',
] as const;
