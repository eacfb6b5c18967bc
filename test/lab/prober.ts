import { LabError, until } from './command.ts';
import type { Helper } from './helper.ts';
import type { Lab } from './lab.ts';
import type { ProbeReport } from '../../src/measure/probe-log.ts';
import { startHelper } from './start-helper.ts';
import type { Host } from './topology.ts';

export interface ProbeOptions {
  /** Which client asks; c1 unless told. */
  readonly client?: string;
  /** Packets a second, 1 to 2,000; 1,000 unless told. */
  readonly rate?: number;
}

export interface Answerer {
  readonly node: string;
  /** Receipt of the answer, wall-clock ms. */
  readonly at: number;
}

export interface WantedAnswer {
  /** By this node, or by any other than `not`. */
  readonly node?: string;
  readonly not?: string;
  /** Received then or later; now, unless told. */
  readonly since?: number;
  readonly timeoutMs?: number;
}

/** A client that asks an address at a steady rate until it is stopped. */
export class Prober {
  readonly address: string;
  readonly #helper: Helper;
  readonly #lab: Lab;

  constructor(lab: Lab, address: string, helper: Helper) {
    this.#lab = lab;
    this.address = address;
    this.#helper = helper;
  }

  /** Who answered last; null if nobody has yet. */
  async last(): Promise<Answerer | null> {
    return await this.#helper.call('last') as Answerer | null;
  }

  /** Waits for an answer, and gives it. */
  async waitForAnswer(wanted: WantedAnswer = {}): Promise<Answerer> {
    const { node, not, since = this.#lab.now(), timeoutMs = 10_000 } = wanted;
    const who = node ?? (not === undefined ? 'anyone' : `anyone but ${not}`);
    return until(`${who} answers for ${this.address}`, async () => {
      const last = await this.last();
      if (last === null || last.at < since || last.node === not) return null;
      return (node ?? last.node) === last.node && last;
    }, timeoutMs, 5);
  }

  /** Waits until nobody has answered for `ms`. Gives when the last answer came. */
  async waitForSilence(ms = 50, timeoutMs = 10_000): Promise<number> {
    return until(`nobody answers for ${this.address}`, async () => {
      const last = await this.last();
      const at = last?.at ?? 0;
      return this.#lab.now() - at >= ms && (at === 0 ? 1 : at);
    }, timeoutMs, 5);
  }

  /** What happened since `since`; silences longer than `thresholdMs` one by one. */
  async report(since: number, thresholdMs = 10): Promise<ProbeReport> {
    return await this.#helper.call('report', { since, thresholdMs }) as ProbeReport;
  }

  async stop(): Promise<void> {
    await this.#helper.process.stop();
  }
}

export async function startProber(
  lab: Lab, address: string, options: ProbeOptions,
): Promise<Prober> {
  const { client = 'c1', rate = 1000 } = options;
  if (!(rate >= 1 && rate <= 2000)) throw new LabError(`a prober's rate is 1 to 2,000, not ${rate}`);
  const helper = await startHelper(lab, client, 'prober', [address, String(rate)]);
  return new Prober(lab, address, helper);
}

/** The echo of one node; more addresses go to the same process. */
export class Echo {
  readonly #helper: Promise<Helper>;
  readonly #listening = new Map<string, Promise<unknown>>();

  constructor(lab: Lab, node: Host) {
    this.#helper = startHelper(lab, node.name, 'echo', [node.name]);
  }

  async listen(address: string): Promise<void> {
    const known = this.#listening.get(address)
      ?? this.#helper.then(async (helper) => helper.call('listen', address));
    this.#listening.set(address, known);
    await known;
  }
}
