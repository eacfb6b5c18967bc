/** The stores of a lab, each started once: those that nobody uses stand still. */
import type { StoreKind } from '../../test/lab/lab-store.ts';
import type { Lab } from '../../test/lab/lab.ts';
import { Tenure } from '../../test/lab/tenure.ts';

export class Stores {
  readonly #lab: Lab;
  readonly #made = new Map<StoreKind, Tenure>();

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** The one that is needed now; null for none. */
  async use(kind: null): Promise<null>;
  async use(kind: StoreKind): Promise<Tenure>;
  async use(kind: StoreKind | null): Promise<Tenure | null> {
    for (const [other, tenure] of this.#made) if (other !== kind) await pause(tenure);
    if (kind === null) return null;
    const tenure = this.#made.get(kind) ?? await Tenure.start(this.#lab, { store: kind });
    this.#made.set(kind, tenure);
    resume(tenure);
    return tenure;
  }
}

/** The whole of it: the etcd below an API server too. */
async function pause(tenure: Tenure): Promise<void> {
  await tenure.store.pause();
  if (tenure.store.kind === 'kubernetes') await tenure.apiServer.etcd.member.pause();
}

function resume(tenure: Tenure): void {
  if (tenure.store.kind === 'kubernetes') tenure.apiServer.etcd.member.resume();
  tenure.store.resume();
}
