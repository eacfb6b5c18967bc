import type { Helper } from './helper.ts';
import type { Lab } from './lab.ts';
import { startHelper } from './start-helper.ts';

export interface FloodOrder {
  /** Frames in hex. */
  readonly frames: readonly string[];
  readonly perSecond: number;
  readonly ms: number;
}

export interface FloodResult {
  readonly sent: number;
  /** Frames that the kernel refused to send. */
  readonly failed: number;
  readonly ms: number;
}

/** Says frames on a host's cable: a stranger's claims, or nonsense, or too much of either. */
export class Speaker {
  readonly #helper: Helper;

  private constructor(helper: Helper) {
    this.#helper = helper;
  }

  static async start(lab: Lab, host: string): Promise<Speaker> {
    const listing = await lab.run(host, ['ip', '-j', 'link', 'show', 'eth0']);
    const [link] = JSON.parse(listing) as [{ ifindex: number }];
    const helper = await startHelper(lab, host, 'speaker', []);
    await helper.call('open', link.ifindex);
    return new Speaker(helper);
  }

  /** Whole Ethernet frames, once each. Gives how many the kernel refused. */
  async say(frames: readonly Uint8Array[]): Promise<number> {
    return await this.#helper.call('say', hex(frames)) as number;
  }

  /** The frames in turn, at a steady rate. For 15 s at most. */
  async flood(frames: readonly Uint8Array[], perSecond: number, ms: number): Promise<FloodResult> {
    const order: FloodOrder = { frames: hex(frames), perSecond, ms };
    return await this.#helper.call('flood', order) as FloodResult;
  }
}

function hex(frames: readonly Uint8Array[]): string[] {
  return frames.map((frame) => Buffer.from(frame).toString('hex'));
}
