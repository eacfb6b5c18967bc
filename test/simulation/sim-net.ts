/** The LAN between agents: datagrams that are lost, late, doubled, and cut off one way or both. */
import type { Heartbeat, Obituary } from '../../src/core/heartbeat.ts';
import type { World } from './world.ts';

export type Datagram =
  | { readonly kind: 'heard'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'died'; readonly obituary: Obituary };

export class SimNet {
  /** Directed: "from>to". */
  readonly cut = new Set<string>();
  loss = 0;
  /** Chance that a datagram comes seconds late. */
  lag = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  send(from: string, to: string, datagram: Datagram): void {
    const { prng, schedule } = this.#world;
    if (prng.chance(this.loss)) return;
    const arrive = (): void => {
      if (this.cut.has(`${from}>${to}`)) return;
      this.#world.hosts.find(({ name }) => name === to)?.receive(datagram);
    };
    const usual = prng.chance(0.03) ? prng.between(5, 200) : prng.between(0.1, 2);
    schedule.after(prng.chance(this.lag) ? prng.between(200, 6000) : usual, arrive);
    if (prng.chance(0.02)) schedule.after(usual + prng.between(0, 3000), arrive);
  }

  cutBoth(a: string, b: string): void {
    this.cut.add(`${a}>${b}`);
    this.cut.add(`${b}>${a}`);
  }

  /** Everything between two groups. */
  part(groups: readonly [readonly string[], readonly string[]]): void {
    for (const a of groups[0]) for (const b of groups[1]) this.cutBoth(a, b);
  }
}
