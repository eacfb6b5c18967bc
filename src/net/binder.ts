/**
 * EIPs on interfaces, for the announcer's `bind`: as /32 or /128, without a route or duplicate
 * address detection, deprecated (so that connections of this host do not choose them as their
 * source), and with an end, should no agent renew it. Kernel calls are batched: a thousand
 * addresses take two or three.
 *
 * What is ours is known by its address protocol (IFA_PROTO), also after a restart; no other address
 * is changed or removed.
 *
 * Of many at once most get a local route at first, and are put on their interface when it is calm:
 *
 *   bind ── few ──────────────────► on its interface ── unbind ──► gone
 *     └ many ──► route alone ── calm ──┘        (a route alone has no end of its own)
 */
import { release } from 'node:os';
import { formatAddress, parseAddress } from '../wire/address.ts';
import { LocalRoutes } from './local-routes.ts';
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './netlink-message.ts';
import { NetlinkError, NetlinkSocket } from './netlink-socket.ts';
import {
  decodeAddress, encodeAddressDump, encodeDeleteAddress, encodeNewAddress, IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE, IFA_F_PERMANENT, readdress, type InterfaceAddress,
} from './rtnetlink/address.ts';
import { StandIns } from './stand-ins.ts';

/** `ip addr` shows it as `proto 0x54`. 1 to 3 are the kernel's; 18 is keepalived's. */
export const addressProtocol = 0x54;

/** How long an address stays that is not renewed. The kernel removes it within some seconds. */
export const backstopSeconds = 600;

/** How long renewing may hold up the thread at a time, and by how many it goes on. */
const sliceMs = 5;
const sliceLength = 16;

interface Place {
  readonly ifindex: number;
  readonly name: string;
}

interface Bound {
  readonly eip: string;
  readonly link: Place;
}

export interface AddressBinderOptions {
  /** Told, in a sentence, what could not be renewed or removed. */
  readonly onTrouble?: (text: string) => void;
  /**
   * The address as it is on a link, as far as events have told (Interfaces.address): spares looking
   * at all of a link's, which takes 4 ms for a thousand. Null if none is known there.
   */
  readonly look?: (
    ifindex: number, address: string, prefixLength: number,
  ) => InterfaceAddress | null;
  /** As `uname -r` has it; for tests. */
  readonly kernelRelease?: string;
}

/** Implements Binder of src/announce/ports.ts. */
export class AddressBinder {
  readonly #socket = new NetlinkSocket({ protocol: 'route' });
  readonly #onTrouble: (text: string) => void;
  readonly #knowsProtocol: boolean;
  readonly #look: NonNullable<AddressBinderOptions['look']>;
  /** By interface, then by address. */
  readonly #bound = new Map<number, Map<string, Bound>>();
  #round: NodeJS.Timeout | undefined;
  readonly #routes = new LocalRoutes(this.#socket);
  readonly #standIns = new StandIns<Bound>(this.#routes, (entries) => { this.#settle(entries); });

  /** Throws SystemError. */
  constructor({ onTrouble, look, kernelRelease = release() }: AddressBinderOptions = {}) {
    this.#onTrouble = onTrouble ?? (() => undefined);
    this.#look = look ?? (() => null);
    this.#knowsProtocol = atLeast(kernelRelease, 5, 18);
  }

  /** Null for each that is on its link now, whoever put it there; else why it is not. */
  bind(
    addresses: readonly { readonly eip: string; readonly link: Place }[],
  ): readonly (string | null)[] {
    const results = new Array<string | null>(addresses.length).fill(null);
    const wanted: { at: number; entry: Bound }[] = [];
    for (const [at, { eip, link }] of addresses.entries()) {
      const address = parseAddress(eip);
      if ('error' in address) results[at] = address.error;
      else wanted.push({ at, entry: { eip: formatAddress(address), link } });
    }
    const routed = this.#standIns.take(wanted.map(({ entry }) => entry));
    for (const entry of routed) this.#remember(entry);
    const others = wanted.filter(({ entry }) => !routed.has(entry));
    const errors = this.#add(others.map(({ entry }) => entry), NLM_F_CREATE | NLM_F_EXCL);
    const present = others.filter((_, index) => errors[index]?.code === 'EEXIST');
    for (const [index, { at, entry }] of others.entries()) {
      const error = errors[index] ?? null;
      if (error === null) this.#remember(entry);
      else if (error.code !== 'EEXIST') results[at] = bindText(entry, error);
    }
    for (const { at, entry, error } of this.#adopt(present)) results[at] = bindText(entry, error);
    return results;
  }

  /** Removes those that are ours; what is not there, or not ours, stays as it is. */
  unbind(addresses: readonly { readonly eip: string; readonly link: Place }[]): void {
    const entries = addresses.flatMap(({ eip, link }) => {
      const address = parseAddress(eip);
      return 'error' in address ? [] : [{ eip: formatAddress(address), link }];
    });
    const bound = entries.filter((entry) => !this.#standIns.forget(entry));
    this.#routes.remove(entries);
    const ours = bound.filter(this.#isOurs(bound));
    const errors = this.#socket.transactEach(ours.map(({ eip, link }) => encodeDeleteAddress(
      { ifindex: link.ifindex, address: eip, prefixLength: fullPrefix(eip) })));
    for (const { eip, link } of entries) this.#bound.get(link.ifindex)?.delete(eip);
    for (const [index, error] of errors.entries()) {
      const entry = ours[index];
      if (entry === undefined || error === null || isGone(error)) continue;
      this.#onTrouble(`${entry.eip} cannot be removed from ${entry.link.name}: ${error.message}`);
    }
  }

