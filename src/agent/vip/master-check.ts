/**
 * Whether the master of a virtual router answers for its address: asked by ARP probes, which claim
 * nothing (RFC 5227 1.1). What is heard of VRRP does not tell: keepalived advertises also where a
 * filter, a full neighbour table or a missing address keeps the host silent. IPv4 alone.
 */
import type { Finding } from '../../core/model.ts';
import type { FrameSockets } from '../../net/frame-sockets.ts';
import { arpProbe, decodeArp } from '../../wire/arp.ts';

export interface CheckedRouter {
  readonly pool: string;
  readonly vrid: number;
  /** Advertised; IPv4. */
  readonly address: string;
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
/** A probe may be lost, and so may its answer. */
const missedForFinding = 2;

export class MasterCheck {
  readonly #sockets: Pick<FrameSockets, 'open'>;
  readonly #open = new Map<number, Open>();
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

  #ask({ address, link, master, pool, vrid }: CheckedRouter, now: number): Finding[] {
    const before = this.#asked.get(address);
    const fresh: Asked = { master: master ?? '', at: -Infinity, answered: true, missed: 0 };
    const asked = before?.master === fresh.master ? before : fresh;
    this.#asked.set(address, asked);
    if (now - asked.at >= everyMs) {
      if (!asked.answered) asked.missed += 1;
      asked.at = now;
      asked.answered = false;
      this.#send(link, address);
    }
    if (asked.answered) asked.missed = 0;
    const isDue = now - asked.at >= answerMs;
    if (asked.answered || asked.missed + Number(isDue) < missedForFinding) return [];
    return [{
      code: 'vip-silent-master', subject: pool,
      text: `${asked.master} is master of VRID ${vrid} (${pool}) and does not answer ARP for `
        + `${address}: see there for filters of ARP, and whether the address is on its interface`,
    }];
  }

  #send(link: CheckedRouter['link'], address: string): void {
    try {
      let socket = this.#open.get(link.ifindex);
      if (socket === undefined) {
        socket = this.#sockets.open(link, 'arp', (frames) => {
          for (const { bytes } of frames) {
            const frame = decodeArp(bytes);
            if ('drop' in frame) continue;
            const asked = this.#asked.get(frame.senderAddress);
            if (asked) asked.answered = true;
          }
        });
        this.#open.set(link.ifindex, socket);
      }
      socket.send([arpProbe(link.mac, address)]);
    } catch {
      // No probe, no verdict.
      this.#asked.delete(address);
    }
  }

  #forget(current: readonly CheckedRouter[]): void {
    const addresses = new Set(current.map(({ address }) => address));
    for (const address of this.#asked.keys()) {
      if (!addresses.has(address)) this.#asked.delete(address);
    }
    const links = new Set(current.map(({ link }) => link.ifindex));
    for (const [ifindex, socket] of this.#open) {
      if (links.has(ifindex)) continue;
      socket.close();
      this.#open.delete(ifindex);
    }
  }
}
