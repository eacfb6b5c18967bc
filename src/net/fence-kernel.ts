/** What the fence asks of the kernel besides changes: reads, and a trial of what it can do. */
import { fenceError, FenceError } from './fence-error.ts';
import {
  fenceTables, install, tableName, tablesOf, type FenceKind, type Layout,
} from './fence-layout.ts';
import { counters } from './fence-rules.ts';
import { emptyFence, FenceBook, toManage } from './fence-state.ts';
import { attribute, be32, type NetlinkMessage } from './netlink-message.ts';
import { NetlinkError } from './netlink-socket.ts';
import { globalRequest, request, trial, type TableRef } from './nftables/messages.ts';
import {
  NFT_MSG_GETGEN, NFT_MSG_GETOBJ, NFT_MSG_GETTABLE, NFT_OBJECT_COUNTER, NFTA_OBJ_TYPE,
} from './nftables/numbers.ts';
import { readCounter, readGeneration, tableOf } from './nftables/read.ts';

/** A socket of requests: NetlinkSocket, as far as the fence needs it. */
export interface Requests {
  transact(messages: Uint8Array): NetlinkMessage[];
  dump(message: Uint8Array): NetlinkMessage[];
  close(): void;
}

export interface Detected {
  readonly kind: FenceKind;
  /** Why not `egress`: the kernel's answer. Null if it is. */
  readonly reason: string | null;
}

/**
 * Which fence this kernel can have, by asking it to check one and not to install it. Throws
 * FenceError if it can have neither, or if we may not ask.
 */
export function detectFence(netlink: Requests, only?: FenceKind): Detected {
  const egress = only === 'arp' ? 'not wanted' : refusalOf(netlink, 'egress');
  if (egress === null) return { kind: 'egress', reason: null };
  const arp = only === 'egress' ? 'not wanted' : refusalOf(netlink, 'arp');
  if (arp === null) {
    return { kind: 'arp', reason: only === 'arp' ? 'asked for' : `netdev egress: ${egress}` };
  }
  throw new FenceError('EOPNOTSUPP', 'fence: this kernel\'s nftables lacks what is needed '
    + `(egress: ${egress}; family arp: ${arp}). Needed: Linux 5.16 or later with `
    + 'CONFIG_NF_TABLES_NETDEV and CONFIG_NETFILTER_EGRESS, or 5.4 or later with CONFIG_NF_TABLES_ARP.');
}

/** Null if the kernel would take it. */
function refusalOf(netlink: Requests, kind: FenceKind): string | null {
  const layout: Layout = { kind, mark: 1, versions: [4, 6] };
  // The loopback device is in every network namespace.
  const state = new FenceBook();
  const addresses = new Set(['192.0.2.1', '2001:db8::1']);
  state.apply(toManage(emptyFence, addresses, [{ ifindex: 1, name: 'lo' }]));
  try {
    netlink.transact(trial(install(layout, state, { deadline: 0n, timeoutMs: 1000 }, [])));
    return null;
  } catch (error) {
    if (error instanceof NetlinkError && error.code !== 'EPERM') {
      return error.extack === null ? error.code : `${error.code}, ${error.extack}`;
    }
    throw fenceError(error, 'asking the kernel what it can do');
  }
}

/** The tables of this name, of whichever fence, that are there. */
export function tablesPresent(netlink: Requests): TableRef[] {
  const ours = Object.values(fenceTables).flat().map(({ ref }) => ref);
  const present = netlink.dump(globalRequest(NFT_MSG_GETTABLE)).map(tableOf);
  return ours.filter(({ family }) => (
    present.some((table) => table?.family === family && table.name === tableName)
  ));
}

export interface Drops {
  readonly kernel: number;
  readonly agent: number;
}

export const noDrops: Drops = { kernel: 0, agent: 0 };

export const addDrops = (a: Drops, b: Drops): Drops => (
  { kernel: a.kernel + b.kernel, agent: a.agent + b.agent }
);

/** What the tables counted since they were made; null if one of them is gone. */
export function readDrops(netlink: Requests, layout: Layout): Drops | null {
  const counted = tablesOf(layout).flatMap(({ ref }) => netlink
    .dump(request(NFT_MSG_GETOBJ, 0, ref, attribute(NFTA_OBJ_TYPE, be32(NFT_OBJECT_COUNTER))))
    .filter((message) => tableOf(message)?.name === ref.name)
    .map(readCounter));
  const sum = (name: string): number | null => {
    const found = counted.filter((counter) => counter?.name === name);
    return found.length < tablesOf(layout).length
      ? null
      : found.reduce((total, counter) => total + (counter?.packets ?? 0), 0);
  };
  const kernel = sum(counters.kernel.name);
  const agent = sum(counters.agent.name);
  return kernel === null || agent === null ? null : { kernel, agent };
}

/** How many transactions there have been, and the port that ours carry in the kernel's events. */
export function generation(
  netlink: Requests,
): { readonly id: number; readonly port: number } {
  const [reply] = netlink.transact(globalRequest(NFT_MSG_GETGEN));
  return {
    id: (reply === undefined ? null : readGeneration(reply)?.id) ?? 0, port: reply?.pid ?? 0,
  };
}
