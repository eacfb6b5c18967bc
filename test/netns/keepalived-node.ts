/** A node of a lab with keepalived under the supervisor, and what it told. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { InstancePlan } from '../../src/keepalived/render/plan.ts';
import { type VipSettings, vipDefaults } from '../../src/keepalived/render/settings.ts';
import { findKeepalived } from '../../src/keepalived/supervisor/program.ts';
import { Supervisor } from '../../src/keepalived/supervisor/supervisor.ts';
import type { SupervisorEvent, VrrpState } from '../../src/keepalived/supervisor/types.ts';
import { until } from '../lab/command.ts';
import type { Lab } from '../lab/lab.ts';

export interface VipNodeOptions {
  readonly settings?: Partial<VipSettings>;
  readonly dir?: string;
  /** The installed one unless told. */
  readonly program?: string;
}

type EventOf<K> = Extract<SupervisorEvent, { kind: K }>;

export class VipNode {
  readonly name: string;
  readonly dir: string;
  readonly events: SupervisorEvent[] = [];
  readonly states = new Map<string, VrrpState>();
  readonly #lab: Lab;
  readonly #supervisor: Supervisor;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;

  private constructor(lab: Lab, name: string, dir: string, make: (node: VipNode) => Supervisor) {
    this.#lab = lab;
    this.name = name;
    this.dir = dir;
    this.#supervisor = make(this);
    this.#done = this.#supervisor.run(this.#abort.signal);
    this.#done.catch(() => undefined);
    lab.defer(() => this.stop());
  }

  static async start(lab: Lab, name: string, options: VipNodeOptions = {}): Promise<VipNode> {
    const { program = 'keepalived' } = options;
    const found = await findKeepalived(program);
    if ('error' in found) throw new Error(found.error);
    const dir = options.dir ?? join(lab.dir, `vip-${name}`);
    return new VipNode(lab, name, dir, (node) => new Supervisor({
      node: name, settings: { ...vipDefaults, advertMs: 100, ...options.settings },
      build: found.build, program, dir,
      netns: `/run/netns/${lab.host(name).namespace}`,
      onEvent: (event) => { node.#hear(event); },
    }));
  }

  #hear(event: SupervisorEvent): void {
    this.events.push(event);
    if (event.kind === 'state') this.states.set(event.instance, event.to);
  }

  apply(instances: readonly InstancePlan[]): void {
    this.#supervisor.apply(instances);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  /** Waits for an event after the first `since` ones. */
  async waitFor<K extends SupervisorEvent['kind']>(
    kind: K, since = 0, accept: (event: EventOf<K>) => boolean = () => true,
  ): Promise<EventOf<K>> {
    return until(`${this.name} tells ${kind}`, () => {
      const found = this.events.slice(since).find((event) =>
        event.kind === kind && accept(event as EventOf<K>));
      return found as EventOf<K> | undefined ?? null;
    }, 30_000);
  }

  async waitForState(instance: string, state: VrrpState, timeoutMs = 20_000): Promise<void> {
    await until(`${instance} is ${state} on ${this.name}`,
      () => this.states.get(instance) === state, timeoutMs);
  }

  /** The addresses of hosts on eth0 that are not the lab's own. */
  async addresses(): Promise<string[]> {
    const output = await this.#lab.run(this.name, ['ip', '-o', 'address', 'show', 'dev', 'eth0']);
    return [...output.matchAll(/inet6? (\S+)\/(?:32|128) /g)].map(([, address = '']) => address);
  }

  /** What keepalived of this node said last, for messages. */
  log(lines = 30): string {
    return this.events.map((event) => event.kind === 'log' ? event.line : JSON.stringify(event))
      .slice(-lines).join('\n');
  }
}

export const keepalivedMissing = (() => {
  try {
    execFileSync('keepalived', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'keepalived is not installed';
  }
})();

/** An instance on eth0. */
export function vip(
  pool: string, vrid: number, addresses: readonly string[], priority = 200,
): InstancePlan {
  return {
    name: `vip-${pool}`, pool, interface: 'eth0', vrid, priority, addresses,
    family: addresses[0]?.includes(':') === true ? 6 : 4,
  };
}
