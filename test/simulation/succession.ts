/**
 * A steady cluster in quorum mode, its store gone or not: how long an address is nobody's after its
 * holder loses power, and then its heir as well.
 */
import type { CoreModule } from './core-module.ts';
import type { Host } from './host.ts';
import { Violation } from './violation.ts';
import { World, supportMs } from './world.ts';

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

/**
 * A steady cluster whose store is gone; a node that holds nothing is cut off from the others for a
 * while. Says for how long the address was nobody's, ms.
 */
export function rejoin(core: CoreModule, seed: number): number {
  const world = new World({
    core, seed, nodes: 3, eips: 3, failbackMs: null, quorum: true, holdMs: 60_000, pauseInStep: 0,
  });
  for (const host of world.hosts) host.start();
  world.run(8000 + world.prng.between(0, 500));
  world.store.down = true;
  world.run(500);
  const eip = world.prng.pick(world.eips);
  const [holder] = world.claimants(eip);
  if (holder === undefined) throw new Violation(`nobody announced ${eip} in a steady cluster`);
  const other = world.prng.pick(world.hosts.filter((host) => host !== holder));
  let silentMs = 0;
  const watch = (ms: number): void => {
    for (let passed = 0; passed < ms; passed++) {
      world.run(1);
      if (!holder.claims(eip)) silentMs++;
    }
  };
  for (const { name } of world.hosts) world.net.cutBoth(other.name, name);
  watch(6 * supportMs);
  world.net.cut.clear();
  watch(10 * supportMs);
  return silentMs;
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
