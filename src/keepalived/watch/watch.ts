/**
 * What is heard of VRRP on the wire, against what this node expects: who is master of each virtual
 * router, a second master, a stranger's VRID, another version or interval. Pure: packets and
 * instants (monotonic ms) come in, questions are answered. It decides nothing.
 */
import type { Finding } from '../../core/model.ts';
import type { VrrpPacket } from '../../wire/vrrp/frame.ts';

/** A virtual router that this node takes part in. */
export interface Expected {
  readonly pool: string;
  readonly interface: string;
  readonly family: 4 | 6;
  readonly vrid: number;
  readonly intervalMs: number;
  /** What is advertised. */
  readonly address: string;
}

export interface Master {
  readonly pool: string;
  readonly vrid: number;
  /** This node, the address of another, or nobody who was heard. */
  readonly master: { readonly self: true } | { readonly source: string } | null;
}

interface Speaker {
  readonly packet: VrrpPacket;
  readonly at: number;
}

interface Router {
  readonly interface: string;
  readonly family: 4 | 6;
  readonly vrid: number;
  readonly speakers: Map<string, Speaker>;
  last: string;
  /** When two spoke in turns for the last time, and who. */
  contest: { readonly at: number; readonly sources: readonly string[] } | null;
  /** How often the speaker changed lately. */
  changes: number;
  changedAt: number;
}

/** Speakers of one VRID that are kept apart; more are counted. */
const mostSpeakers = 16;
/** A finding stands for as long after it was last seen. */
const findingMs = 30_000;
/** A VRID counts as used for as long after it was last heard. */
const foreignMs = 10 * 60_000;
/** Advertisements missed until a master counts as gone, with the longest skew. */
const missed = 4;
/** After a takeover the old master may be heard once more; in a contest they go on in turns. */
const contestChanges = 4;

export class VrrpWatch {
  readonly #expected = new Map<string, Expected>();
  /** Pools that this node is master of, and since when. */
  readonly #own = new Map<string, number>();
  readonly #routers = new Map<string, Router>();
  /** Packets that were not read, by reason, and speakers beyond the limit. */
  readonly drops = new Map<string, number>();

  /** The virtual routers of this node, all of them. */
  expect(expected: readonly Expected[]): void {
    this.#expected.clear();
    for (const one of expected) this.#expected.set(keyOf(one.interface, one.family, one.vrid), one);
  }

  /** Whether this node is master, as its keepalived says: it does not hear itself. */
  own(pool: string, isMaster: boolean, now = -Infinity): void {
    if (!isMaster) this.#own.delete(pool);
    else if (!this.#own.has(pool)) this.#own.set(pool, now);
  }

  dropped(reason: string): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
  }

