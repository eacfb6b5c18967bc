/**
 * The addresses that are on an interface through us, this run or an earlier one. What could not be
 * taken off stays known, stays managed by the fence, and is tried again.
 */
import type { Eip } from '../core/model.ts';
import { zeroMac } from '../wire/ethernet.ts';
import type { Gate } from './gate.ts';
import type { Settled } from './options.ts';
import type { Binder, Link } from './ports.ts';
import type { Lane, Schedule } from './schedule.ts';
import { messageOf, type Tally } from './tally.ts';

export interface Binding {
  readonly eip: Eip;
  readonly link: Link;
}

export interface BindingsModules {
  readonly binder: Binder;
  readonly gate: Gate;
  readonly schedule: Schedule;
  readonly tally: Tally;
  readonly now: () => number;
  /** These are on no interface any more. */
  readonly onGone: (eips: readonly Eip[]) => void;
}

export class Bindings {
  readonly #options: Settled;
  readonly #modules: BindingsModules;
  readonly #bound = new Map<Eip, Link>();
  /** Of those, what this run has bound and nothing has shaken since. */
  readonly #sure = new Set<Eip>();
  /** Addresses to take off, by batches; of each batch those that no later one has. */
  readonly #leaving: Lane<readonly Eip[]>;
  readonly #batchOf = new Map<Eip, readonly Eip[]>();
  readonly #backstop: Lane<'backstop'>;
  /** When addresses began to be given away one after the other, and when the last one was. */
  #busySince = -Infinity;
  #busyAt = -Infinity;

