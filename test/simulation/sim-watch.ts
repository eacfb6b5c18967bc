/** One host's watch of the store: changes in order, each late; a cut stops it and it goes on. */
import type { ViewChange } from '../../src/core/model.ts';
import type { World } from './world.ts';

export interface SimWatchOptions {
  readonly node: string;
  readonly onChange: (change: ViewChange) => void;
}

export class SimWatch {
  readonly #world: World;
  readonly #options: SimWatchOptions;
  #reached = 0;
  #busy = false;
  #over = false;

  constructor(world: World, options: SimWatchOptions) {
    this.#world = world;
    this.#options = options;
  }

  /** The process is gone. */
  end(): void {
    this.#over = true;
  }

  /** It lost its place and lists again. */
  relist(): void {
    this.#reached = 0;
    this.follow();
  }

  follow(): void {
    const { store, schedule, prng } = this.#world;
    const { node, onChange } = this.#options;
    if (this.#over || this.#busy) return;
    const again = (): void => {
      this.#busy = false;
      this.follow();
    };
    if (!store.reachable(node) || store.stale.has(node)) {
      this.#busy = true;
      schedule.after(prng.between(20, 200), again);
      return;
    }
    if (this.#reached === store.state.revision) return;
    this.#busy = true;
    const change = store.changesSince(this.#reached);
    this.#reached = change.revision;
    schedule.after(prng.chance(0.05) ? prng.between(5, 400) : prng.between(0.2, 5), () => {
      if (this.#over) return;
      onChange(change);
      again();
    });
  }
}
