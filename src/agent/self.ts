/** What this node says of itself in its node record, put together from those who know. */
import { hostname } from 'node:os';
import type { AnnouncerEvent } from '../announce/types.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import type { Fact, SelfFacts } from '../core/events.ts';
import type { Eip, Finding, Machine, TimingFit, VrrpReport } from '../core/model.ts';
import type { Fitness } from './fitness.ts';

const mostFindings = 20;
/** Nobody minds a store that is slower by so little. */
const latencyOfNoteMs = 25;

/** What Eips of VRRP are like here. */
interface Vrrp {
  readonly reports: readonly VrrpReport[];
  readonly findings: readonly Finding[];
  readonly unable: Readonly<Record<string, string>>;
}

export class Self {
  readonly #config: AgentConfig;
  readonly #fixed: Pick<SelfFacts, 'place' | 'machine' | 'host' | 'version' | 'startedAt'>;
  readonly #fenceReason: string | null;
  #fitness: Pick<Fitness, 'unable' | 'findings'> = { unable: {}, findings: [] };
  #faults: ReadonlyMap<string, string> = new Map();
  readonly #conflicts = new Map<Eip, string>();
  /** By code and subject. */
  readonly #notes = new Map<string, Finding>();
  #heartbeat: readonly string[] = [];
  /** As measured last, and as the record has it. */
  #latencyMs: number | null = null;
  #storeLatencyMs: number | null = null;
  #timing: TimingFit | null = null;
  #vrrp: Vrrp = { reports: [], findings: [], unable: {} };
  /** By pool, the interface on whose network no other node is spoken with. */
  #cutOff: ReadonlyMap<string, string> = new Map();

