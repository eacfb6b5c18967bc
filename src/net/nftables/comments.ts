/**
 * What the `nft` tool keeps beside tables, chains, sets, rules and counters: opaque to the kernel,
 * a list of type, length, value with one byte each for the first two (libnftnl/udata.h). Here only
 * comments, and the byte order of set keys, without which `nft list` could not print them.
 */
import { concat, littleEndian, u32 } from '../netlink-message.ts';

/** NFTNL_UDATA_{TABLE,CHAIN,RULE,OBJ}_COMMENT are all 0; sets have their own numbers. */
const comment = 0;
const setKeyByteOrder = 0;
const setComment = 7;

/** NFTNL_UDATA_COMMENT_MAXLEN. */
const longestComment = 128;

const byteOrders = { host: 1, network: 2 } as const;
export type ByteOrder = keyof typeof byteOrders;

function entry(type: number, value: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(type, value.length), value]);
}

function commentEntry(type: number, words: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${words}\0`);
  if (bytes.length > longestComment) throw new RangeError(`comment is too long: ${words}`);
  return entry(type, bytes);
}

/** Comment of a table, chain, rule or counter. Throws if it is over 127 bytes. */
export function commentData(words: string): Uint8Array {
  return commentEntry(comment, words);
}

/** Comment of a set, and how its keys lie in memory. */
export function setData(order: ByteOrder, words: string): Uint8Array {
  return concat([
    entry(setKeyByteOrder, u32(byteOrders[order], littleEndian)), commentEntry(setComment, words),
  ]);
}

/** The comment of a table, chain, rule or counter; null if it has none. Never throws. */
export function readComment(data: Uint8Array | undefined): string | null {
  let rest = data ?? new Uint8Array(0);
  while (rest.length >= 2) {
    const [type = 0, length = 0] = rest;
    if (length > rest.length - 2) return null;
    if (type === comment) {
      return new TextDecoder().decode(rest.subarray(2, 2 + length)).replace(/\0.*$/s, '');
    }
    rest = rest.subarray(2 + length);
  }
  return null;
}
