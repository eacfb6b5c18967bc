/**
 * The schema marker: the key `version` under the prefix. It says which layout the keys follow, and
 * it names the store, so that a watch that comes back finds out when etcd was emptied meanwhile.
 */
import { randomUUID } from 'node:crypto';
import type { IKeyValue } from 'etcd3';
import { z } from 'zod';
import { StoreError } from '../lease-store.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { absent, found, get, put } from './txn.ts';

const schemaVersion = 1;
const markerSchema = z.object({ schema: z.literal(schemaVersion), id: z.string().min(1) });

/** The store's id; null: no marker. Throws StoreError('schema') for one that is not ours. */
export function readMarker(kv: IKeyValue | undefined): string | null {
  if (kv === undefined) return null;
  const value = kv.value.toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    json = null;
  }
  const marker = markerSchema.safeParse(json);
  if (marker.success) return marker.data.id;
  throw new StoreError(
    'schema',
    `the store's key ${kv.key.toString()} says ${JSON.stringify(value.slice(0, 200))}; this `
    + `version of Tenure knows schema ${schemaVersion} only`,
    { fix: 'update this agent if a later Tenure wrote that; else choose another store prefix' },
  );
}

/** Refuses a prefix without a marker under which others keep their keys. */
export function foreignPrefix(keys: Keys, key: Buffer): StoreError {
  return new StoreError(
    'schema',
    `the store's prefix ${keys.prefix} holds the key ${JSON.stringify(key.toString())}, `
    + 'which is not Tenure\'s',
    { fix: 'choose a store prefix of Tenure\'s own' },
  );
}

/** Refuses to go on where another schema, or somebody else, is. False: there is no marker yet. */
export async function checkMarker(
  connection: Connection, keys: Keys, signal: AbortSignal,
): Promise<boolean> {
  const looks = [get(keys.version), ...keys.gaps().map((gap) => firstKey(gap))];
  const { responses } = await connection.call('txn', { success: looks }, signal, true);
  if (readMarker(found(responses, 0)[0]) !== null) return true;
  for (let gap = 1; gap < looks.length; gap += 1) {
    const foreign = found(responses, gap)[0];
    if (foreign !== undefined) throw foreignPrefix(keys, foreign.key);
  }
  return false;
}

/** Makes sure that the marker is there, before the first write. */
export async function ensureMarker(
  connection: Connection, keys: Keys, signal: AbortSignal,
): Promise<void> {
  if (await checkMarker(connection, keys, signal)) return;
  const marker = Buffer.from(JSON.stringify({ schema: schemaVersion, id: randomUUID() }));
  const made = await connection.call('txn', {
    compare: [absent(keys.version)],
    success: [put(keys.version, marker)],
    failure: [get(keys.version)],
  }, signal, true);
  if (!made.succeeded) readMarker(found(made.responses, 0)[0]);
}

function firstKey(range: { key: Buffer; range_end: Buffer }) {
  return { request_range: { ...range, limit: 1, keys_only: true } };
}
