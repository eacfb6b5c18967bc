/**
 * A steady cluster in quorum mode, its store gone or not: how long an address is nobody's after its
 * holder loses power, and then its heir as well.
 */
import type { CoreModule } from './core-module.ts';
import type { Host } from './host.ts';
import { Violation, World, supportMs } from './world.ts';

export interface Succession {
  readonly seed: number;
  /** ms without anyone; null: nobody took it within `patience`. */
  readonly gaps: readonly (number | null)[];
}

export interface SuccessionOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly storeDown: boolean;
  /** How many die, one after another. */
  readonly deaths: number;
}

const patience = 10 * supportMs;

export function succeed(core: CoreModule, options: SuccessionOptions): Succession {
  const world = new World({
    core, seed: options.seed, nodes: options.nodes, eips: 3, failbackMs: null, quorum: true,
    pauseInStep: 0,
  });
  const gaps: (number | null)[] = [];
  for (const host of world.hosts) host.start();
  world.run(8000 + world.prng.between(0, 500));
  if (options.storeDown) world.store.down = true;
  world.run(500);
  const eip = world.prng.pick(world.eips);
  for (let death = 0; death < options.deaths; death++) {
    const [holder] = world.claimants(eip);
    if (holder === undefined) throw new Violation(`nobody announced ${eip} in a steady cluster`);
    holder.powerLoss();
    gaps.push(untilClaimed(world, eip, holder));
    if (gaps.at(-1) === null) break;
    world.run(options.storeDown ? 2 * supportMs : 8 * supportMs);
  }
  return { seed: options.seed, gaps };
}

function untilClaimed(world: World, eip: string, gone: Host): number | null {
  const from = world.schedule.now;
  while (world.schedule.now - from < patience) {
    world.run(1);
    const [next] = world.claimants(eip);
    if (next !== undefined && next !== gone) return world.schedule.now - from;
  }
  return null;
}