  /** Addresses of earlier runs of the agent on this host (in its network namespace). */
  leftovers(): readonly { readonly eip: string; readonly ifindex: number }[] {
    const addresses = this.#dump(0).filter((entry) => this.#isMarked(entry))
      .map(({ address, ifindex }) => ({ eip: address, ifindex }));
    return [...addresses, ...this.#routes.adopt()]
      .filter(({ eip, ifindex }) => !(this.#bound.get(ifindex)?.has(eip) ?? false));
  }

  /**
   * Sets the backstop anew; what someone removed (IPv6: taking the link down does) comes back. For
   * each IPv6 address the kernel looks through all of them, so thousands take it seconds: what is
   * not done in a few milliseconds goes on later, a slice at a time. During that, a no-op.
   */
  refresh(): void {
    if (this.#round !== undefined || this.#standIns.size > 0) return;
    const entries = [...this.#bound.values()].flatMap((byEip) => [...byEip.values()]);
    this.#renew(entries, this.#isOurs(entries));
  }

  close(): void {
    clearTimeout(this.#round);
    this.#standIns.close();
    this.#socket.close();
  }

  /** Puts what had a route alone on its interface. What cannot be, `refresh` tries again. */
  #settle(entries: readonly Bound[]): void {
    try {
      for (const [index, error] of this.#add(entries, NLM_F_CREATE | NLM_F_EXCL).entries()) {
        const entry = entries[index];
        if (entry !== undefined && error !== null && error.code !== 'EEXIST') {
          this.#onTrouble(bindText(entry, error));
        }
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#onTrouble(`${entries.length} address(es) have no more than a route: ${reason}`);
    }
  }

  #renew(entries: readonly Bound[], wasOurs: (entry: Bound) => boolean): void {
    const end = performance.now() + sliceMs;
    let at = 0;
    while (at < entries.length && performance.now() < end) {
      const slice = entries.slice(at, at + sliceLength)
        .filter((entry) => this.#bound.get(entry.link.ifindex)?.get(entry.eip) === entry);
      this.#renewSome(slice.filter(wasOurs), NLM_F_REPLACE);
      // EXCL: where someone else put the same address meanwhile, it is his.
      this.#renewSome(slice.filter((entry) => !wasOurs(entry)), NLM_F_CREATE | NLM_F_EXCL);
      at += sliceLength;
    }
    this.#round = at >= entries.length ? undefined : setTimeout(() => {
      this.#renewLater(entries.slice(at), wasOurs);
    }, sliceMs * 4);
  }

  #renewLater(entries: readonly Bound[], wasOurs: (entry: Bound) => boolean): void {
    try {
      this.#renew(entries, wasOurs);
    } catch (error) {
      this.#round = undefined;
      const reason = error instanceof Error ? error.message : String(error);
      this.#onTrouble(`${entries.length} address(es) could not be renewed: ${reason}`);
    }
  }

  #renewSome(entries: readonly Bound[], flags: number): void {
    for (const [index, error] of this.#add(entries, flags).entries()) {
      const entry = entries[index];
      if (entry === undefined || error === null) continue;
      if (error.code === 'EEXIST' || error.code === 'ENODEV') {
        this.#bound.get(entry.link.ifindex)?.delete(entry.eip);
      } else {
        this.#onTrouble(bindText(entry, error));
      }
    }
  }

  /** Of addresses that are there already: takes over ours, and leaves the others alone. */
  #adopt(
    present: readonly { readonly at: number; readonly entry: Bound }[],
  ): { at: number; entry: Bound; error: NetlinkError }[] {
    const isOurs = this.#isOurs(present.map(({ entry }) => entry));
    const ours = present.filter(({ entry }) => isOurs(entry));
    const errors = this.#add(ours.map(({ entry }) => entry), NLM_F_REPLACE);
    return ours.flatMap(({ at, entry }, index) => {
      const error = errors[index] ?? null;
      if (error !== null) return [{ at, entry, error }];
      this.#remember(entry);
      return [];
    });
  }

  #add(entries: readonly Bound[], flags: number): (NetlinkError | null)[] {
    // Messages are alike but for the address.
    const made = new Map<number, Uint8Array>();
    const errors = this.#socket.transactEach(entries.map(({ eip, link }) => {
      const prefixLength = fullPrefix(eip);
      const key = link.ifindex * 256 + prefixLength;
      const like = made.get(key);
      if (like !== undefined) return readdress(like, eip);
      const message = encodeNewAddress(flags, {
        ifindex: link.ifindex,
        address: eip,
        prefixLength,
        flags: IFA_F_NODAD | IFA_F_NOPREFIXROUTE,
        proto: addressProtocol,
        validSeconds: backstopSeconds,
        preferredSeconds: 0,
      });
      made.set(key, message);
      return message;
    }));
    // With the address the kernel has a route of its own.
    const there = entries.filter((_, index) => (
      (errors[index] ?? null) === null || errors[index]?.code === 'EEXIST'));
    for (const entry of there) this.#standIns.forget(entry);
    this.#routes.remove(there);
    return errors;
  }

  #remember(entry: Bound): void {
    const known = this.#bound.get(entry.link.ifindex);
    if (known === undefined) this.#bound.set(entry.link.ifindex, new Map([[entry.eip, entry]]));
    else known.set(entry.eip, entry);
  }

  /**
   * Tells which of the entries are there and ours: as events have told or, where those say
   * otherwise (they come a little later), by one look at all of the link.
   */
  #isOurs(entries: readonly Bound[]): (entry: Bound) => boolean {
    const ours = new Set<Bound>();
    const doubtful: Bound[] = [];
    for (const entry of entries) {
      const { eip, link } = entry;
      const seen = this.#look(link.ifindex, eip, fullPrefix(eip));
      if (seen !== null && this.#isMarked(seen)) ours.add(entry);
      else doubtful.push(entry);
    }
    const there = new Set<string>();
    for (const ifindex of new Set(doubtful.map(({ link }) => link.ifindex))) {
      for (const entry of this.#dump(ifindex)) {
        if (this.#isMarked(entry)) there.add(`${entry.ifindex} ${entry.address}`);
      }
    }
    for (const entry of doubtful) {
      if (there.has(`${entry.link.ifindex} ${entry.eip}`)) ours.add(entry);
    }
    return (entry) => ours.has(entry);
  }

  /**
   * Whether the agent put it there. Kernels before 5.18 keep no address protocol: there it is told
   * by what nobody else makes, a single address that is deprecated, without a prefix route, and
   * ends within our backstop.
   */
  #isMarked(entry: InterfaceAddress): boolean {
    if (entry.prefixLength !== (entry.family === 4 ? 32 : 128)) return false;
    if (entry.proto !== null || this.#knowsProtocol) return entry.proto === addressProtocol;
    return (entry.flags & IFA_F_NOPREFIXROUTE) !== 0 && (entry.flags & IFA_F_PERMANENT) === 0
      && entry.preferredSeconds === 0 && entry.validSeconds <= backstopSeconds;
  }

  /** Addresses of a link, or (0) of all. Kernels before 4.20 give all of them always. */
  #dump(ifindex: number): InterfaceAddress[] {
    try {
      return this.#socket.dump(encodeAddressDump(0, ifindex)).flatMap((message) => {
        const entry = decodeAddress(message);
        return entry === null || (ifindex !== 0 && entry.ifindex !== ifindex) ? [] : [entry];
      });
    } catch (error) {
      if (error instanceof NetlinkError && error.code === 'ENODEV') return [];
      throw error;
    }
  }
}

