/** Moves entries through their states; entry.ts has the picture. */
import type { Bindings } from './bindings.ts';
import type { Conflicts } from './conflicts.ts';
import { idle, nextClaimIn, pending, type Entry } from './entry.ts';
import type { FenceKeeper } from './fence-keeper.ts';
import type { Settled } from './options.ts';
import type { Groups, SendError } from './ports.ts';
import type { Lane, Schedule } from './schedule.ts';
import type { Sender } from './sender.ts';
import { messageOf, type Tally } from './tally.ts';
import type { Announcement, BurstOptions } from './types.ts';

export interface LifecycleModules {
  readonly fence: FenceKeeper;
  readonly groups: Groups;
  readonly bindings: Bindings;
  readonly conflicts: Conflicts;
  readonly schedule: Schedule;
  readonly tally: Tally;
  readonly now: () => number;
  readonly sender: () => Sender;
}

export class Lifecycle {
  readonly #options: Settled;
  readonly #modules: LifecycleModules;
  /** The next step of each entry: a probe, a claim, another try. */
  readonly #due: Lane<Entry>;

  constructor(options: Settled, modules: LifecycleModules) {
    this.#options = options;
    this.#modules = modules;
    this.#due = modules.schedule.lane((entries) => {
      for (const entry of entries) this.#step(entry);
      modules.sender().flush();
    });
  }

  /** Takes an announcement up. The same term again changes nothing. */
  start(entry: Entry, { term, probe }: Announcement): void {
    const running = entry.state.kind !== 'idle';
    if (running && entry.term === term) return;
    entry.term = term;
    entry.failures = 0;
    if (entry.state.kind === 'claimed') this.#reclaim(entry);
    else if (!probe) this.#await(entry);
    else if (!running) this.#probe(entry);
  }

  /** Begins anew on a link that has changed, or with a gate that was closed. */
  restart(entry: Entry): void {
    this.#due.delete(entry);
    this.#modules.bindings.doubt(entry.eip);
    entry.failures = 0;
    switch (entry.state.kind) {
      case 'idle': return;
      case 'probing':
      case 'conflicted':
        this.#probe(entry);
        return;
      case 'pending':
      case 'claimed':
        this.#await(entry);
    }
  }

  /** The settings of the burst may have changed: the next claim comes by the new ones. */
  reschedule(entry: Entry, before: BurstOptions): void {
    const { burst } = entry.settings;
    const same = burst.count === before.count && burst.intervalMs === before.intervalMs
      && burst.growth === before.growth && burst.refreshMs === before.refreshMs;
    if (same || entry.state.kind !== 'claimed' || entry.state.claims === 0) return;
    const next = nextClaimIn(burst, entry.state.claims, this.#options.random);
    if (next === null) this.#due.delete(entry);
    else this.#due.set(entry, this.#modules.now() + next);
  }

  /** The link is down, or about to change: nothing is to be done until `restart`. */
  suspend(entry: Entry): void {
    this.#modules.sender().drop(entry);
    this.#due.delete(entry);
  }

  /** Ends answering and claiming, at once. The caller closes the fence for those that are held. */
  stop(entry: Entry): void {
    this.suspend(entry);
    this.#modules.conflicts.forget(entry);
    entry.state = idle;
    entry.announcedTerm = null;
    entry.servedTerm = null;
    entry.trouble = null;
  }

  leaveGroup(entry: Entry): void {
    if (entry.joined === null) return;
    const link = entry.joined;
    entry.joined = null;
    try {
      this.#modules.groups.leave(entry.eip, link);
    } catch {
      // Left behind, a membership costs a few packets; with a link that is gone it went too.
    }
  }

  /** A stranger uses, or wants to use, an address that is being probed. */
  onStranger(entry: Entry, mac: string): void {
    this.suspend(entry);
    this.#modules.conflicts.before(entry, mac);
    this.#due.set(entry, this.#modules.now() + this.#options.timing.reprobeMs);
  }

  /** Opens the fence for entries whose turn has come; those that it stays shut for come again. */
  open(entries: readonly Entry[]): void {
    const { fence, now } = this.#modules;
    const guarded = entries.filter(({ eip, settings }) => fence.guards(eip, settings.link));
    const open = guarded.length > 0 && fence.open(guarded.map((entry) => entry.eip));
    if (open) {
      const openAt = now();
      for (const entry of guarded) {
        entry.held = true;
        entry.openAt = openAt;
      }
    }
    for (const entry of entries) if (!entry.held) this.#retry(entry, this.#backoff(entry));
  }

  /** Binds entries that the fence is open for; gives back those that may claim. */
  admit(entries: readonly Entry[]): readonly Entry[] {
    const { fence } = this.#modules;
    // Held since before its link changed, perhaps, and the fence not yet on the new one.
    const guarded = entries.filter(({ eip, settings }) => fence.guards(eip, settings.link));
    for (const entry of entries) {
      if (!guarded.includes(entry)) this.#retry(entry, this.#backoff(entry));
    }
    const able = this.#bind(guarded);
    for (const entry of able) {
      entry.failures = 0;
      entry.state = { kind: 'claimed', claims: 0 };
      if (entry.settings.mode === 'respond') this.#joinGroup(entry);
      else this.leaveGroup(entry);
      if (entry.conflict?.when === 'before') this.#modules.conflicts.over(entry);
    }
    return able;
  }

  onSent(entry: Entry, what: 'claim' | 'probe', error: SendError | null): void {
    if (what === 'probe') {
      this.#onProbeSent(entry, error);
      return;
    }
    const { tally, now } = this.#modules;
    if (entry.state.kind !== 'claimed') return;
    if (error !== null) {
      const down = error === 'link-down';
      this.#retry(entry, down ? this.#options.timing.retryMostMs : this.#backoff(entry));
      return;
    }
    const claims = entry.state.claims + 1;
    entry.state = { kind: 'claimed', claims };
    entry.failures = 0;
    tally.claimsSent += 1;
    const at = now();
    if (entry.announcedTerm !== entry.term) {
      entry.announcedTerm = entry.term;
      const { eip, term, openAt } = entry;
      tally.event({ kind: 'announced', eip, term, at, openAt });
    }
    const next = nextClaimIn(entry.settings.burst, claims, this.#options.random);
    if (next === null) return;
    // Refreshes leave in company: each wake-up costs more than a claim does.
    const { refreshTogetherMs } = this.#options.timing;
    const isRefresh = claims >= entry.settings.burst.count && next > 10 * refreshTogetherMs;
    this.#due.set(entry, isRefresh
      ? Math.ceil((at + next) / refreshTogetherMs) * refreshTogetherMs
      : at + next);
  }

  #onProbeSent(entry: Entry, error: SendError | null): void {
    if (entry.state.kind !== 'probing') return;
    const { timing, random } = this.#options;
    // A probe that did not leave proves nothing.
    const sent = entry.state.sent + (error === null ? 1 : 0);
    entry.state = { kind: 'probing', sent };
    const jitter = (2 * random() - 1) * timing.probeJitterMs;
    const wait = sent < timing.probeCount ? timing.probeIntervalMs + jitter : timing.probeWaitMs;
    this.#due.set(entry, this.#modules.now() + wait);
  }

  #step(entry: Entry): void {
    const sender = this.#modules.sender();
    switch (entry.state.kind) {
      case 'idle': return;
      case 'conflicted':
        this.#probe(entry);
        return;
      case 'pending':
        sender.put(entry, 'admission');
        return;
      case 'probing':
        if (entry.state.sent < this.#options.timing.probeCount) sender.put(entry, 'probe');
        else this.#await(entry);
        return;
      case 'claimed':
        sender.put(entry, entry.state.claims === 0 ? 'first' : 'later');
    }
  }

  #probe(entry: Entry): void {
    entry.state = { kind: 'probing', sent: 0 };
    this.#joinGroup(entry);
    this.#modules.sender().put(entry, 'probe');
  }

  #await(entry: Entry): void {
    this.#due.delete(entry);
    entry.state = pending;
    this.#modules.bindings.keep(entry.eip);
    this.#modules.sender().put(entry, 'admission');
  }

  #reclaim(entry: Entry): void {
    this.#due.delete(entry);
    entry.state = { kind: 'claimed', claims: 0 };
    this.#modules.sender().put(entry, 'first');
  }

  #bind(entries: readonly Entry[]): readonly Entry[] {
    const { bindings, tally } = this.#modules;
    const wanted = entries.filter((entry) => entry.settings.mode === 'bind');
    const outcomes = bindings.bind(
      wanted.map(({ eip, settings }) => ({ eip, link: settings.link })));
    const failed = new Set<Entry>();
    for (const [index, entry] of wanted.entries()) {
      const text = outcomes[index] ?? null;
      if (text !== null) {
        failed.add(entry);
        this.#retry(entry, this.#backoff(entry));
        // Each address has its own report: another program may hold just this one.
        if (entry.trouble !== text) tally.event({ kind: 'trouble', eip: entry.eip, text });
      }
      entry.trouble = text;
    }
    return failed.size === 0 ? entries : entries.filter((entry) => !failed.has(entry));
  }

  #retry(entry: Entry, delayMs: number): void {
    this.#due.set(entry, this.#modules.now() + delayMs);
  }

  #backoff(entry: Entry): number {
    const { retryMs, retryMostMs } = this.#options.timing;
    entry.failures += 1;
    return Math.min(retryMs * 2 ** (entry.failures - 1), retryMostMs);
  }

  #joinGroup(entry: Entry): void {
    if (entry.family !== 'ndp' || entry.joined !== null) return;
    const { groups, tally } = this.#modules;
    const { link } = entry.settings;
    try {
      groups.join(entry.eip, link);
      entry.joined = link;
    } catch (error) {
      tally.trouble(`join:${link.name}`, entry.eip, `Cannot join the solicited-node group on ${link.name}: ${messageOf(error)}`);
    }
  }
}
