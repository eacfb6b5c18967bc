/**
 * The lease as referee of VRRP (docs/decisions/0010-referee.md): it moves the priorities of this
 * node's virtual routers, and this node lets the lease go where its keepalived cannot be master.
 */
import type { EipDocument } from '../../config/eip-document.ts';
import { isRefereed } from '../../config/eip-set.ts';
import type { Eip, Finding } from '../../core/model.ts';
import type { InstancePlan } from '../../keepalived/render/plan.ts';
import { levelOf, type LeaseLine } from '../../keepalived/render/priority.ts';
import { raise } from '../../keepalived/supervisor/referee.ts';
import type { VrrpState } from '../../keepalived/supervisor/types.ts';

export interface RefereeOptions {
  readonly node: string;
  /** keepalived's run directory. */
  readonly dir: string;
  readonly advertMs: number;
  /** Whom the lease of an address names; null: nobody, or there is no store. */
  readonly line: (eip: Eip) => LeaseLine | null;
}

/** What the engine knows. */
export interface RefereeInput {
  readonly documents: readonly EipDocument[];
  readonly instances: readonly InstancePlan[];
  readonly states: ReadonlyMap<string, VrrpState>;
  readonly findings: readonly Finding[];
}

/** A keepalived that ended is trusted again when it has run for so long: it may end again. */
const steadyMs = 10_000;
/** A lease and VRRP that differ for longer do not differ because one is about to follow. */
const disagreeMs = 10_000;
const disagreeAdverts = 10;

export class Referee {
  readonly #options: RefereeOptions;
  /** What was written last, by instance. */
  readonly #written = new Map<string, string>();
  /** When VRRP of an Eip last stopped running here. */
  readonly #stoppedAt = new Map<string, number>();
  /** Since when lease and VRRP differ. */
  readonly #differs = new Map<string, number>();
  #trouble: Finding | null = null;

  constructor(options: RefereeOptions) {
    this.#options = options;
  }

  /** Moves the priorities to where the leases have them; at once, if keepalived runs. */
  heed(instances: readonly InstancePlan[]): void {
    const { node, dir } = this.#options;
    this.#trouble = null;
    for (const instance of instances.filter(({ refereed }) => refereed === true)) {
      const level = levelOf(node, this.#line(instance));
      const what = `${level ?? '-'} ${instance.priority}`;
      if (this.#written.get(instance.name) === what) continue;
      try {
        raise(dir, instance, level);
        this.#written.set(instance.name, what);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#trouble = {
          code: 'vip-referee', subject: instance.pool,
          text: `keepalived's priority of ${instance.pool} does not follow its lease: ${why}`,
        };
      }
    }
  }

  changed(pool: string, from: VrrpState, to: VrrpState, now: number): void {
    if (isRunning(from) && !isRunning(to)) this.#stoppedAt.set(pool, now);
  }

  /** By Eip: why this node cannot have its lease. */
  unable({ documents, instances, states, findings }: RefereeInput, now: number) {
    const unable: Record<string, string> = {};
    for (const { name } of documents.filter(isRefereed)) {
      const state = states.get(name) ?? 'STOP';
      const stoppedAt = this.#stoppedAt.get(name) ?? -Infinity;
      if (!instances.some(({ pool }) => pool === name)) {
        unable[name] = findings.find(({ subject }) => subject === name)?.text
          ?? 'keepalived does not keep it here';
      } else if (!isRunning(state)) {
        unable[name] = state === 'FAULT' ? 'keepalived says FAULT' : 'keepalived does not run';
      } else if (now - stoppedAt < steadyMs) {
        unable[name] = 'keepalived had ended, and runs again only since a moment';
      }
    }
    return unable;
  }

  /** Where lease and VRRP do not agree, and what could not be done about it. */
  findings({ instances, states }: RefereeInput, now: number): Finding[] {
    const refereed = instances.filter((instance) => instance.refereed === true);
    const pools = new Set(refereed.map(({ pool }) => pool));
    for (const pool of this.#differs.keys()) if (!pools.has(pool)) this.#differs.delete(pool);
    return [
      ...this.#trouble === null ? [] : [this.#trouble],
      ...refereed.flatMap((one) => this.#difference(one, states.get(one.pool) ?? 'STOP', now)),
    ];
  }

  #difference(instance: InstancePlan, state: VrrpState, now: number): Finding[] {
    const { node, advertMs } = this.#options;
    const { pool, vrid } = instance;
    const [holder] = this.#line(instance)?.line ?? [];
    const isMaster = state === 'MASTER';
    if (holder === undefined || (holder === node) === isMaster) {
      this.#differs.delete(pool);
      return [];
    }
    const since = this.#differs.get(pool) ?? now;
    this.#differs.set(pool, since);
    if (now - since < Math.max(disagreeMs, disagreeAdverts * advertMs)) return [];
    return [{
      code: 'vip-disagree', subject: pool,
      text: isMaster
        ? `this node is master of VRID ${vrid} (${pool}), and the lease is ${holder}'s: see whether `
          + `the two hear each other, and the log of ${holder}`
        : `this node has the lease of ${pool}, and is not master of VRID ${vrid}: see who is, and `
          + 'whether someone else uses it with a higher priority',
    }];
  }

  #line({ addresses: [first = ''] }: InstancePlan): LeaseLine | null {
    return this.#options.line(first);
  }
}

function isRunning(state: VrrpState): boolean {
  return state === 'MASTER' || state === 'BACKUP';
}
