/** The state of each instance, and the events of its changes. */
import type { InstancePlan } from '../render/plan.ts';
import type { Notice } from './notify.ts';
import type { SupervisorEvent, VrrpState } from './types.ts';

export class States {
  readonly #onEvent: (event: SupervisorEvent) => void;
  readonly #states = new Map<string, { readonly pool: string; state: VrrpState }>();

  constructor(onEvent: (event: SupervisorEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** These instances, and no others, are there from now on. */
  follow(instances: readonly InstancePlan[]): void {
    const names = new Set(instances.map(({ name }) => name));
    for (const name of [...this.#states.keys()]) {
      if (names.has(name)) continue;
      this.set({ instance: name, state: 'STOP' }, 'process');
      this.#states.delete(name);
    }
    for (const { name, pool } of instances) {
      if (!this.#states.has(name)) this.#states.set(name, { pool, state: 'STOP' });
    }
  }

  /** Of an instance that is not followed nothing is told. */
  set({ instance, state }: Notice, source: 'fifo' | 'dump' | 'process'): void {
    const known = this.#states.get(instance);
    if (!known || known.state === state) return;
    const from = known.state;
    known.state = state;
    this.#onEvent({ kind: 'state', instance, pool: known.pool, from, to: state, source });
  }

  /** keepalived has ended. */
  stopped(): void {
    for (const instance of this.#states.keys()) {
      this.set({ instance, state: 'STOP' }, 'process');
    }
  }
}
