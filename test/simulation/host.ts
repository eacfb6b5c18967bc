/**
 * One simulated machine: a clock of its own, a kernel with the fence, and at times an agent
 * process around the core. Pausing stops the process, not the kernel; a crash leaves the kernel as
 * it was; a power loss takes the fence with it.
 */
import type { Effect, Event } from '../../src/core/events.ts';
import type { State } from '../../src/core/state.ts';
import type { Datagram } from './sim-net.ts';
import type { World } from './world.ts';

const requestTimeoutMs = 400;

export class Host {
  /** The node's name, and which of the machines that bear it (see `World.impostor`). */
  readonly name: string;
  readonly machine: string;
  /** The kernel's: which EIPs may be claimed, and until when by this host's clock. */
  readonly fence = { held: new Map<string, number>(), until: 0 };
  state: State | null = null;
  paused = false;
  linkUp = true;
  readonly #world: World;
  readonly #offset: number;
  readonly #rate: number;
  #place: number;
  #process = 0;
  #inbox: (() => void)[] = [];
  #watched = 0;
  #watchBusy = false;
  #wakeAt = Infinity;

  constructor(world: World, name: string, machine: string) {
    this.#world = world;
    this.name = name;
    this.machine = machine;
    this.#offset = world.prng.between(0, 1e6);
    this.#rate = 1 + world.prng.between(-world.clockRateError, world.clockRateError);
    this.#place = 1;
    world.store.onChange(() => this.#follow());
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
    this.#watched = 0;
    this.#watchBusy = false;
    this.fence.held.clear();
    this.fence.until = 0;
    const { options } = this.#world;
    this.state = this.#world.core.initialState(
      { ...options, node: this.name }, this.#facts(), this.now(),
    );
    this.#deliver({ kind: 'policies', policies: this.#world.policies });
    this.#follow();
  }

  /** kill -9: the kernel stays as it is, until the supervisor, if it lives, closes the gate. */
  crash(supervised = this.#world.prng.chance(0.7)): void {
    if (supervised && this.state !== null && this.#world.quorum) this.#bury(this.state);
    this.state = null;
    this.#inbox = [];
    this.paused = false;
    this.#process++;
  }

  /** The gate first, then the word. What the supervisor knows may be an incarnation behind. */
  #bury({ boot, lastIncarnation }: State): void {
    const { schedule, prng, net, hosts } = this.#world;
    const place = this.#place;
    const process = this.#process + 1;
    schedule.after(prng.between(0.5, 8), () => {
      if (place !== this.#place) return;
      if (process === this.#process) this.fence.until = 0;
      const incarnation = lastIncarnation - (prng.chance(0.1) ? 1 : 0);
      const obituary = { node: this.name, boot, incarnation };
      this.#world.count({ kind: 'buried' });
      for (let again = 0; again < 3; again++) {
        schedule.after(again * 5, () => {
          for (const { name } of hosts) {
            if (name !== this.name) net.send(this.name, name, { kind: 'died', obituary });
          }
        });
      }
    });
  }

  powerLoss(): void {
    this.crash(false);
    this.fence.held.clear();
    this.fence.until = 0;
    this.#place++;
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
    this.#watched = 0;
    this.#follow();
  }

  #facts(): State['facts'] {
    return {
      place: `${this.machine}:${String(this.#place)}`, host: this.machine, version: '0', startedAt: 0, weight: 1,
      labels: {}, unable: this.linkUp ? {} : { pool: 'eth0 is down' }, findings: [],
      storeLatencyMs: null, witness: false,
      heartbeat: this.#world.quorum && this.name === this.machine ? [this.name] : [],
    };
  }

  /** One stream of changes, in order, each delayed; a cut stops it and it goes on from there. */
  #follow(): void {
    const { store, schedule, prng } = this.#world;
    if (!this.running || this.#watchBusy) return;
    const process = this.#process;
    const again = (): void => {
      if (process !== this.#process) return;
      this.#watchBusy = false;
      this.#follow();
    };
    if (!store.reachable(this.name) || store.stale.has(this.name)) {
      this.#watchBusy = true;
      schedule.after(prng.between(20, 200), again);
      return;
    }
    if (this.#watched === store.state.revision) return;
    this.#watchBusy = true;
    const change = store.changesSince(this.#watched);
    this.#watched = change.revision;
    schedule.after(prng.chance(0.05) ? prng.between(5, 400) : prng.between(0.2, 5), () => {
      if (process !== this.#process) return;
      this.#deliver({ kind: 'view', change });
      again();
    });
  }

  /** A datagram waits in the socket while the process is stopped. */
  receive(datagram: Datagram): void {
    this.#deliver(datagram);
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
    const { state, effects } = core.step(this.state!, event, now);
    this.state = state;
    this.#perform(effects, process);
    this.#sleep(process);
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
        for (const eip of effect.eips) this.fence.held.delete(eip);
        return;
      case 'arm':
        this.fence.until = effect.until;
        this.#world.opened = true;
        return;
      case 'announce':
        for (const { eip, term } of effect.announcements) {
          this.fence.held.set(eip, term);
          this.#world.opened = true;
          this.#world.announced(this, eip, term);
        }
        return;
      case 'request':
        return this.#request(effect.id, effect.request, process);
      case 'heartbeat': {
        const { to, heartbeat } = effect;
        return this.#world.net.send(this.name, to, { kind: 'heard', heartbeat });
      }
      case 'tell':
        if (effect.fact.kind === 'line') this.#mayDie();
        return this.#world.count(effect.fact);
      case 'stopped':
        this.crash(false);
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

  #request(id: number, request: Parameters<World['store']['call']>[1], process: number): void {
    const { store, schedule, prng } = this.#world;
    const answer = (value: Parameters<typeof this.deliverAnswer>[1]): void => {
      if (process === this.#process) this.deliverAnswer(id, value);
    };
    let open = true;
    schedule.after(requestTimeoutMs / this.#rate, () => {
      if (open) answer(null);
      open = false;
    });
    store.call(this.name, request, (value) => {
      open = false;
      answer(value);
      // And once more, late: the core must not mind.
      if (prng.chance(0.02)) schedule.after(prng.between(0, 3000), () => answer(value));
    });
  }

  deliverAnswer(id: number, answer: Extract<Event, { kind: 'answer' }>['answer']): void {
    this.#deliver({ kind: 'answer', id, answer });
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
        this.#deliver({ kind: 'tick' });
      }
    });
  }
}
