/** Privileges, kernel, fence, clock and sysctls of this host. */
import { readdirSync } from 'node:fs';
import { release } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { boottimeMs, monotonicMs } from '../../net/clock.ts';
import { inspectFence } from '../../net/fence-inspect.ts';
import type { LinkInfo } from '../../net/rtnetlink/link.ts';
import { readMachine } from '../machine.ts';
import { readText } from '../text-file.ts';
import { fail, ok, warn } from './check.ts';
import type { Check } from './check.ts';

/** linux/capability.h */
const capabilities = [[12, 'CAP_NET_ADMIN'], [13, 'CAP_NET_RAW']] as const;

export function checkPrivileges(): Check {
  const name = 'privileges';
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText('/proc/self/status') ?? '')?.[1] ?? '0';
  const effective = BigInt(`0x${mask}`);
  const missing = capabilities.filter(([bit]) => (effective & (1n << BigInt(bit))) === 0n);
  if (missing.length === 0) return ok(name, 'CAP_NET_ADMIN and CAP_NET_RAW are there');
  return fail(name, `${missing.map(([, text]) => text).join(' and ')} missing`,
    'sudo tenure doctor; for the agent see AmbientCapabilities in manifests/systemd/tenure.service');
}

/** Whether an agent that is started anew after a loss of power knows the lease that it left. */
export function checkMachine(links: readonly LinkInfo[]): Check {
  const name = 'machine';
  if (readMachine(links) !== undefined) {
    return ok(name, 'known by its network cards: after a power cut its lease is its own again at once');
  }
  return warn(name, 'has no network card of its own to be known by: after a power cut its agent waits '
    + 'for the lease that it left to expire', 'give it one, or set a shorter quorum.hold');
}

export function checkFence(): readonly Check[] {
  const name = 'kernel fence';
  try {
    const { detected, tables, others, arpTables } = inspectFence();
    const checks: Check[] = [detected.kind === 'egress'
      ? ok(name, `Linux ${release()} has netdev egress: claims are fenced whatever the process does`)
      : warn(name, `only the fallback is to be had (${detected.reason ?? 'no egress hook'}): a hung `
        + "agent's own frames are held back by its own checks alone",
        'use Linux 5.16 or later with CONFIG_NETFILTER_EGRESS')];
    for (const { table, held, managed } of tables) {
      checks.push(ok('fence table', `${table.family} ${table.name} guards ${String(managed.length)} `
        + `addresses, ${String(held.length)} of them held here`));
    }
    for (const { table } of others) {
      checks.push(warn('other rules', `the table ${table.family} ${table.name} also filters frames on `
        + 'the way out or in', `see that it lets ARP and IPv6 neighbour discovery pass: nft list table ${table.family} ${table.name}`));
    }
    if (arpTables) {
      checks.push(warn('other rules', 'arptables rules are loaded, which may drop claims',
        'see that they let ARP pass: arptables -L'));
    }
    return checks;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [fail(name, `cannot be had: ${why}`, 'modprobe nf_tables nft_fwd_netdev; see docs/operations.md')];
  }
}

/** Timers that fire late delay renewals; a clock that was suspended has let deadlines pass. */
export async function checkClock(): Promise<readonly Check[]> {
  const suspended = boottimeMs() - monotonicMs();
  const source = readText('/sys/devices/system/clocksource/clocksource0/current_clocksource');
  let worst = 0;
  for (let i = 0; i < 50; i++) {
    const before = performance.now();
    await sleep(5);
    worst = Math.max(worst, performance.now() - before - 5);
  }
  const late = `${worst.toFixed(1)} ms`;
  const checks = [worst < 100
    ? ok('timers', `of 50 short timers the latest was ${late} late`)
    : warn('timers', `of 50 short timers the latest was ${late} late: this host is overloaded, or stopped at times`,
      'give the host more CPU, or the agent a longer lease')];
  if (source === 'hpet' || source === 'acpi_pm') {
    checks.push(warn('clock', `the clock source is ${source}, which is slow and coarse`,
      'see /sys/devices/system/clocksource/clocksource0/available_clocksource'));
  } else {
    const slept = suspended > 1000 ? `; it was suspended for ${(suspended / 1000).toFixed(0)} s since boot` : '';
    checks.push(ok('clock', `clock source ${source ?? 'unknown'}${slept}`));
  }
  return checks;
}

/** sysctls that decide who answers ARP, and whose packets are taken. */
export function checkSysctls(interfaces: readonly string[]): readonly Check[] {
  const checks: Check[] = [];
  for (const on of interfaces) {
    const read = (name: string): number => Math.max(...['all', on].map((scope) =>
      Number(readText(`/proc/sys/net/ipv4/conf/${scope}/${name}`) ?? '0')));
    const filter = read('rp_filter');
    checks.push(filter === 1
      ? warn(`sysctls of ${on}`, 'rp_filter is strict: packets for an EIP that come by another way than '
        + 'answers go are dropped', `sysctl -w net.ipv4.conf.${on}.rp_filter=2 net.ipv4.conf.all.rp_filter=2`)
      : ok(`sysctls of ${on}`, `rp_filter ${String(filter)}, arp_ignore ${String(read('arp_ignore'))}, `
        + `arp_announce ${String(read('arp_announce'))}`));
  }
  const ipvs = readText('/sys/class/net/kube-ipvs0/ifindex') !== null;
  const ignore = Number(readText('/proc/sys/net/ipv4/conf/all/arp_ignore') ?? '0');
  if (ipvs && ignore < 1) {
    checks.push(warn('kube-proxy', 'kube-ipvs0 holds service addresses and arp_ignore is 0: this host answers '
      + 'ARP for addresses that Tenure does not manage', 'set ipvs.strictARP: true in the kube-proxy configuration'));
  }
  return checks;
}

const rivals = [
  ['keepalived', 'keepalived'], ['kube-vip', 'kube-vip'], ['speaker', 'MetalLB'],
  ['openelb-speaker', 'OpenELB'], ['vip-manager', 'vip-manager'], ['ucarp', 'ucarp'],
] as const;

/** Other programs on this host that move addresses about; not keepalived with files of ours. */
export function checkRivals(ownDirectory: string): readonly Check[] {
  const found = new Map<string, string>();
  for (const pid of readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry))) {
    const comm = readText(`/proc/${pid}/comm`);
    const rival = rivals.find(([process]) => comm === process);
    if (rival === undefined) continue;
    const isOurs = (readText(`/proc/${pid}/cmdline`) ?? '').includes(`${ownDirectory}/`);
    if (!isOurs) found.set(rival[1], pid);
  }
  if (found.size === 0) return [ok('other programs', 'none that moves addresses runs here')];
  return [...found].map(([program, pid]) => warn('other programs', `${program} runs here (process ${pid})`,
    `see that it has none of Tenure's addresses, or stop it: kill ${pid}`));
}
