/**
 * Faults in a row, each row aimed at one rule: what it takes to miss that rule comes together too
 * seldom by chance. Which hosts, and when to the ms, is left to chance all the same.
 */
import type { Host } from './host.ts';
import { supportMs } from './world.ts';
import type { World } from './world.ts';

type Script = (world: World) => void;

/** What a schedule is mostly made of; `mixed`: of everything, with no aim. */
export const aims = [
  'mixed', 'epochs', 'amnesia', 'lines', 'leaving', 'answers', 'deaths',
] as const;
export type Aim = (typeof aims)[number];

export const scripts: Readonly<Record<Exclude<Aim, 'mixed'>, readonly Script[]>> = {
  epochs: [flicker, slowSwitch],
  amnesia: [forgetfulVoter],
  lines: [passOver],
  leaving: [passOverMeanwhile],
  answers: [slowWords, slowWords, tenureBetween, handedBack],
  deaths: [lastVoter],
};

/** So long a script goes on, ms: the next begins about then. */
export const scriptMs = 4 * supportMs;

/** A holder, and the others in any order; null: nobody announces that address. */
function scene(world: World): { eip: string; holder: Host; others: readonly Host[] } | null {
  const { prng, hosts } = world;
  const eip = prng.pick(world.eips);
  const [holder] = world.claimants(eip);
  if (holder === undefined || holder === world.impostor) return null;
  const others = hosts.filter((host) => host !== holder)
    .map((host) => ({ host, key: prng.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ host }) => host);
  return { eip, holder, others };
}

/** From `start` on, for `ms`, no datagram of `from` reaches `to`. */
function mute(world: World, from: Host, to: Host, start: number, ms: number): void {
  const { schedule, net } = world;
  const link = `${from.name}>${to.name}`;
  schedule.after(start, () => net.cut.add(link));
  schedule.after(start + ms, () => net.cut.delete(link));
}

/** From `start` on, for `ms`, a host has no way to the store, or (`stale`) hears no news of it. */
function blind(
  world: World, host: Host, start: number, ms: number, stale = !world.prng.chance(0.5),
): void {
  const { schedule, store } = world;
  const which = stale ? store.stale : store.cut;
  schedule.after(start, () => which.add(host.name));
  schedule.after(start + ms, () => which.delete(host.name));
}

/**
 * One voter after another misses the holder for a while: it goes on to other epochs, by those that
 * hear it again, while others withdraw from the one that it left and have not seen that it did.
 */
function flicker(world: World): void {
  const { prng } = world;
  const at = scene(world);
  if (at === null) return;
  for (const other of at.others) {
    const start = prng.between(0, 1.5 * supportMs);
    const ms = prng.chance(0.5)
      ? prng.between(1, 1.4) * supportMs : prng.between(1, 5) * supportMs;
    mute(world, at.holder, other, start, ms);
    if (prng.chance(0.3)) {
      mute(world, other, at.holder, start + prng.between(0, 1.5) * supportMs, ms);
    }
    if (prng.chance(0.6)) blind(world, other, prng.between(0, start + supportMs), 2 * ms);
  }
}

/** The same, while the store takes long to say which epoch it has written down. */
function slowSwitch(world: World): void {
  const { prng, schedule, store } = world;
  flicker(world);
  schedule.after(supportMs, () => { store.late = prng.between(0.3, 0.9); });
  schedule.after(scriptMs, () => { store.late = 0; });
}

/**
 * A voter withdraws, is started anew and knows nothing of it, while others that do know are not
 * heard by the holder.
 */
function forgetfulVoter(world: World): void {
  const { prng, schedule } = world;
  const at = scene(world);
  const [voter, ...rest] = at?.others ?? [];
  if (at === null || voter === undefined) return;
  const { holder } = at;
  const until = supportMs * prng.between(1, 1.3);
  mute(world, holder, voter, 0, until);
  mute(world, voter, holder, 0, until);
  schedule.after(until + prng.between(-20, 60), () => voter.crash(false));
  schedule.after(until + prng.between(60, 100), () => voter.start());
  for (const other of rest) {
    mute(world, holder, other, prng.between(0, 2 * supportMs), 4 * supportMs);
    mute(world, other, holder, prng.between(0, 1.2 * supportMs), 4 * supportMs);
    if (prng.chance(0.4)) mute(world, other, voter, until, 4 * supportMs);
    if (prng.chance(0.5)) blind(world, other, prng.between(0, supportMs), 5 * supportMs);
  }
}

/**
 * The holder is heard by a bare majority, and one of these dies, or ends: its supervisor says so to
 * those that do not hear the holder.
 */
function lastVoter(world: World): void {
  const { prng, schedule, hosts } = world;
  const at = scene(world);
  if (at === null) return;
  const hear = Math.floor(Math.min(hosts.length, 5) / 2);
  for (const other of at.others.slice(hear)) {
    mute(world, at.holder, other, 0, 6 * supportMs);
    mute(world, other, at.holder, 0, 6 * supportMs);
  }
  const [voter] = at.others;
  const death = prng.between(1, 3) * supportMs;
  schedule.after(death, () => {
    if (prng.chance(0.8)) voter?.crash(true);
    else voter?.stop();
  });
  schedule.after(death + prng.between(1000, 4000), () => voter?.start());
}

/**
 * A line is changed, or its address given up, where a heir does not see it; then the holder dies,
 * or is heard no more, before or after its voters know.
 */
