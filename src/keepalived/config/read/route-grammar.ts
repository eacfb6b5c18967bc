/** Lines of virtual_routes and static_routes (alloc_route in keepalived's vrrp_iproute.c). */
import type { Word } from '../lines/line.ts';
import type { Encapsulation, NextHop, RouteLine } from '../table/grammar-types.ts';
import {
  address, choice, either, flag, interfaceName, lockable, option, pattern, prefix, routingName,
  text, uint32, whole,
} from '../table/make.ts';
import type { Options } from '../table/shapes.ts';
import { isAtLeast } from '../version.ts';
import { type Family, addressFamily, prefixParts } from './addresses.ts';
import type { Cursor } from './context.ts';
import { readEncapsulation } from './encap-grammar.ts';
import { findOption, readOption } from './fields.ts';
import { looseNumber } from './numbers.ts';
import { readScalar, refuse } from './scalars.ts';

const number = whole(0, uint32);
/** What stands for all addresses; default6 is an old way to say so of IPv6. */
export const anywhere = ['default', 'any', 'all', 'default6'] as const;
/** Kinds of routes, which may also be given by number. */
export const routeTypes = [
  'local', 'nat', 'broadcast', 'brd', 'anycast', 'multicast', 'prohibit', 'unreachable',
  'blackhole', 'xresolve', 'unicast', 'throw',
] as const;
/** The number that the kernel knows keepalived's routes and rules by. */
export const keepalivedProtocol = 18;

/** Options that are read the same wherever they stand. */
export const routeOptions = {
  src: option(address({ lax: false })),
  from: option(prefix(...anywhere)),
  tos: option(routingName('rt_dsfield', 255), { aliases: ['dsfield'] }),
  table: option(routingName('rt_tables', uint32)),
  protocol: option(routingName('rt_protos', 255)),
  scope: option(routingName('rt_scopes', 255)),
  metric: option(number, { aliases: ['priority', 'preference'] }),
  dev: option(interfaceName(), { aliases: ['oif'] }),
  onlink: option(flag),
  expires: option(number),
  mtu: option(lockable(number)),
  hoplimit: option(whole(0, 255)),
  advmss: option(lockable(number)),
  rtt: option(lockable(pattern('rtt'))),
  rttvar: option(lockable(pattern('rttvar'))),
  rto_min: option(lockable(pattern('rto'))),
  reordering: option(lockable(number)),
  window: option(number),
  cwnd: option(lockable(number)),
  ssthresh: option(lockable(number)),
  realms: option(pattern('realms')),
  initcwnd: option(number),
  initrwnd: option(number),
  features: option(choice('ecn')),
  quickack: option(whole(0, 1)),
  congctl: option(lockable(text())),
  pref: option(either(['low', 'medium', 'high'], whole(0, 255))),
  'ttl-propagate': option(choice('enabled', 'disabled')),
  fastopen_no_cookie: option(whole(0, 1)),
  no_track: option(flag),
  vrf: option(interfaceName('vrf'), { since: '2.2.5' }),
} as const satisfies Options;

const staticRouteOptions = {
  ...routeOptions, track_group: option(text(), { once: true }),
} as const satisfies Options;

/** Keeps track of the family that a line settles on, and complains about the other one. */
export class FamilyTracker {
  family: Family | undefined;
  readonly #cursor: Cursor;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** `given` is undefined for `default`, which keepalived takes only before the family is known. */
  take(given: Family | undefined, word: Word): void {
    if (this.family === undefined) this.family = given;
    else if (given === undefined) {
      refuse(this.#cursor, word, 'conflict', 'comes after an address', 'put it first on the line');
    } else this.settle(given, word);
  }

  settle(given: Family, word: Word): void {
    if (this.family !== undefined && this.family !== given) {
      refuse(this.#cursor, word, 'conflict', `is for IPv${given}, the rest of the line is for `
        + `IPv${this.family}`, 'one family');
    }
    this.family ??= given;
  }

  /**
   * Reads `inet` or `inet6`. keepalived skips the word behind it, whatever it is; written twice
   * it works.
   */
  readKeyword(word: Word): 'inet' | 'inet6' | undefined {
    const { text: given } = word;
    if (given !== 'inet' && given !== 'inet6') return undefined;
    this.settle(given === 'inet' ? 4 : 6, word);
    this.#cursor.next();
    const skipped = this.#cursor.next();
    if (skipped && skipped.text !== given) {
      this.#cursor.warn(skipped, {
        code: 'ignored',
        message: `${this.#cursor.keyword}: keepalived skips "${skipped.text}" because it stands `
          + `behind "${given}"; write "${given} ${given}"`,
      });
    }
    return given;
  }
}