  constructor(
    config: AgentConfig,
    { place, machine, version, fenceReason }: {
      place: string;
      machine: Machine | undefined;
      version: string;
      fenceReason: string | null;
    },
  ) {
    this.#config = config;
    this.#fenceReason = fenceReason;
    this.#fixed = {
      place, version, host: hostname(), startedAt: Date.now(),
      ...machine === undefined ? {} : { machine },
    };
  }

  get facts(): SelfFacts {
    const { labels } = this.#config.node;
    const { witness } = this.#config;
    return {
      ...this.#fixed, labels, weight: witness ? 0 : this.#config.node.weight,
      unable: { ...this.#cutOffs(), ...this.#fitness.unable, ...this.#vrrp.unable },
      findings: this.#findings(),
      storeLatencyMs: this.#storeLatencyMs,
      heartbeat: this.#heartbeat, witness,
      ...this.#vrrp.reports.length === 0 ? {} : { vrrp: this.#vrrp.reports },
      ...this.#timing === null ? {} : { timing: this.#timing },
    };
  }

  setFitness(fitness: Fitness): void {
    this.#fitness = fitness;
  }

  setVrrp({ reports, findings, unable }: Vrrp): void {
    this.#vrrp = { reports, findings, unable };
  }

  setCutOff(cutOff: ReadonlyMap<string, string>): void {
    this.#cutOff = cutOff;
  }

  setFaults(faults: ReadonlyMap<string, string>): void {
    this.#faults = faults;
  }

  /** Where heartbeats of others are received. Whether that is somewhere else than before. */
  setHeartbeat(endpoints: readonly string[]): boolean {
    const changed = this.#heartbeat.join() !== endpoints.join();
    this.#heartbeat = endpoints;
    return changed;
  }

  /** Null: the time of support fits. */
  setTiming(timing: TimingFit | null): void {
    this.#timing = timing;
  }

  /** A finding that stands until it is taken back (`text` null). Whether it is another now. */
  note(code: string, subject: string, text: string | null): boolean {
    const key = `${code} ${subject}`;
    if (text === null) return this.#notes.delete(key);
    if (this.#notes.size >= mostFindings || this.#notes.get(key)?.text === text) return false;
    this.#notes.set(key, { code, subject, text });
    return true;
  }

  /** Whether there is something else to say now. */
  noteFact(fact: Fact): boolean {
    // The announcer says nothing of conflicts that a withdrawal ends.
    if (fact.kind === 'gave' || fact.kind === 'dropped') this.#setConflict(fact.eip, null);
    if (fact.kind === 'tenure-ended') this.#conflicts.clear();
    if (fact.kind === 'strained') this.#noteStrain(`for ${String(fact.ms / 1000)} s`);
    else if (fact.kind === 'quorum' && fact.voters.length > 0) this.#noteStrain(null);
    else if (fact.kind === 'mute') this.#noteMute(fact.voters);
    // The next one asks anew.
    else if (fact.kind === 'tenure-ended') return this.#noteMute([]);
    else return false;
    return true;
  }

  /** Whether there is something else to say now. */
  noteEvent(event: AnnouncerEvent): boolean {
    if (event.kind === 'conflict') this.#setConflict(event.eip, event.mac);
    else if (event.kind === 'conflict-over') this.#setConflict(event.eip, null);
    else return false;
    return true;
  }

  /** Bounded: strangers can claim whatever they like. */
  #setConflict(eip: Eip, mac: string | null): void {
    if (mac === null) this.#conflicts.delete(eip);
    else if (this.#conflicts.size < mostFindings) this.#conflicts.set(eip, mac);
  }

  /**
   * Worth being said by itself only if it has become another one altogether, for people: the record
   * is no graph, and at rest nothing is written. Else `takeLatency` says it along with other news.
   */
  noteLatency(ms: number | null): void {
    if (ms === null) return;
    this.#latencyMs = Math.round(ms * 10) / 10;
    const before = this.#storeLatencyMs;
    const near = before !== null
      && ms < 2 * before + latencyOfNoteMs && before < 2 * ms + latencyOfNoteMs;
    if (!near) this.takeLatency();
  }

  takeLatency(): void {
    this.#storeLatencyMs = this.#latencyMs;
  }

  #noteStrain(pause: string | null): void {
    const { name } = this.#config.node;
    this.note('strained', name, pause === null ? null : `${name} lost its tenure several times in a row `
      + 'though it heard the others: it does not keep the time of its profile, and is judged by its '
      + `lease alone ${pause}. Free it from load, or set a longer profile on every node.`);
  }

  /** Whether there is something else to say now. */
  #noteMute(voters: readonly string[]): boolean {
    const { name } = this.#config.node;
    const [verb, whose] = voters.length === 1 ? ['does', 'its lease is'] : ['do', 'their leases are'];
    return this.note('mute', name, voters.length === 0 ? null : `${voters.join(' and ')} ${verb} not answer the `
      + `heartbeats of ${name}, though ${whose} live: is UDP port ${String(this.#config.heartbeat?.port)} `
      + 'open between them, and has each the same heartbeat.keyFile?');
  }

  #cutOffs(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#cutOff].map(([pool, link]) => (
      [pool, `${link} reaches no other node`])));
  }

  #findings(): readonly Finding[] {
    const findings: Finding[] = [];
    for (const [eip, mac] of this.#conflicts) {
      findings.push({
        code: 'conflict', subject: eip,
        text: `${eip} is claimed by ${mac}, which is no Tenure node of this LAN: find that host by its `
          + 'MAC address and take the address from it, or from the Eip.',
      });
    }
    if (this.#fenceReason !== null) {
      findings.push({
        code: 'fence', subject: this.#config.node.name,
        text: `The kernel fence is the fallback (${this.#fenceReason}): a hung agent's frames are `
          + 'held back by its own checks alone.',
      });
    }
    for (const link of new Set(this.#cutOff.values())) {
      findings.push({
        code: 'cut-off', subject: link,
        text: `${link} reaches no other node, though other networks do: what is on it goes to nodes that `
          + 'do. Check its cable, its switch port and its VLAN.',
      });
    }
    for (const [name, text] of this.#faults) findings.push({ code: 'eip', subject: name, text });
    findings.push(...this.#notes.values());
    return [...findings, ...this.#vrrp.findings, ...this.#fitness.findings].slice(0, mostFindings);
  }
}
