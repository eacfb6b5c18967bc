/** The fault schedule: what goes wrong, or is asked for, and when. */
import type { Host } from './host.ts';
import { scriptMs, scripts } from './scripts.ts';
import type { Aim } from './scripts.ts';
import type { World } from './world.ts';

const kinds = [
  'store-cut', 'store-cut', 'store-down', 'store-slow', 'store-loss', 'relist', 'pause', 'pause',
  'crash', 'crash', 'power-loss', 'crash-all', 'power-loss-all', 'link', 'drain', 'move', 'move', 'stop', 'eips',
  'impostor', 'calm', 'calm',
] as const;

const networkKinds = [
  'net-cut', 'net-mute', 'net-deaf', 'net-alone', 'net-groups', 'net-mesh', 'net-loss', 'net-lag',
] as const;

/** How much of an aimed schedule is made of its scripts. */
const aimed = 0.75;

export function startFaults(world: World, endMs: number, aim: Aim): void {
  const { schedule, prng } = world;
  const strike = (): void => {
    if (schedule.now >= endMs) return;
    if (aim !== 'mixed' && prng.chance(aimed)) {
      prng.pick(scripts[aim])(world);
      return schedule.after(scriptMs * prng.between(0.5, 1.5), strike);
    }
    const ms = prng.chance(0.5) ? prng.between(5, 400) : prng.between(400, 7000);
    if (world.quorum && prng.chance(0.35)) cutNetwork(world, prng.pick(networkKinds), ms);
    else if (world.quorum && prng.chance(0.35)) unsettleLines(world, ms);
    else inflict(world, prng.pick(kinds), prng.pick(world.hosts), ms);
    schedule.after(prng.between(20, 1500), strike);
  };
  schedule.after(500, strike);
}

/** Puts everything right: what follows must come to rest. */
export function mend(world: World): void {
  world.peace = true;
  const { store } = world;
  store.down = false;
  store.cut.clear();
  store.stale.clear();
  world.deadlyLines = 0;
  store.slowMs = 0;
  store.late = 0;
  store.loss = 0;
  world.net.cut.clear();
  world.net.loss = 0;
  world.net.lag = 0;
  world.pauseInStep = 0;
  world.impostor.powerLoss();
  world.setPolicies(world.eips);
  for (const host of world.hosts) {
    host.resume();
    host.start();
    if (!host.linkUp) host.setLink(true);
    store.operate((state) => state.setDrain(host.name, false));
  }
}

function inflict(world: World, kind: (typeof kinds)[number], host: Host, ms: number): void {
  const { store, schedule, prng } = world;
  const after = (undo: () => void): void => schedule.after(ms, undo);
  switch (kind) {
    case 'store-cut':
      store.cut.add(host.name);
      return after(() => store.cut.delete(host.name));
    case 'store-down':
      store.down = true;
      return after(() => { store.down = false; });
    case 'store-slow':
      store.slowMs = prng.between(50, 900);
      return after(() => { store.slowMs = 0; });
    case 'store-loss':
      store.loss = prng.between(0.02, 0.5);
      return after(() => { store.loss = 0; });
    case 'relist':
      return host.relist();
    case 'pause':
      return world.pause(host);
    case 'crash':
      host.crash();
      return after(() => host.start());
    case 'power-loss':
      host.powerLoss();
      return after(() => host.start());
    case 'crash-all':
      for (const each of world.hosts) {
        each.crash();
        schedule.after(prng.between(0, 300), () => each.start());
      }
      return;
    case 'power-loss-all':
      for (const each of world.hosts) {
        each.powerLoss();
        schedule.after(prng.between(0, ms), () => each.start());
      }
      return;
    case 'link':
      host.setLink(false);
      return after(() => host.setLink(true));
    case 'drain':
      store.operate((state) => state.setDrain(host.name, true));
      return after(() => store.operate((state) => state.setDrain(host.name, false)));
    case 'move': {
      const move = { eip: prng.pick(world.eips), to: host.name, at: schedule.now };
      return store.operate((state) => state.requestMove(move, store.now()));
    }
    case 'stop':
      host.stop();
      return after(() => host.start());
    case 'eips':
      world.setPolicies(world.eips.filter(() => prng.chance(0.7)));
      return after(() => world.setPolicies(world.eips));
    case 'impostor':
      world.impostor.start();
      return schedule.after(ms + 2000, () => world.impostor.powerLoss());
    case 'calm':
      return;
  }
}

/**
 * Heirs that come and go, views that lag behind what is made of it, and holders that die right
 * after they changed a line.
 */
function unsettleLines(world: World, ms: number): void {
  const { schedule, prng, store } = world;
  for (const host of world.hosts) {
    if (prng.chance(0.4)) {
      schedule.after(prng.between(0, ms / 2), () => store.stale.add(host.name));
      schedule.after(ms, () => store.stale.delete(host.name));
    }
    if (prng.chance(0.5)) {
      schedule.after(prng.between(0, ms / 3), () => host.setLink(false));
      schedule.after(prng.between(ms / 3, ms), () => host.setLink(true));
    }
  }
  world.deadlyLines = prng.pick([0, 0.1, 0.5]);
  schedule.after(ms, () => { world.deadlyLines = 0; });
}

function cutNetwork(world: World, kind: (typeof networkKinds)[number], ms: number): void {
  const { net, schedule, prng, hosts } = world;
  const names = hosts.map(({ name }) => name);
  const one = prng.pick(names);
  const before = new Set(net.cut);
  switch (kind) {
    case 'net-cut':
      net.cutBoth(one, prng.pick(names));
      break;
    case 'net-mute':
      for (const name of names) net.cut.add(`${one}>${name}`);
      break;
    case 'net-deaf':
      for (const name of names) net.cut.add(`${name}>${one}`);
      break;
    case 'net-alone':
      for (const name of names) net.cutBoth(one, name);
      break;
    case 'net-groups': {
      const left = names.filter(() => prng.chance(0.5));
      net.part([left, names.filter((name) => !left.includes(name))]);
      break;
    }
    case 'net-mesh':
      for (const from of names) {
        for (const to of names) if (prng.chance(0.3)) net.cut.add(`${from}>${to}`);
      }
      break;
    case 'net-loss':
      net.loss = prng.between(0.02, 0.5);
      return schedule.after(ms, () => { net.loss = 0; });
    case 'net-lag':
      net.lag = prng.between(0.02, 0.3);
      return schedule.after(ms, () => { net.lag = 0; });
  }
  const added = [...net.cut].filter((each) => !before.has(each));
  schedule.after(ms, () => { for (const each of added) net.cut.delete(each); });
}
