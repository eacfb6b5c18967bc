/**
 * Run by net-load.netns.test.ts, in its network namespace: sends ARP requests on the interface of
 * the given index, in batches, until it is killed.
 */
import { arpProbe } from '../../src/wire/arp.ts';
import { PacketSocket } from '../../src/net/packet-socket.ts';

const socket = new PacketSocket({ ifindex: Number(process.argv[2]), ethertype: 0x0806 });
const frames = Array.from({ length: 128 }, (_, i) => arpProbe('02:00:00:00:00:09', `10.0.0.${i}`));
process.once('disconnect', () => process.exit());
let sent = 0;
let told = performance.now();
for (;;) {
  sent += socket.send(frames).filter((error) => error === null).length;
  if (performance.now() - told > 100) {
    told = performance.now();
    process.send?.(sent);
    // Lets the parent's end be noticed.
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}
