import { cable, ifindexOf, needsRoot, residentBytes, until } from './net-world.ts';
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { arpProbe } from '../../src/wire/arp.ts';
import { arpFilter } from '../../src/net/bpf.ts';
import { SolicitedNodeGroups } from '../../src/net/groups.ts';
import { NetlinkSocket } from '../../src/net/netlink-socket.ts';
import { PacketSocket } from '../../src/net/packet-socket.ts';
import { encodeLinkDump } from '../../src/net/rtnetlink/link.ts';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('a flood of frames', needsRoot, () => {
  it('is read in bounded portions, with timers in between, and what is too much is counted', async () => {
    const wire = cable();
    const flood = fork(fileURLToPath(new URL('net-flood.ts', import.meta.url)), [
      String(ifindexOf(wire.a)),
    ]);
    const ifindex = ifindexOf(wire.b);
    const socket = new PacketSocket({
      ifindex, ethertype: 0x0806, filter: arpFilter(ifindex), framesPerWake: 64, snapLength: 128,
    });
    let [received, largest, ticks, sent] = [0, 0, 0, 0];
    flood.on('message', (count) => { sent = Number(count); });
    socket.receive((packets) => {
      received += packets.length;
      largest = Math.max(largest, packets.length);
    });
    const timer = setInterval(() => { ticks += 1; }, 10);
    try {
      await until('the flood to begin', () => sent > 0);
      const [memory, ticksBefore, sentBefore] = [residentBytes(), ticks, sent];
      await sleep(3000);
      const rate = (sent - sentBefore) / 3;
      assert.ok(rate > 5_000, `a flood worth its name: ${Math.round(rate)} frames/s`);
      assert.ok(largest <= 64, `at most 64 frames a call, not ${largest}`);
      assert.ok(ticks - ticksBefore > 30, `the timer ran on: ${ticks - ticksBefore} times of 300`);
      assert.ok(residentBytes() - memory < 200e6, 'memory stays bounded');
      const counted = socket.statistics();
      assert.ok(counted.received >= received);
      assert.ok(received > 1000, `read meanwhile: ${received}, dropped: ${counted.dropped}`);
    } finally {
      clearInterval(timer);
      flood.kill('SIGKILL');
      socket.close();
      wire.remove();
    }
  });
});

/** Opens everything there is, twice, and stays. Runs in a worker, as plain JavaScript. */
const hoarder = `
  const { createRequire } = require('node:module');
  const { parentPort, workerData: { folder, loader, a, b, busy } } = require('node:worker_threads');
  const addon = createRequire(loader)('node-gyp-build')(folder);
  const open = (ifindex) => {
    const socket = new addon.PacketSocket({ ifindex, ethertype: 0x0806 });
    socket.start(new Uint8Array(65536), new Float64Array(600), () => { if (busy) socket.send(frames); });
    return socket;
  };
  const frame = new Uint8Array(60).fill(255);
  frame.set([8, 6], 12);
  const frames = Array.from({ length: 20 }, () => frame);
  const kept = [open(a), open(b), new addon.GroupSocket()];
  const events = new addon.NetlinkSocket({ protocol: 0, groups: [1, 5, 9] });
  events.start(() => {});
  kept.push(events, new addon.NetlinkSocket({ protocol: 12 }));
  const closed = open(a);
  closed.close();
  kept[0].send(frames);
  parentPort.postMessage('open');
`;

describe('worker threads', needsRoot, () => {
  const folder = fileURLToPath(new URL('../../src/net/native', import.meta.url));

  function hoard(a: string, b: string, busy: boolean): Worker {
    return new Worker(hoarder, {
      eval: true,
      execArgv: [],
      workerData: { folder, loader: import.meta.url, a: ifindexOf(a), b: ifindexOf(b), busy },
    });
  }

  it('that are ended with open sockets, idle or amid a flood, leave nothing behind', async () => {
    const wire = cable();
    try {
      const first = hoard(wire.a, wire.b, true);
      await once(first, 'message');
      await first.terminate();
      const before = descriptors();
      for (let round = 0; round < 8; round += 1) {
        const workers = [hoard(wire.a, wire.b, true), hoard(wire.a, wire.b, false)];
        await Promise.all(workers.map((worker) => once(worker, 'message')));
        await sleep(round * 5);
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
      await until('descriptors to be closed', () => descriptors() <= before);
    } finally {
      wire.remove();
    }
  });

  it('have sockets of their own: one that ends does not disturb another', async () => {
    const wire = cable();
    const socket = new PacketSocket({ ifindex: ifindexOf(wire.b), ethertype: 0x0806 });
    let received = 0;
    socket.receive((packets) => { received += packets.length; });
    try {
      const worker = hoard(wire.a, wire.a, false);
      await once(worker, 'message');
      await until('its frames', () => received === 20);
      await worker.terminate();
      const mouth = new PacketSocket({ ifindex: ifindexOf(wire.a), ethertype: 0x0806 });
      mouth.send([arpProbe('02:00:00:00:00:01', '10.0.0.1')]);
      mouth.close();
      await until('one more', () => received === 21);
    } finally {
      socket.close();
      wire.remove();
    }
  });
});

describe('file descriptors', needsRoot, () => {
  it('are all given back after hundreds of opens and closes', async () => {
    const wire = cable({ ipv6: true });
    const ifindex = ifindexOf(wire.a);
    const before = descriptors();
    for (let i = 0; i < 200; i += 1) {
      const packets = new PacketSocket({ ifindex, ethertype: 0x0806 });
      packets.receive(() => undefined);
      packets.close();
      const netlink = new NetlinkSocket({ protocol: 'route', groups: [1] });
      netlink.subscribe(() => undefined, () => undefined);
      netlink.close();
      netlink.close();
      const groups = new SolicitedNodeGroups();
      groups.join('2001:db8::1', { ifindex, name: wire.a });
      groups.close();
      if (i % 50 === 0) await sleep(1);
    }
    await until(`descriptors to be back at ${before}`, () => descriptors() <= before);
    wire.remove();
  });

  it('are given back when opening fails half-way', async () => {
    const before = descriptors();
    for (let i = 0; i < 100; i += 1) {
      assert.throws(() => new PacketSocket({ ifindex: 99999, ethertype: 0x0806 }));
      assert.throws(() => new PacketSocket({
        ifindex: 1, ethertype: 0x0806, filter: new Uint8Array(8).fill(0xff),
      }));
      assert.throws(() => new NetlinkSocket({ protocol: 'route', groups: [999] }));
    }
    await until(`descriptors to be back at ${before}`, () => descriptors() <= before);
  });

  it('are given back without close when an idle socket is no longer used', async () => {
    const before = descriptors();
    for (let i = 0; i < 200; i += 1) new NetlinkSocket({ protocol: 'route' }).dump(encodeLinkDump());
    await until('the collector to run', () => {
      // Garbage enough to make it.
      Array.from({ length: 20_000 }, () => new Uint8Array(1000));
      return descriptors() < before + 100;
    });
  });
});
