/** Runs on a host of a lab: the announcer on the real kernel, doing as it is told. */
import { Announcer } from '../../src/announce/announcer.ts';
import type { AnnounceSettings } from '../../src/announce/types.ts';
import { AddressBinder } from '../../src/net/binder.ts';
import { boottimeMs, realtimeMs } from '../../src/net/clock.ts';
import { openFence, type KernelFence } from '../../src/net/fence.ts';
import { FrameSockets } from '../../src/net/frame-sockets.ts';
import { SolicitedNodeGroups } from '../../src/net/groups.ts';
import { Interfaces } from '../../src/net/interfaces.ts';
import { serve } from '../lab/helper.ts';
import {
  mark, type AnnounceOrder, type ConfigureOrder, type Cost, type OpenOrder, type Told, type Usage,
  type WithdrawOrder,
} from './announce-orders.ts';

const told: Told[] = [];
const notes: string[] = [];
const note = (text: string): void => {
  notes.push(text);
};
const interfaces = new Interfaces({ onTrouble: note });
let announcer: Announcer | null = null;
let fence: KernelFence | null = null;
let configuration: ConfigureOrder | null = null;
let renewals: NodeJS.Timeout | undefined;

function standing(): Announcer {
  if (announcer === null) throw new Error('no announcer is open');
  return announcer;
}

function open({ timing = {}, leaseMs }: OpenOrder): void {
  fence = openFence({ mark, onRepaired: note, onBroken: (error) => note(String(error)) });
  const it = new Announcer({
    onEvent: (event) => told.push({ event, at: realtimeMs() }), timing,
  }, {
    sockets: new FrameSockets({ mark }), fence,
    binder: new AddressBinder({ onTrouble: note }),
    groups: new SolicitedNodeGroups({ onTrouble: note }),
    now: boottimeMs,
    setTimer: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return { clear: () => { clearTimeout(timer); } };
    },
  });
  announcer = it;
  interfaces.onChange(({ links }) => { if (links.length > 0) apply(); });
  const renew = (): void => { it.arm(boottimeMs() + leaseMs); };
  renew();
  renewals = setInterval(renew, leaseMs / 3);
}

function stopRenewing(): void {
  clearInterval(renewals);
}

function configure(order: ConfigureOrder): Cost {
  configuration = order;
  return costOf(apply);
}

/** Without its link an address cannot be announced here, and is not listed. */
function apply(): void {
  if (configuration === null) return;
  const { eips, link: name, mode, burst } = configuration;
  const link = interfaces.byName(name);
  const settings = new Map<string, AnnounceSettings>();
  if (link !== null) for (const eip of eips) settings.set(eip, { eip, link, mode, burst });
  standing().configure(settings);
}

function announce({ announcements }: AnnounceOrder): Cost {
  return costOf(() => standing().announce(announcements));
}

function withdraw({ eips, linger }: WithdrawOrder): Cost {
  return costOf(() => standing().withdraw(eips, linger));
}

function costOf(call: () => void): Cost {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  call();
  const wallMs = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

function usage(): Usage {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { rssMib: rss / 2 ** 20, heapMib: heapUsed / 2 ** 20, cpuMs: (user + system) / 1000 };
}

serve({
  open, configure, announce, withdraw, stopRenewing, usage,
  arm: (ms: number) => { standing().arm(ms === 0 ? 0 : boottimeMs() + ms); },
  counters: () => standing().counters(),
  told: () => told.splice(0),
  notes: () => notes.splice(0),
  dropped: () => fence?.dropped(),
  close: () => { standing().close(); },
});
