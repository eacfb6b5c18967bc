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

/**
 * So many machines of a steady cluster lose power at once, all of them or not, and are started anew
 * some seconds later, one after another. Says how long after the last of them every address has a
 * claimant, ms; null: not within `patienceMs`.
 */
export function restartAtOnce(
  core: CoreModule,
  { seed, nodes, lost }: { readonly seed: number; readonly nodes: number; readonly lost: number },
  patienceMs: number,
): number | null {
  const { world } = steady(core, { seed, nodes, machinesKnown: true });
  const dark = world.hosts.slice(0, lost);
  for (const host of dark) host.powerLoss();
  world.run(world.prng.between(1000, 5000));
  for (const host of dark) {
    world.run(world.prng.between(0, 500));
    host.start();
  }
  for (let ms = 0; ms < patienceMs; ms++) {
    if (world.eips.every((eip) => world.claimants(eip).length === 1)) return ms;
    world.run(1);
  }
  return null;
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

/**
 * A voter is started anew, so that the holder asks for another epoch, and the store takes seconds
 * to write that down. Says how long the holder was silent meanwhile, ms.
 */
export function changeEpochSlowly(core: CoreModule, seed: number): number {
  const { world, eip, holder } = steady(core, { seed, nodes: 5 });
  const [voter = ''] = votersOf(holder).filter((name) => name !== holder.name);
  world.host(voter)?.crash(false);
  world.schedule.after(5, () => world.host(voter)?.start());
  untilItAsks(world, holder);
  world.store.slowMs = 6 * supportMs;
  let silentMs = 0;
  for (let ms = 0; asksForAnother(holder); ms++) {
    if (ms > 10 * patience) throw new Violation(`${holder.name} came to no other epoch`);
    world.run(1);
    if (!holder.claims(eip)) silentMs++;
  }
  return silentMs;
}

export interface EpochDeath {
  readonly seed: number;
  readonly nodes: number;
  /** So long after the holder began to ask for another epoch it loses power, ms. */
  readonly afterMs: number;
  /** Why it asks: a voter missed it for a while, or was started anew. */
  readonly cause: 'missed' | 'restarted';
}

/** The hold of the worlds where a holder dies so, ms. */
export const longHoldMs = 60_000;

/** ms without anyone when a holder dies on its way to another epoch; null: longer than patience. */
export function dieChangingEpoch(
  core: CoreModule, { seed, nodes, afterMs, cause }: EpochDeath, patienceMs = patience,
): number | null {
  const { world, eip, holder } = steady(core, { seed, nodes });
  const voter = votersOf(holder).find((name) => name !== holder.name) ?? '';
  if (cause === 'missed') {
    const link = `${holder.name}>${voter}`;
    world.net.cut.add(link);
    world.schedule.after(1.3 * supportMs, () => world.net.cut.delete(link));
  } else {
    world.host(voter)?.crash(false);
    world.schedule.after(5, () => world.host(voter)?.start());
  }
  untilItAsks(world, holder);
  world.run(afterMs);
  // Datagrams that are late by chance may have moved it already.
  if (!holder.claims(eip)) return 0;
  holder.powerLoss();
  return untilClaimed(world, eip, holder, patienceMs);
}

/** A cluster at rest, one of its addresses, and the holder of that. */
function steady(
  core: CoreModule, { seed, nodes, machinesKnown }: {
    readonly seed: number;
    readonly nodes: number;
    readonly machinesKnown?: boolean;
  },
): { readonly world: World; readonly eip: string; readonly holder: Host } {
  const world = new World({
    core, seed, nodes, eips: 3, failbackMs: null, quorum: true, holdMs: longHoldMs, pauseInStep: 0,
    ...machinesKnown === undefined ? {} : { machinesKnown },
  });
  for (const host of world.hosts) host.start();
  world.run(8000 + world.prng.between(0, 500));
  const eip = world.prng.pick(world.eips);
  const [holder] = world.claimants(eip);
  if (holder === undefined) throw new Violation(`nobody announced ${eip} in a steady cluster`);
  return { world, eip, holder };
}

function untilItAsks(world: World, holder: Host): void {
  for (let ms = 0; !asksForAnother(holder); ms++) {
    if (ms > patience) throw new Violation(`${holder.name} asked for no other epoch`);
    world.run(1);
  }
}

function votersOf({ state }: Host): readonly string[] {
  return state?.phase.kind === 'open' ? state.phase.lease.record.voters.map(({ node }) => node) : [];
}

function asksForAnother({ state }: Host): boolean {
  return state?.phase.kind === 'open' && state.phase.judged.bid > state.phase.lease.record.epoch;
}

function untilClaimed(
  world: World, eip: string, gone: Host, patienceMs = patience,
): number | null {
  const from = world.schedule.now;
  while (world.schedule.now - from < patienceMs) {
    world.run(1);
    const [next] = world.claimants(eip);
    if (next !== undefined && next !== gone) return world.schedule.now - from;
  }
  return null;
}
