/**
 * The links and addresses of this host, followed by netlink events: up and down, carrier, renamed,
 * deleted and made again, MTU, MAC address.
 *
 *   constructor ─ join groups ─ dump ─┐
 *                                     ├─> events change the table ──> onChange
 *   overrun ─ leave, join anew, dump ─┘   (a dump that fails is tried again)
 *
 * Groups are joined before the dump, so that no change falls between. What changed during the dump
 * comes twice, which does no harm.
 */
import { decodeAddress, encodeAddressDump, RTM_DELADDR, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, type InterfaceAddress } from './rtnetlink/address.ts';
import { decodeLink, encodeLinkDump, RTM_DELLINK, RTNLGRP_LINK, type LinkInfo } from './rtnetlink/link.ts';
import { NetlinkSocket } from './netlink-socket.ts';
import type { NetlinkMessage } from './netlink-message.ts';

export interface LinkChange {
  /** Null: it is new. */
  readonly before: LinkInfo | null;
  /** Null: it is gone. One that was made again under its old index comes as two changes. */
  readonly after: LinkInfo | null;
}

export interface InterfacesChange {
  readonly links: readonly LinkChange[];
  /** Indices of the links on which an address came, went or changed (its lifetime apart). */
  readonly addresses: ReadonlySet<number>;
  /**
   * Those of them on which one with a subnet did: not a single address (/32, /128), as EIPs are,
   * that come and go by the thousand.
   */
  readonly subnets: ReadonlySet<number>;
}

export interface InterfacesOptions {
  /** Told, in a sentence, what keeps the table from being current; it is then tried again. */
  readonly onTrouble?: (text: string) => void;
  /** Room for events in the kernel, in bytes. Default 4 MiB: some 5,000 changes at once. */
  readonly receiveBuffer?: number;
}

interface Table {
  readonly links: Map<number, LinkInfo>;
  /** By the link's index, then by address and prefix length. */
  readonly addresses: Map<number, Map<string, InterfaceAddress>>;
}

const retryMs = 200;

export class Interfaces {
  readonly #options: InterfacesOptions;
  readonly #requests: NetlinkSocket;
  readonly #listeners = new Set<(change: InterfacesChange) => void>();
  #events: NetlinkSocket;
  #table: Table;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  /** How often the kernel had no room for events, so that everything was asked for anew. */
  overruns = 0;

