/** What `tenure doctor` wants to know of the fence. Reads only: nothing is changed. */
import { readFileSync } from 'node:fs';
import { formatBytes } from '../wire/address.ts';
import { fenceError } from './fence-error.ts';
import { detectFence, tablesPresent, type Detected, type Requests } from './fence-kernel.ts';
import { fenceTables } from './fence-layout.ts';
import { vrrpTable } from './vrrp-fence-rules.ts';
import { littleEndian, readU32 } from './netlink-message.ts';
import { NetlinkError, NetlinkSocket } from './netlink-socket.ts';
import { globalRequest, request, setNamed, type TableRef } from './nftables/messages.ts';
import { NFT_MSG_GETCHAIN, NFT_MSG_GETSETELEM, NFT_MSG_GETTABLE } from './nftables/numbers.ts';
import {
  readChain, readElements, tableComment, tableOf, type ChainFacts, type ElementFacts,
} from './nftables/read.ts';

export interface FenceTableReport {
  readonly table: TableRef;
  /** Says whose it is and of which layout; null if it has none, and then it is not ours. */
  readonly comment: string | null;
  readonly managed: readonly string[];
  readonly held: readonly string[];
  /** Interfaces whose gate is open, and for how much longer at most. */
  readonly open: readonly { readonly ifindex: number; readonly forMs: number }[];
  /** Interfaces that are guarded, by name (kind `egress`) or all that are listed (kind `arp`). */
  readonly guarded: readonly string[];
}

export interface FenceReport {
  readonly detected: Detected;
  /** Empty while no agent has run here, or after one was stopped in good order. */
  readonly tables: readonly FenceTableReport[];
  /** Base chains of others through which claims pass as well: they may drop or change them. */
  readonly others: readonly ChainFacts[];
  /** arptables of the old kind (arp_tables) are loaded; their rules are not seen by nftables. */
  readonly arpTables: boolean;
}

/** Looks at the fence of this network namespace. Throws FenceError, EPERM without privileges. */
export function inspectFence(): FenceReport {
  let netlink: NetlinkSocket | undefined;
  try {
    netlink = new NetlinkSocket({ protocol: 'netfilter' });
    return inspect(netlink);
  } catch (error) {
    throw fenceError(error, 'looking at it');
  } finally {
    netlink?.close();
  }
}

function inspect(netlink: Requests): FenceReport {
  const present = tablesPresent(netlink);
  const chains = netlink.dump(globalRequest(NFT_MSG_GETCHAIN)).map(readChain)
    .filter((chain) => chain !== null);
  const comments = new Map(netlink.dump(globalRequest(NFT_MSG_GETTABLE)).map((message) => {
    const table = tableOf(message);
    return [`${table?.family ?? ''} ${table?.name ?? ''}`, tableComment(message)] as const;
  }));
  return {
    detected: detectFence(netlink),
    tables: present.map((table) => ({
      ...describe(netlink, table, chains),
      comment: comments.get(`${table.family} ${table.name}`) ?? null,
    })),
    others: chains.filter((chain) => mayInterfere(chain)),
    arpTables: readText('/proc/net/arp_tables_names') !== '',
  };
}

function describe(
  netlink: Requests, table: TableRef, chains: readonly ChainFacts[],
): Omit<FenceTableReport, 'comment'> {
  const elements = (set: string): ElementFacts[] => elementsOf(netlink, table, set);
  const addresses = (set: string): string[] => (
    [...elements(`${set}4`), ...elements(`${set}6`)].map(({ key }) => formatBytes(key)));
  const ifindex = ({ key }: ElementFacts): number => readU32(key, littleEndian) ?? 0;
  const own = chains.filter((chain) => sameTable(chain.table, table));
  return {
    table, managed: addresses('managed'), held: addresses('held'),
    open: elements('gate').map((element) => (
      { ifindex: ifindex(element), forMs: element.expiresMs ?? 0 })),
    guarded: table.family === 'netdev'
      ? own.flatMap(({ hook }) => hook?.devices ?? [])
      : elements('links').map((element) => `#${ifindex(element)}`),
  };
}

function elementsOf(netlink: Requests, table: TableRef, set: string): ElementFacts[] {
  try {
    return netlink.dump(request(NFT_MSG_GETSETELEM, 0, table, setNamed(set))).flatMap(readElements);
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Claims leave by packet sockets and questions arrive at them: of all hooks they pass those of the
 * families netdev and arp only.
 */
function mayInterfere({ table, hook }: ChainFacts): boolean {
  const ours = [...Object.values(fenceTables).flat().map(({ ref }) => ref), vrrpTable]
    .some((ref) => sameTable(ref, table));
  return hook !== null && !ours && (table.family === 'netdev' || table.family === 'arp');
}

function sameTable(a: TableRef, b: TableRef): boolean {
  return a.family === b.family && a.name === b.name;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
