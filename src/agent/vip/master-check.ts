/**
 * Whether the master of a virtual router answers for its address: asked by ARP probes, which claim
 * nothing (RFC 5227 1.1), or by neighbour solicitations from this node's own link-local address.
 * What is heard of VRRP does not tell: keepalived advertises also where a filter, a full neighbour
 * table or a missing address keeps the host silent.
 */
import type { Finding } from '../../core/model.ts';
import type { FrameSockets } from '../../net/frame-sockets.ts';
import { arpProbe, decodeArp } from '../../wire/arp.ts';
import { decodeNeighbour, solicitationOf } from '../../wire/ndp.ts';

export interface CheckedRouter {
  readonly pool: string;
  readonly vrid: number;
  readonly family: 4 | 6;
  /** Advertised. */
  readonly address: string;
  /** Who asks for IPv6: a link-local address of this node. Null: nobody can. */
  readonly source: string | null;
  readonly link: { readonly ifindex: number; readonly name: string; readonly mac: string };
  /** Another that is heard as master; null: nobody, or this node. */
  readonly master: string | null;
}

type Open = ReturnType<FrameSockets['open']>;

interface Asked {
  readonly master: string;
  at: number;
  answered: boolean;
  missed: number;
}

const everyMs = 5_000;
const answerMs = 1_000;
const questions = { 4: 'ARP', 6: 'neighbour discovery' } as const;
/** A probe may be lost, and so may its answer. */
const missedForFinding = 2;

export class MasterCheck {
  readonly #sockets: Pick<FrameSockets, 'open'>;
  /** By interface and family. */
  readonly #open = new Map<string, Open>();
  /** By address. */
  readonly #asked = new Map<string, Asked>();

  constructor(sockets: Pick<FrameSockets, 'open'>) {
    this.#sockets = sockets;
  }

  /** To be called about every second, with all routers. `now`: monotonic ms. */
  look(routers: readonly CheckedRouter[], now: number): readonly Finding[] {
    const current = routers.filter(({ master }) => master !== null);
    this.#forget(current);
    return current.flatMap((router) => this.#ask(router, now));
  }

  close(): void {
    for (const socket of this.#open.values()) socket.close();
    this.#open.clear();
  }

  #ask(router: CheckedRouter, now: number): Finding[] {
    const { address, family, master, pool, vrid } = router;
    const before = this.#asked.get(address);
    const fresh: Asked = { master: master ?? '', at: -Infinity, answered: true, missed: 0 };
    const asked = before?.master === fresh.master ? before : fresh;
    this.#asked.set(address, asked);
    if (now - asked.at >= everyMs) {
      if (!asked.answered) asked.missed += 1;
      asked.at = now;
      asked.answered = false;
      this.#send(router);
    }
    if (asked.answered) asked.missed = 0;
    const isDue = now - asked.at >= answerMs;
    if (asked.answered || asked.missed + Number(isDue) < missedForFinding) return [];
    return [{
      code: 'vip-silent-master', subject: pool,
      text: `${asked.master} is master of VRID ${vrid} (${pool}) and does not answer ${questions[family]} `
        + `for ${address}: see there for filters of that, and whether the address is on its interface`,
    }];
  }

  #send({ address, family, link, source }: CheckedRouter): void {
    try {
      const question = family === 4 ? arpProbe(link.mac, address)
        : source === null ? null : solicitationOf(link.mac, source, address);
      const key = keyOf(link, family);
      const socket = this.#open.get(key)
        ?? this.#sockets.open(link, family === 4 ? 'arp' : 'ndp', (frames) => {
          for (const { bytes } of frames) this.#hear(answeredFor(bytes, family));
        });
      this.#open.set(key, socket);
      if (question === null || socket.send([question])[0] !== null) this.#asked.delete(address);
    } catch {
      // No question, no verdict.
      this.#asked.delete(address);
    }
  }

  #hear(address: string | null): void {
    const asked = address === null ? undefined : this.#asked.get(address);
    if (asked) asked.answered = true;
  }

  #forget(current: readonly CheckedRouter[]): void {
    const addresses = new Set(current.map(({ address }) => address));
    for (const address of this.#asked.keys()) {
      if (!addresses.has(address)) this.#asked.delete(address);
    }
    const keys = new Set(current.map(({ link, family }) => keyOf(link, family)));
    for (const [key, socket] of this.#open) {
      if (keys.has(key)) continue;
      socket.close();
      this.#open.delete(key);
    }
  }
}

function keyOf({ ifindex }: CheckedRouter['link'], family: 4 | 6): string {
  return `${ifindex} ${family}`;
}

/** The address whose holder speaks; null: nobody's. */
function answeredFor(bytes: Uint8Array, family: 4 | 6): string | null {
  if (family === 4) {
    const frame = decodeArp(bytes);
    return 'drop' in frame ? null : frame.senderAddress;
  }
  const frame = decodeNeighbour(bytes);
  return 'drop' in frame || frame.kind !== 'advertisement' ? null : frame.target;
}
