/** Who claimed which address when: what a sniffer keeps, and what is read from it. Pure. */
import { decodeArp, meaningOfArp, noAddress } from '../wire/arp.ts';
import { decodeNeighbour, unspecified } from '../wire/ndp.ts';

/**
 * `reply`: an answer to someone's question; `gratuitous`: told unasked, in any form; `request`: a
 * question with the address as its sender, which teaches its hearers just as well; `probe`: no
 * claim, but the question whether anyone has it (RFC 5227, RFC 4862).
 */
export const claimKinds = ['reply', 'gratuitous', 'request', 'probe'] as const;
export type ClaimKind = (typeof claimKinds)[number];

export interface Claim {
  /** Who made it: where cables are listened to, the host on whose cable it was heard, whatever
   * MAC address it says; else that MAC address. */
  readonly host: string;
  /** Kernel receive time, wall-clock ms. */
  readonly at: number;
  readonly kind: ClaimKind;
  /** The MAC address that it claims the address for. */
  readonly mac: string;
}

/** Claims of one host, one after the other, with none by another host in between. */
export interface Run {
  readonly host: string;
  readonly first: number;
  readonly last: number;
  readonly claims: number;
}

export interface FirstClaim {
  readonly address: string;
  readonly host: string;
  readonly at: number;
}

export interface Overlap {
  readonly address: string;
  /** Who claimed on, and who had claimed already. */
  readonly host: string;
  readonly newHolder: string;
  /** From the new holder's first claim to the old one's last. */
  readonly ms: number;
  readonly claims: number;
}

export interface ClaimQuery {
  readonly host?: string;
  /** Both inclusive. */
  readonly since?: number;
  readonly until?: number;
}

interface ReadFrame {
  readonly address: string;
  readonly kind: ClaimKind;
  readonly mac: string;
}

/** What an Ethernet frame claims; null if nothing. */
export function readClaim(frame: Uint8Array): ReadFrame | null {
  return frame[12] === 0x08 ? readArp(frame) : readNeighbour(frame);
}

function readArp(frame: Uint8Array): ReadFrame | null {
  const arp = decodeArp(frame);
  if ('drop' in arp) return null;
  const sender = { address: arp.senderAddress, mac: arp.senderMac };
  switch (meaningOfArp(arp)) {
    case 'probe': return { address: arp.targetAddress, kind: 'probe', mac: arp.senderMac };
    case 'announcement': return { ...sender, kind: 'gratuitous' };
    case 'question': return { ...sender, kind: 'request' };
    case 'answer': return arp.senderAddress === noAddress ? null : { ...sender, kind: 'reply' };
  }
}

function readNeighbour(frame: Uint8Array): ReadFrame | null {
  const packet = decodeNeighbour(frame);
  if ('drop' in packet) return null;
  const source = packet.ethernet.source;
  if (packet.kind === 'advertisement') {
    const kind = packet.solicited ? 'reply' : 'gratuitous';
    return { address: packet.target, kind, mac: packet.targetMac ?? source };
  }
  if (packet.source === unspecified) return { address: packet.target, kind: 'probe', mac: source };
  return { address: packet.source, kind: 'request', mac: packet.sourceMac ?? source };
}

/** Grows by doubling; a million claims take 12 MB. */
class Column {
  at = new Float64Array(64);
  host = new Uint8Array(64);
  kind = new Uint8Array(64);
  mac = new Uint16Array(64);
  length = 0;

  push(at: number, host: number, kind: number, mac: number): void {
    if (this.length === this.at.length) this.#grow();
    this.at[this.length] = at;
    this.host[this.length] = host;
    this.kind[this.length] = kind;
    this.mac[this.length] = mac;
    this.length += 1;
  }

  #grow(): void {
    const grown = <T extends Float64Array | Uint8Array | Uint16Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    const size = this.length * 2;
    this.at = grown(this.at, new Float64Array(size));
    this.host = grown(this.host, new Uint8Array(size));
    this.kind = grown(this.kind, new Uint8Array(size));
    this.mac = grown(this.mac, new Uint16Array(size));
  }
}

const probeKind = claimKinds.indexOf('probe');
const macsKept = 65_535;
const hostsKept = 256;

/** Bounded: what comes when it is full is counted in `overflow`, and nothing is then proven. */
export class ClaimLog {
  overflow = 0;
  readonly #hosts: string[];
  readonly #capacity: number;
  readonly #columns = new Map<string, Column>();
  readonly #macs: string[] = [];
  readonly #macNumbers = new Map<string, number>();
  #size = 0;

