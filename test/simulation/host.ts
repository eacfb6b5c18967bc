/**
 * One simulated machine: a clock of its own, a kernel with the fence, and at times an agent
 * process around the core. Pausing stops the process, not the kernel; a crash leaves the kernel as
 * it was; a power loss takes the fence with it.
 */
import type { Effect, Event } from '../../src/core/events.ts';
import type { StoreRequest } from '../../src/core/requests.ts';
import type { State } from '../../src/core/state.ts';
import { SimFence } from './sim-fence.ts';
import type { Datagram } from './sim-net.ts';
import { SimSupervisor } from './sim-supervisor.ts';
import { SimWatch } from './sim-watch.ts';
import { SimWire, placeOf } from './sim-wire.ts';
import { expectTallies } from './recount.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

/** A core that asks to be woken more often than this never rests. At rest it is 10 to 20 times. */
const mostTicks = { count: 1000, inMs: 100 };

export class Host {
  /** The node's name, and which of the machines that bear it (see `World.impostor`). */
  readonly name: string;
  readonly machine: string;
  readonly fence: SimFence;
  state: State | null = null;
  paused = false;
  linkUp = true;
  readonly #world: World;
  readonly #offset: number;
  readonly #rate: number;
  /** Another host whose machine it is a container of; null: it has one of its own. */
  readonly #home: Host | null;
  readonly #supervisor: SimSupervisor;
  #wire: SimWire | null = null;
  /** Network namespaces, and runs of the kernel, that there were. */
  #namespace = 1;
  #kernel = 1;
  #process = 0;
  #inbox: (() => void)[] = [];
  #watch: SimWatch | null = null;
  #wakeAt = Infinity;
  #ticks = { since: 0, count: 0 };
  #mourning = false;

