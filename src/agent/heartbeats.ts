/**
 * The main thread's part in heartbeats: which addresses and keys they use, and what of it the node
 * record has to say. Without a key there are none, and nothing happens here.
 */
import type { Logger } from 'pino';
import type { AgentConfig } from '../config/agent-config.ts';
import type { EipSettings } from '../config/eip-set.ts';
import { readFile } from '../config/read-file.ts';
import type { Eip, Finding } from '../core/model.ts';
import { demoteThread } from '../net/sched.ts';
import type { HostNetwork } from './fitness.ts';
import { heartbeatPlaces } from './heartbeat-places.ts';
import type { Network } from './heartbeat-places.ts';
import { KeyFile } from './key-file.ts';
import type { Self } from './self.ts';
import type { WireHost } from './wire/host.ts';
import type { News } from './wire/messages.ts';

/** The least: it goes before all ordinary threads, and no other real-time thread waits for it. */
const realtimePriority = 1;

export interface HeartbeatModules {
  readonly wire: Pick<WireHost, 'listen' | 'keys' | 'realtime' | 'opened'>;
  readonly log: Logger;
  readonly self: Self;
  /** The node record has something else to say. */
  readonly onChange: () => void;
}

export class Heartbeats {
  readonly #config: AgentConfig;
  readonly #modules: HeartbeatModules;
  readonly #keyFile: KeyFile | null;
  readonly #onOverrun = (): void => { this.demote(); };
  #findings: readonly Finding[] = [];
  #judged = '';
  #networks: ReadonlyMap<string, Network> = new Map();
  /** Our addresses on networks that are lost. */
  #lost: readonly string[] = [];
  #realtime = false;

  constructor(config: AgentConfig, modules: HeartbeatModules) {
    this.#config = config;
    this.#modules = modules;
    this.#keyFile = config.heartbeat === null ? null : new KeyFile({
      path: config.heartbeat.keyFile,
      onKeys: (keys) => { this.#onKeys(keys); },
      onTrouble: (text) => { this.#onKeyTrouble(text); },
    }, { readFile });
  }

  /** The key that heartbeats are sealed with; null: there is none. */
  get key(): string | null {
    return this.#keyFile?.keys[0] ?? null;
  }

  start(): void {
    if (this.#keyFile === null) return;
    this.#keyFile.start();
    process.on('SIGXCPU', this.#onOverrun);
    this.#modules.wire.realtime(realtimePriority);
  }

  /**
   * The wire thread runs on and on: it is to be an ordinary thread again, and stays one, as what is
   * wrong with it may come again.
   */
  demote(): void {
    if (!this.#realtime) return;
    this.#realtime = false;
    const { log, self, wire, onChange } = this.#modules;
    const refused = demoteThread(wire.opened.tid);
    log.error({ refused: refused?.message }, 'the wire thread lost its real-time priority: it ran on and on');
    self.note('realtime', this.#config.node.name, 'Heartbeats may be late when this host is busy: the '
      + 'wire thread lost its real-time priority, as it did not answer. Restart the agent, and report it.');
    onChange();
  }

  /** Finds the addresses anew; the caller brings the node record up to date. */
  place(eips: ReadonlyMap<Eip, EipSettings>, host: HostNetwork): void {
    const { heartbeat } = this.#config;
    if (heartbeat === null) return;
    const { self, wire, log } = this.#modules;
    const { endpoints, judged, networks, findings } = heartbeatPlaces(heartbeat, eips, host);
    for (const { code, subject } of this.#findings) self.note(code, subject, null);
    for (const { code, subject, text } of findings) self.note(code, subject, text);
    this.#findings = findings;
    this.#networks = networks;
    self.setCutOff(this.#cutOff());
    const changed = self.setHeartbeat(endpoints) || this.#judged !== judged.join();
    this.#judged = judged.join();
    if (!changed) return;
    log.info({ endpoints, judged }, 'heartbeats have these addresses');
    wire.listen(endpoints, judged);
  }

  /** Whether the node record has to say so. */
  noteNews(news: News): boolean {
    const { self } = this.#modules;
    if (news.kind === 'listening') {
      self.note('heartbeat', news.endpoint, news.trouble);
      return true;
    }
    if (news.kind === 'realtime') {
      this.#realtime = news.trouble === null;
      self.note('realtime', this.#config.node.name, news.trouble === null ? null
        : `Heartbeats may be late when this host is busy: ${news.trouble}`);
      return true;
    }
    if (news.kind === 'networks-lost') {
      this.#lost = news.endpoints;
      self.setCutOff(this.#cutOff());
      return true;
    }
    return false;
  }

  /** By pool: the interface that it cannot be announced on, though this node lives. */
  #cutOff(): ReadonlyMap<string, string> {
    const cutOff = new Map<string, string>();
    for (const endpoint of this.#lost) {
      const { link, pools } = this.#networks.get(endpoint) ?? { link: '', pools: [] };
      for (const pool of pools) cutOff.set(pool, link);
    }
    return cutOff;
  }

  reload(): void {
    this.#keyFile?.look();
  }

  close(): void {
    process.off('SIGXCPU', this.#onOverrun);
    this.#keyFile?.close();
  }

  #onKeys(keys: readonly string[]): void {
    this.#modules.log.info({ keys: keys.length }, 'the keys of heartbeats were read');
    this.#modules.wire.keys(keys);
  }

  #onKeyTrouble(text: string | null): void {
    const { log, self, onChange } = this.#modules;
    const fault = text === null ? null : `heartbeat.keyFile: ${text} The keys from before stay in use.`;
    if (fault !== null) log.error({ error: fault }, 'the keys of heartbeats cannot be read anew');
    self.note('heartbeat-key', this.#config.node.name, fault);
    onChange();
  }
}
