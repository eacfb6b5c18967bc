/**
 * Puts the fence of virtual routers (vrrp-fence-rules.ts) into the kernel, and keeps it to the
 * routers there are. It arms itself by the advertisements that leave, so nobody has to tend it; and
 * it stays when its maker dies, as the keepalived does that it guards.
 */
import { bytesOf, type Family } from '../wire/address.ts';
import { Interfaces } from './interfaces.ts';
import { detectFence, generation, type Requests } from './fence-kernel.ts';
import { RepairPacer, watchTables, type EventSource } from './fence-watch.ts';
import { attribute, be32 } from './netlink-message.ts';
import { NetlinkError, NetlinkSocket } from './netlink-socket.ts';
import { batch, deleteTable, globalRequest, request } from './nftables/messages.ts';
import {
  NFNLGRP_NFTABLES, NFT_MSG_GETOBJ, NFT_MSG_GETTABLE, NFT_OBJECT_COUNTER, NFTA_OBJ_TYPE,
} from './nftables/numbers.ts';
import { readCounter, tableOf } from './nftables/read.ts';
import {
  changeAddresses, heldBack, installRouters, isSameRouter, otherHeard, vrrpTable,
  type GuardedRouter,
} from './vrrp-fence-rules.ts';

/** One virtual router of this node. */
export interface FencedRouter {
  /** Name of its Eip. */
  readonly pool: string;
  readonly interface: string;
  readonly family: Family;
  readonly vrid: number;
  readonly addresses: readonly string[];
}

export interface VrrpFenceOptions {
  /** Someone else had changed the table, and it is as it should be again; or it is not. */
  readonly onRepair: (text: string, error: unknown) => void;
}

/** Room for the changes of a firewall that is loaded anew. */
const eventBuffer = 4 << 20;
/** A master has said so within one; more would let one that hangs claim for as long. */
const intervalsAfterRepair = 1.5;