  hear(device: string, packet: VrrpPacket, now: number): void {
    const family = packet.source.includes(':') ? 6 : 4;
    const key = keyOf(device, family, packet.vrid);
    const router = this.#routers.get(key) ?? {
      interface: device, family, vrid: packet.vrid, speakers: new Map<string, Speaker>(),
      last: '', contest: null, changes: 0, changedAt: 0,
    };
    this.#routers.set(key, router);
    // Priority 0: the sender is no master any more.
    if (packet.priority === 0) {
      router.speakers.delete(packet.source);
      return;
    }
    const isNew = !router.speakers.has(packet.source);
    if (isNew && router.speakers.size >= mostSpeakers) this.#dropOldest(router);
    router.speakers.set(packet.source, { packet, at: now });
    this.#notice(router, packet, now);
  }

  /** Takes notice of two that speak in turns, or of one who speaks while this node is master. */
  #notice(router: Router, packet: VrrpPacket, now: number): void {
    const lately = contestChanges * 2 * packet.intervalMs;
    const expected = this.#expected.get(keyOf(router.interface, router.family, router.vrid));
    const isOwn = expected !== undefined && this.#own.has(expected.pool);
    const previous = router.last;
    router.last = packet.source;
    if (!isOwn && (previous === packet.source || previous === '')) return;
    router.changes = now - router.changedAt <= lately ? router.changes + 1 : 1;
    router.changedAt = now;
    if (router.changes < contestChanges) return;
    const others = [...router.speakers].filter(([, { at }]) => now - at <= lately)
      .map(([source]) => source).sort();
    router.contest = { at: now, sources: isOwn ? ['this node', ...others] : others };
  }

  #dropOldest(router: Router): void {
    this.dropped('too-many-speakers');
    const [oldest] = [...router.speakers].sort(([, a], [, b]) => a.at - b.at);
    if (oldest) router.speakers.delete(oldest[0]);
  }

  /** Whether another was heard to be master, in the last moments, where this node says it is. */
  isContested(device: string, family: 4 | 6, vrid: number, now: number): boolean {
    const key = keyOf(device, family, vrid);
    const pool = this.#expected.get(key)?.pool;
    const contest = this.#routers.get(key)?.contest;
    return pool !== undefined && this.#own.has(pool) && contest?.at === now;
  }

  /** Who is master of each virtual router of this node, by pool. */
  masters(now: number): Master[] {
    return [...this.#expected.values()].map((expected) => {
      const { pool, vrid } = expected;
      if (this.#own.has(pool)) return { pool, vrid, master: { self: true } };
      const source = this.heard(expected, now);
      return { pool, vrid, master: source === null ? null : { source } };
    });
  }

  /**
   * The pool of which this packet of another says that it is master, as this node is and has been
   * for more than a moment: one advertisement may cross ours. A stranger's is none.
   */
  rival(device: string, packet: VrrpPacket, now: number): string | null {
    const family = packet.source.includes(':') ? 6 : 4;
    const expected = this.#expected.get(keyOf(device, family, packet.vrid));
    if (expected === undefined || packet.priority === 0) return null;
    const since = this.#own.get(expected.pool);
    if (since === undefined || now - since < 2 * expected.intervalMs) return null;
    return mismatch(packet, expected).length === 0 ? expected.pool : null;
  }

  /** The latest other master of an expected router, if it was heard lately. */
  heard(expected: Expected, now: number): string | null {
    return this.#latest(expected, now)?.source ?? null;
  }

  /** The first address that it advertises, and where from. */
  advertised(
    expected: Expected, now: number,
  ): { readonly source: string; readonly address: string } | null {
    const packet = this.#latest(expected, now);
    return packet && { source: packet.source, address: packet.addresses[0] ?? '' };
  }

  #latest({ interface: device, family, vrid }: Expected, now: number): VrrpPacket | null {
    const speakers = [...this.#routers.get(keyOf(device, family, vrid))?.speakers.values() ?? []]
      .filter(({ at, packet }) => now - at <= missed * packet.intervalMs)
      .sort((a, b) => b.at - a.at);
    return speakers[0]?.packet ?? null;
  }

  /** VRIDs that others use and this node does not: not to be given to a new pool. */
  foreign(now: number): Set<`${number}/${4 | 6}`> {
    return new Set([...this.#routers].filter(([key, router]) => !this.#expected.has(key)
      && [...router.speakers.values()].some(({ at }) => now - at <= foreignMs))
      .map(([, { vrid, family }]) => `${vrid}/${family}` as const));
  }

  /** What is wrong on the wire with the virtual routers of this node. */
  findings(now: number): Finding[] {
    return [...this.#expected].flatMap(([key, expected]) => {
      const router = this.#routers.get(key);
      if (!router) return [];
      const speakers = [...router.speakers.values()].filter(({ at }) => now - at <= findingMs);
      return [
        ...contestOf(router, expected, now),
        ...speakers.flatMap(({ packet }) => mismatch(packet, expected)),
      ];
    });
  }

  /** Forgets who has not been heard for long; to be called now and then. */
  forget(now: number): void {
    for (const [key, router] of this.#routers) {
      for (const [source, { at }] of router.speakers) {
        if (now - at > foreignMs) router.speakers.delete(source);
      }
      if (router.speakers.size === 0) this.#routers.delete(key);
    }
  }
}

function keyOf(device: string, family: 4 | 6, vrid: number): string {
  return `${device} ${family} ${vrid}`;
}

function contestOf(router: Router, { pool, vrid }: Expected, now: number): Finding[] {
  const { contest } = router;
  if (!contest || now - contest.at > findingMs) return [];
  return [{
    code: 'vip-second-master', subject: pool,
    text: `${contest.sources.join(' and ')} are masters of VRID ${vrid} at once: they do not hear `
      + 'one another, or one of them drops what it hears; look for a filter of IP protocol 112',
  }];
}

/** What an advertisement of our VRID says that ours would not. */
function mismatch(packet: VrrpPacket, expected: Expected): Finding[] {
  const { pool, vrid, address, intervalMs } = expected;
  const finding = (code: string, text: string): Finding => ({ code, subject: pool, text });
  const findings: Finding[] = [];
  if (packet.version !== 3) {
    findings.push(finding('vip-version', `${packet.source} speaks VRRP version ${packet.version} `
      + `with VRID ${vrid} of ${pool}, which has version 3: neither hears the other`));
  }
  if (!packet.addresses.includes(address) || packet.addresses.length !== 1) {
    findings.push(finding('vip-vrid-stranger', `${packet.source} uses VRID ${vrid} of ${pool} for `
      + `${packet.addresses.slice(0, 3).join(', ') || 'no address'}, not for ${address}: give one of `
      + 'them another VRID'));
  }
  if (packet.intervalMs !== intervalMs) {
    findings.push(finding('vip-interval', `${packet.source} advertises VRID ${vrid} of ${pool} every `
      + `${packet.intervalMs} ms, and this node would every ${intervalMs} ms: give all nodes the `
      + 'same interval'));
  }
  return findings;
}