/** The family of a prefix; undefined for `default`. */
export function prefixFamily(given: string): Family | undefined {
  return given === 'default6' ? 6 : prefixParts(given)?.family;
}

/** `via [inet|inet6] ADDRESS`; the cursor stands behind `via`. */
function readVia(cursor: Cursor, families: FamilyTracker): string | undefined {
  const named = cursor.peek()?.text;
  const stated = named === 'inet' ? 4 : named === 'inet6' ? 6 : undefined;
  const statedWord = stated === undefined ? undefined : cursor.next();
  if (stated !== undefined && statedWord) families.settle(stated, statedWord);
  const word = cursor.need('the address of the gateway');
  const value = word && readScalar(address({ lax: false }), word, cursor);
  const family = value === undefined ? undefined : addressFamily(String(value));
  if (word && family !== undefined) families.settle(family, word);
  return value === undefined ? undefined : String(value);
}

/** Options whose presence settles the family. */
function settleByOption(key: string, value: unknown, word: Word, families: FamilyTracker): void {
  if (key === 'src') families.settle(addressFamily(String(value)) ?? 4, word);
  else if (key === 'expires' || key === 'pref') families.settle(6, word);
  else if (key === 'realms') families.settle(4, word);
  else if (key === 'from') families.settle(6, word);
}

const refused: Readonly<Record<string, string>> = {
  gw: 'use via', or: 'use nexthop', as: 'it is for MPLS alone',
};

/** The release that brought add, prepend and append. */
const modesSince = '2.2.5';

/** Words that are read by hand; false if the cursor stands at none of them. */
function readWord(
  cursor: Cursor, word: Word, value: Record<string, unknown>, families: FamilyTracker,
): boolean {
  const family = families.readKeyword(word);
  if (family) {
    value.family = family;
    return true;
  }
  const { text: given } = word;
  if (given === 'add' || given === 'prepend' || given === 'append') {
    value.mode = given;
    cursor.next();
    if (!isAtLeast(cursor.context.version, modesSince)) {
      cursor.error(word, {
        code: 'not-in-version',
        message: `${cursor.keyword}: "${given}" came with ${modesSince}`,
      });
    }
    return true;
  }
  const problem = refused[given];
  if (problem !== undefined) {
    cursor.next();
    cursor.error(word, {
      code: 'deprecated', allowed: problem,
      message: `${cursor.keyword}: keepalived refuses "${given}"; ${problem}`,
    });
    if (given === 'as' && cursor.peek()?.text === 'to') cursor.next();
    if (given !== 'gw') cursor.next();
  }
  if (given === 'via' || given === 'gw') {
    if (given === 'via') cursor.next();
    const via = readVia(cursor, families);
    if (via !== undefined) value.via = via;
    return true;
  }
  if (given === 'encap') {
    cursor.next();
    const encap = readEncapsulation(cursor);
    if (encap) addEncapsulation(cursor, word, value, encap);
    return true;
  }
  return problem !== undefined;
}

/** keepalived does not clear the first of two encapsulations, and may crash over the second. */
function addEncapsulation(
  cursor: Cursor, word: Word, value: Record<string, unknown>, encap: Encapsulation,
): void {
  const earlier = value.encap as Encapsulation | undefined;
  if (earlier && earlier.type !== encap.type) {
    refuse(cursor, word, 'duplicate', 'is given twice, of different types', 'one encapsulation');
  }
  value.encap = encap;
}

