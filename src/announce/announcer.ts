/**
 * The announcer: claims EIPs on the LAN while the node is entitled to them, and answers for them.
 *
 * Order of effects, on which the safety of the protocol rests: announce opens the fence, then
 * binds, then claims; withdraw stops claiming, closes the fence, then unbinds. Everything that
 * leaves asks the gate (R2) as the last thing before, so that a process that slept wakes silent.
 */
import type { Eip } from '../core/model.ts';
import { Bindings } from './bindings.ts';
import { Conflicts } from './conflicts.ts';
import { claimOf, faultOf, newEntry, type Entry, type LinkFamily } from './entry.ts';
import { FenceKeeper, type Managed } from './fence-keeper.ts';
import { Gate } from './gate.ts';
import { Lifecycle } from './lifecycle.ts';
import { changedLink, Links } from './links.ts';
import { settle, type AnnouncerOptions, type Settled } from './options.ts';
import type { AnnouncerPorts, Link } from './ports.ts';
import { Receiver } from './receiver.ts';
import { Schedule, type Lane } from './schedule.ts';
import { Sender } from './sender.ts';
import { Tally } from './tally.ts';
import type {
  AnnounceSettings, Announcement, Announcer as AnnouncerContract, AnnouncerCounters,
} from './types.ts';

export class Announcer implements AnnouncerContract {
  readonly #options: Settled;
  readonly #ports: AnnouncerPorts;
  readonly #entries = new Map<Eip, Entry>();
  readonly #tally: Tally;
  readonly #gate: Gate;
  readonly #schedule: Schedule;
  readonly #links: Links;
  readonly #bindings: Bindings;
  readonly #lifecycle: Lifecycle;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #fence: FenceKeeper;
  readonly #reopen: Lane<'sockets'>;
  #settings: ReadonlyMap<Eip, AnnounceSettings> | null = null;
  #rearmedAt = -Infinity;
  #closed = false;

