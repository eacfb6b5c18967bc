/**
 * A machine for the announcer, without a kernel: a clock that moves when told, and ports that write
 * down what is asked of them, in order, one line each.
 */
import type {
  AnnouncerPorts, Binder, Fence, FrameSockets, Groups, Link, ReceivedFrame, SendError,
} from '../../../src/announce/ports.ts';
import type { AnnounceSettings, AnnouncerEvent } from '../../../src/announce/types.ts';
import { Announcer } from '../../../src/announce/announcer.ts';
import type { AnnouncerLimits, AnnouncerTiming } from '../../../src/announce/options.ts';
import { decodeArp, meaningOfArp } from '../../../src/wire/arp.ts';
import { readMac } from '../../../src/wire/ethernet.ts';
import { decodeNeighbour } from '../../../src/wire/ndp.ts';

export const eth0: Link = {
  ifindex: 2, name: 'eth0', mac: '02:00:00:00:00:0a', mtu: 1500, up: true,
};
export const stranger = '02:00:00:00:00:99';
export const client = '02:00:00:00:00:0c';

export class FakeClock {
  at = 1_000_000;
  readonly #timers = new Set<{ at: number; run: () => void }>();

  now = (): number => this.at;

  setTimer = (delayMs: number, run: () => void): { clear(): void } => {
    const timer = { at: this.at + delayMs, run };
    this.#timers.add(timer);
    return { clear: () => this.#timers.delete(timer) };
  };

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass, timers firing at their instants. */
  advance(ms: number): void {
    const end = this.at + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= end)
        .sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.at = Math.max(this.at, due.at);
      due.run();
    }
    this.at = end;
  }

  /** The process was stopped: time passed, and timers fire late, when next advanced. */
  sleep(ms: number): void {
    this.at += ms;
  }
}

export interface Machine {
  readonly clock: FakeClock;
  readonly announcer: Announcer;
  /** Calls into the kernel, frames and events, in words, since `take` was last called. */
  readonly take: () => string[];
  readonly events: () => AnnouncerEvent[];
  readonly receive: (
    frame: Uint8Array | readonly Uint8Array[], family?: 'arp' | 'ndp', ifindex?: number) => void;
  /** Decides what becomes of a frame, in words; null: it leaves. */
  sendFault: (words: string) => SendError | null;
  /** Told of each call into the kernel while it runs. */
  onCall: (line: string) => void;
  /** Thrown by the call whose line starts with it. */
  broken: string | null;
  bindFault: (eip: string) => string | null;
  leftovers: { eip: string; ifindex: number }[];
  readonly groups: Set<string>;
  readonly bound: Set<string>;
  readonly held: Set<string>;
  readonly sent: { readonly words: string; readonly at: number }[];
  sendCalls: number;
}

export interface MachineOptions {
  readonly timing?: Partial<AnnouncerTiming>;
  readonly limits?: Partial<AnnouncerLimits>;
  readonly random?: () => number;
  readonly onEvent?: (event: AnnouncerEvent, announcer: Announcer) => void;
  /** Leave frames and events out of the transcript: for thousands of addresses. */
  readonly quiet?: boolean;
}

/** A frame in words; where it is from is said if it is not from eth0. */
export function words(frame: Uint8Array): string {
  const text = wordsOf(frame);
  const from = readMac(frame, 6);
  return frame.length < 14 || from === eth0.mac ? text : `${text} from ${from}`;
}

function wordsOf(frame: Uint8Array): string {
  const arp = decodeArp(frame);
  if (!('drop' in arp)) {
    const meaning = meaningOfArp(arp);
    const to = arp.ethernet.destination;
    if (meaning === 'answer') return `${arp.senderAddress} is at ${arp.senderMac}, to ${to}`;
    const form = meaning === 'announcement' ? ` (${arp.operation})` : '';
    return `${meaning === 'announcement' ? 'claim' : meaning} ${arp.targetAddress}${form}`;
  }
  const nd = decodeNeighbour(frame);
  if ('drop' in nd) return `junk (${nd.drop})`;
  const to = nd.ethernet.destination;
  if (nd.kind === 'solicitation') return `${nd.source === '::' ? 'probe' : 'question'} ${nd.target}`;
  if (nd.solicited || nd.destination !== 'ff02::1') {
    return `${nd.target} is at ${nd.targetMac ?? '?'}, to ${to}`;
  }
  return `claim ${nd.target}${nd.override ? '' : ' without override'}`;
}