  /** Opens its sockets and reads the table. Throws SystemError or NetlinkError. */
  constructor(options: InterfacesOptions = {}) {
    this.#options = options;
    this.#requests = new NetlinkSocket({ protocol: 'route' });
    try {
      this.#events = this.#openEvents();
    } catch (error) {
      this.#requests.close();
      throw error;
    }
    try {
      this.#table = readTable(this.#requests);
      this.#follow();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  list(): LinkInfo[] {
    return [...this.#table.links.values()];
  }

  byName(name: string): LinkInfo | null {
    return this.list().find((link) => link.name === name) ?? null;
  }

  byIndex(ifindex: number): LinkInfo | null {
    return this.#table.links.get(ifindex) ?? null;
  }

  addresses(ifindex: number): InterfaceAddress[] {
    return [...this.#table.addresses.get(ifindex)?.values() ?? []];
  }

  /** One address of a link, by its text and prefix length; null if it is not there. */
  address(ifindex: number, address: string, prefixLength: number): InterfaceAddress | null {
    return this.#table.addresses.get(ifindex)?.get(`${address}/${prefixLength}`) ?? null;
  }

  /** Called once per batch of events, when the table shows them all. Returns how to stop it. */
  onChange(listener: (change: InterfacesChange) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#listeners.clear();
    this.#requests.close();
    this.#events.close();
  }

  #openEvents(): NetlinkSocket {
    const { receiveBuffer } = this.#options;
    return new NetlinkSocket({
      protocol: 'route', groups: [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR],
      ...(receiveBuffer === undefined ? {} : { receiveBuffer }),
    });
  }

  #follow(): void {
    const events = this.#events;
    events.subscribe(
      (messages) => {
        if (events === this.#events) this.#tell(applyEvents(this.#table, messages));
      },
      () => {
        if (events !== this.#events) return;
        this.overruns += 1;
        this.#reread();
      },
    );
  }

  /** The old socket's queue is older than what the dump will show: it goes with the socket. */
  #reread(): void {
    if (this.#closed) return;
    try {
      const fresh = this.#openEvents();
      this.#events.close();
      this.#events = fresh;
      const table = readTable(this.#requests);
      const change = difference(this.#table, table);
      this.#table = table;
      this.#follow();
      this.#tell(change);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.onTrouble?.(`The interfaces cannot be read, and are tried again: ${reason}`);
      this.#retry = setTimeout(() => { this.#reread(); }, retryMs);
    }
  }

  #tell(change: InterfacesChange): void {
    if (change.links.length === 0 && change.addresses.size === 0) return;
    for (const listener of this.#listeners) listener(change);
  }
}

function readTable(socket: NetlinkSocket): Table {
  const table: Table = { links: new Map(), addresses: new Map() };
  applyEvents(table, socket.dump(encodeLinkDump()));
  applyEvents(table, socket.dump(encodeAddressDump()));
  return table;
}

/** Changes the table as the messages say, and tells what is different after all of them. */
function applyEvents(table: Table, messages: readonly NetlinkMessage[]): InterfacesChange {
  const gone: LinkChange[] = [];
  const before = new Map<number, LinkInfo | null>();
  const addresses = new Set<number>();
  const subnets = new Set<number>();
  for (const message of messages) {
    const link = decodeLink(message);
    if (link !== null) {
      const known = table.links.get(link.ifindex) ?? null;
      if (!before.has(link.ifindex)) before.set(link.ifindex, known);
      if (message.type === RTM_DELLINK) {
        const first = before.get(link.ifindex) ?? null;
        if (first !== null) gone.push({ before: first, after: null });
        before.set(link.ifindex, null);
        table.links.delete(link.ifindex);
        if (table.addresses.delete(link.ifindex)) {
          addresses.add(link.ifindex);
          subnets.add(link.ifindex);
        }
      } else {
        table.links.set(link.ifindex, link);
      }
      continue;
    }
    const address = decodeAddress(message);
    if (address !== null && applyAddress(table, address, message.type === RTM_DELADDR)) {
      addresses.add(address.ifindex);
      if (address.prefixLength < (address.family === 4 ? 32 : 128)) subnets.add(address.ifindex);
    }
  }
  const changed = [...before].map(([ifindex, old]) => (
    { before: old, after: table.links.get(ifindex) ?? null }));
  return { links: [...gone, ...changed.filter(isChange)], addresses, subnets };
}

/** Whether more than the lifetime is different from before. */
function applyAddress(table: Table, address: InterfaceAddress, removed: boolean): boolean {
  const { ifindex } = address;
  const key = `${address.address}/${address.prefixLength}`;
  const known = table.addresses.get(ifindex);
  const old = known?.get(key) ?? null;
  if (removed) {
    known?.delete(key);
    return old !== null;
  }
  if (known === undefined) table.addresses.set(ifindex, new Map([[key, address]]));
  else known.set(key, address);
  return !sameAddress(old, address);
}

function difference(old: Table, fresh: Table): InterfacesChange {
  const indices = new Set([...old.links.keys(), ...fresh.links.keys()]);
  const links = [...indices].map((ifindex) => (
    { before: old.links.get(ifindex) ?? null, after: fresh.links.get(ifindex) ?? null }));
  const addresses = new Set<number>();
  for (const ifindex of indices) {
    const a = old.addresses.get(ifindex) ?? new Map<string, InterfaceAddress>();
    const b = fresh.addresses.get(ifindex) ?? new Map<string, InterfaceAddress>();
    const same = a.size === b.size
      && [...a].every(([key, address]) => sameAddress(address, b.get(key) ?? null));
    if (!same) addresses.add(ifindex);
  }
  return { links: links.filter(isChange), addresses, subnets: addresses };
}

function isChange({ before, after }: LinkChange): boolean {
  if (before === null || after === null) return before !== after;
  return (Object.keys(after) as (keyof LinkInfo)[]).some((key) => before[key] !== after[key]);
}

function sameAddress(a: InterfaceAddress | null, b: InterfaceAddress | null): boolean {
  return a !== null && b !== null && a.address === b.address && a.prefixLength === b.prefixLength
    && a.subnetOf === b.subnetOf && a.broadcast === b.broadcast && a.label === b.label
    && a.flags === b.flags && a.proto === b.proto;
}
