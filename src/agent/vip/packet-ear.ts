/**
 * Hears VRRP by a packet socket, where the package raw-socket was not built. It hears the group
 * without joining it, so the interface is made to take all frames while it listens (packet(7),
 * PACKET_MR_PROMISC): no router would prune the group on one link, but a network card would.
 */
import type { Ear, EarOptions } from '../../keepalived/watch/ear.ts';
import { assemble, PACKET_OUTGOING, packetIfindex, packetType } from '../../net/bpf.ts';
import { PacketSocket } from '../../net/packet-socket.ts';
import { decodeVrrpFrame } from '../../wire/vrrp/frame.ts';
import { vrrpProtocol } from '../../wire/vrrp/message.ts';

/** Where the protocol stands behind the Ethernet header: RFC 791 3.1, RFC 8200 3. */
const families = {
  4: { ethertype: 0x0800, protocolAt: 23 }, 6: { ethertype: 0x86dd, protocolAt: 20 },
} as const;

/** Throws SystemError. */
export function openPacketEar(options: EarOptions): Ear {
  const { interface: { name, ifindex }, family, onPacket, onDrop, onError } = options;
  const { ethertype, protocolAt } = families[family];
  const socket = new PacketSocket({
    ifindex, name, ethertype, promiscuous: true, snapLength: 256,
    filter: assemble([
      { at: packetIfindex, size: 4, is: [ifindex] },
      { at: packetType, size: 4, isNot: [PACKET_OUTGOING] },
      { at: 12, size: 2, is: [ethertype] },
      { at: protocolAt, size: 1, is: [vrrpProtocol] },
    ]),
  });
  socket.receive((packets) => {
    for (const { bytes } of packets) {
      const frame = decodeVrrpFrame(bytes);
      if ('drop' in frame) onDrop(frame.drop);
      else onPacket(frame);
    }
  }, onError);
  return { close: () => { socket.close(); } };
}
