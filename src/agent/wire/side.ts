/**
 * The wire thread's side: core, announcer, kernel and heartbeats, which need to be on time, and
 * nothing else. A request that the core makes after a withdrawal leaves when the withdrawal has
 * taken effect, as core and announcer are called one after the other here.
 */
import { Announcer } from '../../announce/announcer.ts';
import type { AnnounceSettings, Announcer as AnnouncerPort } from '../../announce/types.ts';
import type { EipPolicy, Fact } from '../../core/events.ts';
import type { Heartbeat } from '../../core/heartbeat.ts';
import type { Eip, VoterId } from '../../core/model.ts';
import { TimingMeter } from '../../liveness/timing/meter.ts';
import { HeartbeatTransport } from '../../liveness/transport.ts';
import { boottimeMs } from '../../net/clock.ts';
import { leaveRealtime, requestBoundedRealtime } from '../../net/sched.ts';
import { heartbeatKey } from '../../wire/heartbeat/datagram.ts';
import { CoreRunner } from '../core-runner.ts';
import { openKernel } from '../kernel.ts';
import type { Kernel } from '../kernel.ts';
import { MapBuilder, ViewBuilder } from './bulk.ts';
import { keepCompiled } from './compiled.ts';
import { readWire, standingOf } from './look.ts';
import type { Bulk, FromWire, ToWire, WireSetup } from './messages.ts';
import { NewsDesk } from './news-desk.ts';
import { nobody } from './nobody.ts';
import { Timeline } from './timeline.ts';

/** The main thread says something several times in this; silent for so long, it hangs. */
export const mainSilentMs = 2000;
const lookEveryMs = 250;
/** The sender tries again as often. */
const bulkWaitMs = 1;

const nobodyJudges: readonly VoterId[] = [];

export interface WirePorts {
  post(message: FromWire): void;
  /** The next piece of the bulk channel; undefined: there is none now. */
  takeBulk(): Bulk | undefined;
  /** The thread's own number, as the kernel has it. */
  readonly tid: number;
}

export class WireSide {
  readonly #setup: WireSetup;
  readonly #ports: WirePorts;
  readonly #news: NewsDesk;
  readonly #kernel: Kernel | null;
  readonly #announcer: AnnouncerPort;
  readonly #transport: HeartbeatTransport;
  readonly #timeline: Timeline;
  readonly #view = new ViewBuilder();
  readonly #policies = new MapBuilder<EipPolicy>();
  readonly #settings = new MapBuilder<AnnounceSettings>();
  readonly #watch: NodeJS.Timeout;
  #configured: ReadonlyMap<Eip, AnnounceSettings> = new Map();
  #runner: CoreRunner | null = null;
  #meter: TimingMeter | null = null;
  #pumping: NodeJS.Immediate | undefined;
  /** Pieces of the bulk channel that were announced and not taken yet. */
  #coming = 0;
  /** When the main thread last said something. */
  #heardAt = boottimeMs();
  #muted = false;
  #realtime = false;