  constructor(hosts: readonly string[], capacity = 4_000_000) {
    this.#hosts = [...hosts];
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  /** The number of a host, new or known; null: there are too many (256). */
  hostNumber(host: string): number | null {
    const known = this.#hosts.indexOf(host);
    if (known !== -1) return known;
    return this.#hosts.length === hostsKept ? null : this.#hosts.push(host) - 1;
  }

  addresses(): string[] {
    return [...this.#columns.keys()];
  }

  /** `host` is its place among those that the log was made with, or its `hostNumber`. */
  add(address: string, host: number | null, at: number, kind: ClaimKind, mac: string): void {
    const macNumber = this.#macNumber(mac);
    if (this.#size >= this.#capacity || macNumber === null || host === null) {
      this.overflow += 1;
      return;
    }
    let column = this.#columns.get(address);
    if (column === undefined) {
      column = new Column();
      this.#columns.set(address, column);
    }
    column.push(at, host, claimKinds.indexOf(kind), macNumber);
    this.#size += 1;
  }

  #macNumber(mac: string): number | null {
    const known = this.#macNumbers.get(mac);
    if (known !== undefined) return known;
    if (this.#macs.length === macsKept) return null;
    this.#macs.push(mac);
    this.#macNumbers.set(mac, this.#macs.length - 1);
    return this.#macs.length - 1;
  }

  /** In the order of time. Probes are left out unless they alone are asked for. */
  *select(address: string, query: ClaimQuery = {}, probes = false): Generator<Claim> {
    const column = this.#columns.get(address);
    if (column === undefined) return;
    const { since = -Infinity, until = Infinity } = query;
    for (const index of this.#inOrder(column)) {
      const at = column.at[index] ?? NaN;
      const host = this.#hosts[column.host[index] ?? 0] ?? '?';
      if (at < since || at > until || (query.host ?? host) !== host) continue;
      if ((column.kind[index] === probeKind) !== probes) continue;
      const kind = claimKinds[column.kind[index] ?? 0] ?? 'reply';
      yield { host, at, kind, mac: this.#macs[column.mac[index] ?? 0] ?? '?' };
    }
  }

  /** Each cable has a queue of its own, so claims are read a little out of order. */
  #inOrder(column: Column): Iterable<number> {
    const { length } = column;
    const at = (index: number): number => column.at[index] ?? 0;
    const indices = Array.from({ length }, (_, index) => index);
    for (let index = 1; index < length; index += 1) {
      if (at(index) < at(index - 1)) return indices.sort((a, b) => at(a) - at(b));
    }
    return indices;
  }

  /** The first claim of each address by each host. */
  firsts(query: ClaimQuery = {}): FirstClaim[] {
    return this.addresses().flatMap((address) => {
      const first = new Map<string, number>();
      for (const { host, at } of this.select(address, query)) {
        if (!first.has(host)) first.set(host, at);
      }
      return [...first].map(([host, at]) => ({ address, host, at }));
    });
  }

  runs(address: string, query: ClaimQuery = {}): Run[] {
    const runs: Run[] = [];
    for (const { host, at } of this.select(address, query)) {
      const last = runs.at(-1);
      if (last?.host === host) {
        runs[runs.length - 1] = { ...last, last: at, claims: last.claims + 1 };
      } else {
        runs.push({ host, first: at, last: at, claims: 1 });
      }
    }
    return runs;
  }

  /**
   * Claims by a host after another one's first claim. The question is about one change of owner:
   * with several in the time looked at, a host that legitimately has it again shows up too.
   */
  overlaps(address: string, query: ClaimQuery = {}): Overlap[] {
    const runs = this.runs(address, query);
    const holders = [...new Set(runs.map((run) => run.host))];
    const overlaps: Overlap[] = [];
    for (const [index, host] of holders.entries()) {
      const newHolder = holders[index + 1];
      if (newHolder === undefined) break;
      const begin = runs.find((run) => run.host === newHolder)?.first ?? Infinity;
      const late = runs.filter((run) => run.host === host && run.first > begin);
      const end = late.at(-1)?.last;
      if (end === undefined) continue;
      overlaps.push({
        address, host, newHolder, ms: end - begin,
        claims: late.reduce((sum, run) => sum + run.claims, 0),
      });
    }
    return overlaps;
  }

  /** When a host first claimed the address; null if it did not. */
  firstClaim(address: string, host: string): number | null {
    for (const { at } of this.select(address, { host })) return at;
    return null;
  }

  /** Claims of the address by anyone but `host`, after `since`; and how long they went on, ms. */
  othersSince(
    address: string, host: string, since: number,
  ): { readonly claims: number; readonly ms: number } {
    let claims = 0;
    let last = since;
    for (const claim of this.select(address, { since })) {
      if (claim.host === host) continue;
      claims += 1;
      last = claim.at;
    }
    return { claims, ms: claims === 0 ? 0 : last - since };
  }
}
