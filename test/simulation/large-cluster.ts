/** A steady cluster of many nodes, made at once: to claim addresses one by one takes long. */
import { Allocator, allocationOrder } from '../../src/core/placement.ts';
import { maxSwaps } from '../../src/core/requests.ts';
import type { Swap } from '../../src/core/requests.ts';
import type { CoreModule } from './core-module.ts';
import type { Host } from './host.ts';
import { Violation } from './violation.ts';
import { World, heartbeatMs } from './world.ts';

export interface ClusterOptions {
  readonly core: CoreModule;
  readonly nodes: number;
  readonly eips: number;
}

/** In quorum mode, every address held, every line of succession written and known. */
export function largeCluster({ core, nodes, eips }: ClusterOptions): World {
  const world = new World({
    core, nodes, eips, seed: 1, failbackMs: null, quorum: true, holdMs: 60_000, pauseInStep: 0,
    looksAtOnce: 900,
  });
  world.setPolicies([]);
  for (const host of world.hosts) host.start();
  runUntil(world, 'quorum mode', 60_000, () => world.hosts.every((host) => {
    const { phase } = host.state ?? {};
    return phase?.kind === 'open' && phase.lease.record.epoch > 0 && phase.judged.left.length === 0;
  }));
  // Nobody claims any by itself, and who is named as the holder takes it all the same.
  world.setPolicies(world.eips, [{ kind: 'exists', key: 'nobody' }]);
  handOut(world);
  runUntil(world, 'holders', 10_000, () =>
    world.eips.every((eip) => world.claimants(eip).length === 1));
  world.setPolicies(world.eips);
  runUntil(world, 'lines of succession', 60_000, () => world.eips.every((eip) => {
    const lease = world.store.state.lease(eip);
    return lease?.heirs.length === 2 && world.claimants(eip).length === 1;
  }));
  world.run(10 * heartbeatMs);
  return world;
}

/** As placement would have it. */
function handOut({ store, eips, hosts }: World): void {
  const allocator = new Allocator(eips.length, new Map());
  const candidates = hosts.map(({ name }) => ({ node: name, weight: 1 }));
  const shares = new Map<string, string[]>();
  for (const eip of allocationOrder(eips)) {
    const [first = ''] = allocator.order(eip, candidates);
    allocator.give(first);
    shares.set(first, [...shares.get(first) ?? [], eip]);
  }
  store.operate((state) => {
    for (const [node, share] of shares) {
      const holder = state.node(node)?.id;
      if (holder === undefined) throw new Violation(`${node} has no tenure`);
      const swaps = share.map((eip): Swap => ({
        eip, revision: 0, ended: [], live: [],
        next: {
          eip, holder, term: 1, since: 0, reason: 'claimed', heirs: [], former: [], moves: [],
        },
      }));
      for (let from = 0; from < swaps.length; from += maxSwaps) {
        const some = swaps.slice(from, from + maxSwaps);
        state.apply({ kind: 'swap', tenure: holder, swaps: some }, store.now());
      }
    }
  });
}

export function runUntil(world: World, what: string, ms: number, done: () => boolean): number {
  const from = world.schedule.now;
  while (!done()) {
    if (world.schedule.now - from > ms) throw new Violation(`no ${what} within ${String(ms)} ms`);
    world.run(heartbeatMs / 5);
  }
  return world.schedule.now - from;
}

/** Datagrams that each node sends between two heartbeats. */
export function datagramsPerBeat(world: World, beats: number): readonly number[] {
  const before = new Map(world.net.sent);
  world.run(beats * heartbeatMs);
  return world.hosts.map(({ name }) =>
    ((world.net.sent.get(name) ?? 0) - (before.get(name) ?? 0)) / beats);
}

export function loadOf(world: World): ReadonlyMap<Host, number> {
  return new Map(world.hosts.map((host) => [
    host, [...host.fence.held.keys()].filter((eip) => host.claims(eip)).length,
  ]));
}

/** The same core, its longest step by kind of event, ms of CPU. */
export function timed(core: CoreModule): { core: CoreModule; longest: Map<string, number> } {
  const longest = new Map<string, number>();
  const step: CoreModule['step'] = (state, event, now) => {
    const begun = process.cpuUsage();
    const done = core.step(state, event, now);
    const { user, system } = process.cpuUsage(begun);
    const ms = (user + system) / 1000;
    if (ms > (longest.get(event.kind) ?? 0)) longest.set(event.kind, ms);
    return done;
  };
  return { core: { ...core, step }, longest };
}
