/**
 * Eips with spec.protocol: vip on this node: what keepalived is to run, the watch on the wire, and
 * what there is to say of both. How keepalived runs is keepalived-runner.ts's business, and where
 * the Eips and their VRIDs come from somebody else's (vrid-keeper.ts, eips-directory.ts).
 */
import type { Logger } from 'pino';
import type { AgentConfig, VipConfig } from '../../config/agent-config.ts';
import type { EipDocument } from '../../config/eip-document.ts';
import type { Eip, Finding, VrrpReport } from '../../core/model.ts';
import type { InstancePlan, Plan } from '../../keepalived/render/plan.ts';
import type { LeaseLine } from '../../keepalived/render/priority.ts';
import type { ForeignVrids } from '../../keepalived/render/vrids.ts';
import type { VrrpState } from '../../keepalived/supervisor/types.ts';
import { VrrpWatch } from '../../keepalived/watch/watch.ts';
import { FrameSockets } from '../../net/frame-sockets.ts';
import type { VipReadings } from '../../observe/vip-metrics.ts';
import type { Host } from '../host.ts';
import { Ears } from './ears.ts';
import type { StandingNode } from './field.ts';
import { FindingLog } from './finding-log.ts';
import { KeepalivedRunner, type StateEvent } from './keepalived-runner.ts';
import { Loading } from './loading.ts';
import { MasterCheck } from './master-check.ts';
import { placeEips, type PlacedEips } from './placement.ts';
import { Referee } from './referee.ts';
import type { RouterFence } from './router-fence.ts';
import { RouterGuard } from './router-guard.ts';
import { unicastOf } from './vip-settings.ts';

export interface VipOptions {
  readonly node: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As configured: 100 is the usual share. */
  readonly weight: number;
  readonly failbackMs: number | null;
  readonly vip: VipConfig;
}

export function vipOptionsOf({ node, eips, vip }: AgentConfig): VipOptions {
  const { name, labels, weight } = node;
  return { node: name, labels, weight, failbackMs: eips.failbackMs, vip };
}

export interface VipModules {
  readonly host: Host;
  readonly log: Logger;
  /** Null: the kernel has none, or it is not wanted. */
  readonly fence: RouterFence | null;
  /** Whom the lease of an address names, where there is a store. */
  readonly line?: (eip: Eip) => LeaseLine | null;
  /** What `reports`, `findings` or `unable` say has changed. */
  readonly onChange: () => void;
}

/** What is to be kept; `vrids` by name, of Eips that have one that all nodes agree on. */
export interface Wanted {
  readonly documents: readonly EipDocument[];
  readonly vrids: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
}

const lookMs = 1_000;

export class VipEngine {
  readonly #options: VipOptions;
  readonly #modules: VipModules;
  readonly #advertMs: number;
  readonly #watch = new VrrpWatch();
  readonly #ears: Ears;
  readonly #guard: RouterGuard;
  readonly #findingLog: FindingLog;
  readonly #referee: Referee;
  readonly #loading = new Loading();
  readonly #check = new MasterCheck(new FrameSockets({ mark: 0 }));
  readonly #states = new Map<string, VrrpState>();
  readonly #runner: KeepalivedRunner;
  readonly #transitions = new Map<string, number>();
  #wanted: Wanted = { documents: [], vrids: new Map(), findings: [] };
  #nodes: readonly StandingNode[] = [];
  #drained = false;
  /** Of what is wanted, what is to run now. */
  #plan: Plan = { instances: [], findings: [] };
  #applied = '';
  #findings: readonly Finding[] = [];
  #unable: Readonly<Record<string, string>> = {};
  #shown = '';

