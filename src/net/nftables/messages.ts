/**
 * Messages to nf_tables: what a ruleset is made of, and how it is changed (nf_tables_api.c). Those
 * that change something go into a batch, which the kernel applies as one transaction: packets see
 * all of it or nothing, also where a table is removed and made anew.
 */
import {
  attribute, be32, be64, concat, encodeMessage, nested, NLM_F_APPEND, NLM_F_CREATE, text, u16,
} from '../netlink-message.ts';
import { commentData, setData, type ByteOrder } from './comments.ts';
import type { Expression } from './expressions.ts';
import * as nf from './numbers.ts';
import type { Family } from './numbers.ts';
import { elementLists } from './elements.ts';

export interface TableRef {
  readonly family: Family;
  readonly name: string;
}

/** Where a base chain sits: the hook, its place among others there, and for netdev a device. */
export interface Hook {
  readonly number: number;
  readonly priority: number;
  readonly device?: string;
}

/** Key types by which `nft` prints elements (its datatype.h), with length and order in memory. */
const keyTypes = {
  ipv4_addr: { id: 7, length: 4, order: 'network' },
  ipv6_addr: { id: 8, length: 16, order: 'network' },
  iface_index: { id: 20, length: 4, order: 'host' },
} as const satisfies Record<string, { id: number; length: number; order: ByteOrder }>;
export type KeyType = keyof typeof keyTypes;

export interface SetDefinition {
  readonly name: string;
  readonly keyType: KeyType;
  /** Elements have a time after which they are gone. */
  readonly timeouts: boolean;
  /** Rules put elements into it (`updateSet`). */
  readonly dynamic?: boolean;
  readonly comment: string;
}

/** struct nfgenmsg: family, version 0, resource. */
function header(family: number, resource = 0): Uint8Array {
  return concat([Uint8Array.of(family, 0), u16(resource, false)]);
}

/** Any request about a table and what is in it. */
export function request(
  kind: number, flags: number, table: TableRef, ...attributes: Uint8Array[]
): Uint8Array {
  return encodeMessage(
    nf.NFNL_SUBSYS_NFTABLES << 8 | kind, flags, header(nf.families[table.family]),
    attribute(nf.NFTA_TABLE, text(table.name)), ...attributes,
  );
}

/** A request about no table in particular; `family` 0 is all of them. */
export function globalRequest(kind: number, family = 0): Uint8Array {
  return encodeMessage(nf.NFNL_SUBSYS_NFTABLES << 8 | kind, 0, header(family));
}

/** The messages as one transaction. */
export function batch(messages: readonly Uint8Array[]): Uint8Array {
  return concat([
    encodeMessage(nf.NFNL_MSG_BATCH_BEGIN, 0, header(0, nf.NFNL_SUBSYS_NFTABLES)),
    ...messages,
    encodeMessage(nf.NFNL_MSG_BATCH_END, 0, header(0, nf.NFNL_SUBSYS_NFTABLES)),
  ]);
}

/**
 * The messages as a transaction that is never finished: the kernel checks each, tells what it
 * refuses, and undoes all.
 */
export function trial(messages: readonly Uint8Array[]): Uint8Array {
  return concat([
    encodeMessage(nf.NFNL_MSG_BATCH_BEGIN, 0, header(0, nf.NFNL_SUBSYS_NFTABLES)), ...messages,
  ]);
}

/** Makes the table unless it is there. It belongs to no process: it stays when its maker dies. */
export function newTable(table: TableRef, comment: string): Uint8Array {
  return request(
    nf.NFT_MSG_NEWTABLE, 0, table, attribute(nf.NFTA_TABLE_FLAGS, be32(0)),
    attribute(nf.NFTA_TABLE_USERDATA, commentData(comment)),
  );
}

/** Removes a table and all in it; ENOENT if it is not there. */
export function deleteTable(table: TableRef): Uint8Array {
  return request(nf.NFT_MSG_DELTABLE, 0, table);
}

export function newCounter(table: TableRef, name: string, comment: string): Uint8Array {
  return request(
    nf.NFT_MSG_NEWOBJ, NLM_F_CREATE, table, attribute(nf.NFTA_OBJ_NAME, text(name)),
    attribute(nf.NFTA_OBJ_TYPE, be32(nf.NFT_OBJECT_COUNTER)),
    attribute(nf.NFTA_OBJ_USERDATA, commentData(comment)),
    nested(
      nf.NFTA_OBJ_DATA, attribute(nf.NFTA_COUNTER_BYTES, be64(0n)),
      attribute(nf.NFTA_COUNTER_PACKETS, be64(0n)),
    ),
  );
}