  /** Opens the kernel: throws KernelError. */
  constructor(setup: WireSetup, ports: WirePorts) {
    this.#setup = setup;
    this.#ports = ports;
    this.#timeline = new Timeline(setup.node);
    this.#news = new NewsDesk((news) => {
      ports.post({ kind: 'news', news, standing: standingOf(this.#runner?.state ?? null) });
    });
    const { kernel } = setup;
    this.#kernel = kernel === null ? null : openKernel(kernel.fence, (what, text) => {
      this.#news.tell({ kind: 'trouble', what, text });
    });
    this.#announcer = kernel === null || this.#kernel === null ? nobody : new Announcer({
      onEvent: (event) => {
        this.#timeline.announcer(event);
        this.#news.tell({ kind: 'announcer', event });
      },
      timing: { lingerMs: kernel.lingerMs },
    }, this.#kernel.ports);
    this.#transport = new HeartbeatTransport({
      node: setup.node,
      onHeartbeat: (heartbeat) => { this.#onHeartbeat(heartbeat); },
      onObituary: (obituary) => { this.#runner?.dispatch({ kind: 'died', obituary }); },
      onListening: (endpoint, trouble) => {
        this.#news.tell({ kind: 'listening', endpoint, trouble });
      },
      onNetworksLost: (endpoints) => { this.#news.tell({ kind: 'networks-lost', endpoints }); },
      now: boottimeMs,
    });
    this.#watch = setInterval(() => { this.#watchMain(); }, lookEveryMs);
    ports.post({
      kind: 'opened', fence: this.#kernel?.ports.fence.kind ?? 'none',
      fenceReason: this.#kernel?.fenceReason ?? null, tid: ports.tid,
    });
  }

  receive(message: ToWire): void {
    this.#heardFromMain();
    switch (message.kind) {
      case 'start':
        return this.#start(message);
      case 'answer':
        return this.#runner?.dispatch({ kind: 'answer', id: message.id, answer: message.answer });
      case 'self':
        return this.#runner?.dispatch({ kind: 'self', facts: message.facts });
      case 'stop':
        return this.#runner?.dispatch({ kind: 'stop' });
      case 'listen':
        return this.#transport.listen(message.addresses, message.judged);
      case 'keys':
        return this.#transport.setKeys(message.keys.map((key) => heartbeatKey(Buffer.from(key))));
      case 'realtime':
        return this.#beRealtime(message.priority);
      case 'ping':
        return this.#ports.post({ kind: 'pong', n: message.n });
      case 'read':
        return this.#read(message.n);
      case 'bulk':
        this.#coming += message.pieces;
        return this.#pumpSoon();
      case 'close':
        return this.#close();
    }
  }

  #start({ core, facts }: Extract<ToWire, { kind: 'start' }>): void {
    const post = (message: FromWire): void => { this.#ports.post(message); };
    const { observeMs } = this.#setup;
    this.#meter = core.supportMs === 0 ? null
      : new TimingMeter({ ...core, intervalMs: core.heartbeatMs, observeMs });
    const runner = new CoreRunner({
      core, facts,
      onFact: (fact) => { this.#onFact(fact); },
      onStopped: () => {
        this.#news.flush();
        post({ kind: 'stopped' });
      },
      onNameTaken: (by) => { post({ kind: 'name-taken', by }); },
      onFatal: (error) => {
        const { message, stack } = error instanceof Error ? error : new Error(String(error));
        post({ kind: 'fatal', message, stack });
      },
    }, {
      announcer: this.#announcer, now: boottimeMs,
      request: (id, request) => {
        post({ kind: 'request', id, request: this.#timeline.decorate(request) });
      },
      heartbeat: (to, heartbeat) => { this.#transport.send(to, heartbeat); },
      arrived: () => this.#transport.received,
      onWake: (dueAt, now) => { this.#meter?.woken(dueAt, now); },
    });
    this.#runner = runner;
    runner.dispatch({ kind: 'tick' });
  }

  #onFact(fact: Fact): void {
    if (fact.kind === 'quorum') this.#meter?.judgedBy(fact.voters);
    if (fact.kind === 'tenure-ended') this.#meter?.judgedBy(nobodyJudges);
    const at = boottimeMs();
    this.#timeline.fact(fact, at);
    this.#news.tell({ kind: 'fact', fact, at });
  }

  #onHeartbeat(heartbeat: Heartbeat): void {
    const runner = this.#runner;
    if (runner === null) return;
    const now = boottimeMs();
    const { node, boot, sentAt, supportMs } = heartbeat;
    // Another profile has other intervals.
    if (supportMs === runner.state.options.supportMs) {
      this.#meter?.heard(node, boot, sentAt, now, runner.overdueMs(now));
    }
    this.#timeline.heard(heartbeat, now);
    runner.dispatch({ kind: 'heard', heartbeat });
  }

  /** One piece a turn of the loop: what the network brought has its turn in between. */
  #pumpSoon(): void {
    this.#pumping ??= setImmediate(() => {
      this.#pumping = undefined;
      const piece = this.#ports.takeBulk();
      if (piece !== undefined) {
        this.#coming -= 1;
        this.#takeBulk(piece);
      }
      if (this.#coming === 0) return;
      if (piece !== undefined) this.#pumpSoon();
      // It found no room yet.
      else setTimeout(() => { this.#pumpSoon(); }, bulkWaitMs).unref();
    });
  }

  #takeBulk(piece: Bulk): void {
    switch (piece.kind) {
      case 'leases':
        return this.#view.add(piece.leases);
      case 'view': {
        const change = this.#view.finish(piece.change);
        if (this.#transport.learn(change)) this.#tellPeers();
        this.#runner?.dispatch({ kind: 'view', change });
        return this.#news.touch();
      }
      case 'policies': {
        const policies = this.#policies.take(piece);
        if (policies !== null) this.#runner?.dispatch({ kind: 'policies', policies });
        return;
      }
      case 'settings': {
        const settings = this.#settings.take(piece);
        if (settings !== null) this.#configure(settings);
      }
    }
  }

  #configure(settings: ReadonlyMap<Eip, AnnounceSettings>): void {
    this.#announcer.configure(settings);
    const before = this.#configured;
    this.#configured = settings;
    // Held, but not to be announced here until now.
    const again = [...this.#runner?.state.held ?? []]
      .filter(([eip]) => settings.has(eip) && !before.has(eip))
      .map(([eip, { term }]) => ({ eip, term, probe: false }));
    this.#announcer.announce(again);
  }

  #tellPeers(): void {
    const peers = this.#transport.peers().map(({ node, endpoints }) => (
      { node, endpoints: endpoints.map(({ text }) => text) }));
    this.#news.tell({ kind: 'peers', peers });
  }

  #beRealtime(priority: number): void {
    // Without a bound a bug of ours could take the machine.
    const refused = requestBoundedRealtime(priority);
    this.#realtime = refused === null;
    if (this.#realtime) keepCompiled();
    this.#news.tell({ kind: 'realtime', trouble: refused?.message ?? null });
  }

  #read(n: number): void {
    if (this.#runner === null) return;
    this.#ports.post({
      kind: 'readings', n,
      readings: readWire(this.#runner.state, {
        fence: this.#kernel?.ports.fence ?? null, announcer: this.#announcer,
        transport: this.#transport, meter: this.#meter, now: boottimeMs(),
      }),
    });
  }

  #heardFromMain(): void {
    const now = boottimeMs();
    const ms = now - this.#heardAt;
    this.#heardAt = now;
    if (!this.#muted) return;
    this.#muted = false;
    this.#transport.mute(false);
    this.#news.tell({ kind: 'muted', ms: Math.round(ms) });
    this.#news.hold(false);
  }

  /**
   * With a main thread that hangs the node is no good holder, whatever this thread can still do:
   * the voters are to see it. Its addresses go to others, and its claims end with its support.
   */
  #watchMain(): void {
    if (this.#muted || boottimeMs() - this.#heardAt < mainSilentMs) return;
    this.#muted = true;
    this.#transport.mute(true);
    this.#news.hold(true);
  }

  #close(): void {
    clearInterval(this.#watch);
    clearImmediate(this.#pumping);
    // What is left to do takes as long as it takes, and is no business of other threads'.
    if (this.#realtime) leaveRealtime();
    this.#runner?.end();
    this.#announcer.close();
    this.#transport.close();
    this.#kernel?.close();
    this.#news.flush();
    this.#ports.post({ kind: 'closed' });
  }
}
