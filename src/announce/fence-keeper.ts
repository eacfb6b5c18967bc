/**
 * The fence as the announcer uses it: what the kernel refuses is reported, and tried again until it
 * is done, with what is wanted by then.
 */
import type { Eip } from '../core/model.ts';
import type { Settled } from './options.ts';
import type { Fence, Link } from './ports.ts';
import type { Lane, Schedule } from './schedule.ts';
import { messageOf, type Tally } from './tally.ts';

export interface Managed {
  readonly addresses: ReadonlySet<Eip>;
  readonly links: readonly Link[];
}

export interface FenceKeeperModules {
  readonly fence: Fence;
  readonly schedule: Schedule;
  readonly tally: Tally;
  readonly now: () => number;
  /** What is to be managed now. */
  readonly wanted: () => Managed;
  /** Whether an address is among those. */
  readonly isWanted: (eip: Eip) => boolean;
  readonly isHeld: (eip: Eip) => boolean;
}

export class FenceKeeper {
  readonly #options: Settled;
  readonly #modules: FenceKeeperModules;
  readonly #again: Lane<'manage' | 'shut'>;
  /** What the fence was last told. */
  #addresses: ReadonlySet<Eip> = new Set();
  #links: ReadonlySet<number> = new Set();
  /** EIPs that are not held any more, but that the fence may still let pass. */
  readonly #open = new Set<Eip>();

  constructor(options: Settled, modules: FenceKeeperModules) {
    this.#options = options;
    this.#modules = modules;
    this.#again = modules.schedule.lane((what) => {
      if (what.includes('manage')) this.manage();
      if (what.includes('shut')) this.shut([]);
    });
  }

  manage(): void {
    const { addresses, links } = this.#modules.wanted();
    const done = this.#attempt('manage', 'Cannot set up the fence', () => {
      this.#modules.fence.manage(addresses, links);
    });
    if (!done) {
      this.#later('manage');
      return;
    }
    this.#addresses = addresses;
    this.#links = new Set(links.map((link) => link.ifindex));
    this.#again.delete('manage');
  }

  /** These are on no interface any more: those managed only because of that need be no longer. */
  gone(eips: readonly Eip[]): void {
    const { isWanted, now } = this.#modules;
    const surplus = eips.some((eip) => this.#addresses.has(eip) && !isWanted(eip));
    if (surplus) this.#again.set('manage', now());
  }

  /** Whether it guards the address on this link: else it is not to be claimed there. */
  guards(eip: Eip, link: Link): boolean {
    return this.#addresses.has(eip) && this.#links.has(link.ifindex);
  }

  /** Opens it for addresses; false if it stays shut, which the caller tries again. */
  open(eips: readonly Eip[]): boolean {
    return this.#attempt('hold', `Cannot open the fence for ${eips.length} address(es)`, () => {
      this.#modules.fence.hold(eips, []);
    });
  }

  /** Shuts it for addresses; false if it may still let some pass. */
  shut(eips: readonly Eip[]): boolean {
    for (const eip of eips) this.#open.add(eip);
    const shut = Array.from(this.#open).filter((eip) => !this.#modules.isHeld(eip));
    const text = `Cannot close the fence for ${shut.length} address(es)`;
    const done = shut.length === 0 || this.#attempt('shut', text, () => {
      this.#modules.fence.hold([], shut);
    });
    if (done) this.#open.clear();
    else this.#later('shut');
    return done;
  }

  /** R2 as the kernel keeps it; false if it goes by what it was told before. */
  arm(until: number): boolean {
    return this.#attempt('arm', 'Cannot set the gate of the fence', () => {
      this.#modules.fence.arm(until);
    });
  }

  remove(): void {
    this.#attempt('remove', 'Cannot remove the fence', () => {
      this.#modules.fence.remove();
    });
  }

  #later(what: 'manage' | 'shut'): void {
    this.#again.set(what, this.#modules.now() + this.#options.timing.retryMostMs);
  }

  #attempt(key: string, what: string, call: () => void): boolean {
    try {
      call();
      return true;
    } catch (error) {
      this.#modules.tally.trouble(key, null, `${what}: ${messageOf(error)}`);
      return false;
    }
  }
}
