/**
 * Lets claims and probes leave, link by link, as many as its room and a turn's time allow. The gate
 * is asked as the last thing before each call into the kernel.
 */
import { probeOf, type Entry, type LinkFamily } from './entry.ts';
import type { Gate } from './gate.ts';
import type { Links, LinkState } from './links.ts';
import type { Settled } from './options.ts';
import type { Outbox, Queue } from './outbox.ts';
import type { SendError } from './ports.ts';
import type { Lane, Schedule } from './schedule.ts';
import type { Tally } from './tally.ts';

export interface SenderModules {
  readonly links: Links;
  readonly gate: Gate;
  readonly schedule: Schedule;
  readonly tally: Tally;
  readonly now: () => number;
  /** Opens the fence for them; those that are not held then are to be tried again later. */
  readonly open: (entries: readonly Entry[]) => void;
  /** Whether to admit it takes the kernel next to no time. */
  readonly isCheap: (entry: Entry) => boolean;
  /** Binds those that the fence is open for; gives back those that may claim. */
  readonly admit: (entries: readonly Entry[]) => readonly Entry[];
  /** The outcome of one claim or probe: the error of its frames, or null if one went out. */
  readonly onSent: (entry: Entry, what: 'claim' | 'probe', error: SendError | null) => void;
}

/** Frames of the largest claim. */
const leastRoom = 2;

/**
 * Every broadcast frame takes all hosts of the LAN some time. So first claims of many leave as
 * announcements alone (RFC 5227 3: requests, which every host takes), and the form of a reply comes
 * with the next claim of the burst, if there is one.
 */
function framesOf({ claim, state, settings }: Entry, areMany: boolean): readonly Uint8Array[] {
  const isFirst = state.kind === 'claimed' && state.claims === 0;
  return areMany && isFirst && settings.burst.count > 1 ? claim.slice(0, 1) : claim;
}

interface Parcel {
  readonly entry: Entry;
  readonly what: 'claim' | 'probe';
  readonly frames: readonly Uint8Array[];
}

export class Sender {
  readonly #options: Settled;
  readonly #modules: SenderModules;
  readonly #tick: Lane<'tick'>;

  constructor(options: Settled, modules: SenderModules) {
    this.#options = options;
    this.#modules = modules;
    this.#tick = modules.schedule.lane(() => {
      this.flush();
    });
  }

  /** Queues on the link that the entry is on now; while that is down, `configure` will do it. */
  put(entry: Entry, queue: Queue): void {
    const state = this.#modules.links.get(entry.settings.link.ifindex);
    if (state?.link.up === true) state.outbox.put(entry, queue);
  }

  drop(entry: Entry): void {
    this.#modules.links.get(entry.settings.link.ifindex)?.outbox.drop(entry);
  }

  /** Lets leave what may leave now, and sets the next turn while there is more. */
  flush(): void {
    const { links, gate, now } = this.#modules;
    // Closed: all waits. Opening it flushes.
    if (!gate.isOpen()) return;
    const { tickMs, breatherMs } = this.#options.timing;
    let pauseMs = Infinity;
    for (const state of links.all()) {
      if (state.outbox.size === 0 || !state.link.up) continue;
      const hasRoom = this.#flushLink(state);
      if (state.outbox.size > 0) pauseMs = Math.min(pauseMs, hasRoom ? breatherMs : tickMs);
    }
    if (pauseMs < Infinity && !this.#tick.has('tick')) this.#tick.set('tick', now() + pauseMs);
  }

  /** The same in a turn of its own, with what is due before that first. */
  flushSoon(): void {
    this.#tick.set('tick', this.#modules.now() + this.#options.timing.breatherMs);
  }

  /** Rounds of admitting some and letting them claim, while there is time, and room: true. */
  #flushLink(state: LinkState): boolean {
    const { gate, now } = this.#modules;
    const { outbox } = state;
    const end = now() + this.#options.timing.turnMs;
    do {
      const room = outbox.room(now());
      if (room < leastRoom) return false;
      this.#admit(outbox, room);
      const areMany = outbox.firsts > this.#options.limits.claimsInFull;
      const { claims, probes } = outbox.take(room, now());
      if (claims.length + probes.length === 0) return false;
      const parcels: Parcel[] = [
        ...claims.map((entry): Parcel => ({
          entry, what: 'claim', frames: framesOf(entry, areMany),
        })),
        ...probes.map((entry): Parcel => ({ entry, what: 'probe', frames: [probeOf(entry)] })),
      ];
      for (const family of ['arp', 'ndp'] as const) {
        this.#send(state, family, parcels.filter((parcel) => parcel.entry.family === family));
      }
    } while (gate.isOpen() && now() < end);
    return true;
  }

  /** Opens the fence for many at a time, and binds few, so that the first are claimed soon. */
  #admit(outbox: Outbox, room: number): void {
    const { holdsAtOnce, bindsAtOnce } = this.#options.limits;
    const next = outbox.nextAdmissions(holdsAtOnce);
    let dear = 0;
    const count = next.findIndex((entry) => {
      dear += Number(!this.#modules.isCheap(entry));
      return dear > bindsAtOnce;
    });
    const most = count < 0 ? next.length : count;
    if (next.slice(0, most).some((entry) => !entry.held)) {
      const shut = next.filter((entry) => !entry.held);
      this.#modules.open(shut);
      for (const entry of shut) if (!entry.held) outbox.drop(entry);
    }
    const admitted = this.#modules.admit(outbox.takeAdmissions(room, most));
    for (const entry of admitted) outbox.put(entry, 'first');
  }

  #send(state: LinkState, family: LinkFamily, parcels: readonly Parcel[]): void {
    if (parcels.length === 0) return;
    const { links, gate, tally, onSent } = this.#modules;
    const frames = parcels.flatMap((parcel) => parcel.frames);
    if (!gate.isOpen()) {
      for (const { entry, what } of parcels) this.put(entry, what === 'claim' ? 'first' : 'probe');
      return;
    }
    const results = links.send(state, family, frames);
    // What was left out comes later: the room is for it too.
    state.outbox.spend(parcels.reduce((sum, { entry, what }) => (
      sum + (what === 'claim' ? entry.claim.length : 1)), 0));
    if (results.includes('dropped-by-fence') && gate.isOpen()) {
      tally.trouble(`fence:${state.link.name}`, null, `The fence on ${state.link.name} drops claims of addresses that this node holds.`);
    }
    let at = 0;
    for (const { entry, what, frames: own } of parcels) {
      const outcome = results.slice(at, at + own.length);
      at += own.length;
      onSent(entry, what, outcome.includes(null) ? null : outcome[0] ?? 'failed');
    }
  }
}
