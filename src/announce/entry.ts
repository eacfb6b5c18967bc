/**
 * One EIP as the announcer keeps it.
 *
 *           announce, probe            three probes, no answer
 *   idle ───────────────────> probing ───────────────────────────> pending ──> claimed
 *    │ ^                       │   ^                                  ^  ^         │
 *    │ │ withdraw (from any)   v   │ reprobeMs                        │  └─────────┘
 *    │                      conflicted                                │   link or gate is back,
 *    └────────────────────────────────────────────────────────────────┘   or a new term
 *           announce                                        fence open, bound
 *
 * `pending` waits for its turn, its link, the gate, or another try at the fence or the binding.
 * Only `claimed` answers. Deadlines of all states are in one lane: the state tells what is due.
 */
import type { Eip } from '../core/model.ts';
import { formatAddress, parseAddress } from '../wire/address.ts';
import { arpClaims, arpProbe } from '../wire/arp.ts';
import { isGroupMac, isMac } from '../wire/ethernet.ts';
import { dadSolicitation, unsolicitedAdvertisement } from '../wire/ndp.ts';
import type { Link } from './ports.ts';
import type { AnnounceSettings, BurstOptions } from './types.ts';

export type LinkFamily = 'arp' | 'ndp';

export type EntryState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'probing'; readonly sent: number }
  | { readonly kind: 'conflicted' }
  | { readonly kind: 'pending' }
  /** `claims` of the burst that have left. */
  | { readonly kind: 'claimed'; readonly claims: number };

export interface Conflict {
  readonly when: 'before' | 'after';
  readonly mac: string;
  seenAt: number;
}

export interface Entry {
  readonly eip: Eip;
  readonly family: LinkFamily;
  settings: AnnounceSettings;
  /** Frames of one claim, from the link's present MAC. */
  claim: readonly Uint8Array[];
  state: EntryState;
  term: number;
  /** The last term of which `announced` was told. */
  announcedTerm: number | null;
  /** The last term of which a question was answered. */
  servedTerm: number | null;
  /** The fence lets it pass. */
  held: boolean;
  /** Since when it does, CLOCK_BOOTTIME ms. */
  openAt: number;
  /** Where its solicited-node group is joined. */
  joined: Link | null;
  /** Tries that failed since the last that did not. */
  failures: number;
  /** What was last said of its binding, so that it is said once. */
  trouble: string | null;
  conflict: Conflict | null;
  lastConflictAt: number;
}

export const idle: EntryState = { kind: 'idle' };
export const pending: EntryState = { kind: 'pending' };
export const conflicted: EntryState = { kind: 'conflicted' };

/** Why an EIP cannot be announced so, in a sentence; null if it can. */
export function faultOf({ eip, link }: AnnounceSettings): string | null {
  const address = parseAddress(eip);
  if ('error' in address) return `Cannot announce it: ${address.error}`;
  const canonical = formatAddress(address);
  if (canonical !== eip) return `Cannot announce ${eip}: write it as ${canonical}.`;
  if (isMac(link.mac) && !isGroupMac(link.mac)) return null;
  return `Cannot announce ${eip} on ${link.name}: it has no Ethernet address (${JSON.stringify(link.mac)}).`;
}

/** An entry at rest, of settings without fault. */
export function newEntry(settings: AnnounceSettings): Entry {
  const { eip } = settings;
  const family = eip.includes(':') ? 'ndp' : 'arp';
  return {
    eip, family, settings, claim: claimOf(family, settings),
    state: idle, term: 0, announcedTerm: null, servedTerm: null, held: false, openAt: 0,
    joined: null, failures: 0,
    trouble: null, conflict: null, lastConflictAt: -Infinity,
  };
}

export function claimOf(
  family: LinkFamily, { eip, link }: AnnounceSettings,
): readonly Uint8Array[] {
  return family === 'arp' ? arpClaims(link.mac, eip) : [unsolicitedAdvertisement(link.mac, eip)];
}

export function probeOf({ family, eip, settings: { link } }: Entry): Uint8Array {
  return family === 'arp' ? arpProbe(link.mac, eip) : dadSolicitation(link.mac, eip);
}

/**
 * Time from the claim that was the `claims`th of a burst to the next, in ms; null if none follows.
 * Refreshes are spread by a tenth, so that those of many addresses drift apart.
 */
export function nextClaimIn(
  burst: BurstOptions, claims: number, random: () => number,
): number | null {
  if (claims < burst.count) return burst.intervalMs * burst.growth ** (claims - 1);
  return burst.refreshMs > 0 ? burst.refreshMs * (0.9 + 0.2 * random()) : null;
}
