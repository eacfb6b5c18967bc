/** Connected UDP and ICMP sockets; the kernel says when each packet was received. */
import { loadAddon, datagramFields, systemError, type RawDatagramSocket } from './addon.ts';
import { errnoName } from './errno.ts';

export interface DatagramSocketOptions {
  readonly protocol: 'udp' | 'icmp';
  /** 4 or 16 bytes, in network order. */
  readonly address: Uint8Array;
  /** For UDP. */
  readonly port?: number;
}

export interface Datagram {
  /** The receiver's to keep. */
  readonly bytes: Uint8Array;
  /** Kernel receive time, CLOCK_REALTIME ms with fraction. */
  readonly at: number;
}

const packetsPerWake = 64;
const packetRoom = 2048;
const receiveBuffer = 1 << 20;

export class DatagramSocket {
  readonly #raw: RawDatagramSocket;
  /** A raw ICMP socket: it hears every echo reply of its peer, in IPv4 with the IP header. */
  readonly isRaw: boolean;
  /** UDP port, or ICMP identifier; of a raw socket 0, as its user chooses one. */
  readonly localPort: number;

  /** Throws SystemError: EACCES (ICMP, without root or net.ipv4.ping_group_range), ENETUNREACH. */
  constructor(options: DatagramSocketOptions) {
    const addon = loadAddon();
    try {
      this.#raw = new addon.DatagramSocket({ receiveBuffer, ...options });
      this.isRaw = this.#raw.isRaw();
      this.localPort = this.isRaw ? 0 : this.#raw.localPort();
    } catch (error) {
      throw systemError(error, `${options.protocol} socket`);
    }
  }

  /** Null, or an errno's name; ECONNREFUSED and EHOSTUNREACH tell of earlier packets. */
  send(bytes: Uint8Array): string | null {
    const errno = this.#raw.send(bytes);
    return errno === 0 ? null : errnoName(errno);
  }

  /** Starts receiving; to be called once. `onError`: what became of an earlier packet. */
  receive(
    onDatagram: (datagram: Datagram) => void, onError: (code: string) => void = () => undefined,
  ): void {
    const data = new Uint8Array(packetsPerWake * packetRoom);
    const meta = new Float64Array(packetsPerWake * datagramFields);
    this.#raw.start(data, meta, (count, errno) => {
      for (let i = 0; i < count * datagramFields; i += datagramFields) {
        const offset = meta[i] ?? 0;
        const bytes = data.slice(offset, offset + (meta[i + 1] ?? 0));
        onDatagram({ bytes, at: meta[i + 2] ?? 0 });
      }
      if (errno !== 0) onError(errnoName(errno));
    });
  }

  close(): void {
    this.#raw.close();
  }
}