/** Gives a sentence where this kernel cannot have it, or we may not. */
export function openVrrpFence(options: VrrpFenceOptions): VrrpFence | { readonly error: string } {
  let netlink: NetlinkSocket | null = null;
  try {
    netlink = new NetlinkSocket({ protocol: 'netfilter' });
    const { kind, reason } = detectFence(netlink);
    if (kind === 'egress') {
      const events = new NetlinkSocket({
        protocol: 'netfilter', groups: [NFNLGRP_NFTABLES], receiveBuffer: eventBuffer,
      });
      return new VrrpFence(options, { netlink, events });
    }
    netlink.close();
    return { error: reason ?? kind };
  } catch (error) {
    netlink?.close();
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

export class VrrpFence {
  readonly #options: VrrpFenceOptions;
  readonly #netlink: Requests;
  readonly #pacer: RepairPacer;
  #routers: readonly GuardedRouter[] | null = null;
  #masters: () => ReadonlySet<string> = () => new Set();
  readonly #heardAt = new Map<string, number>();
  /** The kernel's count of transactions when the table was last made. */
  #installedAfter = 0;

  constructor(
    options: VrrpFenceOptions,
    { netlink, events }: { readonly netlink: Requests; readonly events: EventSource },
  ) {
    this.#options = options;
    this.#netlink = netlink;
    this.#pacer = new RepairPacer((who) => { this.#repair(who); });
    watchTables(events, {
      tables: [vrrpTable], ownPort: generation(netlink).port,
      onForeignChange: (who, id) => {
        // Changed before the table was last made anew: that has mended it. The count may wrap.
        if (id === null || ((id - this.#installedAfter) | 0) > 0) this.#pacer.request(who);
      },
    });
  }

  /**
   * Guards the addresses of these routers, and of no others; one transaction. `masters`: pools that
   * this node is master of just now. Gives what is wrong, as a sentence; all is as before then.
   */
  set(
    routers: readonly FencedRouter[], advertMs: number, masters: () => ReadonlySet<string>,
  ): string | null {
    this.#masters = masters;
    try {
      const wanted = guarded(routers, advertMs);
      const before = this.#routers;
      const isSame = before?.length === wanted.length
        && wanted.every((router, index) => isSameRouter(router, before[index]));
      if (isSame) {
        this.#commit(wanted.flatMap((router, index) =>
          changeAddresses(before[index] ?? router, router)), wanted);
      } else this.#install(wanted);
      this.#routers = wanted;
      return null;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return `virtual routers have no fence, or that of before: ${why}`;
    }
  }

  /**
   * Another advertises the same while this node does: it does not hear us, so it is for us to fall
   * silent, until it was not heard for two intervals. Said for each advertisement.
   */
  heard(pool: string): void {
    const router = this.#routers?.find(({ name }) => name === pool);
    const now = performance.now();
    const last = this.#heardAt.get(pool) ?? -Infinity;
    if (router === undefined || now - last < router.intervalMs / 2) return;
    this.#heardAt.set(pool, now);
    try {
      this.#netlink.transact(batch(otherHeard(router)));
    } catch (error) {
      // The rules are not as they were left: the event that says so is on its way.
      if (!(error instanceof NetlinkError)) throw error;
    }
  }

  /** Frames that were held back since the rules were last made anew; 0 without any. */
  dropped(): number {
    if (this.#routers === null) return 0;
    try {
      const kind = attribute(NFTA_OBJ_TYPE, be32(NFT_OBJECT_COUNTER));
      const counters = this.#netlink.dump(request(NFT_MSG_GETOBJ, 0, vrrpTable, kind))
        .filter((message) => tableOf(message)?.name === vrrpTable.name).map(readCounter);
      return counters.find((one) => one?.name === heldBack)?.packets ?? 0;
    } catch (error) {
      if (error instanceof NetlinkError) return 0;
      throw error;
    }
  }

  /** Lets everything pass: also what an earlier run left. It may be set again. */
  remove(): void {
    this.#routers = null;
    this.#heardAt.clear();
    const isThere = this.#netlink.dump(globalRequest(NFT_MSG_GETTABLE)).map(tableOf)
      .some((table) => table?.family === vrrpTable.family && table.name === vrrpTable.name);
    if (isThere) this.#netlink.transact(batch([deleteTable(vrrpTable)]));
  }

  #commit(messages: readonly Uint8Array[], wanted: readonly GuardedRouter[]): void {
    if (messages.length === 0) return;
    try {
      this.#netlink.transact(batch(messages));
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code === 'EPERM') throw error;
      // Someone else changed the table, or took it away.
      this.#install(wanted);
    }
  }

  #install(wanted: readonly GuardedRouter[], intervals?: number): void {
    const before = generation(this.#netlink).id;
    this.#netlink.transact(batch(installRouters(wanted, this.#masters(), intervals)));
    this.#installedAfter = before;
  }

  #repair(who: string): void {
    if (this.#routers === null) return;
    try {
      this.#install(this.#routers, intervalsAfterRepair);
    } catch (error) {
      this.#pacer.requestLater(who);
      return this.#options.onRepair(`${who} changed the fence of virtual routers, and it cannot be `
        + 'made anew', error);
    }
    this.#options.onRepair(`${who} changed the fence of virtual routers. It was made anew.`, null);
  }
}

function guarded(routers: readonly FencedRouter[], intervalMs: number): GuardedRouter[] {
  const interfaces = new Interfaces();
  try {
    return routers.flatMap(({ pool, vrid, family, interface: name, addresses }) => {
      const link = interfaces.byName(name);
      if (link === null) return [];
      return [{
        name: pool, vrid, family, intervalMs, link: { name, ifindex: link.ifindex },
        addresses: new Map(addresses.map((address) => [address, bytesOf(address)])),
      }];
    });
  } finally {
    interfaces.close();
  }
}
