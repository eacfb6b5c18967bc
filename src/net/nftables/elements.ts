/** Lists of set elements. Written in one go each: a list may have thousands of elements. */
import { littleEndian, viewOf } from '../netlink-message.ts';
import {
  NFTA_DATA_VALUE, NFTA_LIST_ELEM, NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_TIMEOUT,
} from './numbers.ts';

const NLA_F_NESTED = 0x8000;
const attributeHeader = 4;
const timeoutLength = attributeHeader + 8;
/** An attribute's length has 16 bits. */
const longestList = 0xffff;

/**
 * The elements as attributes NFTA_SET_ELEM_LIST_ELEMENTS, as many as it takes to keep each below
 * 64 KiB. Keys are all of one length, a multiple of 4; `timeoutMs`, a whole number, is for each.
 */
export function elementLists(keys: readonly Uint8Array[], timeoutMs?: number): Uint8Array[] {
  const keyLength = keys[0]?.length ?? 0;
  const elementLength = elementLengthOf(keyLength, timeoutMs);
  const perList = Math.floor((longestList - attributeHeader) / elementLength);
  const lists: Uint8Array[] = [];
  for (let at = 0; at < keys.length; at += perList) {
    lists.push(encodeList(keys.slice(at, at + perList), keyLength, timeoutMs));
  }
  return lists;
}

function elementLengthOf(keyLength: number, timeoutMs: number | undefined): number {
  return attributeHeader * 3 + keyLength + (timeoutMs === undefined ? 0 : timeoutLength);
}

function encodeList(
  keys: readonly Uint8Array[], keyLength: number, timeoutMs: number | undefined,
): Uint8Array {
  const elementLength = elementLengthOf(keyLength, timeoutMs);
  const bytes = new Uint8Array(attributeHeader + keys.length * elementLength);
  const view = viewOf(bytes);
  let at = 0;
  const begin = (type: number, length: number): void => {
    view.setUint16(at, length, littleEndian);
    view.setUint16(at + 2, type, littleEndian);
    at += attributeHeader;
  };
  begin(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, bytes.length);
  for (const key of keys) {
    if (key.length !== keyLength) throw new RangeError(`a key of ${key.length} bytes`);
    begin(NFTA_LIST_ELEM | NLA_F_NESTED, elementLength);
    if (timeoutMs !== undefined) {
      begin(NFTA_SET_ELEM_TIMEOUT, timeoutLength);
      view.setBigUint64(at, BigInt(timeoutMs), false);
      at += 8;
    }
    begin(NFTA_SET_ELEM_KEY | NLA_F_NESTED, attributeHeader * 2 + keyLength);
    begin(NFTA_DATA_VALUE, attributeHeader + keyLength);
    bytes.set(key, at);
    at += keyLength;
  }
  return bytes;
}
