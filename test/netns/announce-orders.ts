/** What a test of the announcer tells its process on a host, and what it hears from it. */
import type { AnnouncerTiming } from '../../src/announce/options.ts';
import type { Announcement, AnnouncerEvent, BurstOptions } from '../../src/announce/types.ts';

export const mark = 0x7e4e;

export interface OpenOrder {
  readonly timing?: Partial<AnnouncerTiming>;
  /** The gate is opened for so long, three times as often: as by renewals of a node lease. */
  readonly leaseMs: number;
}

export interface ConfigureOrder {
  readonly eips: readonly string[];
  readonly link: string;
  readonly mode: 'bind' | 'respond';
  readonly burst: BurstOptions;
}

export interface WithdrawOrder {
  readonly eips: readonly string[];
  readonly linger: boolean;
}

export interface AnnounceOrder {
  readonly announcements: readonly Announcement[];
}

/** An event, and when it was heard of: wall-clock ms. */
export interface Told {
  readonly event: AnnouncerEvent;
  readonly at: number;
}

/** What a call cost. */
export interface Cost {
  /** From the call to its return, ms. */
  readonly wallMs: number;
  /** CPU of the process (user and system) during the call, ms. */
  readonly cpuMs: number;
}

export interface Usage {
  readonly rssMib: number;
  readonly heapMib: number;
  /** CPU of the process since its start, ms. */
  readonly cpuMs: number;
}
