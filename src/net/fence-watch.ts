/**
 * Notices when someone else changes the fence's tables: `nft flush ruleset`, a restart of the
 * firewall, a second agent. By the kernel's events, which name the process.
 */
import type { NetlinkMessage } from './netlink-message.ts';
import type { TableRef } from './nftables/messages.ts';
import { tableOf, readGeneration } from './nftables/read.ts';

/** A socket of events: NetlinkSocket, with the group NFNLGRP_NFTABLES. */
export interface EventSource {
  subscribe(onMessages: (messages: readonly NetlinkMessage[]) => void, onOverrun: () => void): void;
  unref(): void;
  close(): void;
}

export interface WatchOptions {
  readonly tables: readonly TableRef[];
  /** Port of the socket whose own changes are expected (nlmsg_pid of what it causes). */
  readonly ownPort: number;
  /**
   * Someone else changed one of the tables, in transaction number `id`; or may have, and nobody
   * knows when (null). `who` is for people.
   */
  readonly onForeignChange: (who: string, id: number | null) => void;
}

/** Follows `events` until it is closed. */
export function watchTables(events: EventSource, options: WatchOptions): void {
  // A transaction's changes come first, who made it last, perhaps in a later call.
  let touched = false;
  events.subscribe(
    (messages) => {
      for (const message of messages) {
        if (message.pid === options.ownPort) continue;
        const end = readGeneration(message);
        if (end === null) {
          touched ||= isOurs(tableOf(message), options.tables);
        } else if (touched) {
          touched = false;
          options.onForeignChange(end.maker, end.id);
        }
      }
    },
    () => {
      touched = false;
      const who = 'Changes of rulesets came too fast to be followed, so perhaps someone';
      options.onForeignChange(who, null);
    },
  );
  events.unref();
}

function isOurs(table: TableRef | null, ours: readonly TableRef[]): boolean {
  return table !== null
    && ours.some(({ family, name }) => family === table.family && name === table.name);
}

const repairsInARow = 10;
const pauseMs = 1000;

/** Repairs at once, but no more than ten in ten seconds: two agents must not race for ever. */
export class RepairPacer {
  readonly #repair: (who: string) => void;
  #last: number[] = [];
  #pause: NodeJS.Timeout | undefined;

  constructor(repair: (who: string) => void) {
    this.#repair = repair;
  }

  request(who: string): void {
    if (this.#pause !== undefined) return;
    const now = performance.now();
    this.#last = this.#last.filter((at) => now - at < repairsInARow * pauseMs);
    if (this.#last.length >= repairsInARow) {
      this.requestLater(who);
    } else {
      this.#last.push(now);
      this.#repair(who);
    }
  }

  requestLater(who: string): void {
    if (this.#pause !== undefined) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#repair(who);
    }, pauseMs);
    this.#pause.unref();
  }

  stop(): void {
    clearTimeout(this.#pause);
  }
}
