/** Where heartbeats are sent from and to: `192.0.2.1:9477`, `[2001:db8::1]:9477`. */
import { parseAddress } from '../wire/address.ts';
import type { Address } from '../wire/address.ts';

export interface Endpoint {
  /** As in a node record. */
  readonly text: string;
  readonly host: string;
  readonly port: number;
  readonly address: Address;
}

/** Null: no endpoint. It comes from a record that another node wrote. */
export function parseEndpoint(text: string): Endpoint | null {
  const match = /^(\[([^\]]+)\]|[^:[\]]+):([0-9]{1,5})$/.exec(text);
  if (match === null) return null;
  const bracketed = match[2];
  const host = bracketed ?? match[1] ?? '';
  const port = Number(match[3]);
  const address = parseAddress(host);
  if ('error' in address || port < 1 || port > 65535) return null;
  if ((address.family === 6) !== (bracketed !== undefined)) return null;
  return { text, host, port, address };
}

export function formatEndpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}

/**
 * The one of ours that is nearest to `to`: of its family, with the longest common beginning, so
 * that of several networks each is crossed by its own address. Null: none of its family.
 */
export function nearest<T extends { readonly endpoint: Endpoint }>(
  own: readonly T[], to: Endpoint,
): T | null {
  let best: T | null = null;
  let least = 0n;
  for (const candidate of own) {
    const { address } = candidate.endpoint;
    if (address.family !== to.address.family) continue;
    // The fewer leading bits differ, the smaller the number that their difference is.
    const difference = address.value ^ to.address.value;
    if (best === null || difference < least) {
      best = candidate;
      least = difference;
    }
  }
  return best;
}