  constructor(options: VipOptions, modules: VipModules) {
    this.#options = options;
    this.#modules = modules;
    const { advertMs, peers } = options.vip;
    this.#advertMs = advertMs;
    this.#guard = new RouterGuard(modules.fence, advertMs, () => new Set(
      [...this.#states.keys()].filter((pool) => this.#isMaster(pool))));
    this.#findingLog = new FindingLog(modules.log);
    this.#referee = new Referee({
      node: options.node, dir: options.vip.runDirectory, advertMs,
      line: modules.line ?? (() => null),
    });
    this.#ears = new Ears(this.#watch, { log: modules.log, peers }, {
      onContest: () => { this.#runner.suspect(); },
      onRival: (pool) => { modules.fence?.heard(pool); },
    });
    this.#runner = new KeepalivedRunner(options, {
      log: modules.log, network: () => modules.host.network(),
      isWanted: () => this.#plan.instances.length > 0,
      onBegun: () => {
        this.#applied = '';
        this.look();
      },
      onState: (event) => { this.#changed(event); },
      onEmpty: () => { this.#guard.letGo(); },
      onNotes: () => { this.look(); },
    });
  }

  set(wanted: Wanted): void {
    this.#wanted = wanted;
    this.look();
  }

  /** The nodes of the store, this one among them. */
  know(nodes: readonly StandingNode[]): void {
    this.#nodes = nodes;
    this.look();
  }

  /** The leases name others, perhaps. */
  heed(): void {
    this.#referee.heed(this.#plan.instances);
  }

  /** A drained node takes part in nothing. */
  drain(drained: boolean): void {
    if (this.#drained === drained) return;
    this.#drained = drained;
    this.look();
  }

  /** Runs until the signal; then keepalived has handed over and is gone. */
  async run(signal: AbortSignal): Promise<void> {
    const { host } = this.#modules;
    const timer = setInterval(() => { this.look(); }, lookMs);
    host.onChange(() => { if (!signal.aborted) this.look(); });
    // What an earlier run left would guard addresses that may be others' now.
    if (!this.#runner.isNeeded) this.#modules.fence?.remove();
    try {
      await this.#runner.run(signal);
    } finally {
      clearInterval(timer);
      this.#ears.close();
      this.#check.close();
      this.#modules.fence?.remove();
    }
  }

  /** Looks at interfaces, wire and time anew, and hands on what changed. */
  look(): void {
    const { host } = this.#modules;
    const { plan, places, findings } = this.#place();
    const now = performance.now();
    const instances = this.#loading.take(plan.instances, {
      isMaster: ({ pool }) => this.#isMaster(pool),
      advertised: (instance) => this.#watch.advertised(this.#expected(instance), now),
    }, now);
    this.#plan = { ...plan, instances };
    if (instances.length > 0) this.#runner.wake();
    this.#ears.listen(places, host.network());
    this.#watch.forget(now);
    this.#apply(instances);
    const plain = [
      ...this.#wanted.findings, ...findings, ...plan.findings, ...this.#ears.findings,
      ...this.#ownFindings(), ...this.#loading.findings(now),
      ...this.#watch.findings(now), ...this.#unanswered(now),
    ];
    const input = {
      documents: this.#drained ? [] : this.#wanted.documents, states: this.#states,
      instances, findings: plain,
    };
    this.#unable = this.#referee.unable(input, now);
    this.#tell([...plain, ...this.#referee.findings(input, now)]);
  }

  #isMaster(pool: string): boolean {
    return this.#states.get(pool) === 'MASTER';
  }

  #ownFindings(): readonly Finding[] {
    const notes = new Map(this.#runner.notes);
    if (this.#guard.trouble !== null) notes.set('vip-fence', this.#guard.trouble);
    return [...notes].map(([code, text]) => ({ code, subject: this.#options.node, text }));
  }

  #place(): PlacedEips {
    const { node, labels, weight, failbackMs, vip: { peers } } = this.#options;
    const { documents, vrids } = this.#wanted;
    const network = this.#modules.host.network();
    const unicast = unicastOf(peers, network);
    return placeEips({
      node, labels, weight, failbackMs, vrids,
      documents: this.#drained ? [] : documents,
      standing: { nodes: this.#nodes, unicast: unicast && 'error' in unicast ? null : unicast },
    }, network);
  }

  #apply(instances: readonly InstancePlan[]): void {
    // Before keepalived reads the files.
    this.#referee.heed(instances);
    if (!this.#runner.hasBegun) return;
    const text = JSON.stringify(instances);
    // Guarded before keepalived can have them; let go once it has none.
    this.#guard.set(instances, text, this.#modules.host.network());
    if (text === this.#applied) return;
    this.#applied = text;
    this.#watch.expect(instances.map((instance) => this.#expected(instance)));
    this.#runner.apply(instances);
  }

  #expected({ addresses: [address = ''], pool, interface: on, family, vrid }: InstancePlan) {
    return { pool, interface: on, family, vrid, address, intervalMs: this.#advertMs };
  }

  #unanswered(now: number): readonly Finding[] {
    const network = this.#modules.host.network();
    return this.#check.look(this.#plan.instances.flatMap((instance) => {
      const { family, pool, vrid, interface: on, addresses: [address = ''] } = instance;
      const link = network.byName(on);
      if (link === null || this.#isMaster(pool)) return [];
      const master = this.#watch.heard(this.#expected(instance), now);
      const source = network.addresses(link.ifindex)
        .find((own) => own.address.startsWith('fe80:'))?.address ?? null;
      return [{ pool, vrid, address, family, link, master, source }];
    }), now);
  }

  #tell(findings: readonly Finding[]): void {
    this.#findingLog.say(findings);
    this.#findings = findings;
    const shown = JSON.stringify([this.reports, findings, this.#unable]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#modules.onChange();
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** By Eip: why this node cannot have its lease. */
  get unable(): Readonly<Record<string, string>> {
    return this.#unable;
  }

  /** By name. */
  get reports(): readonly VrrpReport[] {
    const now = performance.now();
    return this.#plan.instances.map((instance) => ({
      eip: instance.pool, vrid: instance.vrid, interface: instance.interface,
      family: instance.family, state: this.#states.get(instance.pool) ?? 'STOP',
      heard: this.#watch.heard(this.#expected(instance), now),
    }));
  }

  /** VRIDs of strangers, as heard so far. */
  get foreign(): ForeignVrids {
    return this.#watch.foreign(performance.now());
  }

  /** For how long the wire that an Eip is on was listened to, ms; null: it is not on this node. */
  listenedMs(eip: string): number | null {
    const place = this.#place().places.find(({ pool }) => pool === eip);
    return place === undefined ? null : this.#ears.listenedMs(place);
  }

  get readings(): VipReadings {
    return {
      reports: this.reports, findings: this.#findings, transitions: this.#transitions,
      ...this.#runner.counts, refused: this.#runner.notes.has('vip-refused'),
      drops: this.#watch.drops,
      fenceDrops: this.#modules.fence?.dropped() ?? null,
    };
  }

  #changed({ pool, from, to, source }: StateEvent): void {
    this.#states.set(pool, to);
    this.#watch.own(pool, to === 'MASTER', performance.now());
    this.#referee.changed(pool, from, to, performance.now());
    this.#transitions.set(to, (this.#transitions.get(to) ?? 0) + 1);
    this.#modules.log.info({ eip: pool, from, to, source },
      to === 'MASTER' ? 'this node is master' : 'state changed');
    this.look();
  }
}
