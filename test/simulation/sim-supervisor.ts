/**
 * The supervisor of one simulated agent: the production's order of things (mourn.ts) and, where
 * datagrams are bytes, its obituaries. What it was told last may be on its way still.
 */
import { mourn } from '../../src/agent/supervisor/mourn.ts';
import { Obituaries } from '../../src/agent/supervisor/obituaries.ts';
import type { Obituary } from '../../src/core/heartbeat.ts';
import type { Host } from './host.ts';
import { keyText, nodeAt } from './sim-wire.ts';
import type { SimWire } from './sim-wire.ts';
import type { World } from './world.ts';

export class SimSupervisor {
  readonly #world: World;
  readonly #host: Host;
  readonly #obituaries: Obituaries;
  #words: Obituary;
  #told = '';
  /** What was told arrives in the order in which it was told. */
  #arrives = 0;

  constructor(world: World, host: Host) {
    this.#world = world;
    this.#host = host;
    this.#words = { node: host.name, boot: 0, incarnation: 0 };
    this.#obituaries = new Obituaries({
      send: (to, bytes) => { world.net.send(host.name, nodeAt(to), { kind: 'bytes', bytes }); },
      after: (ms, run) => { world.schedule.after(ms, run); },
    });
  }

  /** The agent says what to say of it, should it die. */
  tell(words: Obituary, wire: SimWire | null): void {
    const peers = wire?.peers() ?? [];
    const text = JSON.stringify([words, peers]);
    if (text === this.#told) return;
    this.#told = text;
    const { schedule, prng } = this.#world;
    const ms = prng.chance(0.1) ? prng.between(0, 30) : 0.05;
    this.#arrives = Math.max(this.#arrives, schedule.now + ms);
    schedule.after(this.#arrives - schedule.now, () => {
      this.#words = words;
      if (wire !== null) this.#obituaries.prepare({ ...words, peers, key: keyText });
    });
  }

  /** The agent died by itself; `closeGate` throws if the kernel would not. */
  mourn(wired: boolean, closeGate: () => void): void {
    const words = this.#words;
    const send = wired ? () => this.#obituaries.send() : () => this.#spread(words);
    // Closed or not: it votes no more.
    if ('error' in mourn({ gate: { closeGate }, obituaries: { send } })) this.leave(wired);
  }

  /** The agent ended in order. */
  leave(wired: boolean): void {
    if (wired) this.#obituaries.leave();
    else this.#spread({ ...this.#words, incarnation: 0 });
  }

  /** The same, where datagrams are values. */
  #spread(obituary: Obituary): number {
    const { schedule, net, hosts } = this.#world;
    if (obituary.boot === 0) return 0;
    const others = hosts.filter(({ name }) => name !== this.#host.name);
    for (const ms of [0, 3, 30]) {
      schedule.after(ms, () => {
        for (const { name } of others) {
          net.send(this.#host.name, name, { kind: 'died', obituary });
        }
      });
    }
    return others.length;
  }
}
