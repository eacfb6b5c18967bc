/** The gate: chain and set of that name in each table, and how they are opened and closed. Pure. */
import { chains, gateRule, ruleMessage } from './fence-rules.ts';
import type { FenceLink } from './fence-state.ts';
import { concat, littleEndian, u32, viewOf } from './netlink-message.ts';
import { addElements, flushChain, flushSet, type TableRef } from './nftables/messages.ts';

/** Until when the gate is to be open, in the two measures of time that the kernel goes by. */
export interface Opening {
  /** CLOCK_REALTIME, ns. */
  readonly deadline: bigint;
  /** From now, whole ms. */
  readonly timeoutMs: number;
}

const setName = 'gate';

/** An interface as the kernel compares it with `oif`. */
export const linkKey = ({ ifindex }: FenceLink): Uint8Array => u32(ifindex, littleEndian);

/** Emptied, not changed: so it does not matter what had expired, or was never there. */
export function closeGate(table: TableRef): Uint8Array[] {
  return [flushChain(table, chains.gate.name), flushSet(table, setName)];
}

/** Opens the gate of every interface, or closes it: messages, end to end. */
export function gate(
  tables: readonly TableRef[], links: readonly FenceLink[], opening: Opening | null,
): Uint8Array {
  return concat(tables.flatMap((table) => [
    ...closeGate(table),
    ...(opening === null || links.length === 0 ? [] : [
      ruleMessage(table, gateRule(opening.deadline)),
      ...addElements(table, setName, links.map(linkKey), opening.timeoutMs),
    ]),
  ]));
}

/**
 * The same for always the same tables and links, made once and then only filled in: the gate is
 * opened again and again for as long as the node lives.
 */
export class GateMessages {
  readonly #closed: Uint8Array;
  readonly #open: Uint8Array;
  readonly #deadlines: readonly number[];
  readonly #timeouts: readonly number[];

  constructor(tables: readonly TableRef[], links: readonly FenceLink[]) {
    this.#closed = gate(tables, links, null);
    // Values that stand nowhere else tell the places to fill in.
    const mould = { deadline: 0xa5b6_c7d8_e9fa_0b1cn, timeoutMs: 0x1d_a7b5_c3e1_9f4b };
    this.#open = gate(tables, links, mould);
    const places = (value: bigint): number[] => {
      const view = viewOf(this.#open);
      const found: number[] = [];
      for (let at = 0; at + 8 <= this.#open.length; at += 4) {
        if (view.getBigUint64(at, false) === value) found.push(at);
      }
      return found;
    };
    this.#deadlines = places(mould.deadline);
    this.#timeouts = places(BigInt(mould.timeoutMs));
  }

  /** The bytes stay the caller's until the next call. */
  fill(opening: Opening | null): Uint8Array {
    if (opening === null) return this.#closed;
    const view = viewOf(this.#open);
    for (const at of this.#deadlines) view.setBigUint64(at, opening.deadline, false);
    for (const at of this.#timeouts) view.setBigUint64(at, BigInt(opening.timeoutMs), false);
    return this.#open;
  }
}
