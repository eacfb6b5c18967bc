/**
 * Measures in the wire thread how late our own beats are, and the heartbeats of others. Everything
 * has its place from the beginning: nothing is allocated for a heartbeat.
 *
 * What is measured is what a voter decides by: the time between two heartbeats as it hears them,
 * beyond the interval, less the time for which it was itself stopped (it gives that back). The way
 * from our voters to us stands for the way from us to them, which only they can see.
 */
import { majority } from '../../core/quorum/types.ts';
import type { VoterId } from '../../core/model.ts';
import { fitOf } from './fit.ts';
import type { Fit, Timing } from './fit.ts';
import { Lateness } from './lateness.ts';

/** Nodes whose heartbeats are measured: our voters, and those that we judge. */
const mostPeers = 32;
/** A longer silence is a fault that somebody will look for, and no matter of timing. */
const faultMs = 10_000;
/** As the core excuses it: a beat that is later than so many intervals means we were stopped. */
const stoppedAfterBeats = 2;
/** Whoever was stopped as well has said so within so many beats. */
const settleBeats = 3;
const fadeEveryMs = 6 * 3_600_000;

interface Peer {
  readonly node: string;
  readonly lateness: Lateness;
  heardAt: number;
  sentAt: number;
  boot: number;
  /** Our own time of being stopped, as it was when it was heard. */
  stoppedMs: number;
  /** How late its last heartbeat was, ms. */
  late: number;
  /** How long it was last stopped itself, by its own clock, ms; and when we heard of that. */
  stopMs: number;
  stopHeardAt: number;
}

export interface PeerLateness {
  readonly node: string;
  readonly p99: number;
  readonly p999: number;
  readonly longest: number;
}

export interface TimingReadings {
  /** Null: not observed for long enough. */
  readonly fit: Fit | null;
  /** Time in quorum mode that was observed, ms; older hours count half. */
  readonly observedMs: number;
  /** Our own beats; then other nodes' heartbeats. In ms. */
  readonly own: Omit<PeerLateness, 'node'>;
  readonly peers: readonly PeerLateness[];
}

export interface MeterOptions extends Timing {
  readonly node: string;
  /** Nothing is said before so much was observed, ms. */
  readonly observeMs: number;
}

/** And so many beats. */
const leastBeats = 200;

export class TimingMeter {
  readonly #options: MeterOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #own = new Lateness();
  readonly #joint = new Lateness();
  #voters: readonly VoterId[] = [];
  /** Those of our voters that are others; its own array, changed only with the voters. */
  #judges: Peer[] = [];
  #scratch = new Float64Array(0);
  #needed = 0;
  #stoppedMs = 0;
  #observedMs = 0;
  #fadedAt = 0;
  #beatAt = 0;
  /** We were stopped for so long, ms, until then; whether others were too is heard soon; 0: no. */
  #stopMs = 0;
  #stopAt = 0;

  constructor(options: MeterOptions) {
    this.#options = options;
  }

