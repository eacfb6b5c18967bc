/**
 * What the announcer needs of the kernel, and what it offers to the agent. Implemented by src/net,
 * faked in unit tests. Everything here is synchronous: when a call returns, the kernel has done it,
 * so that "withdraw, then write to the store" holds by the order of the calls alone.
 *
 * Addresses are text as in `Eip`; MAC addresses are lower-case hex with colons; instants are
 * CLOCK_BOOTTIME milliseconds.
 */
import type { Eip } from '../core/model.ts';

/** One interface that carries EIPs, as it stands now. */
export interface Link {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  /** Administratively up, and with a carrier. */
  readonly up: boolean;
}

export interface ReceivedFrame {
  readonly bytes: Uint8Array;
  /** Kernel receive time, CLOCK_REALTIME ms with fraction. */
  readonly at: number;
}

export type SendError = 'dropped-by-fence' | 'link-down' | 'no-buffer' | 'failed';

/** ARP, or IPv6 neighbour discovery, on one interface; what it sends carries the agent's mark. */
export interface FrameSocket {
  /** One entry per frame: null if it went out. */
  send(frames: readonly Uint8Array[]): readonly (SendError | null)[];
  close(): void;
}

export interface FrameSockets {
  open(
    link: Link, family: 'arp' | 'ndp', onFrames: (frames: readonly ReceivedFrame[]) => void,
  ): FrameSocket;
}

/** The fence: one mouth, and a gate (docs/architecture.md). */
export interface Fence {
  /** `egress`: kernel rules hold whatever the process does. `arp`: own checks before each send. */
  readonly kind: 'egress' | 'arp';
  /**
   * States which addresses are managed on which interfaces. Those that are not held are silent from
   * here on. Idempotent; keeps what is held, and takes over a table that an earlier run left.
   */
  manage(addresses: ReadonlySet<Eip>, links: readonly Link[]): void;
  /** R1: opens or closes single addresses. One kernel transaction. */
  hold(add: readonly Eip[], remove: readonly Eip[]): void;
  /** R2 (and R3): the gate of every interface passes until `until`, and not after; 0 closes it. */
  arm(until: number): void;
  /** Frames that the fence dropped since it was made, by what sent them. */
  dropped(): { readonly kernel: number; readonly agent: number };
  /** Removes the table: only after everything was withdrawn and unbound. */
  remove(): void;
}

/** Addresses on interfaces, for `bind`. */
export interface Binder {
  /** Puts each on its link as /32 or /128; one that is there already and not ours is left alone. */
  bind(
    addresses: readonly { readonly eip: Eip; readonly link: Link }[],
  ): readonly (string | null)[];
  /** Removes those that this or an earlier run of the agent put there, and no others. */
  unbind(addresses: readonly { readonly eip: Eip; readonly link: Link }[]): void;
  /** What earlier runs of the agent left on this host. */
  leftovers(): readonly { readonly eip: Eip; readonly ifindex: number }[];
  /** Renews the kernel's backstop (valid_lft) of everything bound. */
  refresh(): void;
}

/** Solicited-node multicast groups (RFC 4291 2.7.1), joined so that switches that snoop know. */
export interface Groups {
  join(eip: Eip, link: Link): void;
  leave(eip: Eip, link: Link): void;
}

export interface AnnouncerPorts {
  readonly sockets: FrameSockets;
  readonly fence: Fence;
  readonly binder: Binder;
  readonly groups: Groups;
  /** CLOCK_BOOTTIME, ms with fraction. */
  now(): number;
  setTimer(delayMs: number, run: () => void): { clear(): void };
}