function fullPrefix(eip: string): number {
  return eip.includes(':') ? 128 : 32;
}

function isGone(error: NetlinkError): boolean {
  return error.code === 'EADDRNOTAVAIL' || error.code === 'ENODEV';
}

function bindText({ eip, link }: Bound, error: NetlinkError): string {
  const what = `${eip} cannot be put on ${link.name}`;
  switch (error.code) {
    case 'ENODEV': return `${what}: the interface is gone.`;
    case 'EPERM': return `${what}: the agent lacks CAP_NET_ADMIN; run it as root.`;
    case 'EACCES':
    case 'EAFNOSUPPORT':
    case 'EOPNOTSUPP':
      return `${what}: IPv6 is switched off there; `
        // A dot in the name, as of VLANs, stands for a slash in sysctl's spelling.
        + `sysctl net.ipv6.conf.${link.name.replaceAll('.', '/')}.disable_ipv6=0 switches it on.`;
    default: return `${what}: ${error.message}.`;
  }
}

/** Whether `5.15.0-91-generic` is at least major.minor. */
function atLeast(kernelRelease: string, major: number, minor: number): boolean {
  const [ours = 0, minors = 0] = kernelRelease.split('.').map((part) => parseInt(part, 10));
  return ours > major || (ours === major && minors >= minor);
}
