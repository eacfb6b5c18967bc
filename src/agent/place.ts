/**
 * Where this agent's fence lives: the running kernel and the network namespace. Two agents of the
 * same place share one fence, so the later knows that the earlier, whose lock it could take, is
 * silent; of another place it knows nothing but what the store says.
 */
import { readFileSync, readlinkSync } from 'node:fs';

export function readPlace(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const namespace = readlinkSync('/proc/self/ns/net');
  return `${boot}/${namespace}`;
}