function passOver(world: World): void {
  const { prng, schedule, store } = world;
  const at = scene(world);
  if (at === null) return;
  const { eip, holder, others } = at;
  const heirs = store.state.lease(eip)?.heirs ?? [];
  const unaware = others.filter(({ name }) => heirs.some(({ node }) => node === name))
    .filter(() => prng.chance(0.6));
  for (const host of unaware) blind(world, host, 0, prng.between(2, 8) * supportMs);
  const change = prng.between(0, 60);
  schedule.after(change, () => changeLine(world, eip, prng.pick(others)));
  const death = change + prng.between(0, prng.chance(0.5) ? 30 : 150);
  if (prng.chance(0.5)) {
    schedule.after(death, () => holder.powerLoss());
    schedule.after(death + prng.between(1000, 4000), () => holder.start());
  } else {
    const ms = prng.between(1, 8) * supportMs;
    for (const other of others) mute(world, holder, other, death, ms);
  }
}

/**
 * One voter misses the holder, which goes on to another epoch and there passes its first heir over.
 * That one sees neither, and misses the holder as well: so it has a certificate for the epoch that
 * the holder has left and is not released from. The next heir sees all of that, and nothing later.
 */
function passOverMeanwhile(world: World): void {
  const { prng, schedule, store } = world;
  const at = scene(world);
  if (at === null) return;
  const { eip, holder } = at;
  const [first, next] = (store.state.lease(eip)?.heirs ?? []).map(({ node }) => world.host(node));
  if (first === undefined || next === undefined) return;
  const f = (from: number, to: number): number => prng.between(from, to) * supportMs;
  mute(world, holder, next, 0, f(1, 1.4));
  mute(world, holder, first, f(0.6, 1.3), f(1, 2));
  blind(world, first, f(0.5, 1), f(2, 3), true);
  blind(world, next, f(1.8, 2.6), f(5, 8), true);
  schedule.after(f(1.2, 2), () => changeLine(world, eip, next));
}

function changeLine(world: World, eip: string, to: Host): void {
  const { prng, schedule, store } = world;
  const kind = prng.pick(['move', 'move', 'give-up', 'give-up', 'nothing', 'unfit'] as const);
  switch (kind) {
    case 'move':
      return store.operate((state) => {
        state.requestMove({ eip, to: to.name, at: schedule.now }, store.now());
      });
    case 'give-up':
      world.setPolicies(world.eips.filter((each) => each !== eip));
      return schedule.after(prng.between(2, 60), () => world.setPolicies(world.eips));
    case 'unfit':
      to.setLink(false);
      return schedule.after(prng.between(0, 4) * supportMs, () => to.setLink(true));
    case 'nothing':
  }
}

/** What was done is heard of late, while operators move addresses about. */
function slowWords(world: World): void {
  const { prng, schedule, store } = world;
  store.late = prng.between(0.1, 0.5);
  schedule.after(scriptMs, () => { store.late = 0; });
  for (let moves = 0; moves < 6; moves++) {
    schedule.after(prng.between(0, scriptMs), () => {
      const to = prng.pick(world.hosts).name;
      const move = { eip: prng.pick(world.eips), to, at: schedule.now };
      store.operate((state) => state.requestMove(move, store.now()));
    });
  }
  if (prng.chance(0.5)) blinkPolicies(world);
}

/** A tenure ends, and another begins, between a request and its answer. */
function tenureBetween(world: World): void {
  const { prng, schedule, store, hosts, quorum } = world;
  store.late = prng.between(0.1, 0.5);
  schedule.after(scriptMs, () => { store.late = 0; });
  blinkPolicies(world);
  for (const host of hosts) {
    if (!prng.chance(0.5)) continue;
    const end = prng.between(0, scriptMs / 2);
    if (quorum) {
      for (const other of hosts) mute(world, host, other, end, prng.between(1, 2) * supportMs);
    } else {
      blind(world, host, 0, 2500);
    }
    if (prng.chance(0.7)) {
      schedule.after(end + prng.between(0, supportMs), () => host.setLink(false));
      schedule.after(end + prng.between(2, 8) * supportMs, () => host.setLink(true));
    }
  }
}

/** Addresses come to a node that cannot have them right then, asks to be rid of them, and can. */
function handedBack(world: World): void {
  const { prng, schedule, store, hosts } = world;
  // To its first heir an address goes at once.
  const [heir] = store.state.lease(prng.pick(world.eips))?.heirs ?? [];
  const to = (heir && world.host(heir.node)) ?? prng.pick(hosts);
  store.late = prng.between(0.1, 0.5);
  schedule.after(scriptMs, () => { store.late = 0; });
  for (const eip of world.eips) {
    schedule.after(prng.between(0, 10), () => store.operate((state) => {
      state.requestMove({ eip, to: to.name, at: schedule.now }, store.now());
    }));
  }
  const down = prng.between(0, 15);
  schedule.after(down, () => to.setLink(false));
  schedule.after(down + prng.between(30, 1500), () => to.setLink(true));
}

/** Addresses that nobody has any more are claimed anew. */
function blinkPolicies(world: World): void {
  const { prng, schedule } = world;
  const start = prng.between(0, scriptMs / 2);
  schedule.after(start, () => world.setPolicies(world.eips.filter(() => prng.chance(0.4))));
  schedule.after(start + prng.between(20, 400), () => world.setPolicies(world.eips));
}
