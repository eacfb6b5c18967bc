/**
 * The fence of virtual routers, on the way out of an interface.
 *
 *     advertisement of ours ──► live, for three intervals     priority 0 ──► not live
 *     claim of an address ── live, and no other heard? ── accept ── else counted, dropped
 *
 * A backup takes over when it has heard nothing for more than three intervals (RFC 9568 section
 * 6.1, Master_Down_Interval): by then the claims of a keepalived that hangs, or was killed, have
 * ended, and no program has to be alive for that. That another was heard is said from outside: only
 * behind the host's own filters is what keepalived hears, and no rules see both ways there. Pure.
 */
import type { Family } from '../wire/address.ts';
import { be16, littleEndian, u32, u8 } from './netlink-message.ts';
import * as nft from './nftables/expressions.ts';
import type { Expression } from './nftables/expressions.ts';
import {
  addElements, deleteElements, deleteTable, flushSet, newChain, newCounter, newRule, newSet,
  newTable, type TableRef,
} from './nftables/messages.ts';
import { NF_NETDEV_EGRESS } from './nftables/numbers.ts';

export const vrrpTable: TableRef = { family: 'netdev', name: 'tenure-vrrp' };
export const heldBack = 'held_back';

/** A virtual router, with its addresses as bytes. */
export interface GuardedRouter {
  readonly name: string;
  readonly vrid: number;
  readonly family: Family;
  readonly link: { readonly name: string; readonly ifindex: number };
  readonly intervalMs: number;
  /** All, by their text. */
  readonly addresses: ReadonlyMap<string, Uint8Array>;
}

const protocols = { 4: be16(0x0800), 6: be16(0x86dd) } as const;
const protocolArp = be16(0x0806);
const vrrp = u8(112);
const icmp6 = u8(58);
const solicitation = 135;
const neighbourAdvertisement = 136;
/** A backup waits for so many intervals, and for some time more: RFC 9568 section 6.1. */
const liveIntervals = 3;
/** Before chains of priority filter, and before the fence of leases. */
const priority = -310;

const setsOf = ({ vrid, family }: GuardedRouter) => ({
  addresses: `addresses-${vrid}-${family}`, live: `live-${vrid}-${family}`,
  other: `other-${vrid}-${family}`, claims: `claims-${vrid}-${family}`,
});

/** Routers that are the same but for their addresses need no other rules. */
export function isSameRouter(a: GuardedRouter, b: GuardedRouter | undefined): boolean {
  return a.vrid === b?.vrid && a.family === b.family
    && a.link.ifindex === b.link.ifindex && a.link.name === b.link.name
    && a.intervalMs === b.intervalMs;
}

/**
 * The table anew, whether it was there or not. `live`: those that are master just now, which have
 * so many intervals to advertise.
 */
export function installRouters(
  routers: readonly GuardedRouter[], live: ReadonlySet<string>, intervals = liveIntervals,
): Uint8Array[] {
  const comment = "Tenure's fence of virtual routers: who does not advertise claims nothing";
  const links = new Map(routers.map(({ link }) => [link.name, link]));
  const table = vrrpTable;
  let id = 0;
  return [
    newTable(table, comment), deleteTable(table), newTable(table, comment),
    newCounter(table, heldBack, 'claims of addresses whose virtual router is not ours now'),
    newChain(table, 'refuse', null),
    newRule(table, 'refuse', [nft.count(heldBack), nft.drop()]),
    ...routers.flatMap((router) => {
      const sets = setsOf(router);
      const keyType = router.family === 4 ? 'ipv4_addr' : 'ipv6_addr';
      const timed = { keyType: 'iface_index', timeouts: true, dynamic: true } as const;
      const definitions = [
        { name: sets.addresses, keyType, timeouts: false, comment: router.name.slice(0, 100) },
        { name: sets.live, ...timed, comment: 'we advertise' },
        { name: sets.other, ...timed, comment: 'another does, though we do' },
      ] as const;
      return [
        ...definitions.map((set) => newSet(table, set, id += 1)),
        ...addElements(table, sets.addresses, [...router.addresses.values()]),
        ...live.has(router.name)
          ? addElements(table, sets.live, [linkKey(router)], intervals * router.intervalMs) : [],
        newChain(table, sets.claims, null),
        ...claimRules(router).map((rule) => newRule(table, sets.claims, rule)),
      ];
    }),
    ...[...links.values()].flatMap(({ name }) => {
      const here = routers.filter(({ link }) => link.name === name);
      const [out, hook] = [`out-${safe(name)}`, { number: NF_NETDEV_EGRESS, priority, device: name }];
      return [
        newChain(table, out, 'all that leaves', hook),
        ...here.flatMap(outRules).map((rule) => newRule(table, out, rule)),
      ];
    }),
  ];
}