export function machine(options: MachineOptions = {}): Machine {
  const clock = new FakeClock();
  const lines: string[] = [];
  const events: AnnouncerEvent[] = [];
  const sockets = new Map<string, (frames: readonly ReceivedFrame[]) => void>();
  const say = (line: string): void => {
    fake.onCall(line);
    if (fake.broken !== null && line.startsWith(fake.broken)) {
      lines.push(`${line} -> throws`);
      throw new Error('no such device');
    }
    lines.push(line);
  };
  const list = (eips: readonly string[]): string => options.quiet === true
    ? `${eips.length} addresses` : eips.join(' ');
  const frameSockets: FrameSockets = {
    open(link, family, onFrames) {
      const key = `${family} ${link.ifindex}`;
      say(`open ${family} on ${link.name} (${link.ifindex})`);
      sockets.set(key, onFrames);
      return {
        send(frames) {
          fake.sendCalls += 1;
          return frames.map((frame) => {
            const text = words(frame);
            const error = fake.sendFault(text);
            if (options.quiet !== true) lines.push(error === null ? text : `${text} -> ${error}`);
            if (error === null) fake.sent.push({ words: text, at: clock.at });
            return error;
          });
        },
        close() {
          if (sockets.get(key) === onFrames) sockets.delete(key);
          say(`close ${family} on ${link.name} (${link.ifindex})`);
        },
      };
    },
  };
  const fence: Fence = {
    kind: 'egress',
    manage: (addresses, links) => {
      say(`fence manage ${list([...addresses])} on ${links.map((link) => `${link.name} (${link.ifindex})`).join(' ')}`);
      for (const eip of fake.held) if (!addresses.has(eip)) fake.held.delete(eip);
    },
    hold: (add, remove) => {
      say(`fence hold${add.length > 0 ? ` +${list(add)}` : ''}${remove.length > 0 ? ` -${list(remove)}` : ''}`);
      for (const eip of add) fake.held.add(eip);
      for (const eip of remove) fake.held.delete(eip);
    },
    arm: (until) => {
      say(until === 0 ? 'fence arm 0' : `fence arm +${until - clock.at}`);
    },
    dropped: () => ({ kernel: 0, agent: 0 }),
    remove: () => {
      say('fence remove');
    },
  };
  const binder: Binder = {
    bind: (bindings) => {
      say(`bind ${list(bindings.map(({ eip, link }) => `${eip} on ${link.name} (${link.ifindex})`))}`);
      return bindings.map(({ eip }) => {
        const fault = fake.bindFault(eip);
        if (fault === null) fake.bound.add(eip);
        return fault;
      });
    },
    unbind: (bindings) => {
      say(`unbind ${list(bindings.map(({ eip, link }) => `${eip} (${link.ifindex})`))}`);
      for (const { eip } of bindings) fake.bound.delete(eip);
    },
    leftovers: () => fake.leftovers,
    refresh: () => {
      say('refresh');
    },
  };
  const groups: Groups = {
    join: (eip, link) => {
      say(`join ${eip} on ${link.name} (${link.ifindex})`);
      fake.groups.add(`${eip} ${link.ifindex}`);
    },
    leave: (eip, link) => {
      say(`leave ${eip} on ${link.name} (${link.ifindex})`);
      fake.groups.delete(`${eip} ${link.ifindex}`);
    },
  };
  const ports: AnnouncerPorts = {
    sockets: frameSockets, fence, binder, groups, now: clock.now, setTimer: clock.setTimer,
  };
  const announcer = new Announcer({
    onEvent: (event) => {
      events.push(event);
      // Each first answer would tell of itself again.
      if (options.quiet !== true && event.kind !== 'served') lines.push(describeEvent(event));
      options.onEvent?.(event, announcer);
    },
    random: options.random ?? ((): number => 0.5),
    ...(options.timing === undefined ? {} : { timing: options.timing }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  }, ports);
  const fake: Machine = {
    clock, announcer,
    take: () => lines.splice(0),
    events: () => events.splice(0),
    receive: (frame, family = 'arp', ifindex = eth0.ifindex) => {
      const frames = frame instanceof Uint8Array ? [frame] : frame;
      sockets.get(`${family} ${ifindex}`)?.(frames.map((bytes) => ({ bytes, at: 0 })));
    },
    sendFault: () => null,
    onCall: () => undefined,
    broken: null,
    bindFault: () => null,
    leftovers: [],
    groups: new Set(), bound: new Set(), held: new Set(), sent: [], sendCalls: 0,
  };
  return fake;
}

function describeEvent(event: AnnouncerEvent): string {
  switch (event.kind) {
    case 'announced': return `event: announced ${event.eip} term ${event.term}`;
    case 'served': return `event: served ${event.eip} term ${event.term}`;
    case 'conflict': return `event: conflict ${event.when} ${event.eip} with ${event.mac}${event.defended ? ', defended' : ''}`;
    case 'conflict-over': return `event: conflict over ${event.eip}`;
    case 'trouble': return `event: trouble ${event.eip ?? ''}: ${event.text}`;
  }
}

export const burst = { count: 3, intervalMs: 100, growth: 2, refreshMs: 0 } as const;

export function settingsOf(
  eips: readonly string[], change: Partial<Omit<AnnounceSettings, 'eip'>> = {},
): ReadonlyMap<string, AnnounceSettings> {
  return new Map(eips.map((eip) => [
    eip, { eip, link: eth0, mode: 'respond' as const, burst, ...change },
  ]));
}

/** IPv6 addresses, `count` of them. */
export function manyEips6(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `2001:db8::${(i + 1).toString(16)}`);
}

/** IPv4 addresses, `count` of them. */
export function manyEips(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
}
