/** One measurement of one address: opens what it may, asks, listens, and tells what happens. */
import { SystemError } from '../net/addon.ts';
import { realtimeMs } from '../net/clock.ts';
import type { Address } from '../wire/address.ts';
import { Ears, type HeardClaim, type HeardReply } from './ears.ts';
import type { GapEvent, MeasureEvent, SummaryEvent } from './events.ts';
import { Holders, type HolderEvent } from './holders.ts';
import { MeasureError } from './measure-error.ts';
import { Moves, type ProbeState } from './moves.ts';
import { Pacer } from './pacer.ts';
import { findPlace, type Place } from './place.ts';
import { ProbeMeter } from './probe-meter.ts';
import { DatagramProbe } from './probes/datagram-probe.ts';
import { NeighbourProbe } from './probes/neighbour-probe.ts';
import { probeName, type Probe, type ProbeSpec } from './probes/probe.ts';
import { StreamProbe } from './probes/stream-probe.ts';

export interface MeasureOptions {
  readonly address: Address;
  /** Its canonical text. */
  readonly text: string;
  readonly probes: readonly ProbeSpec[];
  /** Null: by the routing table. */
  readonly interface: string | null;
  /** Silences longer than this are told of; null: by each probe's rate. */
  readonly gapMs: number | null;
}

/** What the measurement hears and finds out, as it comes. */
export interface MeasureListener {
  readonly onEvent: (event: MeasureEvent) => void;
  /** Every claim, for who draws them. */
  readonly onClaim?: (claim: HeardClaim) => void;
}

const privileges = 'root, or the capability CAP_NET_RAW';
/** Without a word on it, silences of less are noise of the network and of this host. */
const leastGapMs = 20;
const gapIntervals = 5;

export class Measurement {
  readonly #options: MeasureOptions;
  readonly #listener: MeasureListener;
  readonly #place: Place;
  readonly #notes: string[] = [];
  readonly #ears: Ears | null;
  readonly #probes: Probe[] = [];
  readonly #holders: Holders;
  readonly #moves: Moves;
  readonly #claims = new Map<string, number>();
  #meters: readonly ProbeMeter[] = [];
  #counts = { moves: 0, lateClaims: 0, longestOwnStallMs: 0 };

