/**
 * What keepalived leaves when it is killed: its addresses on the interfaces, and pid files for
 * which the next one takes itself for a second one.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { read } from '../config/read/read.ts';
import { runProgram } from './program.ts';

/** An address that keepalived was told to put on an interface; always a host's, `/32` or `/128`. */
export interface PlacedAddress {
  readonly address: string;
  readonly interface: string;
}

export const files = {
  configuration: 'keepalived.conf', next: 'next.conf', fifo: 'notify.fifo',
  pid: 'keepalived.pid', vrrpPid: 'vrrp.pid',
} as const;

/** What the configuration in the directory, of an earlier run, may have put on interfaces. */
export function addressesOfLastRun(dir: string): readonly PlacedAddress[] {
  let text: string;
  try {
    text = readFileSync(join(dir, files.configuration), 'utf8');
  } catch {
    return [];
  }
  return (read(text).configuration.vrrp_instance ?? []).flatMap((instance) =>
    [...instance.virtual_ipaddress ?? [], ...instance.virtual_ipaddress_excluded ?? []]
      .map(({ address, dev }) => ({
        address: address.replace(/\/.*/, ''), interface: dev ?? instance.interface ?? '',
      })));
}

interface IpAddressOutput {
  readonly ifname?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

/** Takes those of the addresses off that are there, as hosts' addresses; gives which. */
export async function removeAddresses(
  addresses: readonly PlacedAddress[], netns: string | null,
): Promise<{ readonly removed: readonly string[]; readonly error: string | null }> {
  if (addresses.length === 0) return { removed: [], error: null };
  const before = await addressesThere(netns);
  if ('error' in before) return { removed: [], error: before.error };
  const unique = new Map(addresses.map((one) => [`${one.address} ${one.interface}`, one]));
  const found = [...unique].filter(([key]) => before.there.has(key)).map(([, one]) => one);
  if (found.length === 0) return { removed: [], error: null };
  const lines = found.map(({ address, interface: device }) =>
    `address delete ${address}/${address.includes(':') ? 128 : 32} dev ${device}\n`);
  // Some may go by themselves meanwhile, so what counts is what is left.
  const { output } = await runProgram(['ip', '-force', '-batch', '-'], netns, lines.join(''));
  const after = await addressesThere(netns);
  if ('error' in after) return { removed: [], error: after.error };
  const isLeft = (one: PlacedAddress) => after.there.has(`${one.address} ${one.interface}`);
  const left = found.filter(isLeft).map(({ address }) => address);
  return {
    removed: found.filter((one) => !isLeft(one)).map(({ address }) => address),
    error: left.length === 0 ? null : `${left.join(', ')}: ${output}`,
  };
}

/** `ADDRESS INTERFACE` of all hosts' addresses. */
async function addressesThere(
  netns: string | null,
): Promise<{ readonly there: ReadonlySet<string> } | { readonly error: string }> {
  const { code, output, error } = await runProgram(['ip', '-json', 'address', 'show'], netns);
  return code === 0 ? { there: new Set(parseAddresses(output)) } : { error: error ?? output };
}

function parseAddresses(json: string): string[] {
  const links = JSON.parse(json) as readonly IpAddressOutput[];
  return links.flatMap(({ ifname = '', addr_info: addresses = [] }) =>
    addresses.filter(({ local = '', prefixlen }) =>
      prefixlen === (local.includes(':') ? 128 : 32))
      .map(({ local = '' }) => `${local} ${ifname}`));
}

/** The process in a pid file, if it is one that was started with this directory's files. */
export function ownProcess(dir: string, file: string): number | null {
  try {
    const pid = Number(readFileSync(join(dir, file), 'utf8').trim());
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return Number.isInteger(pid) && pid > 1 && command.includes(join(dir, files.configuration))
      ? pid : null;
  } catch {
    return null;
  }
}

/** Ends a keepalived that an earlier run of the agent left, and removes its pid files. */
export async function endOrphans(dir: string, graceMs: number): Promise<void> {
  for (const [name, waitMs] of [['SIGTERM', graceMs], ['SIGKILL', 1000]] as const) {
    const until = performance.now() + waitMs;
    const pids = () => [files.pid, files.vrrpPid].flatMap((file) => ownProcess(dir, file) ?? []);
    for (const pid of pids()) endProcess(pid, name);
    while (pids().length > 0 && performance.now() < until) await sleep(20);
  }
  for (const file of [files.pid, files.vrrpPid]) rmSync(join(dir, file), { force: true });
}

function endProcess(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
    // A stopped process cannot obey.
    process.kill(pid, 'SIGCONT');
  } catch {
    // It has just ended.
  }
}
