/** `tenure measure` on a client of a lab, as a user runs it; its events as they come. */
import type { GapEvent, MeasureEvent, MoveEvent, SummaryEvent } from '../../src/measure/events.ts';
import { until } from './command.ts';
import type { Lab } from './lab.ts';
import type { LabProcess } from './process.ts';
import { program } from './tenure.ts';

export interface MeasureSettings {
  /** Which client; c1 unless told. */
  readonly client?: string;
  /** Behind the address: probes, rates. */
  readonly args?: readonly string[];
  /** What it runs under, such as `setpriv` or `chrt` with their arguments. */
  readonly wrapper?: readonly string[];
}

export class Measure {
  readonly process: LabProcess;
  readonly #lab: Lab;

  private constructor(lab: Lab, process_: LabProcess) {
    this.#lab = lab;
    this.process = process_;
  }

  /** Resolves when it has begun; ended with the lab at the latest. */
  static async start(lab: Lab, address: string, settings: MeasureSettings = {}): Promise<Measure> {
    const { client = 'c1', args = [], wrapper = [] } = settings;
    const words = [...wrapper, process.execPath, '--single-threaded-gc', program, 'measure',
      address, ...args, '--json'];
    const [file = '', ...rest] = words;
    const measure = new Measure(lab, lab.spawn(client, [file, ...rest], {
      name: 'measure', env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
    }));
    await measure.process.waitForOutput(/"event":"start"/);
    return measure;
  }

  async events(): Promise<MeasureEvent[]> {
    const lines = (await this.process.output()).split('\n');
    return lines.filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as MeasureEvent);
  }

  /** Moves whose new holder came at `since` or later. */
  async moves(since: number): Promise<MoveEvent[]> {
    return (await this.events()).filter((event) => event.event === 'move' && event.at >= since) as MoveEvent[];
  }

  /** Gaps that ended at `since` or later. */
  async gaps(since: number): Promise<GapEvent[]> {
    return (await this.events()).filter((event) => event.event === 'gap' && event.to >= since) as GapEvent[];
  }

  /** Waits until a move at `since` or later is settled. */
  async waitForMove(since: number, timeoutMs = 20_000): Promise<MoveEvent> {
    return until('tenure measure tells of a move', async () => (await this.moves(since))[0], timeoutMs, 100);
  }

  /** The name of the node whose MAC address it is. */
  nodeOf(mac: string): string | null {
    return this.#lab.nodes.find(({ lan }) => lan?.mac === mac)?.name ?? null;
  }

  /** Ctrl-C; gives the summary. */
  async end(): Promise<SummaryEvent> {
    this.process.signal('SIGINT');
    await this.process.exited;
    const summary = (await this.events()).at(-1);
    if (summary?.event !== 'summary') throw new Error(`no summary:\n${this.process.tail()}`);
    return summary;
  }
}
