/**
 * The native addon (src/net/native) as it is: typed, and nothing more. What it throws for a failed
 * system call carries `errno` and `syscall`; `systemError` makes of it an error with a name.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { errnoName } from './errno.ts';

export interface RawPacketSocket {
  /**
   * Calls back with the number of frames that now lie end to end in `data`, and an errno (0: none;
   * ENETDOWN: the link went down, frames come again when it is up). `meta` has `metaFields` numbers
   * for each: offset, length kept, length on the wire, kernel time (CLOCK_REALTIME ms), packet type
   * (PACKET_HOST...), ifindex. Both arrays are overwritten by the next call, so what is kept must
   * be copied. One wake-up reads no more than fits into them; the event loop has its turn between.
   */
  start(
    data: Uint8Array, meta: Float64Array, callback: (count: number, errno: number) => void,
  ): void;
  /** Null if all went out; else an errno (or 0) for each frame. */
  send(frames: readonly Uint8Array[]): Int32Array | null;
  /** Frames that passed the filter so far, and how many of them the kernel had no room for. */
  statistics(): [received: number, dropped: number];
  /** Whether a started socket keeps the process (or worker) alive; at first it does. */
  setRef(ref: boolean): void;
  close(): void;
}

export const metaFields = 6;

export interface RawPacketOptions {
  readonly ifindex: number;
  readonly ethertype: number;
  /** struct sock_filter[], in the machine's byte order. */
  readonly filter?: Uint8Array;
  readonly mark?: number;
  readonly snapLength?: number;
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
  readonly ignoreOutgoing?: boolean;
  readonly promiscuous?: boolean;
}

export interface RawNetlinkSocket {
  /** For sockets with groups: what arrived, in bytes of its own; ENOBUFS: some was lost before. */
  start(callback: (bytes: Uint8Array, errno: number) => void): void;
  /** Sends messages and returns every reply to them; for sockets that were not started. */
  exchange(request: Uint8Array): Uint8Array;
  setRef(ref: boolean): void;
  close(): void;
}

export interface RawNetlinkOptions {
  readonly protocol: number;
  readonly groups?: readonly number[];
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
}

export interface RawGroupSocket {
  /** An errno, or 0. */
  join(ifindex: number, group: Uint8Array): number;
  leave(ifindex: number, group: Uint8Array): number;
  close(): void;
}

export interface RawDatagramSocket {
  /** A raw socket: IPv4 packets begin with the IP header, and the ICMP identifier is ours. */
  isRaw(): boolean;
  /** UDP's port; the ICMP identifier of a socket that is not raw. */
  localPort(): number;
  /** An errno, or 0; never waits. ECONNREFUSED and EHOSTUNREACH are about earlier packets. */
  send(bytes: Uint8Array): number;
  /**
   * Calls back as a packet socket does, with `datagramFields` numbers for each packet: offset,
   * length, kernel time (CLOCK_REALTIME ms). Packets are cut to 2,048 bytes.
   */
  start(
    data: Uint8Array, meta: Float64Array, callback: (count: number, errno: number) => void,
  ): void;
  close(): void;
}

export const datagramFields = 3;

export interface RawDatagramOptions {
  readonly protocol: 'udp' | 'icmp';
  /** 4 or 16 bytes; the socket is connected to it. */
  readonly address: Uint8Array;
  readonly port?: number;
  readonly receiveBuffer?: number;
}

export interface RawMessageSocket {
  /**
   * How far the message is sent now: less than its length if there is no room, and then it is to be
   * sent on from there before any other; -1 if the other end is closed. Never waits.
   */
  send(bytes: Uint8Array, from: number): number;
  /** The next message, in bytes of its own; null: there is none now. For sockets not started. */
  receive(): Uint8Array | null;
  /** Calls back for each message as it arrives. */
  start(callback: (bytes: Uint8Array) => void): void;
  close(): void;
}

