/**
 * Expressions, of which rules are made: each loads something into a register, tests a register, or
 * acts. All but verdicts use register 1; a test that fails ends the rule. Numbers that are compared
 * lie in memory as the kernel loads them: fields of packets in network order, the rest in the
 * machine's (nf_tables.h, and nft_meta.c for what each key loads).
 */
import { attribute, be32, be64, nested, text } from '../netlink-message.ts';
import {
  NF_ACCEPT, NF_DROP, NFT_GOTO, NFT_JUMP, NFT_OBJECT_COUNTER, NFTA_DATA_VALUE, NFTA_DATA_VERDICT,
  NFTA_LIST_ELEM,
} from './numbers.ts';

const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFT_REG_VERDICT = 0;
const NFT_REG_1 = 1;
const NFT_PAYLOAD_L4CSUM_PSEUDOHDR = 1;

const metaKeys = {
  protocol: 1, mark: 3, oif: 5, iiftype: 8, l4proto: 16, time: 30,
} as const;
export type MetaKey = keyof typeof metaKeys;

const payloadBases = { link: 0, network: 1, transport: 2 } as const;
export type PayloadBase = keyof typeof payloadBases;

const comparisons = { eq: 0, neq: 1, lt: 2 } as const;

/** One expression, encoded as an element of a rule's list. */
export type Expression = Uint8Array;

function expression(name: string, ...data: Uint8Array[]): Expression {
  return nested(
    NFTA_LIST_ELEM, attribute(NFTA_EXPR_NAME, text(name)), nested(NFTA_EXPR_DATA, ...data),
  );
}

const number = (type: number, value: number): Uint8Array => attribute(type, be32(value));

/** Loads what is known beside the packet: `time` is wall-clock ns, 8 bytes. */
export function meta(key: MetaKey): Expression {
  return expression('meta', number(2, metaKeys[key]), number(1, NFT_REG_1));
}

/** Loads `length` bytes of the packet at `offset` from the start of a header. */
export function payload(base: PayloadBase, offset: number, length: number): Expression {
  return expression(
    'payload', number(1, NFT_REG_1), number(2, payloadBases[base]), number(3, offset),
    number(4, length),
  );
}

/** Puts a value into the register. */
export function immediate(value: Uint8Array): Expression {
  return expression(
    'immediate', number(1, NFT_REG_1), nested(2, attribute(NFTA_DATA_VALUE, value)));
}

/**
 * Writes the register into the packet, `length` bytes at `offset`. `pseudoHeader`: the checksum of
 * what the packet carries covers that place, and is set right (RFC 8200 8.1).
 */
export function writePayload(
  base: PayloadBase, offset: number, length: number, pseudoHeader = false,
): Expression {
  return expression(
    'payload', number(5, NFT_REG_1), number(2, payloadBases[base]), number(3, offset),
    number(4, length), ...(pseudoHeader ? [number(8, NFT_PAYLOAD_L4CSUM_PSEUDOHDR)] : []),
  );
}

/** Goes on if the register is equal to `value`, not equal, or less: as bytes from the first. */
export function compare(value: Uint8Array, how: keyof typeof comparisons = 'eq'): Expression {
  return expression(
    'cmp', number(1, NFT_REG_1), number(2, comparisons[how]),
    nested(3, attribute(NFTA_DATA_VALUE, value)),
  );
}

/** Turns 8 bytes of the machine's order into network order, so that `lt` can compare them. */
export function toNetworkOrder64(): Expression {
  const hton = 1;
  return expression(
    'byteorder', number(1, NFT_REG_1), number(2, NFT_REG_1), number(3, hton), number(4, 8),
    number(5, 8),
  );
}

/** Goes on if the set has an element with the register as its key. */
export function lookup(set: string): Expression {
  return expression('lookup', number(2, NFT_REG_1), attribute(1, text(set)));
}

const dynset = { update: 1, remove: 2 } as const;

/** Puts the register into the set, for `timeoutMs` from now, also if it is there already. */
export function updateSet(set: string, timeoutMs: number): Expression {
  return expression(
    'dynset', attribute(1, text(set)), number(3, dynset.update), number(4, NFT_REG_1),
    attribute(6, be64(BigInt(timeoutMs))),
  );
}

/** Takes the register out of the set, if it is there. */
export function removeFromSet(set: string): Expression {
  return expression(
    'dynset', attribute(1, text(set)), number(3, dynset.remove), number(4, NFT_REG_1));
}

/** Counts the packet in a named counter. */
export function count(counter: string): Expression {
  return expression('objref', number(1, NFT_OBJECT_COUNTER), attribute(2, text(counter)));
}

function verdict(code: number, chain?: string): Expression {
  return expression(
    'immediate', number(1, NFT_REG_VERDICT),
    nested(2, nested(
      NFTA_DATA_VERDICT, number(1, code),
      ...(chain === undefined ? [] : [attribute(2, text(chain))]),
    )),
  );
}

export const accept = (): Expression => verdict(NF_ACCEPT);
export const drop = (): Expression => verdict(NF_DROP);
/** Goes through another chain, and comes back if that gives no verdict. */
export const jump = (chain: string): Expression => verdict(NFT_JUMP, chain);
/** Goes through another chain, and does not come back. */
export const goTo = (chain: string): Expression => verdict(NFT_GOTO, chain);
