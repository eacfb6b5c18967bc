import { cable, ifindexOf, ip, needsRoot, nft, until, type Cable } from './net-world.ts';
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { arpClaims, arpProbe } from '../../src/wire/arp.ts';
import { dadSolicitation, unsolicitedAdvertisement } from '../../src/wire/ndp.ts';
import { arpFilter, neighbourFilter } from '../../src/net/bpf.ts';
import { realtimeMs } from '../../src/net/clock.ts';
import { FrameSockets } from '../../src/net/frame-sockets.ts';
import { PacketSocket, type Packet } from '../../src/net/packet-socket.ts';

const mac = '02:00:00:00:00:01';
const arp = (address: string): Uint8Array => arpProbe(mac, address);

/** A frame with an 802.1Q tag in it, as it is on the wire. */
function tagged(frame: Uint8Array, vlan: number): Uint8Array {
  return Uint8Array.of(
    ...frame.subarray(0, 12), 0x81, 0x00, vlan >> 8, vlan & 0xff, ...frame.subarray(12));
}

describe('packet sockets on a cable', needsRoot, () => {
  let wire: Cable;
  const opened: PacketSocket[] = [];

  function open(name: string, more: Partial<ConstructorParameters<typeof PacketSocket>[0]> = {}) {
    const socket = new PacketSocket({ ifindex: ifindexOf(name), name, ethertype: 0x0806, ...more });
    opened.push(socket);
    return socket;
  }

  function collect(socket: PacketSocket): Packet[] {
    const packets: Packet[] = [];
    socket.receive((batch) => { packets.push(...batch); });
    return packets;
  }

  beforeEach(() => { wire = cable(); });
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.close();
    wire.remove();
  });

  it('carry frames both ways, many at a call, each with its kernel receive time', async () => {
    const [a, b] = [open(wire.a), open(wire.b)];
    const [atA, atB] = [collect(a), collect(b)];
    const frames = Array.from({ length: 300 }, (_, i) => arp(`10.0.${i >> 8}.${i & 255}`));
    const before = realtimeMs();
    assert.deepEqual(a.send(frames), frames.map(() => null));
    assert.deepEqual(b.send([frames[7]!]), [null]);
    await until('300 frames', () => atB.length === 300 && atA.length === 1);
    const after = realtimeMs();
    for (const [i, packet] of atB.entries()) {
      assert.deepEqual(packet.bytes, frames[i]);
      assert.ok(packet.at >= before - 0.001 && packet.at <= after, 'sent, received, read: in order');
      assert.equal(packet.length, frames[i]!.length);
      assert.equal(packet.ifindex, ifindexOf(wire.b));
    }
    assert.ok(atB.every(({ at }, i) => i === 0 || at >= atB[i - 1]!.at));
    assert.notEqual(atB[0]!.at % 1, 0, 'finer than a millisecond');
    assert.deepEqual(atA.map(({ bytes }) => bytes), [frames[7]]);
    assert.deepEqual(b.statistics(), { received: 300, dropped: 0 });
  });

  it('keep frames apart from those that come later', async () => {
    const [a, b] = [open(wire.a), open(wire.b, { framesPerWake: 1 })];
    const packets = collect(b);
    a.send([arp('10.0.0.1'), arp('10.0.0.2')]);
    await until('both', () => packets.length === 2);
    assert.deepEqual(packets.map(({ bytes }) => bytes), [arp('10.0.0.1'), arp('10.0.0.2')]);
  });

  it('cut frames longer than wanted, and tell their length', async () => {
    const a = open(wire.a);
    const packets = collect(open(wire.b, { snapLength: 64 }));
    const long = new Uint8Array(1000).fill(7);
    long.set(arp('10.0.0.1'));
    a.send([long, arp('10.0.0.2')]);
    await until('both', () => packets.length === 2);
    assert.deepEqual(packets[0]!.bytes, long.subarray(0, 64));
    assert.equal(packets[0]!.length, 1000);
    assert.deepEqual(packets[1]!.bytes, arp('10.0.0.2'));
  });

  it('with a filter hear only ARP, or only neighbour discovery, and no VLAN', async () => {
    const all = open(wire.a, { ethertype: 3 });
    const ifindex = ifindexOf(wire.b);
    const arps = collect(open(wire.b, { filter: arpFilter(ifindex) }));
    const ndps = collect(open(wire.b, { ethertype: 0x86dd, filter: neighbourFilter(ifindex) }));
    const everything = collect(open(wire.b, { ethertype: 3, promiscuous: true }));
    const [request] = arpClaims(mac, '192.0.2.7');
    const solicitation = dadSolicitation(mac, '2001:db8::7');
    const advertisement = unsolicitedAdvertisement(mac, '2001:db8::7');
    const echo = advertisement.slice();
    echo[54] = 128;
    const toOther = request.slice();
    toOther.set([0x02, 9, 9, 9, 9, 9]);
    all.send([
      tagged(request, 5), tagged(solicitation, 5), toOther, echo,
      request, solicitation, advertisement,
    ]);
    await until('all seven', () => everything.length === 7);
    await until('the three', () => arps.length >= 1 && ndps.length >= 2);
    await sleep(20);
    assert.deepEqual(arps.map(({ bytes }) => bytes), [request]);
    assert.deepEqual(ndps.map(({ bytes }) => bytes), [solicitation, advertisement]);
  });

  it('say of each frame whether an egress rule dropped it', async () => {
    const agent = open(wire.a, { mark: 0x7e });
    const stranger = open(wire.a);
    const packets = collect(open(wire.b));
    nft(`table netdev tnet {
      chain out { type filter hook egress device ${wire.a} priority 0;
        meta mark 0x7e arp daddr ip 10.0.0.1 drop; meta mark != 0x7e drop; }; }`);
    try {
      const frames = ['10.0.0.1', '10.0.0.2', '10.0.0.1', '10.0.0.3', '10.0.0.1'].map(arp);
      assert.deepEqual(agent.send(frames), ['ENOBUFS', null, 'ENOBUFS', null, 'ENOBUFS']);
      assert.deepEqual(stranger.send(frames.slice(1, 3)), ['ENOBUFS', 'ENOBUFS']);
      await until('the two that passed', () => packets.length === 2);
      assert.deepEqual(packets.map(({ bytes }) => bytes), [frames[1], frames[3]]);
    } finally {
      nft('delete table netdev tnet');
    }
    assert.deepEqual(stranger.send([arp('10.0.0.1')]), [null]);
  });

  it('say why a frame cannot be sent at all', () => {
    const a = open(wire.a);
    const results = a.send([new Uint8Array(4000), new Uint8Array(3), new Uint8Array(), arp('1.2.3.4')]);
    assert.deepEqual(results, ['EMSGSIZE', 'EINVAL', 'EINVAL', null]);
    assert.deepEqual(a.send([]), []);
    ip(`link set ${wire.a} down`);
    assert.deepEqual(a.send([arp('10.0.0.1')]), ['ENETDOWN']);
    ip(`link del ${wire.a}`);
    assert.deepEqual(a.send([arp('10.0.0.1')]), ['ENXIO']);
  });

  it('tell when their interface goes down, and hear again once it is up', async () => {
    const [a, b] = [open(wire.a), open(wire.b)];
    const packets: Packet[] = [];
    const errors: string[] = [];
    b.receive((batch) => { packets.push(...batch); }, (code) => { errors.push(code); });
    for (const round of [1, 2]) {
      ip(`link set ${wire.b} down`);
      await until('the error', () => errors.length === round);
      ip(`link set ${wire.b} up`);
      const before = packets.length;
      // Again until one arrives: an interface that has just come up may lose the first.
      await until('a frame', () => {
        a.send([arp('10.0.0.1')]);
        return packets.length > before;
      });
    }
    assert.deepEqual(errors, ['ENETDOWN', 'ENETDOWN']);
    ip(`link del ${wire.b}`);
    await until('the error', () => errors.length === 3);
    await sleep(50);
    assert.equal(errors.length, 3, 'told once, not again and again');
  });

  it('send at once when their interface is up again', () => {
    const a = open(wire.a);
    a.receive(() => undefined);
    ip(`link set ${wire.a} down`);
    ip(`link set ${wire.a} up`);
    // No turn of the event loop since: the socket has not been asked what happened.
    assert.deepEqual(a.send([arp('10.0.0.1'), arp('10.0.0.2')]), [null, null]);
  });

  it('are closed without delay, and are then silent', async () => {
    const [a, b] = [open(wire.a), open(wire.b)];
    const packets = collect(b);
    const times = Array.from({ length: 20 }, () => {
      const socket = open(wire.a);
      const begun = performance.now();
      socket.close();
      return performance.now() - begun;
    }).sort((one, other) => one - other);
    assert.ok(times[10]! < 5, `half of them within ${times[10]!.toFixed(1)} ms`);
    b.close();
    a.send([arp('10.0.0.1')]);
    await sleep(20);
    assert.deepEqual(packets, []);
  });

  it('on an interface that is not there are refused with its name', () => {
    assert.throws(
      () => new PacketSocket({ ifindex: 99999, name: 'eth9', ethertype: 0x0806 }),
      { code: 'ENODEV', message: /^packet socket on eth9: / },
    );
  });

  it('as the announcer uses them hear their family, send with the mark, and name errors', async () => {
    const sockets = new FrameSockets({ mark: 0x7e });
    const heard: Uint8Array[] = [];
    const link = (name: string) => ({ ifindex: ifindexOf(name), name });
    const ears = sockets.open(link(wire.b), 'ndp', (frames) => {
      heard.push(...frames.map(({ bytes }) => bytes));
    });
    const mouth = sockets.open(link(wire.a), 'ndp', () => undefined);
    try {
      const claim = unsolicitedAdvertisement(mac, '2001:db8::7');
      nft(`table netdev tnet { chain out { type filter hook egress device ${wire.a} priority 0;
        meta mark 0x7e accept; drop; }; }`);
      assert.deepEqual(mouth.send([claim]), [null]);
      await until('the claim', () => heard.length === 1);
      assert.deepEqual(heard[0], claim);
      nft(`flush chain netdev tnet out; add rule netdev tnet out drop`);
      assert.deepEqual(mouth.send([claim]), ['dropped-by-fence']);
      assert.deepEqual(mouth.send([new Uint8Array(9000)]), ['failed']);
      ip(`link set ${wire.a} down`);
      assert.deepEqual(mouth.send([claim]), ['link-down']);
      assert.equal(ears.statistics().received, 1);
    } finally {
      ears.close();
      mouth.close();
      nft('delete table netdev tnet');
    }
  });
});
