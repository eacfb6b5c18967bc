import { readFileSync } from 'node:fs';
import { decodeMessages, type NetlinkMessage } from '../../../src/net/netlink-message.ts';

/** A dump of test/unit/net/fixtures. */
export function dumped(name: 'links' | 'addresses' | 'routes-4' | 'routes-6'): NetlinkMessage[] {
  return decodeMessages(dumpedBytes(name));
}

export function dumpedBytes(name: string): Uint8Array {
  const hex = readFileSync(new URL(`fixtures/${name}.hex`, import.meta.url), 'utf8');
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}