export interface Addon {
  readonly PacketSocket: new (options: RawPacketOptions) => RawPacketSocket;
  readonly NetlinkSocket: new (options: RawNetlinkOptions) => RawNetlinkSocket;
  readonly GroupSocket: new () => RawGroupSocket;
  readonly DatagramSocket: new (options: RawDatagramOptions) => RawDatagramSocket;
  /** It closes `fd`, one of `messageSockets`, in the end. */
  readonly MessageSocket: new (fd: number) => RawMessageSocket;
  /** Two connected ends; what one sends, the other receives. */
  messageSockets(sendBuffer: number): [fd: number, fd: number];
  /** clock_gettime of a clock id, in ms with fraction. */
  clock(id: number): number;
  /** sched_setscheduler for the calling thread: an errno, or 0. */
  setScheduler(policy: number, priority: number, resetOnFork: boolean): number;
  /** The same for another thread, of this process or another; reset on fork. */
  setSchedulerOf(tid: number, policy: number, priority: number): number;
  /**
   * An errno, or 0. A real-time thread of this process that runs for so long without waiting gets
   * SIGXCPU each second from then on; at the second limit the process is killed (RLIMIT_RTTIME).
   */
  limitRealtime(softMs: number, hardMs: number): number;
  scheduler(): [policy: number, priority: number, resetOnFork: 0 | 1];
  /**
   * Gives `fd` to a thread that has no other file, so that it closes as the first thing when this
   * process dies. An errno (ENOSYS before Linux 5.9), or 0: no other thread has it any more.
   */
  startCanary(fd: number): number;
  /** An errno, or 0; never waits. A path that begins with "@" is an abstract one (unix(7)). */
  unixDatagramSend(path: string, bytes: Uint8Array): number;
}

/** The kernel refused a system call. `code` is the errno's name, such as `EPERM`. */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(message: string, errno: number, syscall: string) {
    super(message);
    this.name = 'SystemError';
    this.code = errnoName(errno);
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** What the addon threw, told as `what` failed; what is no system call's error comes as it is. */
export function systemError(error: unknown, what: string): unknown {
  if (!(error instanceof Error) || !('errno' in error) || !('syscall' in error)) return error;
  const { errno, syscall } = error;
  if (typeof errno !== 'number' || typeof syscall !== 'string') return error;
  const code = errnoName(errno);
  const advice = code === 'EPERM' || code === 'EACCES'
    ? ' The agent needs root, or the capabilities CAP_NET_ADMIN and CAP_NET_RAW.'
    : '';
  return new SystemError(`${what}: ${error.message} (${code}).${advice}`, errno, syscall);
}

let loaded: Addon | undefined;

/** What it has if it was built from the same sources as this. */
const parts: Readonly<Record<keyof Addon, true>> = {
  PacketSocket: true, NetlinkSocket: true, GroupSocket: true, DatagramSocket: true, clock: true,
  setScheduler: true, setSchedulerOf: true, limitRealtime: true, scheduler: true, startCanary: true,
  unixDatagramSend: true, MessageSocket: true, messageSockets: true,
};

/** Loads the addon once per thread. Throws, in one sentence, what to do if it was not built. */
export function loadAddon(): Addon {
  if (loaded !== undefined) return loaded;
  // The same folder from src/net and from dist/cli.
  const folder = fileURLToPath(new URL('../../src/net/native', import.meta.url));
  const load = createRequire(import.meta.url)('node-gyp-build') as (folder: string) => Addon;
  try {
    loaded = complete(load(folder));
    return loaded;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] ?? '' : String(cause);
    throw new Error(`Tenure's native part cannot be loaded from ${folder}: ${reason}. `
      + 'Build it with `npm rebuild tenure`, or `npm run install` in a checkout; '
      + 'that needs a C++ compiler (apt-get install g++).', { cause });
  }
}

/** Throws where it was built from other sources, and would fail at its first use. */
export function complete(addon: Addon): Addon {
  const missing = Object.keys(parts).filter((name) => !(name in addon));
  if (missing.length === 0) return addon;
  throw new Error(`it was built for another version of Tenure, and has no ${missing.join(', ')}`);
}