/** `id` tells the sets of one transaction apart. */
export function newSet(table: TableRef, set: SetDefinition, id: number): Uint8Array {
  const key = keyTypes[set.keyType];
  return request(
    nf.NFT_MSG_NEWSET, NLM_F_CREATE, table, attribute(nf.NFTA_SET_NAME, text(set.name)),
    attribute(nf.NFTA_SET_FLAGS, be32(
      (set.timeouts ? nf.NFT_SET_TIMEOUT : 0) | (set.dynamic === true ? nf.NFT_SET_EVAL : 0))),
    attribute(nf.NFTA_SET_KEY_TYPE, be32(key.id)), attribute(nf.NFTA_SET_KEY_LEN, be32(key.length)),
    attribute(nf.NFTA_SET_ID, be32(id)),
    attribute(nf.NFTA_SET_USERDATA, setData(key.order, set.comment)),
  );
}

/** A chain; with a hook a base chain, which accepts what none of its rules decides. */
export function newChain(
  table: TableRef, name: string, comment: string | null, hook?: Hook,
): Uint8Array {
  const hooked = hook === undefined ? [] : [
    attribute(nf.NFTA_CHAIN_TYPE, text('filter')),
    attribute(nf.NFTA_CHAIN_POLICY, be32(nf.NF_ACCEPT)),
    nested(
      nf.NFTA_CHAIN_HOOK, attribute(nf.NFTA_HOOK_HOOKNUM, be32(hook.number)),
      attribute(nf.NFTA_HOOK_PRIORITY, be32(hook.priority)),
      ...(hook.device === undefined ? [] : [attribute(nf.NFTA_HOOK_DEV, text(hook.device))]),
    ),
  ];
  return request(
    nf.NFT_MSG_NEWCHAIN, NLM_F_CREATE, table, attribute(nf.NFTA_CHAIN_NAME, text(name)), ...hooked,
    ...(comment === null ? [] : [attribute(nf.NFTA_CHAIN_USERDATA, commentData(comment))]),
  );
}

/** Removes a chain and its rules; ENOENT if it is not there, EBUSY if rules lead to it. */
export function deleteChain(table: TableRef, name: string): Uint8Array {
  return request(nf.NFT_MSG_DELCHAIN, 0, table, attribute(nf.NFTA_CHAIN_NAME, text(name)));
}

/** A rule at the end of a chain. */
export function newRule(
  table: TableRef, chain: string, expressions: readonly Expression[], comment?: string,
): Uint8Array {
  return request(
    nf.NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, table,
    attribute(nf.NFTA_RULE_CHAIN, text(chain)),
    nested(nf.NFTA_RULE_EXPRESSIONS, ...expressions),
    ...(comment === undefined ? [] : [attribute(nf.NFTA_RULE_USERDATA, commentData(comment))]),
  );
}

/** Removes every rule of a chain. */
export function flushChain(table: TableRef, chain: string): Uint8Array {
  return request(nf.NFT_MSG_DELRULE, 0, table, attribute(nf.NFTA_RULE_CHAIN, text(chain)));
}

/** The set that a request about elements is for. */
export function setNamed(set: string): Uint8Array {
  return attribute(nf.NFTA_SET_ELEM_LIST_SET, text(set));
}

/** Removes every element of a set. */
export function flushSet(table: TableRef, set: string): Uint8Array {
  return request(nf.NFT_MSG_DELSETELEM, 0, table, setNamed(set));
}

/**
 * Puts elements into a set, in as many messages as it takes. One that is there already stays as it
 * is, and keeps the timeout it has. The kernel counts timeouts in jiffies (1 to 10 ms each) and
 * rounds down, but never to less than one.
 */
export function addElements(
  table: TableRef, set: string, keys: readonly Uint8Array[], timeoutMs?: number,
): Uint8Array[] {
  return elementLists(keys, timeoutMs).map((list) => (
    request(nf.NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, setNamed(set), list)
  ));
}

/** Takes elements out of a set; ENOENT if one is not there, or has expired. */
export function deleteElements(
  table: TableRef, set: string, keys: readonly Uint8Array[],
): Uint8Array[] {
  return elementLists(keys).map((list) => (
    request(nf.NFT_MSG_DELSETELEM, 0, table, setNamed(set), list)
  ));
}
