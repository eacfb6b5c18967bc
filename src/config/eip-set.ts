/** Many Eips together: overlaps, and the settings of each single address. Pure. */
import type { Selector } from '../core/selector.ts';
import { addressesOf, compareAddresses, formatAddress } from '../wire/address.ts';
import type { Block } from '../wire/address.ts';
import type { EipDefaults } from './agent-config.ts';
import type { BurstSettings } from './burst.ts';
import { parseEipDocuments } from './eip-document.ts';
import type { EipDocument } from './eip-document.ts';
import { rangeText } from './eip-fields.ts';
import type { InterfaceSpec } from './eip-fields.ts';
import { formatProblem } from './problem.ts';

/** How one address is to be held and announced. */
export interface EipSettings {
  /** The address, canonical. */
  readonly eip: string;
  /** Name of its Eip. */
  readonly pool: string;
  readonly interface: InterfaceSpec;
  readonly mode: 'bind' | 'respond';
  /** Nodes that may hold it; empty: all. */
  readonly selector: Selector;
  /** Null: never. */
  readonly failbackMs: number | null;
  readonly burst: BurstSettings;
  /** Announce it although it lies in no subnet of the interface. */
  readonly forceSubnet: boolean;
  readonly priority: number;
}

/** Most addresses of all Eips that are not disabled. */
export const mostAddressesTogether = 262_144;

export interface Overlap {
  readonly a: Pick<EipDocument, 'name' | 'source'>;
  readonly b: Pick<EipDocument, 'name' | 'source'>;
  /** The addresses that are in both: `10.0.0.5 to 10.0.0.9`. */
  readonly range: string;
}

type Placed = Pick<EipDocument, 'name' | 'source' | 'block'>;

/** Every Eip that overlaps one before it in the order of addresses, disabled ones included. */
export function findOverlaps(documents: readonly Placed[]): readonly Overlap[] {
  const overlaps: Overlap[] = [];
  const sorted = documents.toSorted((a, b) => compareAddresses(a.block.first, b.block.first)
    || (a.name < b.name ? -1 : 1));
  let widest: Placed | null = null;
  for (const document of sorted) {
    const common = widest === null ? null : intersection(widest.block, document.block);
    if (widest !== null && common !== null) {
      overlaps.push({ a: widest, b: document, range: rangeText(common) });
    }
    if (widest === null || compareAddresses(widest.block.last, document.block.last) < 0) {
      widest = document;
    }
  }
  return overlaps;
}

function intersection(a: Block, b: Block): Pick<Block, 'first' | 'last'> | null {
  const first = compareAddresses(a.first, b.first) < 0 ? b.first : a.first;
  const last = compareAddresses(a.last, b.last) < 0 ? a.last : b.last;
  const some = first.family === last.family && compareAddresses(first, last) <= 0;
  return some ? { first, last } : null;
}

/**
 * The addresses of the Eips that are not disabled, and not keepalived's. Overlaps must have been
 * refused before.
 */
export function expandEips(
  documents: readonly EipDocument[], defaults: EipDefaults,
): Map<string, EipSettings> {
  const eips = new Map<string, EipSettings>();
  for (const document of documents) {
    if (document.disabled || document.protocol === 'vip') continue;
    const common = settingsOf(document, defaults);
    for (const address of addressesOf(document.block)) {
      const eip = formatAddress(address);
      eips.set(eip, { eip, ...common });
    }
  }
  return eips;
}

/**
 * Of the Eips that keepalived keeps with the lease as referee, the address whose lease stands for
 * all of them: the lowest, which is the one that is advertised.
 */
export function refereedEips(
  documents: readonly EipDocument[], defaults: EipDefaults,
): Map<string, EipSettings> {
  return new Map(documents.filter(isRefereed).map((document) => {
    const eip = formatAddress(document.block.first);
    return [eip, { eip, ...settingsOf(document, defaults) }];
  }));
}

export function isRefereed(
  { protocol, disabled, settings }: Pick<EipDocument, 'protocol' | 'disabled' | 'settings'>,
): boolean {
  return protocol === 'vip' && !disabled && settings.referee === 'lease';
}

function settingsOf(document: EipDocument, defaults: EipDefaults): Omit<EipSettings, 'eip'> {
  const { settings } = document;
  return {
    pool: document.name,
    interface: document.interface,
    mode: settings.announce ?? defaults.announce,
    selector: settings.selector ?? [],
    failbackMs: settings.failbackMs === undefined ? defaults.failbackMs : settings.failbackMs,
    burst: { ...defaults.burst, ...settings.burst },
    forceSubnet: settings.forceSubnet ?? false,
    priority: document.priority,
  };
}

/** What of the store's documents can be used, and what is wrong with the rest. */
export interface UsableEips {
  readonly documents: readonly EipDocument[];
  /** Those that could be read and are left out. */
  readonly others: readonly EipDocument[];
  /** A sentence for each Eip that is left out, by its name. */
  readonly faults: ReadonlyMap<string, string>;
}

/**
 * Reads documents from the store, which `apply` checked but someone else may have written. One that
 * is wrong is left out, and of two that overlap the one whose name comes later: the same choice on
 * every node, in whatever order they heard of them.
 */
export function usableEips(
  stored: readonly { readonly name: string; readonly text: string }[],
): UsableEips {
  const faults = new Map<string, string>();
  const documents: EipDocument[] = [];
  const others: EipDocument[] = [];
  /** By address; no two overlap. */
  const placed: EipDocument[] = [];
  for (const { name, text } of stored.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const document = readStored(name, text);
    if (typeof document === 'string') {
      faults.set(name, document);
      continue;
    }
    const at = placeOf(document, placed);
    const overlap = findOverlaps([document, ...placed.slice(Math.max(0, at - 1), at + 1)])[0];
    if (overlap === undefined) {
      documents.push(document);
      placed.splice(at, 0, document);
    } else {
      others.push(document);
      const kept = overlap.a === document ? overlap.b : overlap.a;
      faults.set(name, `eip/${name}: overlaps eip/${kept.name} in ${overlap.range}.`);
    }
  }
  return withinBounds(documents, others, faults);
}

/** The document, or what is wrong with it. */
function readStored(name: string, text: string): EipDocument | string {
  const { documents, problems } = parseEipDocuments(`eip/${name}`, text);
  const [problem] = problems;
  if (problem !== undefined) return formatProblem(problem);
  const [first, second] = documents;
  if (first === undefined || second !== undefined) return `eip/${name}: is not one manifest.`;
  return first.name === name ? first : `eip/${name}: holds the Eip ${first.name}.`;
}

/** Index of the first of `placed` (by address) that begins after `document` does. */
function placeOf(document: EipDocument, placed: readonly EipDocument[]): number {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = placed[middle];
    const after = other !== undefined
      && compareAddresses(other.block.first, document.block.first) > 0;
    if (after) high = middle;
    else low = middle + 1;
  }
  return low;
}

function withinBounds(
  documents: readonly EipDocument[], others: EipDocument[], faults: Map<string, string>,
): UsableEips {
  let room = BigInt(mostAddressesTogether);
  const usable = documents.filter((document) => {
    const size = document.disabled ? 0n : document.block.size;
    if (size > room) {
      others.push(document);
      faults.set(document.name, `eip/${document.name}: is too much: all Eips together may have ${mostAddressesTogether} addresses.`);
      return false;
    }
    room -= size;
    return true;
  });
  return { documents: usable, others, faults };
}

/** How many addresses are in both blocks. */
export function commonSize(a: Block, b: Block): bigint {
  const common = intersection(a, b);
  return common === null ? 0n : common.last.value - common.first.value + 1n;
}
