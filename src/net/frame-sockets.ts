/** The announcer's ears and mouth: ARP or neighbour discovery on an interface, nothing else. */
import { arpFilter, neighbourFilter } from './bpf.ts';
import { PacketSocket, type PacketStatistics } from './packet-socket.ts';

export type SendError = 'dropped-by-fence' | 'link-down' | 'no-buffer' | 'failed';

export interface ReceivedFrame {
  readonly bytes: Uint8Array;
  /** Kernel receive time, CLOCK_REALTIME ms with fraction. */
  readonly at: number;
}

/** A FrameSocket of src/announce/ports.ts, and its counters. */
export interface FrameSocket {
  send(frames: readonly Uint8Array[]): readonly (SendError | null)[];
  statistics(): PacketStatistics;
  close(): void;
}

export interface FrameSocketsOptions {
  /** The agent's mark, by which the fence tells its claims from others. */
  readonly mark: number;
}

const families = {
  // Padded to Ethernet's least length an ARP frame has 60 bytes.
  arp: { ethertype: 0x0806, filter: arpFilter, snapLength: 128 },
  ndp: { ethertype: 0x86dd, filter: neighbourFilter, snapLength: 1536 },
} as const;

/** A burst of claims for thousands of addresses, about 1 KiB each as the kernel counts. */
const sendBuffer = 16 << 20;
const receiveBuffer = 4 << 20;

/** Implements FrameSockets of src/announce/ports.ts. */
export class FrameSockets {
  readonly #mark: number;

  constructor({ mark }: FrameSocketsOptions) {
    this.#mark = mark;
  }

  /**
   * Throws SystemError (EPERM, ENODEV). The socket outlives its link's going down and up; of a link
   * that was deleted it hears no more, and every send fails with `link-down`.
   */
  open(
    link: { readonly ifindex: number; readonly name: string }, family: 'arp' | 'ndp',
    onFrames: (frames: readonly ReceivedFrame[]) => void,
  ): FrameSocket {
    const { ethertype, filter, snapLength } = families[family];
    const socket = new PacketSocket({
      ifindex: link.ifindex, name: link.name, ethertype, snapLength, mark: this.#mark,
      filter: filter(link.ifindex), sendBuffer, receiveBuffer,
    });
    try {
      socket.receive(onFrames);
    } catch (error) {
      socket.close();
      throw error;
    }
    return {
      send: (frames) => socket.send(frames).map(sendError),
      statistics: () => socket.statistics(),
      close: () => { socket.close(); },
    };
  }
}

/** ENOBUFS is also what a full queue of the interface answers; either way the frame is not out. */
function sendError(code: string | null): SendError | null {
  switch (code) {
    case null: return null;
    case 'ENOBUFS': return 'dropped-by-fence';
    case 'ENETDOWN':
    case 'ENXIO':
    case 'ENODEV':
      return 'link-down';
    case 'EAGAIN':
    case 'ENOMEM':
      return 'no-buffer';
    default: return 'failed';
  }
}