  /** Who judges us now; none in lease mode, when nothing is observed. */
  judgedBy(voters: readonly VoterId[]): void {
    if (voters === this.#voters) return;
    this.#voters = voters;
    const { node: self } = this.#options;
    this.#judges = voters.filter(({ node }) => node !== self).map(({ node }) => this.#peer(node));
    this.#scratch = new Float64Array(this.#judges.length);
    this.#needed = majority(voters) - 1;
  }

  /** The core was woken at `now` for what was due at `dueAt` (CLOCK_BOOTTIME, ms). */
  woken(dueAt: number, now: number): void {
    const { intervalMs } = this.#options;
    const late = now - dueAt;
    if (late > stoppedAfterBeats * intervalMs) this.#stoppedMs += late;
    if (this.#judges.length === 0) return;
    if (now - this.#stopAt > settleBeats * intervalMs) this.#settleStop();
    const since = now - this.#beatAt;
    this.#beatAt = now;
    if (since > faultMs) return;
    this.#observedMs += since;
    if (late > stoppedAfterBeats * intervalMs) this.#noteStop(late, now);
    else this.#own.add(Math.max(0, late));
    if (now - this.#fadedAt < fadeEveryMs) return;
    if (this.#fadedAt > 0) this.#fade();
    this.#fadedAt = now;
  }

  /** A heartbeat that was found authentic. `overdueMs`: how late we are ourselves just now. */
  heard(node: string, boot: number, sentAt: number, now: number, overdueMs: number): void {
    const peer = this.#peers.get(node) ?? (this.#peers.size < mostPeers ? this.#peer(node) : null);
    if (peer === null) return;
    const { intervalMs } = this.#options;
    const isStop = overdueMs > stoppedAfterBeats * intervalMs;
    const stopped = this.#stoppedMs + (isStop ? overdueMs : 0);
    const gap = now - peer.heardAt;
    const isNext = boot === peer.boot && sentAt > peer.sentAt;
    if (isNext && gap <= faultMs) {
      peer.late = gap - (stopped - peer.stoppedMs) - intervalMs;
      const ownLate = sentAt - peer.sentAt - intervalMs;
      if (ownLate > stoppedAfterBeats * intervalMs) {
        peer.stopMs = ownLate;
        peer.stopHeardAt = now;
      }
      if (this.#judges.length > 0) peer.lateness.add(Math.max(0, peer.late));
      if (this.#judges.includes(peer)) this.#noteJoint(now, stopped);
    }
    if (boot < peer.boot || (boot === peer.boot && sentAt <= peer.sentAt)) return;
    peer.boot = boot;
    peer.sentAt = sentAt;
    peer.heardAt = now;
    peer.stoppedMs = stopped;
  }

  readings(): TimingReadings {
    const { observeMs, intervalMs } = this.#options;
    const any = new Lateness();
    const isKnown = this.#observedMs >= Math.max(observeMs, leastBeats * intervalMs);
    for (const { lateness } of this.#judges) any.include(lateness);
    const observed = { ms: this.#observedMs, own: this.#own, joint: this.#joint, any };
    return {
      fit: isKnown ? fitOf(observed, this.#options) : null,
      observedMs: this.#observedMs,
      own: figures(this.#own),
      peers: [...this.#peers.values()].filter(({ lateness }) => lateness.total > 0)
        .map(({ node, lateness }) => ({ node, ...figures(lateness) })),
    };
  }

  /** How late the voters are together without whom there is no majority. */
  #noteJoint(now: number, stopped: number): void {
    const judges = this.#judges;
    const lates = this.#scratch;
    for (let i = 0; i < judges.length; i++) {
      const judge = judges[i];
      if (judge === undefined) continue;
      const silent = now - judge.heardAt;
      const overdue = silent - (stopped - judge.stoppedMs) - this.#options.intervalMs;
      // One that is gone altogether takes its part in every majority with it.
      lates[i] = silent > faultMs ? Infinity : Math.max(judge.late, overdue);
    }
    lates.sort();
    const joint = lates[this.#needed - 1] ?? 0;
    // Each voter's heartbeat brings one.
    if (joint < faultMs) this.#joint.add(Math.max(0, joint), 1 / judges.length);
  }

  #noteStop(ms: number, now: number): void {
    this.#settleStop();
    this.#stopMs = ms;
    this.#stopAt = now;
  }

  /** Stopped alone, we would have been deposed; stopped with all others, as one host does, not. */
  #settleStop(): void {
    const ms = this.#stopMs;
    if (ms === 0) return;
    this.#stopMs = 0;
    let together = 0;
    for (const { stopHeardAt, stopMs } of this.#judges) {
      if (stopHeardAt >= this.#stopAt - ms && stopMs >= ms / 2) together += 1;
    }
    if (together < this.#needed) this.#own.add(Math.min(ms, faultMs));
  }

  #fade(): void {
    this.#own.fade();
    this.#joint.fade();
    for (const { lateness } of this.#peers.values()) lateness.fade();
    this.#observedMs /= 2;
    const judges = new Set(this.#judges);
    for (const [node, peer] of this.#peers) {
      if (peer.lateness.total === 0 && !judges.has(peer)) this.#peers.delete(node);
    }
  }

  #peer(node: string): Peer {
    const known = this.#peers.get(node);
    if (known !== undefined) return known;
    const peer: Peer = {
      node, lateness: new Lateness(), heardAt: -Infinity, sentAt: 0, boot: 0, stoppedMs: 0,
      late: 0, stopMs: 0, stopHeardAt: -Infinity,
    };
    this.#peers.set(node, peer);
    return peer;
  }
}

function figures(lateness: Lateness): Omit<PeerLateness, 'node'> {
  return {
    p99: lateness.quantile(0.99), p999: lateness.quantile(0.999), longest: lateness.longest,
  };
}