  constructor(world: World, name: string, machine: string, home: Host | null = null) {
    this.#world = world;
    this.name = name;
    this.machine = machine;
    this.#home = home;
    this.#offset = world.prng.between(0, 1e6);
    this.#rate = 1 + world.prng.between(-world.clockRateError, world.clockRateError);
    this.fence = new SimFence(this, world.holders);
    this.#supervisor = new SimSupervisor(world, this);
    world.store.onChange(() => this.#watch?.follow());
  }

  /** CLOCK_BOOTTIME, ms. */
  now(): number {
    return this.#offset + this.#world.schedule.now * this.#rate;
  }

  get running(): boolean {
    return this.state !== null;
  }

  /** What the LAN would see: the fence lets claims of `eip` out. */
  claims(eip: string): boolean {
    return this.fence.held.has(eip) && this.now() < this.fence.until;
  }

  start(): void {
    if (this.running) return;
    this.#process++;
    this.paused = false;
    this.#inbox = [];
    this.#watch = new SimWatch(this.#world, {
      node: this.name, onChange: (change) => { this.#deliver({ kind: 'view', change }); },
    });
    this.fence.clear();
    this.#mourning = false;
    this.#wire = this.#openWire();
    const { options } = this.#world;
    this.state = this.#world.core.initialState(
      { ...options, node: this.name }, this.#facts(), this.now(),
    );
    this.#deliver({ kind: 'policies', policies: this.#world.policies });
    this.#watch.follow();
  }

  /** kill -9: the kernel stays as it is, until the supervisor, if it lives, closes the gate. */
  crash(supervised = this.#world.prng.chance(0.7)): void {
    if (supervised && this.state !== null && this.#world.quorum) this.#bury();
    this.#tellDropped();
    this.state = null;
    this.#watch?.end();
    this.#inbox = [];
    this.paused = false;
    this.#process++;
  }

  /** Unless whoever starts the next agent is faster: that one closes the gate itself. */
  #bury(): void {
    const { schedule, prng } = this.#world;
    this.#mourning = true;
    schedule.after(prng.between(0.5, 8), () => {
      if (!this.#mourning) return;
      this.#mourning = false;
      this.#supervisor.mourn(this.#wire !== null, () => {
        if (prng.chance(0.05)) throw new Error('the kernel refuses');
        this.fence.until = 0;
        this.#world.count({ kind: 'buried' });
      });
    });
  }

  /** Datagrams are bytes. The impostor has no place to be heard at. */
  #openWire(): SimWire | null {
    const { wired, quorum, net } = this.#world;
    if (!wired || !quorum || this.name !== this.machine) return null;
    return new SimWire({
      node: this.name,
      send: (to, bytes) => { net.send(this.name, to, { kind: 'bytes', bytes }); },
      onHeartbeat: (heartbeat) => { this.#deliver({ kind: 'heard', heartbeat }); },
      onObituary: (obituary) => { this.#deliver({ kind: 'died', obituary }); },
    });
  }

  #tellDropped(): void {
    for (const [why, count] of Object.entries(this.#wire?.dropped() ?? {})) {
      this.#world.countDropped(why, count);
    }
  }

  /** Of a container: its namespace ends, and the kernel goes on. */
  powerLoss(): void {
    this.crash(false);
    this.fence.clear();
    this.#mourning = false;
    this.#namespace++;
    this.#kernel++;
    const { impostor } = this.#world;
    if (impostor.#home === this) impostor.powerLoss();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    const waiting = this.#inbox;
    this.#inbox = [];
    for (const run of waiting) {
      if (this.#stopped()) this.#inbox.push(run);
      else run();
    }
    if (!this.#stopped()) this.#deliver({ kind: 'tick' });
  }

  /** Asked anew each time: what runs in between may stop the process again. */
  #stopped(): boolean {
    return this.paused;
  }

  setLink(up: boolean): void {
    this.linkUp = up;
    this.#deliver({ kind: 'self', facts: this.#facts() });
  }

  policiesChanged(): void {
    this.#deliver({ kind: 'policies', policies: this.#world.policies });
  }

  stop(): void {
    this.#deliver({ kind: 'stop' });
  }

  /** The watch lost its place and lists again. */
  relist(): void {
    this.#watch?.relist();
  }

  #identity(): { readonly id: string; readonly kernel: string } {
    const box = this.#home ?? this;
    return { id: box.machine, kernel: `${box.machine}.${String(box.#kernel)}` };
  }

  #facts(): State['facts'] {
    const { id, kernel } = this.#identity();
    return {
      place: `${kernel}/${this.machine}:${String(this.#namespace)}`,
      ...this.#world.machinesKnown ? { machine: { id, kernel } } : {}, host: this.machine, version: '0', startedAt: 0, weight: 1,
      labels: {}, unable: this.linkUp ? {} : { pool: 'eth0 is down' }, findings: [],
      storeLatencyMs: null, witness: false,
      heartbeat: this.#world.quorum && this.name === this.machine ? [placeOf(this.name)] : [],
    };
  }

  /** A datagram waits in the socket while the process is stopped. */
  receive(datagram: Datagram): void {
    if (datagram.kind !== 'bytes') return this.#deliver(datagram);
    const { bytes } = datagram;
    const process = this.#process;
    if (!this.running) return;
    if (!this.paused) this.#wire?.hear(bytes);
    else this.#inbox.push(() => process === this.#process && this.receive(datagram));
  }

  #deliver(event: Event): void {
    const process = this.#process;
    if (!this.running) return;
    if (this.paused) {
      // What has arrived is heard before a tick: there is one at the end of `resume`.
      if (event.kind !== 'tick') this.#inbox.push(() => process === this.#process && this.#deliver(event));
      return;
    }
    const { core, schedule } = this.#world;
    const now = { boot: this.now(), wall: schedule.now };
    const before = this.state!;
    if (event.kind === 'view') this.#wire?.learn(event.change);
    const { state, effects } = core.step(before, event, now);
    this.state = state;
    if (state.tallies !== before.tallies) expectTallies(state);
    this.#tellSupervisor(before, state);
    this.#perform(effects, process);
    this.#sleep(process);
  }

  #tellSupervisor(before: State, { boot, lastIncarnation, view }: State): void {
    const same = boot === before.boot && lastIncarnation === before.lastIncarnation
      && (this.#wire === null || view.nodes === before.view.nodes);
    if (same) return;
    this.#supervisor.tell({ node: this.name, boot, incarnation: lastIncarnation }, this.#wire);
  }

  /** Effects in their order; the process may be stopped between any two of them. */
  #perform(effects: readonly Effect[], process: number): void {
    const { prng } = this.#world;
    effects.forEach((effect, i) => {
      if (process !== this.#process) return;
      if (this.paused) {
        this.#inbox.push(() => process === this.#process && this.#perform([effect], process));
        return;
      }
      this.#effect(effect, process);
      if (i + 1 < effects.length && prng.chance(this.#world.pauseInStep)) this.#world.pause(this);
    });
  }

  #effect(effect: Effect, process: number): void {
    switch (effect.kind) {
      case 'withdraw':
        for (const eip of effect.eips) this.fence.release(eip);
        return;
      case 'arm':
        this.fence.until = effect.until;
        this.#world.opened.add(this);
        return;
      case 'announce':
        for (const { eip, term } of effect.announcements) {
          this.fence.hold(eip, term);
          this.#world.opened.add(this);
          this.#world.announced(this, eip, term);
        }
        return;
      case 'request':
        return this.#request(effect.id, effect.request, process);
      case 'heartbeat': {
        const { to, heartbeat } = effect;
        if (this.#wire !== null) return this.#wire.send(to, heartbeat);
        return this.#world.net.send(this.name, to, { kind: 'heard', heartbeat });
      }
      case 'tell':
        if (effect.fact.kind === 'line') this.#mayDie();
        return this.#world.count(effect.fact);
      case 'stopped':
        this.crash(false);
        if (this.#world.quorum) this.#supervisor.leave(this.#wire !== null);
        // Told to stop before everything was put right: whoever did that starts it again.
        if (this.#world.peace) this.#world.schedule.after(100, () => this.start());
        return;
      case 'name-taken':
        // As its service manager would: the lease that was in the way is one of its own, kept
        // alive by a renewal that was long under way, and expires.
        this.crash(false);
        return this.#world.schedule.after(500, () => this.start());
    }
  }

  #mayDie(): void {
    const { prng, schedule, deadlyLines } = this.#world;
    if (!prng.chance(deadlyLines)) return;
    const at = prng.between(0, 400);
    schedule.after(at, () => this.powerLoss());
    schedule.after(at + prng.between(1000, 4000), () => this.start());
  }

  #request(id: number, request: StoreRequest, process: number): void {
    const { store, requestTimeoutMs } = this.#world;
    store.ask(this.name, request, requestTimeoutMs / this.#rate, (answer) => {
      if (process === this.#process) this.#deliver({ kind: 'answer', id, answer });
    });
  }

  #sleep(process: number): void {
    if (process !== this.#process || this.state === null) return;
    const at = this.#world.core.nextWake(this.state);
    if (at === this.#wakeAt && at > this.now()) return;
    this.#wakeAt = at;
    if (at === Infinity) return;
    const lateness = this.#world.prng.chance(0.05) ? this.#world.prng.between(0, 60) : 0.05;
    this.#world.schedule.after((at - this.now()) / this.#rate + lateness, () => {
      if (process === this.#process && this.#wakeAt === at) {
        this.#wakeAt = Infinity;
        this.#countTick();
        this.#deliver({ kind: 'tick' });
      }
    });
  }
  #countTick(): void {
    const { now } = this.#world.schedule;
    if (now - this.#ticks.since >= mostTicks.inMs) this.#ticks = { since: now, count: 0 };
    this.#ticks.count += 1;
    if (this.#ticks.count <= mostTicks.count) return;
    throw new Violation(`the core of ${this.machine} never rests at ${now.toFixed(2)} ms`);
  }
}
