/**
 * VRIDs for pools. A VRID is one byte, unique for each family on a LAN, and the same on every node.
 * Here it is unique over all interfaces, so that two of them may be on the same LAN.
 */
import { hash32 } from '../../core/hash.ts';
import type { Finding } from '../../core/model.ts';

export interface VridPool {
  readonly pool: string;
  readonly family: 4 | 6;
  /** By configuration; counts before all else. */
  readonly fixed?: number | undefined;
}

/** Both included; 1 to 255. */
export interface VridRange {
  readonly first: number;
  readonly last: number;
}

export const allVrids: VridRange = { first: 1, last: 255 };

export interface Vrids {
  readonly vrids: ReadonlyMap<string, number>;
  /** For each pool that got none. */
  readonly findings: readonly Finding[];
}

/** Where a pool's search for a VRID starts: it depends on nothing but the name. */
function preferred(pool: string, { first, last }: VridRange): number {
  return first + hash32(`vrid\n${pool}`) % (last - first + 1);
}

function byName(pools: readonly VridPool[]): VridPool[] {
  return pools.toSorted((a, b) => a.pool < b.pool ? -1 : 1);
}

/** Who has a VRID, of each family. */
class Taken {
  readonly vrids = new Map<string, number>();
  readonly #owners = new Map<string, string>();

  owner(vrid: number, family: 4 | 6): string | undefined {
    return this.#owners.get(`${vrid}/${family}`);
  }

  take({ pool, family }: VridPool, vrid: number): void {
    this.vrids.set(pool, vrid);
    this.#owners.set(`${vrid}/${family}`, pool);
  }
}

function takeFixed(taken: Taken, pools: readonly VridPool[], findings: Finding[]): void {
  for (const pool of pools) {
    if (pool.fixed === undefined) continue;
    const owner = taken.owner(pool.fixed, pool.family);
    if (owner === undefined) taken.take(pool, pool.fixed);
    else findings.push(clash(pool, pool.fixed, owner));
  }
}

function clash({ pool, family }: VridPool, vrid: number, owner: string): Finding {
  return {
    code: 'vip-vrid-clash', subject: pool,
    text: `${pool} and ${owner} both come to VRID ${vrid} (IPv${family}), so ${pool} is not kept: `
      + 'give one of them another VRID by configuration, the same on every node',
  };
}

/**
 * For hosts that share nothing but their documents: each pool's VRID comes from its name alone, or
 * from configuration, so that no order of events can make two hosts differ. Where two names come to
 * the same one, the later name is left out and said.
 */
export function deriveVrids(pools: readonly VridPool[], range = allVrids): Vrids {
  const taken = new Taken();
  const findings: Finding[] = [];
  const sorted = byName(pools);
  takeFixed(taken, sorted, findings);
  for (const pool of sorted) {
    if (pool.fixed !== undefined) continue;
    const vrid = preferred(pool.pool, range);
    const owner = taken.owner(vrid, pool.family);
    if (owner === undefined) taken.take(pool, vrid);
    else findings.push(clash(pool, vrid, owner));
  }
  return { vrids: taken.vrids, findings };
}

/** VRIDs that strangers were heard to use: `VRID/FAMILY`. */
export type ForeignVrids = ReadonlySet<`${number}/${4 | 6}`>;

/**
 * For nodes with a store: what it says stands, whatever is heard; a new pool gets one that is free,
 * both among pools and on the wire. Whoever calls writes the result to the store by
 * compare-and-swap before using it, so that all nodes have the same.
 */
export function allocateVrids(
  pools: readonly VridPool[], known: ReadonlyMap<string, number>, foreign: ForeignVrids,
  range = allVrids,
): Vrids {
  const taken = new Taken();
  const findings: Finding[] = [];
  const sorted = byName(pools);
  takeFixed(taken, sorted, findings);
  const rest = sorted.filter(({ fixed }) => fixed === undefined);
  for (const pool of rest) {
    const vrid = known.get(pool.pool);
    if (vrid !== undefined && taken.owner(vrid, pool.family) === undefined) taken.take(pool, vrid);
  }
  for (const pool of rest) {
    if (taken.vrids.has(pool.pool)) continue;
    const vrid = free(taken, pool, foreign, range);
    if (vrid === undefined) findings.push(exhausted(pool, range));
    else taken.take(pool, vrid);
  }
  return { vrids: taken.vrids, findings };
}

function free(
  taken: Taken, { pool, family }: VridPool, foreign: ForeignVrids, range: VridRange,
): number | undefined {
  const count = range.last - range.first + 1;
  const start = preferred(pool, range) - range.first;
  for (let step = 0; step < count; step += 1) {
    const vrid = range.first + (start + step) % count;
    if (taken.owner(vrid, family) === undefined && !foreign.has(`${vrid}/${family}`)) return vrid;
  }
  return undefined;
}

function exhausted({ pool, family }: VridPool, { first, last }: VridRange): Finding {
  return {
    code: 'vip-vrids-exhausted', subject: pool,
    text: `no VRID from ${first} to ${last} is free for ${pool} (IPv${family}): put more addresses `
      + 'into one Eip, which takes one VRID however many it has',
  };
}
