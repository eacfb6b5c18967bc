/**
 * Which datagrams were heard already: for each node its latest boot, and a window over the numbers
 * of its datagrams (after RFC 6479). Boots may only grow.
 */

/** Numbers further behind the latest than this are taken for heard. */
export const replayWindow = 1024;
const words = replayWindow / 32 + 1;
const slots = words * 32;

interface Heard {
  boot: number;
  latest: number;
  readonly bits: Uint32Array;
}

export class ReplayGuard {
  /** By node; those heard longest ago first. */
  readonly #heard = new Map<string, Heard>();
  readonly #most: number;

  /** `most`: nodes remembered; beyond them, the one heard longest ago is forgotten. */
  constructor(most = 4096) {
    this.#most = most;
  }

  /** Whether this is the first time; it is not from then on. */
  accept(node: string, boot: number, seq: number): boolean {
    const known = this.#heard.get(node);
    if (known === undefined || boot > known.boot) {
      const fresh = known ?? { boot, latest: 0, bits: new Uint32Array(words) };
      fresh.boot = boot;
      fresh.latest = 0;
      fresh.bits.fill(0);
      this.#remember(node, fresh);
      return mark(fresh, seq);
    }
    if (boot < known.boot || !mark(known, seq)) return false;
    this.#remember(node, known);
    return true;
  }

  /** The latest boot heard of; 0: none. */
  bootOf(node: string): number {
    return this.#heard.get(node)?.boot ?? 0;
  }

  #remember(node: string, heard: Heard): void {
    this.#heard.delete(node);
    this.#heard.set(node, heard);
    if (this.#heard.size <= this.#most) return;
    for (const oldest of this.#heard.keys()) {
      this.#heard.delete(oldest);
      break;
    }
  }
}

/** Numbers begin with 1. */
function mark(heard: Heard, seq: number): boolean {
  const { bits } = heard;
  if (seq < 1 || seq + replayWindow <= heard.latest) return false;
  if (seq > heard.latest) {
    // A word is cleared as a whole before it is used again: hence the one beyond the window.
    const last = Math.floor(heard.latest / 32);
    const steps = Math.min(Math.floor(seq / 32) - last, words);
    for (let i = 1; i <= steps; i++) bits[(last + i) % words] = 0;
    heard.latest = seq;
  }
  const slot = seq % slots;
  const word = Math.floor(slot / 32);
  const bit = (1 << (slot % 32)) >>> 0;
  const before = bits[word] ?? 0;
  if ((before & bit) !== 0) return false;
  bits[word] = before | bit;
  return true;
}
