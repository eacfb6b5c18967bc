/** Eips of VRRP beside the core: they share store, host and node record, and nothing else. */
import type { Logger } from 'pino';
import type { AgentConfig } from '../../config/agent-config.ts';
import type { EipDocument } from '../../config/eip-document.ts';
import type { ViewChange } from '../../core/model.ts';
import type { LeaseStore, StoredDocument } from '../../store/lease-store.ts';
import type { Host } from '../host.ts';
import { StandingNodes } from './field.ts';
import { LeaseLines } from './lease-lines.ts';
import type { RouterFence } from './router-fence.ts';
import { VipEngine, vipOptionsOf } from './vip-engine.ts';
import { VridKeeper } from './vrid-keeper.ts';

export interface VipAgentsModules {
  readonly store: LeaseStore;
  readonly host: Host;
  readonly log: Logger;
  readonly fence: RouterFence | null;
  readonly onChange: () => void;
}

export class VipAgents {
  readonly engine: VipEngine;
  readonly #node: string;
  readonly #log: Logger;
  readonly #keeper: VridKeeper;
  readonly #lines = new LeaseLines();
  readonly #nodes = new StandingNodes();
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;

  constructor(config: AgentConfig, modules: VipAgentsModules) {
    const { node, store: { requestTimeoutMs: timeoutMs } } = config;
    const { store, host, log, fence, onChange } = modules;
    this.#node = node.name;
    this.#log = log;
    this.engine = new VipEngine(vipOptionsOf(config), {
      host, log, fence, onChange, line: (eip) => this.#lines.of(eip),
    });
    this.#keeper = new VridKeeper({ node: node.name, timeoutMs }, {
      store, log, engine: this.engine,
    });
  }

  /**
   * What the store has. Before it has said so nothing is begun, and a keepalived that an earlier
   * run left goes on meanwhile.
   */
  set(documents: readonly EipDocument[], stored: ReadonlyMap<string, StoredDocument>): void {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    this.#keeper.set(documents, stored);
    this.#running ??= this.engine.run(signal).catch((error: unknown) => {
      this.#log.error({ error }, 'Eips of VRRP are not kept any more');
    });
  }

  view(change: ViewChange): void {
    const { reset, drains } = change;
    this.#lines.apply(change);
    const { aborted } = this.#stop.signal;
    if (this.#nodes.apply(change) && !aborted) this.engine.know(this.#nodes.list);
    this.engine.heed();
    const own = drains.filter(({ node }) => node === this.#node).at(-1);
    if (own !== undefined || reset) this.engine.drain(own?.drained ?? false);
  }

  /** Hands over, and ends. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#keeper.close();
    await this.#running;
  }
}