/** `[to] [TYPE] DESTINATION`: whatever is no option. */
function readDestination(
  cursor: Cursor, value: Record<string, unknown>, families: FamilyTracker,
): void {
  let word = cursor.next();
  if (word?.text === 'to') word = cursor.need('the destination');
  else if (word && (routeTypes.some((type) => type === word?.text) || /^(0[xX])?\d+$/.test(word.text))) {
    value.type = word.text;
    word = cursor.need('the destination');
  }
  const to = word && readScalar(prefix(...anywhere), word, cursor);
  if (!word || to === undefined) return;
  value.to = to;
  families.take(prefixFamily(String(to)), word);
}

/** `nexthop via ... nexthop via ...`, up to the end of the line. */
function readNextHops(cursor: Cursor, families: FamilyTracker): NextHop[] {
  const hops: NextHop[] = [];
  const options = {
    dev: option(interfaceName()), weight: option(whole(1, 256)), onlink: option(flag),
    realms: option(pattern('realms')),
  } as const;
  let hop: Record<string, unknown> = {};
  for (let word = cursor.peek(); word; word = cursor.peek()) {
    if (word.text === 'nexthop') {
      cursor.next();
      hop = {};
      hops.push(hop);
    } else if (word.text === 'via') {
      cursor.next();
      const via = readVia(cursor, families);
      if (via !== undefined) hop.via = via;
    } else if (word.text === 'encap') {
      cursor.next();
      const encap = readEncapsulation(cursor);
      if (encap) hop.encap = encap;
    } else if (readOption(options, cursor, hop)) {
      if (word.text === 'realms') families.settle(4, word);
    } else {
      refuse(cursor, word, 'unknown-option', 'may not follow nexthop',
        'via, dev, weight, onlink, encap or realms');
      cursor.rest();
    }
  }
  return hops;
}

/** Reads a whole line; undefined if it names no destination. */
export function readRouteLine(cursor: Cursor): RouteLine | undefined {
  const value: Record<string, unknown> = {};
  const families = new FamilyTracker(cursor);
  const options = cursor.keyword === 'static_routes' ? staticRouteOptions : routeOptions;
  for (let word = cursor.peek(); word; word = cursor.peek()) {
    if (word.text === 'nexthop') value.nexthops = readNextHops(cursor, families);
    else if (readWord(cursor, word, value, families)) continue;
    else if (readOption(options, cursor, value)) {
      const key = findOption(options, word.text) ?? '';
      if (value[key] !== undefined) settleByOption(key, value[key], word, families);
      if (key === 'from' && prefixFamily(String(value.from)) !== 6) {
        refuse(cursor, word, 'not-allowed', 'works for IPv6 alone', 'an IPv6 address');
      }
    } else readDestination(cursor, value, families);
  }
  if (value.to === undefined) {
    return cursor.error(undefined, {
      code: 'incomplete', message: `${cursor.keyword}: the route has no destination`,
    });
  }
  checkTracking(cursor, value);
  return value as unknown as RouteLine;
}

/** A route that keepalived is to watch has to name its interface and keep its protocol. */
function checkTracking(cursor: Cursor, value: Readonly<Record<string, unknown>>): void {
  const { version } = cursor.context;
  if (value.no_track !== true) {
    const protocol = typeof value.protocol === 'string' ? value.protocol : 'keepalived';
    if (looseNumber(protocol) !== keepalivedProtocol && protocol !== 'keepalived') {
      cursor.error(cursor.words[0], {
        code: 'conflict', value: protocol,
        message: `${cursor.keyword}: a route with protocol ${protocol} cannot be watched; `
          + `add no_track, or leave the protocol at ${keepalivedProtocol}`,
      });
    }
    if (value.dev === undefined) {
      cursor[isAtLeast(version, '2.3.2') ? 'warn' : 'error'](cursor.words[0], {
        code: 'incomplete', value: String(value.to),
        message: `${cursor.keyword}: the route to ${String(value.to)} cannot be watched without `
          + 'an interface; add dev or no_track',
      });
    }
  }
  if (value.track_group !== undefined && value.dev === undefined) {
    cursor.error(cursor.words[0], {
      code: 'incomplete', message: `${cursor.keyword}: track_group needs dev`,
    });
  }
}
