/**
 * The fence: kernel rules by which only the agent claims a managed address, and only while it holds
 * the address and its node lease lasts, whatever becomes of its process. The reasons and the limits
 * are in docs/decisions/0001-fence.md.
 *
 *     absent ── manage ──> installed ── someone else's change ──> damaged ── at once ──> installed
 *                              └── remove ──> removed, for good
 *
 * Every change is one transaction of the kernel: it happens as a whole, or throws and leaves all as
 * it was. When a call returns, it is in force.
 */
import type { Family } from '../wire/address.ts';
import { loadAddon } from './addon.ts';
import { FenceError, fenceError } from './fence-error.ts';
import { GateMessages, type Opening } from './fence-gate.ts';
import {
  addDrops, detectFence, generation, noDrops, readDrops, tablesPresent, type Detected, type Drops,
  type Requests,
} from './fence-kernel.ts';
import {
  change, install, neededVersions, tablesOf, type FenceKind, type Layout,
} from './fence-layout.ts';
import { silence } from './fence-silence.ts';
import {
  FenceBook, isNothing, toGuard, toHold, toManage, type FenceChange, type FenceLink,
  type OwnName,
} from './fence-state.ts';
import { RepairPacer, watchTables, type EventSource } from './fence-watch.ts';
import { NetlinkError, NetlinkSocket, type NetlinkSocketOptions } from './netlink-socket.ts';
import { batch, deleteTable } from './nftables/messages.ts';
import { NFNLGRP_NFTABLES } from './nftables/numbers.ts';

export interface FenceClock {
  /** CLOCK_REALTIME, ms with fraction. */
  real(): number;
  /** CLOCK_BOOTTIME, ms with fraction. */
  boot(): number;
}

export interface FenceOptions {
  /** SO_MARK of the agent's packet sockets: 1 to 4294967295, and nobody else's. */
  readonly mark: number;
  /** One kind or none, for tests and for kernels whose egress hook is broken. */
  readonly only?: FenceKind;
  /**
   * In whose name the kernel may ask on an interface: with an address that is not managed; null if
   * there is none. Asked again by `lookAgain`.
   */
  readonly ownName?: (
    ifindex: number, version: Family, isManaged: (address: string) => boolean,
  ) => OwnName | null;
  /** Someone else had changed the tables; they are as they should be again. */
  readonly onRepaired: (text: string) => void;
  /** They could not be repaired; it is tried again until it succeeds. */
  readonly onBroken: (error: unknown) => void;
}

export interface FenceModules {
  readonly netlink: Requests;
  readonly events: EventSource;
  readonly clock: FenceClock;
}

/** Our own changes are told us as well: room for those of half a million addresses at once. */
const eventBuffer = 64 << 20;

const realClock = 0;
const bootClock = 7;

/**
 * Opens the fence of this network namespace. What an earlier run left is closed first, and kept:
 * all that it managed is silent on return, and stays so until `manage`. Throws FenceError.
 */
export function openFence(options: FenceOptions): KernelFence {
  const opened: NetlinkSocket[] = [];
  const open = (options: Omit<NetlinkSocketOptions, 'protocol'>): NetlinkSocket => {
    const socket = new NetlinkSocket({ protocol: 'netfilter', ...options });
    opened.push(socket);
    return socket;
  };
  try {
    const netlink = open({});
    const detected = detectFence(netlink, options.only);
    silence(netlink);
    const events = open({ groups: [NFNLGRP_NFTABLES], receiveBuffer: eventBuffer });
    const addon = loadAddon();
    const clock = { real: () => addon.clock(realClock), boot: () => addon.clock(bootClock) };
    return new KernelFence(detected, options, { netlink, events, clock });
  } catch (error) {
    for (const socket of opened) socket.close();
    throw fenceError(error, 'opening it');
  }
}

