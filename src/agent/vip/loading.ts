/**
 * In which order nodes load another advertised address. A keepalived that is backup drops what
 * advertises another address than its own, and then there are two masters; except from a master
 * that it has heard before (skip_check_adv_addr), whom it forgets in a reload. So the master goes
 * first, and the others follow once they hear the new address, or no master. Pure: instants are
 * monotonic ms.
 */
import type { Finding } from '../../core/model.ts';
import type { InstancePlan } from '../../keepalived/render/plan.ts';

export interface WireLook {
  /** Whether this node is master. */
  readonly isMaster: (instance: InstancePlan) => boolean;
  /** What another is heard to advertise as master, and from where; null: nobody is heard. */
  readonly advertised: (
    instance: InstancePlan,
  ) => { readonly source: string; readonly address: string } | null;
}

interface Waiting {
  readonly instance: InstancePlan;
  readonly master: string;
  readonly since: number;
}

/** A master has had time enough after that: perhaps it is to have other Eips. */
const saidAfterMs = 10_000;

export class Loading {
  /** By pool, what was to be loaded the last time. */
  #loaded: ReadonlyMap<string, InstancePlan> = new Map();
  #waiting: ReadonlyMap<string, Waiting> = new Map();

  /** What of the wanted is to be loaded now, and for the others what they had. */
  take(wanted: readonly InstancePlan[], look: WireLook, now: number): readonly InstancePlan[] {
    const waiting = new Map<string, Waiting>();
    const instances = wanted.map((instance) => {
      const { pool } = instance;
      const old = this.#loaded.get(pool);
      const master = old === undefined ? null : toWaitFor(old, instance, look);
      if (old === undefined || master === null) return instance;
      waiting.set(pool, { instance, master, since: this.#waiting.get(pool)?.since ?? now });
      return old;
    });
    this.#waiting = waiting;
    this.#loaded = new Map(instances.map((instance) => [instance.pool, instance]));
    return instances;
  }

  findings(now: number): readonly Finding[] {
    return [...this.#waiting.values()].filter(({ since }) => now - since >= saidAfterMs)
      .map(({ instance: { pool, vrid, addresses: [address = ''] }, master }) => ({
        code: 'vip-waits', subject: pool,
        text: `${pool} begins with ${address} here, and ${master}, which is master of VRID ${vrid}, `
          + 'advertises another address: it is loaded once the master has it; give all nodes the '
          + 'same Eips',
      }));
  }
}

/** The master that still advertises the old address; null: none does, or it does not matter. */
function toWaitFor(old: InstancePlan, next: InstancePlan, look: WireLook): string | null {
  const isSame = old.vrid === next.vrid && old.interface === next.interface
    && old.family === next.family;
  if (!isSame || old.addresses[0] === next.addresses[0] || look.isMaster(old)) return null;
  const heard = look.advertised(old);
  return heard !== null && heard.address === old.addresses[0] ? heard.source : null;
}
