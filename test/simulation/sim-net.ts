/** Datagrams between hosts: late, lost, doubled, cut off one way or both, and meddled with. */
import type { Heartbeat, Obituary } from '../../src/core/heartbeat.ts';
import type { World } from './world.ts';

export type Datagram =
  | { readonly kind: 'heard'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'died'; readonly obituary: Obituary }
  /** As sealed, in worlds where the codec takes part. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** Chance that a stranger does something with a datagram, where they are bytes. */
const meddling = 0.01;

export class SimNet {
  /** Directed: "from>to". */
  readonly cut = new Set<string>();
  loss = 0;
  /** Chance that a datagram comes seconds late. */
  lag = 0;
  readonly #world: World;
  /** How many of each node were sent. */
  readonly sent = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  send(from: string, to: string, datagram: Datagram): void {
    const { prng, schedule } = this.#world;
    this.sent.set(from, (this.sent.get(from) ?? 0) + 1);
    if (prng.chance(this.loss)) return;
    const arrive = (): void => {
      if (!this.cut.has(`${from}>${to}`)) this.#world.host(to)?.receive(datagram);
    };
    const usual = prng.chance(0.03) ? prng.between(5, 200) : prng.between(0.1, 2);
    schedule.after(prng.chance(this.lag) ? prng.between(200, 6000) : usual, arrive);
    if (prng.chance(0.02)) schedule.after(usual + prng.between(0, 3000), arrive);
    if (datagram.kind === 'bytes' && prng.chance(meddling)) this.#meddle(datagram.bytes);
  }

  cutBoth(a: string, b: string): void {
    this.cut.add(`${a}>${b}`);
    this.cut.add(`${b}>${a}`);
  }

  /** Everything between two groups. */
  part(groups: readonly [readonly string[], readonly string[]]): void {
    for (const a of groups[0]) for (const b of groups[1]) this.cutBoth(a, b);
  }

  /** A stranger on the wire sends a copy to whom it likes, changed or not, when it likes. */
  #meddle(bytes: Uint8Array): void {
    const { prng, schedule, hosts } = this.#world;
    const copy = bytes.slice();
    if (prng.chance(0.5)) {
      const at = Math.floor(prng.between(0, copy.length));
      copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(prng.between(0, 8)));
    }
    const victim = prng.pick(hosts);
    schedule.after(prng.between(0, 5000), () => { victim.receive({ kind: 'bytes', bytes: copy }); });
  }
}