export class KernelFence {
  readonly detected: Detected;
  readonly #options: FenceOptions;
  readonly #modules: FenceModules;
  readonly #book = new FenceBook();
  readonly #pacer: RepairPacer;
  #layout: Layout;
  #gate: GateMessages;
  #until = 0;
  #stage: 'absent' | 'installed' | 'removed' = 'absent';
  /** Counted by tables that were replaced since, and last read from those that are there. */
  #past = noDrops;
  #current = noDrops;
  /** The kernel's count of transactions when the tables were last made. */
  #installedAfter = 0;

  constructor(detected: Detected, options: FenceOptions, modules: FenceModules) {
    const { mark } = options;
    if (!Number.isInteger(mark) || mark < 1 || mark > 0xffffffff) {
      throw new FenceError('bad-input', `fence: mark ${mark} must be a whole number from 1 to 4294967295.`);
    }
    this.detected = detected;
    this.#options = options;
    this.#modules = modules;
    this.#layout = { kind: detected.kind, mark, versions: [] };
    this.#gate = new GateMessages([], []);
    this.#pacer = new RepairPacer((who) => this.#repair(who));
    watchTables(modules.events, {
      tables: tablesOf({ kind: detected.kind, versions: [4, 6] }).map(({ ref }) => ref),
      ownPort: generation(modules.netlink).port,
      onForeignChange: (who, id) => {
        // Changed before the tables were last made anew: that has mended it. The count may wrap.
        if (id === null || ((id - this.#installedAfter) | 0) > 0) this.#pacer.request(who);
      },
    });
  }

  /** `egress`: kernel rules hold whatever the process does. `arp`: own checks before each send. */
  get kind(): FenceKind {
    return this.detected.kind;
  }

  /**
   * States which addresses are managed on which interfaces. Those that are not held are silent from
   * here on. Idempotent; keeps what is held. The first call replaces what an earlier run left: what
   * that managed and this does not must be off the interfaces by then.
   */
  manage(addresses: ReadonlySet<string>, links: readonly FenceLink[]): void {
    this.#mustStand();
    const isManaged = (address: string): boolean => addresses.has(address);
    const changes = toManage(this.#book, addresses, this.#withOwn(links, isManaged));
    if (this.#stage === 'installed' && isNothing(changes)) return;
    this.#change(changes, 'changing what is managed');
  }

  /** The host's addresses on guarded interfaces may be others than before. */
  lookAgain(): void {
    if (this.#stage !== 'installed') return;
    const { links, managed } = this.#book;
    const changes = toGuard(this.#book, this.#withOwn(links, (address) => managed.has(address)));
    if (!isNothing(changes)) this.#change(changes, "noting the host's own addresses");
  }

  /** R1: opens or closes single addresses. One kernel transaction. */
  hold(add: readonly string[], remove: readonly string[]): void {
    this.#mustStand();
    const changes = toHold(this.#book, add, remove);
    if (!isNothing(changes)) this.#change(changes, 'changing what is held');
  }

  /** R2 (and R3): the gate of every interface passes until `until`, and not after; 0 closes it. */
  arm(until: number): void {
    this.#mustStand();
    const before = this.#until;
    this.#until = until;
    if (this.#stage === 'absent') return;
    try {
      this.#commit(() => [this.#gate.fill(this.#opening())], 'arming it');
    } catch (error) {
      // The kernel still has the old time. A repair must not open what the caller now thinks shut.
      this.#until = Math.min(before, until);
      throw error;
    }
  }

  /** Frames that the fence dropped since it was made, by what sent them. */
  dropped(): Drops {
    if (this.#stage === 'installed') {
      try {
        this.#current = readDrops(this.#modules.netlink, this.#layout) ?? this.#current;
      } catch (error) {
        // Tables that someone removed: the event that says so is on its way, and the repair.
        if (!(error instanceof NetlinkError && error.code === 'ENOENT')) {
          throw fenceError(error, 'reading its counters');
        }
      }
    }
    return addDrops(this.#past, this.#current);
  }

  /** Removes the tables, and ends: only after everything was withdrawn and unbound. */
  remove(): void {
    if (this.#stage === 'removed') return;
    try {
      const present = tablesPresent(this.#modules.netlink);
      if (present.length > 0) this.#modules.netlink.transact(batch(present.map(deleteTable)));
    } catch (error) {
      throw fenceError(error, 'removing it');
    }
    this.dispose();
  }

  /** Lets go of the kernel's sockets, and leaves the tables as they are. */
  dispose(): void {
    if (this.#stage === 'removed') return;
    this.#stage = 'removed';
    this.#pacer.stop();
    this.#modules.events.close();
    this.#modules.netlink.close();
  }

  #mustStand(): void {
    if (this.#stage === 'removed') throw new FenceError('removed', 'fence: it was removed.');
  }

  #withOwn(
    links: readonly FenceLink[], isManaged: (address: string) => boolean,
  ): readonly FenceLink[] {
    const { ownName } = this.#options;
    if (ownName === undefined) return links;
    return links.map((link) => ({
      ...link,
      own4: ownName(link.ifindex, 4, isManaged), own6: ownName(link.ifindex, 6, isManaged),
    }));
  }

  #change(changes: FenceChange, doing: string): void {
    const book = this.#book;
    const { links: before } = book;
    book.apply(changes);
    try {
      const lacking = neededVersions(book.managed)
        .some((version) => !this.#layout.versions.includes(version));
      if (this.#stage === 'absent' || lacking) this.#install(doing);
      else this.#commit(() => change(this.#layout, before, changes, this.#opening()), doing);
    } catch (error) {
      book.undo(changes, before);
      throw error;
    }
    if (changes.links !== null) this.#gate = this.#newGate();
  }

  /** Sends what succeeds on tables that are as we left them; if they are not, makes them so. */
  #commit(messages: () => Uint8Array[], doing: string): void {
    try {
      this.#modules.netlink.transact(batch(messages()));
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code === 'EPERM') throw fenceError(error, doing);
      this.#install(doing);
      this.#options.onRepaired(`The kernel refused a change of the fence (${error.code}): its `
        + 'nftables tables were not as the agent left them. They were installed anew.');
    }
  }

  #install(doing: string): void {
    const { netlink } = this.#modules;
    const layout = { ...this.#layout, versions: neededVersions(this.#book.managed) };
    try {
      // Replaced tables count from zero.
      const drops = this.dropped();
      const before = generation(netlink).id;
      const own = tablesOf(layout).map(({ ref }) => ref);
      const leftovers = tablesPresent(netlink)
        .filter(({ family }) => !own.some((table) => table.family === family));
      netlink.transact(batch(install(layout, this.#book, this.#opening(), leftovers)));
      this.#past = drops;
      this.#current = noDrops;
      this.#installedAfter = before;
    } catch (error) {
      throw fenceError(error, doing);
    }
    this.#layout = layout;
    this.#stage = 'installed';
    this.#gate = this.#newGate();
  }

  #newGate(): GateMessages {
    return new GateMessages(tablesOf(this.#layout).map(({ ref }) => ref), this.#book.links);
  }

  /**
   * How long the gate may stay open from now. The wall clock is read first: if we are held up
   * between the two, the deadline comes out early, never late; and if so by much, once more.
   */
  #opening(): Opening | null {
    const { clock } = this.#modules;
    for (let tries = 1; ; tries += 1) {
      const real = clock.real();
      const left = this.#until - clock.boot();
      if (left < 1) return null;
      if (clock.real() - real > 1 && tries < 3) continue;
      return {
        // In whole us: of today's time in ns a number would keep only every 256th.
        deadline: BigInt(Math.floor((real + left) * 1000)) * 1000n,
        timeoutMs: Math.floor(left),
      };
    }
  }

  #repair(who: string): void {
    if (this.#stage !== 'installed') return;
    try {
      this.#install('repairing it');
    } catch (error) {
      this.#pacer.requestLater(who);
      this.#options.onBroken(error);
      return;
    }
    this.#options.onRepaired(`${who} changed the fence's nftables tables. They were installed anew.`);
  }
}
