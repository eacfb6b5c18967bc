/**
 * Hears VRRP on an interface, by a raw socket for IP protocol 112 (the package raw-socket): what
 * others send. Nothing is kept from keepalived, which has a socket of its own. What needs the
 * Ethernet header, and ARP, needs packet sockets (src/net).
 */
import { bytesOf } from '../../wire/address.ts';
import { decodeVrrpPacket, vrrpGroups, type VrrpPacket } from '../../wire/vrrp/frame.ts';
import { decodeVrrp, vrrpProtocol } from '../../wire/vrrp/message.ts';

export interface EarOptions {
  readonly interface: { readonly name: string; readonly ifindex: number };
  readonly family: 4 | 6;
  /** Addresses that advertisements may be sent to, beside the group. */
  readonly peers?: readonly string[];
  readonly onPacket: (packet: VrrpPacket) => void;
  /** A packet that was not read: why. */
  readonly onDrop: (reason: string) => void;
  readonly onError: (text: string) => void;
}

export interface Ear {
  close(): void;
}

/** linux/socket.h, linux/in.h, linux/in6.h. */
const solSocket = 1;
const bindToDevice = 25;
const ip = { level: 0, join: 35 } as const;
const ipv6 = { level: 41, join: 20 } as const;

/** Joins the group by itself, so that it hears also where no keepalived runs. */
export async function openEar(options: EarOptions): Promise<Ear | { readonly error: string }> {
  const { interface: device, family, onPacket, onDrop, onError } = options;
  let raw;
  try {
    raw = await import('raw-socket');
  } catch {
    return {
      error: 'VRRP is not listened to: the optional package raw-socket was not built; it needs '
        + 'Python and a C++ compiler at npm install',
    };
  }
  try {
    const socket = raw.createSocket({
      protocol: vrrpProtocol,
      addressFamily: family === 4 ? raw.AddressFamily.IPv4 : raw.AddressFamily.IPv6,
    });
    socket.on('error', (error) => { onError(error.message); });
    const name = Buffer.from(`${device.name}\0`);
    socket.setOption(solSocket, bindToDevice, name, name.length);
    const request = membership(device.ifindex, family);
    const { level, join } = family === 4 ? ip : ipv6;
    socket.setOption(level, join, request, request.length);
    socket.on('message', (buffer, source) => {
      const packet = family === 4 ? decodeVrrpPacket(buffer)
        : decodeBehindIpv6(buffer, source, options.peers ?? []);
      if ('drop' in packet) onDrop(packet.drop);
      else onPacket(packet);
    });
    return { close: () => { socket.close(); } };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { error: `VRRP is not listened to on ${device.name}: ${why}` };
  }
}

/** struct ip_mreqn, struct ipv6_mreq. */
function membership(ifindex: number, family: 4 | 6): Buffer {
  const group = bytesOf(vrrpGroups[family]);
  const request = Buffer.alloc(family === 4 ? 12 : 20);
  request.set(group);
  const at = family === 4 ? 8 : 16;
  new DataView(request.buffer, request.byteOffset).setInt32(at, ifindex, isLittleEndian);
  return request;
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Raw sockets of IPv6 give no header (RFC 3542 3): it was sent to the group, or to whichever of the
 * nodes its checksum fits.
 */
function decodeBehindIpv6(buffer: Buffer, source: string, peers: readonly string[]) {
  const address = source.replace(/%.*/, '');
  const decode = (destination: string) => {
    const ends = { source: bytesOf(address), destination: bytesOf(destination) };
    const advert = decodeVrrp(buffer, ends);
    return 'drop' in advert ? advert : { ...advert, source: address, destination, ttl: 255 };
  };
  const packet = decode(vrrpGroups[6]);
  if (!('drop' in packet)) return packet;
  return peers.filter((peer) => peer.includes(':')).map(decode).find((one) => !('drop' in one))
    ?? packet;
}
