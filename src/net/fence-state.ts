/** What the fence is to hold, and changes of it: plain values. */
import { addressToBytes, parseAddress, type Family } from '../wire/address.ts';
import { FenceError } from './fence-error.ts';

/** An interface that the fence guards. */
export interface FenceLink {
  readonly ifindex: number;
  readonly name: string;
  /** In whose name the kernel may ask there. */
  readonly own4?: OwnName | null;
  readonly own6?: OwnName | null;
}

/** An address of the host on an interface, none that is managed, and the interface's MAC. */
export interface OwnName {
  readonly address: string;
  readonly mac: string;
}

/** Addresses by their text; the value is what the kernel compares: 4 or 16 bytes. */
export type Keys = ReadonlyMap<string, Uint8Array>;

export interface FenceState {
  readonly managed: Keys;
  /** A part of `managed`. */
  readonly held: ReadonlySet<string>;
  readonly links: readonly FenceLink[];
}

/** From one state to the next: only what does change. */
export interface FenceChange {
  readonly manage: Keys;
  readonly unmanage: Keys;
  readonly open: Keys;
  readonly close: Keys;
  /** All that are to be guarded; null if they stay the same. */
  readonly links: readonly FenceLink[] | null;
}

export const emptyFence: FenceState = { managed: new Map(), held: new Set(), links: [] };

export const versions = [4, 6] as const satisfies readonly Family[];

const noKeys: Keys = new Map();
const nothing: FenceChange = {
  manage: noKeys, unmanage: noKeys, open: noKeys, close: noKeys, links: null,
};

/** The keys of one IP version. */
export function keysOf(keys: Keys, version: Family): Uint8Array[] {
  const length = version === 4 ? 4 : 16;
  return [...keys.values()].filter((key) => key.length === length);
}

export function hasVersion(keys: Keys, version: Family): boolean {
  const length = version === 4 ? 4 : 16;
  for (const key of keys.values()) if (key.length === length) return true;
  return false;
}

/** What must change so that these are managed; what is held and still managed stays held. */
export function toManage(
  state: FenceState, addresses: ReadonlySet<string>, links: readonly FenceLink[],
): FenceChange {
  const manage = new Map<string, Uint8Array>();
  for (const address of addresses) {
    if (!state.managed.has(address)) manage.set(address, keyOf(address));
  }
  const unmanage = new Map<string, Uint8Array>();
  const close = new Map<string, Uint8Array>();
  for (const [address, key] of state.managed) {
    if (addresses.has(address)) continue;
    unmanage.set(address, key);
    if (state.held.has(address)) close.set(address, key);
  }
  return { ...toGuard(state, links), manage, unmanage, close };
}

/** What must change so that these are guarded. */
export function toGuard(state: FenceState, links: readonly FenceLink[]): FenceChange {
  const wanted = checkedLinks(links);
  return { ...nothing, links: sameLinks(wanted, state.links) ? null : wanted };
}

/** What must change to open and close these; what is in both is closed. */
export function toHold(
  state: FenceState, add: readonly string[], remove: readonly string[],
): FenceChange {
  const closing = new Set(remove);
  const open = new Map<string, Uint8Array>();
  for (const address of add) {
    const key = state.managed.get(address);
    if (key === undefined) {
      throw new FenceError('not-managed', `fence: ${address} cannot be held: it is not managed here.`);
    }
    if (!state.held.has(address) && !closing.has(address)) open.set(address, key);
  }
  const close = new Map<string, Uint8Array>();
  for (const address of closing) {
    const key = state.managed.get(address);
    if (key !== undefined && state.held.has(address)) close.set(address, key);
  }
  return { ...nothing, open, close };
}

export function isNothing(change: FenceChange): boolean {
  return change.links === null
    && change.manage.size + change.unmanage.size + change.open.size + change.close.size === 0;
}

/** A state that changes in place: there may be tens of thousands of addresses, and one to open. */
export class FenceBook implements FenceState {
  readonly managed = new Map<string, Uint8Array>();
  readonly held = new Set<string>();
  links: readonly FenceLink[] = [];

  apply(change: FenceChange): void {
    for (const address of change.close.keys()) this.held.delete(address);
    for (const address of change.unmanage.keys()) this.managed.delete(address);
    for (const [address, key] of change.manage) this.managed.set(address, key);
    for (const address of change.open.keys()) this.held.add(address);
    this.links = change.links ?? this.links;
  }

  /** Undoes what `apply` did; `links` are those of before. */
  undo(change: FenceChange, links: readonly FenceLink[]): void {
    const { manage: unmanage, unmanage: manage, open: close, close: open } = change;
    this.apply({ manage, unmanage, open, close, links });
  }
}

export function heldKeys({ managed, held }: FenceState): Keys {
  const keys = new Map<string, Uint8Array>();
  for (const address of held) {
    const key = managed.get(address);
    if (key !== undefined) keys.set(address, key);
  }
  return keys;
}

function sameLinks(a: readonly FenceLink[], b: readonly FenceLink[]): boolean {
  return a.length === b.length && a.every((link, index) => sameLink(link, b[index]));
}

export function sameLink(a: FenceLink, b: FenceLink | undefined): boolean {
  return a.ifindex === b?.ifindex && a.name === b.name
    && sameName(a.own4, b.own4) && sameName(a.own6, b.own6);
}

function sameName(a: OwnName | null = null, b: OwnName | null = null): boolean {
  return a?.address === b?.address && a?.mac === b?.mac;
}

export function keyOf(address: string): Uint8Array {
  const parsed = parseAddress(address);
  if ('error' in parsed) throw new FenceError('bad-input', `fence: ${parsed.error}`);
  return addressToBytes(parsed);
}

/** In one order, each interface once; the kernel's limit for names is 15 bytes (IFNAMSIZ). */
function checkedLinks(links: readonly FenceLink[]): FenceLink[] {
  const byIndex = new Map<number, FenceLink>();
  for (const { ifindex, name, own4 = null, own6 = null } of links) {
    if (!Number.isInteger(ifindex) || ifindex <= 0 || !/^[^/\s\0]{1,15}$/.test(name)) {
      const given = JSON.stringify({ ifindex, name });
      throw new FenceError('bad-input', `fence: ${given} is no interface: give its index and name.`);
    }
    byIndex.set(ifindex, { ifindex, name, own4, own6 });
  }
  return [...byIndex.values()].sort((a, b) => a.ifindex - b.ifindex);
}
