/**
 * The agent without a store: Eips from a directory, and VRRP. Every node comes to the same virtual
 * routers and VRIDs by itself.
 */
import { hostname } from 'node:os';
import { Registry } from 'prom-client';
import type { Logger } from 'pino';
import type { AgentConfig } from '../../config/agent-config.ts';
import type { EipDocument } from '../../config/eip-document.ts';
import type { NodeRecord } from '../../core/model.ts';
import { deriveVrids } from '../../keepalived/render/vrids.ts';
import { findKeepalived } from '../../keepalived/supervisor/program.ts';
import type { Health } from '../../observe/http.ts';
import { processMetrics } from '../../observe/metrics.ts';
import { registerVipMetrics } from '../../observe/vip-metrics.ts';
import { AgentError } from '../agent-error.ts';
import type { Host } from '../host.ts';
import { serveHttp, type Observed } from '../open-http.ts';
import { readPlace } from '../place.ts';
import { EipsDirectory } from './eips-directory.ts';
import { openRouterFence } from './open-router-fence.ts';
import { VipEngine, vipOptionsOf } from './vip-engine.ts';

export interface RunVipModules {
  readonly host: Host;
  readonly log: Logger;
  readonly version: string;
  readonly closers: (() => unknown)[];
  readonly onReady: (status: string) => void;
}

/** What `tenure status` gets from an agent without a store. */
export interface LocalStatus {
  readonly node: string;
  readonly record: NodeRecord;
  readonly documents: readonly { readonly name: string; readonly text: string }[];
}

const readEveryMs = 1_000;

/** Runs until the signal; rejects with AgentError if it cannot begin. */
export async function runVip(
  config: AgentConfig, modules: RunVipModules, signal: AbortSignal,
): Promise<void> {
  const { log, closers, onReady } = modules;
  const found = await findKeepalived(config.vip.program);
  if ('error' in found) throw new AgentError(found.error);
  const node = new VipNode(config, modules);
  node.begin();
  await serveHttp(config.http, node, log, closers);
  const timer = setInterval(() => { node.read(); }, readEveryMs);
  onReady(node.ready().text);
  try {
    await node.engine.run(signal);
  } finally {
    clearInterval(timer);
  }
}

class VipNode implements Observed {
  readonly engine: VipEngine;
  readonly metrics = { registry: new Registry() };
  readonly #config: AgentConfig;
  readonly #modules: RunVipModules;
  readonly #startedAt = Date.now();
  readonly #directory: EipsDirectory;
  #documents: readonly EipDocument[] = [];
  #problems: readonly string[] = [];

  constructor(config: AgentConfig, modules: RunVipModules) {
    this.#config = config;
    this.#modules = modules;
    const { host, log } = modules;
    this.#directory = new EipsDirectory(config.eipsDirectory ?? '');
    this.engine = new VipEngine(vipOptionsOf(config), {
      host, log, fence: openRouterFence(config.fence, log), onChange: () => undefined,
    });
    processMetrics(this.metrics.registry);
    registerVipMetrics(this.metrics.registry, () => this.engine.readings);
  }

  /** Throws AgentError. */
  begin(): void {
    const { documents, problems } = this.#directory.look() ?? { documents: [], problems: [] };
    if (problems.length > 0) throw new AgentError(problems.join('\n'));
    this.#take(documents);
  }

  read(): void {
    const read = this.#directory.look();
    if (read === null) return;
    const { documents, problems } = read;
    if (problems.length === 0) this.#take(documents);
    else this.#complain(problems);
  }

  /** Once: the same may be read again. */
  #complain(problems: readonly string[]): void {
    if (this.#problems.join() === problems.join()) return;
    this.#problems = problems;
    this.#modules.log.error({ problems }, 'the Eips cannot be read: those from before stay');
  }

  #take(documents: readonly EipDocument[]): void {
    this.#documents = documents;
    this.#problems = [];
    // Of all Eips, also those that this node does not hold: every node has to come to the same.
    const { vrids, findings } = deriveVrids(documents.map(({ name, block, settings }) =>
      ({ pool: name, family: block.family, fixed: settings.vrid })));
    this.engine.set({ documents, vrids, findings });
  }

  healthy(): Health {
    return { ok: true, text: 'VRRP, without a store' };
  }

  ready(): Health {
    const masters = this.engine.reports.filter(({ state }) => state === 'MASTER').length;
    return { ok: true, text: `master of ${String(masters)} virtual routers` };
  }

  /** All is read when it is shown. */
  async refresh(): Promise<void> {
    await Promise.resolve();
  }

  status(): LocalStatus {
    const { node: { name, labels, weight } } = this.#config;
    return {
      node: name,
      documents: this.#documents.map(({ name: eip, text }) => ({ name: eip, text })),
      record: {
        boot: 0, place: readPlace(), host: hostname(), version: this.#modules.version,
        startedAt: this.#startedAt, weight, labels, draining: false, unable: {},
        findings: this.engine.findings, storeLatencyMs: null, heartbeat: [], witness: false,
        epoch: 0, voters: [], vrrp: this.engine.reports,
      },
    };
  }
}
