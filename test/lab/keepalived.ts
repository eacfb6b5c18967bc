/** keepalived in a lab: the peer to compare with, and a holder to try the lab itself on. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isIPv6 } from 'node:net';
import { LabError } from './command.ts';
import type { Lab } from './lab.ts';
import type { LabProcess } from './process.ts';

export interface KeepalivedOptions {
  /** All of one family. */
  readonly addresses: readonly string[];
  /** 10 to 40,950, in steps of 10. Whole seconds speak VRRP 2 (IPv4), others VRRP 3. */
  readonly advertMs: number;
  /** 1 to 254 (255 is the owner of the address); the highest becomes master. */
  readonly priority: number;
  /** Whether a higher priority takes the addresses from a living master; not unless told. */
  readonly preempt?: boolean;
}

/** keepalived.conf(5) for one node; all nodes of a lab share one virtual router. */
export function keepalivedConf(node: string, options: KeepalivedOptions): string {
  const { addresses, advertMs, priority } = options;
  const ipv6 = addresses.some((address) => isIPv6(address));
  const version = ipv6 || advertMs % 1000 !== 0 ? 3 : 2;
  const [first, ...others] = addresses.map((address) => `${address}/${ipv6 ? 128 : 32} dev eth0`);
  if (first === undefined) throw new LabError('keepalived needs an address to keep');
  return [
    'global_defs {', `  router_id ${node}`, `  vrrp_version ${version}`, '}',
    'vrrp_instance lab {',
    '  state BACKUP', '  interface eth0', '  virtual_router_id 88',
    `  priority ${priority}`, `  advert_int ${advertMs / 1000}`,
    ...(options.preempt === true ? [] : ['  nopreempt']),
    '  virtual_ipaddress {', `    ${first}`, '  }',
    // An advert has room for a few addresses only.
    ...(others.length === 0 ? [] : [
      '  virtual_ipaddress_excluded {', ...others.map((line) => `    ${line}`), '  }',
    ]),
    '}', '',
  ].join('\n');
}

/** Starts keepalived on a node, and waits until it watches for a master. */
export async function startKeepalived(
  lab: Lab, node: string, options: KeepalivedOptions,
): Promise<LabProcess> {
  const conf = join(lab.dir, `keepalived-${node}.conf`);
  writeFileSync(conf, keepalivedConf(node, options));
  const process = lab.spawn(node, [
    'keepalived', '--dont-fork', '--log-console', '--log-detail', '--vrrp', '--use-file', conf,
    '--pid', join(lab.dir, `keepalived-${node}.pid`),
    '--vrrp_pid', join(lab.dir, `keepalived-${node}-vrrp.pid`),
  ]);
  await process.waitForOutput(/Entering BACKUP STATE/);
  return process;
}
