/** An announcer on a host of a lab, and the eyes of its clients. */
import { bundled } from '../lab/bundle.ts';
import { until } from '../lab/command.ts';
import { Helper } from '../lab/helper.ts';
import type { Lab } from '../lab/lab.ts';
import type { AnnouncerCounters, AnnouncerEvent, Announcement } from '../../src/announce/types.ts';
import type {
  AnnounceOrder, ConfigureOrder, Cost, OpenOrder, Told, Usage, WithdrawOrder,
} from './announce-orders.ts';

export const eip4 = '10.88.1.1';
export const eip6 = 'fd88::1:1';
export const quickBurst = { count: 3, intervalMs: 100, growth: 2, refreshMs: 0 } as const;

export class Speaking {
  readonly helper: Helper;
  readonly #told: Told[] = [];

  private constructor(helper: Helper) {
    this.helper = helper;
  }

  /** Its gate is open, and it knows of no address yet. */
  static async start(lab: Lab, host: string, order: Partial<OpenOrder> = {}): Promise<Speaking> {
    const script = await bundled(new URL('./announce-process.ts', import.meta.url));
    const helper = new Helper(lab.spawn(host, [process.execPath, script], {
      name: 'announcer', ipc: true, env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
    }));
    await helper.ready;
    await helper.call('open', { leaseMs: 3_000, ...order } satisfies OpenOrder);
    return new Speaking(helper);
  }

  async configure(eips: readonly string[], order: Partial<ConfigureOrder> = {}): Promise<Cost> {
    return await this.helper.call('configure', {
      eips, link: 'eth0', mode: 'bind', burst: quickBurst, ...order,
    } satisfies ConfigureOrder) as Cost;
  }

  async announce(eips: readonly string[], change: Partial<Announcement> = {}): Promise<Cost> {
    const announcements = eips.map((eip) => ({ eip, term: 1, probe: false, ...change }));
    return await this.helper.call('announce', { announcements } satisfies AnnounceOrder) as Cost;
  }

  async withdraw(eips: readonly string[], linger = true): Promise<Cost> {
    return await this.helper.call('withdraw', { eips, linger } satisfies WithdrawOrder) as Cost;
  }

  async counters(): Promise<AnnouncerCounters> {
    return await this.helper.call('counters') as AnnouncerCounters;
  }

  async usage(): Promise<Usage> {
    return await this.helper.call('usage') as Usage;
  }

  /** All that it has told so far. */
  async told(): Promise<readonly Told[]> {
    this.#told.push(...await this.helper.call('told') as Told[]);
    return this.#told;
  }

  async events(kind: AnnouncerEvent['kind'], eip?: string): Promise<Told[]> {
    return (await this.told()).filter(({ event }) => (
      event.kind === kind && (eip === undefined || event.eip === eip)));
  }

  /** Waits until it has told so of so many. */
  async hear(kind: AnnouncerEvent['kind'], count: number, timeoutMs = 10_000): Promise<Told[]> {
    return until(`${count} times ${kind}`, async () => {
      const events = await this.events(kind);
      return events.length >= count && events;
    }, timeoutMs);
  }

  async close(): Promise<void> {
    await this.helper.call('close');
  }
}

interface NeighbourEntry {
  readonly dst: string;
  readonly lladdr?: string;
  readonly state: readonly string[];
}

/** The MAC that a host has in mind for an address; null if none. */
export async function neighbourOf(
  lab: Lab, host: string, address: string, device = 'eth0',
): Promise<string | null> {
  const family = address.includes(':') ? '-6' : '-4';
  const listing = await lab.run(host, ['ip', family, '-j', 'neigh', 'show', address, 'dev', device]);
  const [entry] = JSON.parse(listing === '' ? '[]' : listing) as NeighbourEntry[];
  return entry?.lladdr ?? null;
}

/** Three packets, to whoever has the address; whether one was answered. */
export async function ping(lab: Lab, host: string, address: string): Promise<boolean> {
  const { code } = await lab.attempt(host, ['ping', '-c', '3', '-i', '0.3', '-W', '1', address]);
  return code === 0;
}
