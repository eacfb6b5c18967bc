/**
 * Strangers that use an EIP: RFC 5227 2.1.1 before our first claim, 2.4 (c) after it. We never give
 * an address up because of one: the store says whose it is. We say so, and defend by one claim.
 *
 * All memory is in the entries, so forged frames cannot make it grow; reports have a limit for each
 * address and one for all.
 */
import { conflicted, type Entry } from './entry.ts';
import type { Settled } from './options.ts';
import type { Lane, Schedule } from './schedule.ts';
import type { Tally } from './tally.ts';

export interface ConflictsModules {
  readonly schedule: Schedule;
  readonly tally: Tally;
  readonly now: () => number;
}

export class Conflicts {
  readonly #options: Settled;
  readonly #modules: ConflictsModules;
  /** Conflicts after the first claim that may be over. */
  readonly #quiet: Lane<Entry>;
  #windowStart = -Infinity;
  #reportsInWindow = 0;

  constructor(options: Settled, modules: ConflictsModules) {
    this.#options = options;
    this.#modules = modules;
    this.#quiet = modules.schedule.lane((entries) => {
      for (const entry of entries) this.#endIfQuiet(entry);
    });
  }

  /** A stranger answered a probe, or probes itself: we stay silent. */
  before(entry: Entry, mac: string): void {
    const known = entry.conflict?.mac === mac;
    entry.state = conflicted;
    if (known) return;
    entry.conflict = { when: 'before', mac, seenAt: this.#modules.now() };
    this.#report(entry, mac, 'before', false);
  }

  /** A stranger claims what we claim. True if that is to be defended now. */
  noteForeignClaim(entry: Entry): boolean {
    const now = this.#modules.now();
    if (entry.conflict?.when === 'after') entry.conflict.seenAt = now;
    if (now < entry.lastConflictAt + this.#options.timing.defendMs) return false;
    entry.lastConflictAt = now;
    return true;
  }

  /** After the attempt to defend. */
  after(entry: Entry, mac: string, defended: boolean): void {
    const now = this.#modules.now();
    if (defended) this.#modules.tally.defences += 1;
    entry.conflict = { when: 'after', mac, seenAt: now };
    this.#quiet.set(entry, now + this.#options.timing.conflictQuietMs);
    this.#report(entry, mac, 'after', defended);
  }

  /** Probing found nobody any more, or a conflict went quiet. */
  over(entry: Entry): void {
    if (entry.conflict === null) return;
    entry.conflict = null;
    this.#quiet.delete(entry);
    this.#modules.tally.event({ kind: 'conflict-over', eip: entry.eip });
  }

  /** Withdrawn: whose conflict it is now, others will see. */
  forget(entry: Entry): void {
    entry.conflict = null;
    this.#quiet.delete(entry);
  }

  #endIfQuiet(entry: Entry): void {
    if (entry.conflict?.when !== 'after') return;
    const quietAt = entry.conflict.seenAt + this.#options.timing.conflictQuietMs;
    if (quietAt > this.#modules.now()) this.#quiet.set(entry, quietAt);
    else this.over(entry);
  }

  #report(entry: Entry, mac: string, when: 'before' | 'after', defended: boolean): void {
    const { tally, now } = this.#modules;
    const { timing, limits } = this.#options;
    tally.conflicts += 1;
    if (now() >= this.#windowStart + timing.defendMs) {
      this.#windowStart = now();
      this.#reportsInWindow = 0;
    }
    this.#reportsInWindow += 1;
    if (this.#reportsInWindow > limits.conflictReports) {
      tally.trouble('conflicts', null, `More than ${limits.conflictReports} addresses are in conflict; the rest is counted and not reported.`);
      return;
    }
    tally.event({ kind: 'conflict', eip: entry.eip, mac, when, defended });
  }
}