  constructor(options: AnnouncerOptions, ports: AnnouncerPorts) {
    const settled = settle(options);
    const now = (): number => ports.now();
    const tally = new Tally(
      { onEvent: options.onEvent, troubleMs: settled.timing.troubleMs }, ports);
    const gate = new Gate(ports);
    const schedule = new Schedule(ports, (turn) => {
      this.#turn(turn);
    });
    const common = { gate, schedule, tally, now };
    const fence = new FenceKeeper(settled, {
      ...common, fence: ports.fence, wanted: () => this.#wanted(),
      isWanted: (eip) => this.#settings?.has(eip) === true || this.#bindings.has(eip),
      isHeld: (eip) => this.#entries.get(eip)?.held === true,
    });
    const bindings = new Bindings(settled, {
      ...common, binder: ports.binder,
      onGone: (eips) => {
        fence.gone(eips);
      },
    });
    const conflicts = new Conflicts(settled, common);
    const lifecycle = new Lifecycle(settled, {
      ...common, fence, groups: ports.groups, bindings, conflicts, sender: () => this.#sender,
    });
    const links = new Links(settled, {
      sockets: ports.sockets, tally,
      onDropped: () => this.#rearm(),
      onFrames: (state, family, frames) => {
        this.#turn(() => {
          receiver.handle(state, family, frames);
        });
      },
    });
    const receiver = new Receiver(settled, {
      links, gate, tally, conflicts, now: common.now, entryOf: (eip) => this.#entries.get(eip),
      onStranger: (entry, mac) => {
        lifecycle.onStranger(entry, mac);
      },
    });
    this.#receiver = receiver;
    this.#sender = new Sender(settled, {
      ...common, links,
      open: (entries) => {
        lifecycle.open(entries);
      },
      admit: (entries) => lifecycle.admit(entries),
      isCheap: ({ settings: { mode }, eip }) => mode === 'respond' || bindings.has(eip),
      onSent: (entry, what, error) => {
        lifecycle.onSent(entry, what, error);
      },
    });
    this.#reopen = schedule.lane(() => {
      this.#openAll();
    });
    this.#options = settled;
    this.#ports = ports;
    this.#tally = tally;
    this.#gate = gate;
    this.#schedule = schedule;
    this.#links = links;
    this.#fence = fence;
    this.#bindings = bindings;
    this.#lifecycle = lifecycle;
  }

  configure(listed: ReadonlyMap<Eip, AnnounceSettings>): void {
    this.#turn(() => {
      const settings = this.#faultless(listed);
      const first = this.#settings === null;
      this.#settings = settings;
      const unlisted = Array.from(this.#entries.values())
        .filter((entry) => !settings.has(entry.eip));
      this.#withdraw(unlisted, false);
      for (const entry of unlisted) this.#entries.delete(entry.eip);
      if (first) this.#bindings.adopt((eip) => bindLinkOf(settings.get(eip)));
      // Before anything can be bound, and after what is no longer managed was unbound.
      this.#fence.manage();
      const restarts: Entry[] = [];
      for (const one of settings.values()) this.#take(one, restarts);
      this.#links.set(linksOf(this.#entries.values()));
      this.#openAll();
      for (const entry of restarts) this.#lifecycle.restart(entry);
      this.#sender.flush();
    });
  }

  arm(until: number): void {
    this.#turn(() => {
      const wasOpen = this.#gate.isOpen();
      const shutForMs = this.#gate.shutForMs();
      // An earlier end holds here, whatever becomes of the kernel's gate; a later one needs it.
      this.#gate.set(Math.min(this.#gate.until, until));
      if (!this.#fence.arm(until)) return;
      this.#gate.set(until);
      if (wasOpen || !this.#gate.isOpen()) return;
      if (shutForMs < this.#options.timing.askedAgainMs) {
        this.#receiver.catchUp();
        // Claims that wait have a turn of their own: the next heartbeat is due.
        this.#sender.flushSoon();
      } else {
        // Neighbours may have forgotten us meanwhile, and the kernel's backstop may have unbound.
        this.#resume();
        this.#sender.flush();
      }
    });
  }

  announce(announcements: readonly Announcement[]): void {
    this.#turn(() => {
      for (const announcement of announcements) {
        const entry = this.#entries.get(announcement.eip);
        if (entry !== undefined) {
          this.#lifecycle.start(entry, announcement);
        } else {
          const { eip } = announcement;
          this.#tally.trouble(`unknown:${eip}`, eip, `Cannot announce ${eip}: it is not configured on this node.`);
        }
      }
      this.#sender.flush();
    });
  }

  withdraw(eips: readonly Eip[], linger: boolean): void {
    this.#turn(() => {
      const named = Array.from(new Set(eips));
      this.#withdraw(named.flatMap((eip) => this.#entries.get(eip) ?? []), linger);
    });
  }

  counters(): AnnouncerCounters {
    return this.#tally.counters();
  }

  close(): void {
    if (this.#closed) return;
    this.#turn(() => {
      this.#gate.set(0);
      this.#withdraw(Array.from(this.#entries.values()), false);
      this.#bindings.unbindAll();
      this.#entries.clear();
      this.#links.close();
      this.#schedule.clear();
      this.#closed = true;
      // With an address still on an interface the kernel would answer for it.
      const left = Array.from(this.#bindings.eips()).length;
      if (left === 0) {
        this.#fence.remove();
      } else {
        this.#tally.event({ kind: 'trouble', eip: null, text: `The fence stays: ${left} address(es) could not be taken off their interface.` });
      }
    });
  }

  /** One step: afterwards the timer is set and reports are delivered. Nothing after `close`. */
  #turn(run: () => void): void {
    if (this.#closed) return;
    try {
      run();
    } finally {
      this.#schedule.rearm();
      this.#tally.deliver();
    }
  }

  #withdraw(entries: readonly Entry[], linger: boolean): void {
    for (const entry of entries) this.#lifecycle.stop(entry);
    const held = entries.filter((entry) => entry.held).map((entry) => entry.eip);
    for (const entry of entries) entry.held = false;
    const shut = this.#fence.shut(held);
    for (const entry of entries) this.#lifecycle.leaveGroup(entry);
    const eips = entries.map((entry) => entry.eip);
    // Where the fence is still open, the kernel may yet ask in the name of a bound address.
    if (linger && shut) this.#bindings.linger(eips);
    else this.#bindings.unbind(eips);
  }

  /** Those that can be announced as they say; of the others it is said why not. */
  #faultless(
    listed: ReadonlyMap<Eip, AnnounceSettings>,
  ): ReadonlyMap<Eip, AnnounceSettings> {
    const faults = new Map<Eip, string>();
    for (const settings of listed.values()) {
      const known = this.#entries.get(settings.eip)?.settings.link.mac === settings.link.mac;
      const fault = known ? null : faultOf(settings);
      if (fault !== null) faults.set(settings.eip, fault);
    }
    if (faults.size === 0) return listed;
    for (const [eip, text] of faults) this.#tally.trouble(`eip:${eip}`, eip, text);
    return new Map(Array.from(listed).filter(([, { eip }]) => !faults.has(eip)));
  }

  /** Takes up the settings of one EIP; those that must begin anew on their link are noted. */
  #take(settings: AnnounceSettings, restarts: Entry[]): void {
    const { eip } = settings;
    const entry = this.#entries.get(eip);
    if (entry === undefined) {
      this.#entries.set(eip, newEntry(settings));
      return;
    }
    const before = entry.settings;
    const changed = changedLink(before.link, settings.link);
    const otherMode = before.mode !== settings.mode;
    if (changed || otherMode || !settings.link.up) this.#lifecycle.suspend(entry);
    if (changed) this.#lifecycle.leaveGroup(entry);
    if (otherMode && settings.mode === 'respond') this.#bindings.unbind([eip]);
    entry.settings = settings;
    if (before.link.mac !== settings.link.mac) {
      entry.claim = claimOf(entry.family, settings);
    }
    if (changed || otherMode) restarts.push(entry);
    else this.#lifecycle.reschedule(entry, before.burst);
  }

  #resume(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state.kind === 'claimed') this.#lifecycle.restart(entry);
    }
  }

  /**
   * The kernel's gate goes by the wall clock, ours by the time since boot: who sets the wall clock
   * forward closes the kernel's, until it is told the same end anew. (A full queue looks the same,
   * so this is done once in a while.) True if what was dropped may be sent again.
   */
  #rearm(): boolean {
    const now = this.#ports.now();
    if (now < this.#rearmedAt + this.#options.timing.rearmMs || !this.#gate.isOpen()) return false;
    this.#rearmedAt = now;
    return this.#fence.arm(this.#gate.until) && this.#gate.isOpen();
  }

  #openAll(): void {
    if (this.#links.open()) return;
    this.#reopen.set('sockets', this.#ports.now() + this.#options.timing.retryMostMs);
  }

  /** What the fence is to manage: what is listed, and what is bound though it should not be. */
  #wanted(): Managed {
    const settings = this.#settings ?? new Map<Eip, AnnounceSettings>();
    const links = new Map<number, Link>();
    for (const { link } of settings.values()) links.set(link.ifindex, link);
    return {
      addresses: new Set([...settings.keys(), ...this.#bindings.eips()]),
      links: Array.from(links.values()),
    };
  }
}

/** The link that an EIP is to be bound on; null if it is not to be bound. */
function bindLinkOf(settings: AnnounceSettings | undefined): Link | null {
  return settings?.mode === 'bind' ? settings.link : null;
}

/** The links in use, each with the families of its EIPs. */
function linksOf(
  entries: Iterable<Entry>,
): ReadonlyMap<number, { readonly link: Link; readonly families: Set<LinkFamily> }> {
  const links = new Map<number, { readonly link: Link; readonly families: Set<LinkFamily> }>();
  for (const { settings: { link }, family } of entries) {
    const known = links.get(link.ifindex) ?? { link, families: new Set<LinkFamily>() };
    known.families.add(family);
    links.set(link.ifindex, known);
  }
  return links;
}
