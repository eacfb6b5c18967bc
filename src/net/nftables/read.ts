/**
 * Reads what nf_tables answers and tells of. Never throws on what the kernel sends: what is not
 * there is null, and what is of another kind is left out.
 */
import {
  attributeMap, decodeAttributes, readText, readU32, readU64, type NetlinkMessage,
} from '../netlink-message.ts';
import { readComment } from './comments.ts';
import * as nf from './numbers.ts';
import type { Family } from './numbers.ts';
import type { TableRef } from './messages.ts';

const headerLength = 4;
const familyNames = new Map(
  (Object.entries(nf.families) as [Family, number][]).map(([name, number]) => [number, name]),
);

const attributesOf = (message: NetlinkMessage): ReadonlyMap<number, Uint8Array> => (
  attributeMap(message.payload.subarray(headerLength))
);

/** Which table a message is about; null if it is about none, or one of another family. */
export function tableOf(message: NetlinkMessage): TableRef | null {
  const family = familyNames.get(message.payload[0] ?? -1);
  const name = readText(attributesOf(message).get(nf.NFTA_TABLE));
  if (message.type === (nf.NFNL_SUBSYS_NFTABLES << 8 | nf.NFT_MSG_NEWGEN)) return null;
  return family === undefined || name === null ? null : { family, name };
}

/** The comment on a table, in a NFT_MSG_NEWTABLE. */
export function tableComment(message: NetlinkMessage): string | null {
  return readComment(attributesOf(message).get(nf.NFTA_TABLE_USERDATA));
}

export interface Generation {
  /** Number of the transaction, counted by the kernel per network namespace; it wraps at 2^32. */
  readonly id: number;
  /** Name and process id of who made it, for people. */
  readonly maker: string;
}

/** What ends a transaction's events, and answers NFT_MSG_GETGEN; null for other messages. */
export function readGeneration(message: NetlinkMessage): Generation | null {
  if (message.type !== (nf.NFNL_SUBSYS_NFTABLES << 8 | nf.NFT_MSG_NEWGEN)) return null;
  const attributes = attributesOf(message);
  const pid = readU32(attributes.get(nf.NFTA_GEN_PROC_PID), false);
  const name = readText(attributes.get(nf.NFTA_GEN_PROC_NAME));
  return {
    id: readU32(attributes.get(nf.NFTA_GEN_ID), false) ?? 0,
    maker: `${name ?? 'A program'} (process ${pid ?? 'unknown'})`,
  };
}

export interface ChainFacts {
  readonly table: TableRef;
  readonly name: string;
  readonly comment: string | null;
  /** Null if it is no base chain. */
  readonly hook: {
    readonly number: number;
    readonly priority: number;
    readonly devices: readonly string[];
  } | null;
}

export function readChain(message: NetlinkMessage): ChainFacts | null {
  const table = tableOf(message);
  const attributes = attributesOf(message);
  const name = readText(attributes.get(nf.NFTA_CHAIN_NAME));
  if (table === null || name === null) return null;
  const comment = readComment(attributes.get(nf.NFTA_CHAIN_USERDATA));
  const hookData = attributes.get(nf.NFTA_CHAIN_HOOK);
  if (hookData === undefined) return { table, name, comment, hook: null };
  const hook = attributeMap(hookData);
  const devices = decodeAttributes(hook.get(nf.NFTA_HOOK_DEVS) ?? new Uint8Array(0))
    .filter(({ type }) => type === nf.NFTA_DEVICE_NAME)
    .map(({ value }) => readText(value));
  return {
    table, name, comment,
    hook: {
      number: readU32(hook.get(nf.NFTA_HOOK_HOOKNUM), false) ?? -1,
      priority: (readU32(hook.get(nf.NFTA_HOOK_PRIORITY), false) ?? 0) | 0,
      devices: (devices.length > 0 ? devices : [readText(hook.get(nf.NFTA_HOOK_DEV))])
        .filter((device) => device !== null),
    },
  };
}

/** Name and packets of a counter. */
export function readCounter(
  message: NetlinkMessage,
): { readonly name: string; readonly packets: number } | null {
  const attributes = attributesOf(message);
  const name = readText(attributes.get(nf.NFTA_OBJ_NAME));
  const data = attributes.get(nf.NFTA_OBJ_DATA);
  if (name === null || data === undefined) return null;
  const packets = readU64(attributeMap(data).get(nf.NFTA_COUNTER_PACKETS), false);
  return packets === null ? null : { name, packets: Number(packets) };
}

export interface ElementFacts {
  readonly key: Uint8Array;
  /** For how much longer it is there, in ms; null without a timeout. */
  readonly expiresMs: number | null;
}

/** The elements in one message of a set's dump. */
export function readElements(message: NetlinkMessage): ElementFacts[] {
  const list = attributesOf(message).get(nf.NFTA_SET_ELEM_LIST_ELEMENTS) ?? new Uint8Array(0);
  const elements: ElementFacts[] = [];
  for (const { type, value } of decodeAttributes(list)) {
    if (type !== nf.NFTA_LIST_ELEM) continue;
    const attributes = attributeMap(value);
    const data = attributes.get(nf.NFTA_SET_ELEM_KEY);
    const key = data === undefined ? undefined : attributeMap(data).get(nf.NFTA_DATA_VALUE);
    if (key === undefined) continue;
    const expires = readU64(attributes.get(nf.NFTA_SET_ELEM_EXPIRATION), false);
    elements.push({ key, expiresMs: expires === null ? null : Number(expires) });
  }
  return elements;
}