/** Addresses that came and went. */
export function changeAddresses(
  before: GuardedRouter, after: GuardedRouter,
): Uint8Array[] {
  const { addresses: set } = setsOf(after);
  const lacking = (from: GuardedRouter, these: GuardedRouter) =>
    [...from.addresses].filter(([text]) => !these.addresses.has(text)).map(([, bytes]) => bytes);
  return [
    ...deleteElements(vrrpTable, set, lacking(before, after)),
    ...addElements(vrrpTable, set, lacking(after, before)),
  ];
}

/** Another was heard: claims end for a while, and no longer from the last time on. */
export function otherHeard(router: GuardedRouter): Uint8Array[] {
  const { other } = setsOf(router);
  return [
    flushSet(vrrpTable, other),
    ...addElements(vrrpTable, other, [linkKey(router)], otherMs(router)),
  ];
}

/** At least so long, since at 10 ms two advertisements may be late together. */
const leastOtherMs = 200;
const otherMs = ({ intervalMs }: GuardedRouter): number => Math.max(2 * intervalMs, leastOtherMs);

function linkKey({ link }: GuardedRouter): Uint8Array {
  return u32(link.ifindex, littleEndian);
}

/** Advertisements of this VRID; offsets of RFC 9568 section 5.2. */
function isAdvert({ family, vrid }: GuardedRouter): Expression[] {
  return [
    nft.meta('protocol'), nft.compare(protocols[family]), nft.meta('l4proto'), nft.compare(vrrp),
    nft.payload('transport', 1, 1), nft.compare(u8(vrid)),
  ];
}

/** Priority 0: its sender is master no more. */
const isLast = (): Expression[] => [nft.payload('transport', 2, 1), nft.compare(u8(0))];

function outRules(router: GuardedRouter): Expression[][] {
  const { addresses, live, claims } = setsOf(router);
  const toClaims = nft.goTo(claims);
  const guarded = router.family === 4
    ? [[nft.meta('protocol'), nft.compare(protocolArp), nft.payload('network', 14, 4),
      nft.lookup(addresses), toClaims]]
    : [
      [...isNeighbour(solicitation), nft.payload('network', 8, 16), nft.lookup(addresses), toClaims],
      [...isNeighbour(neighbourAdvertisement), nft.payload('transport', 8, 16),
        nft.lookup(addresses), toClaims],
    ];
  return [
    [...isAdvert(router), ...isLast(), nft.meta('oif'), nft.removeFromSet(live), nft.accept()],
    [...isAdvert(router), nft.meta('oif'), nft.updateSet(live, liveIntervals * router.intervalMs), nft.accept()],
    ...guarded,
  ];
}

function isNeighbour(type: number): Expression[] {
  return [
    nft.meta('protocol'), nft.compare(protocols[6]), nft.meta('l4proto'), nft.compare(icmp6),
    nft.payload('transport', 0, 1), nft.compare(u8(type)),
  ];
}

function claimRules(router: GuardedRouter): Expression[][] {
  const { live, other } = setsOf(router);
  const refused = nft.goTo('refuse');
  return [
    [nft.meta('oif'), nft.lookup(other), refused],
    [nft.meta('oif'), nft.lookup(live), nft.accept()],
    [refused],
  ];
}

/** What `nft` could not read in a name is given by its code behind a slash. */
function safe(name: string): string {
  return name.replace(/[^A-Za-z0-9_.-]/gu, (character) =>
    `/${(character.codePointAt(0) ?? 0).toString(16)}`);
}
