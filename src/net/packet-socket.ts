/**
 * Whole Ethernet frames on one interface (packet(7)), sent and received many at a time. Nothing
 * blocks: what cannot be sent now is refused, frame by frame.
 */
import { loadAddon, metaFields, systemError, type RawPacketSocket } from './addon.ts';
import { errnoName } from './errno.ts';

export interface PacketSocketOptions {
  readonly ifindex: number;
  /** Such as 0x0806; 3 (ETH_P_ALL) for all, which then also hears what this host sends. */
  readonly ethertype: number;
  /** For error texts. */
  readonly name?: string;
  /** From bpf.ts. Attached before the socket receives anything. */
  readonly filter?: Uint8Array;
  /** SO_MARK: what `meta mark` is in nftables. 0 for none. */
  readonly mark?: number;
  /** Longer frames are cut to this, in bytes. Default 2048. */
  readonly snapLength?: number;
  /** Frames read before the event loop has its turn again. Default 128. */
  readonly framesPerWake?: number;
  /** Room in the kernel, in bytes (it counts about 1 KiB for a small frame). Default 1 MiB. */
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
  readonly promiscuous?: boolean;
  /** With ETH_P_ALL: not what this host sends. */
  readonly ignoreOutgoing?: boolean;
}

export interface Packet {
  /** The receiver's to keep. */
  readonly bytes: Uint8Array;
  /** On the wire; more than `bytes` has if it was cut. */
  readonly length: number;
  /** Kernel receive time, CLOCK_REALTIME ms with fraction. */
  readonly at: number;
  /** PACKET_HOST (0), BROADCAST, MULTICAST, OTHERHOST, OUTGOING (4). */
  readonly type: number;
  readonly ifindex: number;
}

export interface PacketStatistics {
  /** Frames that passed the filter, dropped ones included. */
  readonly received: number;
  /** Those that the kernel had no room for. */
  readonly dropped: number;
}

const defaultBuffer = 1 << 20;

export class PacketSocket {
  readonly #raw: RawPacketSocket;
  readonly #snapLength: number;
  readonly #framesPerWake: number;

  /** Throws SystemError: EPERM, ENODEV (no such interface), ENETDOWN. */
  constructor(options: PacketSocketOptions) {
    const { name, framesPerWake = 128, snapLength = 2048, ...rest } = options;
    this.#snapLength = snapLength;
    this.#framesPerWake = framesPerWake;
    const addon = loadAddon();
    try {
      this.#raw = new addon.PacketSocket({
        receiveBuffer: defaultBuffer, sendBuffer: defaultBuffer, ...rest, snapLength,
      });
    } catch (error) {
      throw systemError(error, `packet socket on ${name ?? `interface ${options.ifindex}`}`);
    }
  }

  /**
   * Starts receiving; to be called once. What `onPackets` throws is an uncaught exception.
   * `onError` gets an errno's name: ENETDOWN when the interface went down; frames come again once
   * it is up, or never if it was deleted.
   */
  receive(
    onPackets: (packets: readonly Packet[]) => void, onError: (code: string) => void = ignore,
  ): void {
    const data = new Uint8Array(this.#framesPerWake * this.#snapLength);
    const meta = new Float64Array(this.#framesPerWake * metaFields);
    this.#raw.start(data, meta, (count, errno) => {
      if (count > 0) onPackets(unpack(data, meta, count));
      if (errno !== 0) onError(errnoName(errno));
    });
  }

  /**
   * For each frame null if it went out, else an errno's name: ENOBUFS, a drop on the way out (by an
   * egress rule, or a full queue); EAGAIN, the socket's own buffer is full; ENETDOWN; ENXIO, the
   * interface is gone; EMSGSIZE, longer than its MTU.
   */
  send(frames: readonly Uint8Array[]): readonly (string | null)[] {
    const errors = this.#raw.send(frames);
    if (errors === null) return frames.map(() => null);
    return Array.from(errors, (errno) => (errno === 0 ? null : errnoName(errno)));
  }

  /** Since the socket was opened. */
  statistics(): PacketStatistics {
    const [received, dropped] = this.#raw.statistics();
    return { received, dropped };
  }

  /** Lets the process end though the socket receives; to be called after `receive`. */
  unref(): void {
    this.#raw.setRef(false);
  }

  /**
   * Nothing is sent or received from here on. The descriptor is given back within some ten
   * milliseconds, by a thread of its own: the kernel takes that long to close a packet socket.
   */
  close(): void {
    this.#raw.close();
  }
}

const ignore = (): void => undefined;

/** Copies a wake-up's frames out of the shared buffer, all by one allocation. */
function unpack(data: Uint8Array, meta: Float64Array, count: number): Packet[] {
  const last = (count - 1) * metaFields;
  const copy = data.slice(0, (meta[last] ?? 0) + (meta[last + 1] ?? 0));
  const packets: Packet[] = [];
  for (let i = 0; i < count * metaFields; i += metaFields) {
    const offset = meta[i] ?? 0;
    packets.push({
      bytes: copy.subarray(offset, offset + (meta[i + 1] ?? 0)),
      length: meta[i + 2] ?? 0,
      at: meta[i + 3] ?? 0,
      type: meta[i + 4] ?? 0,
      ifindex: meta[i + 5] ?? 0,
    });
  }
  return packets;
}