  /** Opens all sockets. Throws MeasureError. */
  constructor(options: MeasureOptions, listener: MeasureListener) {
    this.#options = options;
    this.#listener = listener;
    this.#place = findPlace(options.address, options.text, options.interface);
    this.#holders = new Holders((event) => { this.#onHolder(event); });
    this.#moves = new Moves((event) => {
      if (event.event === 'move') this.#counts.moves += 1;
      this.#counts.lateClaims += event.event === 'move' ? event.late.claims : event.claims;
      listener.onEvent(event);
    });
    this.#ears = this.#openEars();
    try {
      for (const spec of options.probes) this.#probes.push(this.#openProbe(spec));
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  get probes(): readonly Probe[] {
    return this.#probes;
  }

  #openEars(): Ears | null {
    const { address, text } = this.#options;
    if (this.#place.lan === null) {
      this.#notes.push(`Claims cannot be watched, nor who answers be told: ${this.#place.why}.`);
      return null;
    }
    try {
      return new Ears({ link: this.#place.lan.link, address, text }, {
        onClaim: (claim) => { this.#onClaim(claim); },
        onReply: (reply) => { this.#onReply(reply); },
      });
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'EPERM') throw error;
      this.#notes.push(`Claims cannot be watched, nor who answers be told: that needs ${privileges}.`);
      return null;
    }
  }

  #openProbe(spec: ProbeSpec): Probe {
    const { address, text } = this.#options;
    const seen = this.#ears !== null;
    try {
      switch (spec.kind) {
        case 'udp':
        case 'icmp': return new DatagramProbe(spec, address, seen);
        case 'tcp':
        case 'http': return new StreamProbe(spec, text, seen);
        case 'arp':
        case 'ndp': return this.#openNeighbour(spec.kind, spec.rate);
      }
    } catch (error) {
      throw asMeasureError(error, spec, text);
    }
  }

  #openNeighbour(kind: 'arp' | 'ndp', rate: number): Probe {
    const { text } = this.#options;
    if (this.#place.lan === null) {
      throw new MeasureError('--probe', kind, `asks the LAN that the address is on, and ${this.#place.why}: use icmp, udp, tcp or http`);
    }
    if (this.#ears === null) {
      throw new MeasureError('--probe', kind, `needs ${privileges}: use sudo, or the probes icmp, udp, tcp or http`);
    }
    return new NeighbourProbe({ kind, rate, address: text, ...this.#place.lan });
  }

  /** Measures until the signal comes; then tells the summary and closes all. */
  async run(signal: AbortSignal): Promise<SummaryEvent> {
    const begun = realtimeMs();
    this.#start(begun);
    let lastTick = begun;
    const pacer = new Pacer({
      onStall: (from, to) => {
        const { longestOwnStallMs } = this.#counts;
        this.#counts.longestOwnStallMs = Math.max(longestOwnStallMs, to - from);
        for (const { log } of this.#probes) log.stall(from, to);
      },
      onTick: () => {
        // What had arrived by the last tick has been read since.
        this.#tick(lastTick);
        lastTick = realtimeMs();
      },
    });
    for (const probe of this.#probes) pacer.add(probe.rate, () => { probe.send(); });
    try {
      await pacer.run(signal);
      const end = realtimeMs();
      await this.#lastAnswers();
      return this.#finish(begun, end);
    } finally {
      this.#close();
    }
  }

  #start(begun: number): void {
    const { address, text, gapMs } = this.#options;
    this.#meters = this.#probes.map((probe) => {
      const threshold = gapMs ?? Math.max(leastGapMs, gapIntervals * 1000 / probe.rate);
      return new ProbeMeter(probe, begun, threshold, {
        onAnswered: (name, at, mac) => {
          this.#listener.onEvent({ event: 'answered', at, probe: name, mac });
        },
        onGap: (gap) => { this.#onGap(gap, threshold); },
        onSilent: (name, since, at) => {
          this.#listener.onEvent({
            event: 'silent', at, probe: name, since, refusals: Object.fromEntries(probe.refusals),
          });
        },
      });
    });
    const asks = this.#options.probes.some(({ kind }) => kind === 'arp' || kind === 'ndp');
    if (this.#ears !== null && !asks) {
      const kind = address.family === 4 ? 'arp' : 'ndp';
      this.#notes.push(`Claims are heard as they are made; with --probe ${kind} everyone is asked for them, and a second holder shows.`);
    }
    this.#listener.onEvent({
      event: 'start', at: begun, address: text, interface: this.#place.lan?.link.name ?? null,
      watchesClaims: this.#ears !== null, notes: this.#notes,
      probes: this.#probes.map(({ name, rate, timestamps }) => ({ probe: name, rate, timestamps })),
    });
  }

  #onClaim(claim: HeardClaim): void {
    const { kind, mac } = claim;
    if (kind === 'probe') return;
    if (this.#claims.has(mac) || this.#claims.size < 256) {
      this.#claims.set(mac, (this.#claims.get(mac) ?? 0) + 1);
    }
    this.#listener.onClaim?.(claim);
    this.#holders.claim(claim);
    for (const probe of this.#probes) probe.onClaim(claim);
  }

  #onReply(reply: HeardReply): void {
    this.#holders.answer(reply.at, reply.mac);
    for (const probe of this.#probes) probe.onReply(reply);
  }

  #onHolder(event: HolderEvent): void {
    if (event.event === 'settled') this.#moves.settled(event);
    else this.#listener.onEvent(event);
  }

  #onGap(gap: GapEvent, thresholdMs: number): void {
    this.#moves.gap(gap);
    if (gap.ms > thresholdMs) this.#listener.onEvent(gap);
  }

  /** `heard`: everything that had arrived by then was read. */
  #tick(heard: number, atEnd = false): void {
    for (const meter of this.#meters) {
      meter.probe.sweep(heard);
      meter.advance(heard - (atEnd ? 0 : meter.probe.patienceMs));
    }
    this.#holders.tick(heard);
    this.#moves.tick(this.#states(), heard);
  }

  #states(): ProbeState[] {
    return this.#meters.map(({ probe, lastAnswer }) => ({ probe: probe.name, lastAnswer }));
  }

  /** Answers to the last questions; nothing is asked any more. */
  async #lastAnswers(): Promise<void> {
    const patience = Math.max(0, ...this.#probes.map(({ patienceMs }) => patienceMs));
    await new Promise((resolve) => { setTimeout(resolve, patience); });
  }

  #finish(begun: number, end: number): SummaryEvent {
    this.#tick(end, true);
    this.#holders.finish(end);
    this.#moves.tick(this.#states(), end, true);
    const summary: SummaryEvent = {
      event: 'summary', at: end, address: this.#options.text, durationMs: end - begun,
      holder: this.#holders.holder, ...this.#counts, claims: Object.fromEntries(this.#claims),
      missed: (this.#ears?.dropped() ?? 0) + this.#holders.overflow,
      probes: this.#meters.map((meter) => meter.summary()),
    };
    this.#listener.onEvent(summary);
    return summary;
  }

  #close(): void {
    for (const probe of this.#probes) probe.close();
    this.#ears?.close();
  }
}

function asMeasureError(error: unknown, spec: ProbeSpec, address: string): unknown {
  if (!(error instanceof SystemError)) return error;
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return new MeasureError('--probe', probeName(spec), `needs ${privileges}, or a sysctl net.ipv4.ping_group_range that includes your group ("0 2147483647" for all): use sudo, or --probe tcp:PORT, http:PORT or udp:PORT`);
    case 'ENETUNREACH':
      return new MeasureError('address', address, 'no route of this host leads there: add one, or run this elsewhere');
    default:
      return error;
  }
}
