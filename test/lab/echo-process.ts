/**
 * Runs in a node's namespace: answers UDP packets with their first bytes and the node's name, from
 * the address they were sent to. It binds each address before the address is there
 * (net.ipv4.ip_nonlocal_bind, ip(7)), so that the first packet that reaches the node is answered.
 */
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { requestRealtime } from '../../src/net/sched.ts';
import { serve } from './helper.ts';
import { echoPort, measuringPriority, numberLength } from './prober-wire.ts';

const name = Buffer.from(process.argv[2] ?? '?');

// /proc/sys/net is that of the namespace of whoever opens it.
writeFileSync('/proc/sys/net/ipv4/ip_nonlocal_bind', '1');
writeFileSync('/proc/sys/net/ipv6/ip_nonlocal_bind', '1');

async function listen(address: string): Promise<void> {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' });
  socket.on('message', (packet, { port, address: client }) => {
    const answer = Buffer.concat([packet.subarray(0, numberLength), name]);
    // It may be gone from the network by now: the client will miss the answer, and count it.
    socket.send(answer, port, client, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port: echoPort, exclusive: true }, resolve);
  });
  socket.removeAllListeners('error').on('error', () => undefined);
}

requestRealtime(measuringPriority);
serve({ listen });