  constructor(options: Settled, modules: BindingsModules) {
    this.#options = options;
    this.#modules = modules;
    this.#leaving = modules.schedule.lane((batches) => {
      this.#leave(batches);
    });
    this.#backstop = modules.schedule.lane(() => {
      this.#refresh();
    });
  }

  eips(): Iterable<Eip> {
    return this.#bound.keys();
  }

  /** Whether it is on an interface already: then to bind it is cheap. */
  has(eip: Eip): boolean {
    return this.#bound.has(eip);
  }

  /** Its link was down, or the kernel's backstop was not renewed: it may be gone. */
  doubt(eip: Eip): void {
    this.#sure.delete(eip);
  }

  /** It is to be announced again: what is bound of it stays. */
  keep(eip: Eip): void {
    this.#batchOf.delete(eip);
  }

  /**
   * Takes note of what earlier runs left. What `linkOf` knows no link for goes at once; the rest
   * has until `leftoverMs` to be announced.
   */
  adopt(linkOf: (eip: Eip) => Link | null): void {
    const { binder, tally } = this.#modules;
    const strays: Binding[] = [];
    const doubles: Binding[] = [];
    const waiting: Eip[] = [];
    try {
      for (const { eip, ifindex } of binder.leftovers()) {
        const link = linkOf(eip);
        if (link?.ifindex === ifindex) {
          this.#bound.set(eip, link);
          waiting.push(eip);
        } else {
          strays.push({ eip, link: nameless(ifindex) });
        }
      }
    } catch (error) {
      tally.trouble('leftovers', null, `Cannot list the addresses that an earlier run left: ${messageOf(error)}`);
    }
    this.#leaveAt(this.#modules.now() + this.#options.timing.leftoverMs, waiting);
    for (const stray of strays) {
      if (this.#bound.has(stray.eip)) doubles.push(stray);
      else this.#bound.set(stray.eip, stray.link);
    }
    this.#takeOff(doubles);
    this.unbind(strays.filter((stray) => !doubles.includes(stray)).map(({ eip }) => eip));
  }

  /** One outcome each: null, or why it could not be put on its interface. */
  bind(bindings: readonly Binding[]): readonly (string | null)[] {
    const moved = bindings.flatMap(({ eip, link }) => {
      const old = this.#bound.get(eip);
      return old === undefined || old.ifindex === link.ifindex ? [] : [{ eip, link: old }];
    });
    this.#takeOff(moved);
    for (const { eip } of bindings) this.keep(eip);
    const wanted = bindings.filter(({ eip }) => !this.#sure.has(eip));
    const outcomes = new Map(this.#bindAll(wanted).map((outcome, index) => (
      [wanted[index]?.eip, outcome])));
    for (const { eip, link } of wanted) {
      if (outcomes.get(eip) !== null) continue;
      this.#bound.set(eip, link);
      this.#sure.add(eip);
    }
    if (this.#bound.size > 0 && this.#backstop.size === 0) this.#scheduleRefresh();
    return bindings.map(({ eip }) => outcomes.get(eip) ?? null);
  }

  /** Leaves them bound for `lingerMs`, for packets in flight. */
  linger(eips: readonly Eip[]): void {
    const { lingerMs, busyMs } = this.#options.timing;
    const now = this.#modules.now();
    if (now - this.#busyAt > busyMs) this.#busySince = now;
    this.#busyAt = now;
    this.#leaveAt(now + lingerMs, eips.filter((eip) => this.#bound.has(eip)));
  }

  /** The first at once, many in later turns. */
  unbind(eips: readonly Eip[]): void {
    const { unbindsAtOnce } = this.#options.limits;
    this.#takeOff(this.#bindingsOf(eips.slice(0, unbindsAtOnce)));
    const others = eips.slice(unbindsAtOnce).filter((eip) => this.#bound.has(eip));
    this.#leaveAt(this.#modules.now(), others);
  }

  /** All there are, before this returns. */
  unbindAll(): void {
    this.#takeOff(this.#bindingsOf(Array.from(this.#bound.keys())));
  }

  #bindingsOf(eips: readonly Eip[]): Binding[] {
    return eips.flatMap((eip) => {
      const link = this.#bound.get(eip);
      return link === undefined ? [] : [{ eip, link }];
    });
  }

  #bindAll(bindings: readonly Binding[]): readonly (string | null)[] {
    if (bindings.length === 0) return [];
    try {
      return this.#modules.binder.bind(bindings);
    } catch (error) {
      return bindings.map(() => messageOf(error));
    }
  }

  /** Takes off those whose time has come: some now, the others soon. */
  #leave(batches: readonly (readonly Eip[])[]): void {
    const eips = batches.flatMap((batch) => (
      batch.filter((eip) => this.#batchOf.get(eip) === batch)));
    const { timing: { busyMs, busyMostMs, turnMs, unbindPauseMs }, limits } = this.#options;
    const { now } = this.#modules;
    const begun = now();
    const areMany = this.#batchOf.size > limits.unbindsAtOnce;
    const isBusy = areMany
      && begun - this.#busyAt < busyMs && begun - this.#busySince < busyMostMs;
    let at = 0;
    while (!isBusy && at < eips.length && now() - begun < turnMs) {
      this.#takeOff(this.#bindingsOf(eips.slice(at, at + limits.unbindsAtOnce)));
      at += limits.unbindsAtOnce;
    }
    this.#leaveAt(now() + (isBusy ? busyMs : unbindPauseMs), eips.slice(at));
  }

  #leaveAt(at: number, eips: readonly Eip[]): void {
    if (eips.length === 0) return;
    for (const eip of eips) this.#batchOf.set(eip, eips);
    this.#leaving.set(eips, at);
  }

  #takeOff(bindings: readonly Binding[]): void {
    if (bindings.length === 0) return;
    const { binder, tally, now } = this.#modules;
    for (const { eip } of bindings) this.#sure.delete(eip);
    try {
      binder.unbind(bindings);
    } catch (error) {
      tally.trouble('unbind', bindings.length === 1 ? bindings[0]?.eip ?? null : null,
        `Cannot take ${bindings.length} address(es) off ${bindings[0]?.link.name ?? ''}: ${messageOf(error)}`);
      const left = bindings.filter(({ eip, link }) => (
        this.#bound.get(eip)?.ifindex === link.ifindex));
      this.#leaveAt(now() + this.#options.timing.retryMostMs, left.map(({ eip }) => eip));
      return;
    }
    for (const { eip, link } of bindings) {
      this.keep(eip);
      if (this.#bound.get(eip)?.ifindex === link.ifindex) this.#bound.delete(eip);
    }
    this.#modules.onGone(bindings.map(({ eip }) => eip));
  }

  #scheduleRefresh(): void {
    this.#backstop.set('backstop', this.#modules.now() + this.#options.timing.backstopMs);
  }

  /** Not while the gate is closed: that is what the backstop is for. */
  #refresh(): void {
    const { binder, gate, tally } = this.#modules;
    if (this.#bound.size === 0) return;
    this.#scheduleRefresh();
    if (!gate.isOpen()) return;
    try {
      binder.refresh();
    } catch (error) {
      tally.trouble('refresh', null, `Cannot renew the lifetime of bound addresses: ${messageOf(error)}`);
    }
  }
}

/** A link of which only the number is known, or matters. */
function nameless(ifindex: number): Link {
  return { ifindex, name: `interface ${ifindex}`, mac: zeroMac, mtu: 0, up: false };
}
