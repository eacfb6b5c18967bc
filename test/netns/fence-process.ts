/** Runs in a namespace of a fence test: holds a fence, sends frames or hears them, as told. */
import { execFileSync } from 'node:child_process';
import { boottimeMs, realtimeMs } from '../../src/net/clock.ts';
import { KernelFence, openFence, type FenceOptions } from '../../src/net/fence.ts';
import { detectFence } from '../../src/net/fence-kernel.ts';
import { inspectFence } from '../../src/net/fence-inspect.ts';
import { Interfaces } from '../../src/net/interfaces.ts';
import { NetlinkSocket } from '../../src/net/netlink-socket.ts';
import { ownName } from '../../src/net/own-address.ts';
import { PacketSocket, type Packet } from '../../src/net/packet-socket.ts';
import { decodeArp } from '../../src/wire/arp.ts';
import { decodeNeighbour } from '../../src/wire/ndp.ts';
import { serve } from '../lab/helper.ts';
import {
  mark, type Heard, type HoldOrder, type ManageOrder, type OpenOrder, type RearmOrder,
  type SendOrder, type StreamOrder, type StreamResult,
} from './fence-orders.ts';

const allProtocols = 0x0003;
const cell = new Int32Array(new SharedArrayBuffer(4));
const repaired: string[] = [];
const heard: Heard[] = [];
let fence: KernelFence | null = null;

function standing(): KernelFence {
  if (fence === null) throw new Error('no fence is open');
  return fence;
}

const indexes = new Map<string, number>();

function ifindexOf(name: string): number {
  const known = indexes.get(name);
  if (known !== undefined) return known;
  const listing = execFileSync('ip', ['-j', 'link', 'show', name], { encoding: 'utf8' });
  const { ifindex } = (JSON.parse(listing) as { ifindex: number }[])[0]!;
  indexes.set(name, ifindex);
  return ifindex;
}

/** As the agent does (src/agent/kernel.ts). */
function followOwn(): Pick<FenceOptions, 'ownName'> {
  const interfaces = new Interfaces();
  interfaces.onChange(({ links, subnets }) => {
    if (links.length + subnets.size > 0) fence?.lookAgain();
  });
  return {
    ownName: (ifindex, version, isManaged) => ownName(interfaces, ifindex, version, isManaged),
  };
}

function open({ only, lagMs = 0, realAheadMs = 0, own = false }: OpenOrder): unknown {
  const options = {
    mark, ...(only === undefined ? {} : { only }), ...(own ? followOwn() : {}),
    onRepaired: (text: string) => { repaired.push(text); },
    onBroken: (error: unknown) => { repaired.push(`broken: ${String(error)}`); },
  };
  if (lagMs === 0 && realAheadMs === 0) {
    fence = openFence(options);
  } else {
    const netlink = new NetlinkSocket({ protocol: 'netfilter' });
    const events = new NetlinkSocket({ protocol: 'netfilter', groups: [7] });
    const clock = {
      real: () => realtimeMs() - lagMs + realAheadMs, boot: () => boottimeMs() - lagMs,
    };
    fence = new KernelFence(detectFence(netlink), options, { netlink, events, clock });
  }
  return fence.detected;
}

function manage({ addresses, links }: ManageOrder): void {
  indexes.clear();
  standing().manage(new Set(addresses), links.map((name) => ({ name, ifindex: ifindexOf(name) })));
}

function hold({ add = [], remove = [] }: HoldOrder): void {
  standing().hold(add, remove);
}

/** Opens the gate until so many ms from now; gives the wall clock's time of its end. */
function arm(ms: number): number {
  const end = realtimeMs() + ms;
  standing().arm(ms === 0 ? 0 : boottimeMs() + ms);
  return end;
}

function rearm({ times, everyMs, forMs }: RearmOrder): void {
  for (let i = 0; i < times; i += 1) {
    arm(forMs);
    Atomics.wait(cell, 0, 0, everyMs);
  }
}

/** The frames with the socket for each; the sockets are to be closed. */
function withSockets(
  { link, marked, protocol, frames }: SendOrder,
): { sockets: Iterable<PacketSocket>; pairs: { frame: Uint8Array; socket: PacketSocket }[] } {
  const ifindex = ifindexOf(link);
  const sockets = new Map<number, PacketSocket>();
  const pairs = frames.map((hex) => {
    const ethertype = protocol ?? Number.parseInt(hex.slice(24, 28), 16);
    const socket = sockets.get(ethertype)
      ?? new PacketSocket({ ifindex, ethertype, ...(marked ? { mark } : {}) });
    sockets.set(ethertype, socket);
    return { frame: Buffer.from(hex, 'hex'), socket };
  });
  return { sockets: sockets.values(), pairs };
}

function send(order: SendOrder): (string | null)[] {
  const { sockets, pairs } = withSockets(order);
  const codes = pairs.map(({ frame, socket }) => socket.send([frame])[0] ?? null);
  for (const socket of sockets) socket.close();
  return codes;
}

function stream(order: StreamOrder): StreamResult {
  const { sockets, pairs } = withSockets(order);
  const sent: number[] = [];
  const refused: number[] = [];
  const codes = new Set<string>();
  const begin = performance.now();
  for (let i = 0; performance.now() - begin < order.forMs; i += 1) {
    const { socket, frame } = pairs[i % pairs.length]!;
    const code = socket.send([frame])[0] ?? null;
    (code === null ? sent : refused).push(realtimeMs());
    if (code !== null) codes.add(code);
    const wait = (i + 1) * order.everyMs - (performance.now() - begin);
    if (wait > 0) Atomics.wait(cell, 0, 0, wait);
  }
  for (const socket of sockets) socket.close();
  return { sent, refused, codes: [...codes] };
}

function listen(link: string): void {
  const socket = new PacketSocket({
    ifindex: ifindexOf(link), ethertype: allProtocols, ignoreOutgoing: true,
    receiveBuffer: 32 << 20,
  });
  socket.receive((packets) => {
    for (const packet of packets) heard.push(...claimIn(packet));
  });
}

function claimIn({ bytes, at }: Packet): Heard[] {
  const arp = decodeArp(bytes);
  if (!('drop' in arp)) {
    const what = arp.operation === 'reply' ? 'arp-reply' : 'arp-request';
    return [{ what, address: arp.senderAddress, mac: arp.ethernet.source, at }];
  }
  const neighbour = decodeNeighbour(withoutHopByHop(bytes));
  if ('drop' in neighbour) return [];
  const mac = neighbour.ethernet.source;
  return neighbour.kind === 'advertisement'
    ? [{ what: 'advertisement', address: neighbour.target, mac, at }]
    : [{ what: 'solicitation', address: neighbour.source, mac, at }];
}

/** The frame without the 8 bytes of a hop-by-hop header, if it has one. */
function withoutHopByHop(bytes: Uint8Array): Uint8Array {
  if (bytes[12] !== 0x86 || bytes[13] !== 0xdd || bytes[20] !== 0) return bytes;
  const cut = new Uint8Array(bytes.length - 8);
  cut.set(bytes.subarray(0, 54));
  cut.set(bytes.subarray(62), 54);
  cut.set([0, (bytes[19] ?? 0) - 8, 58], 18);
  return cut;
}

function hear(): Heard[] {
  return heard.splice(0);
}

/** How long calls take, in ms, sorted. */
function measure(calls: number): Record<string, number[]> {
  const own = standing();
  const many = Array.from({ length: 10_000 }, (_, i) => `10.67.${String(i >> 8)}.${String(i & 255)}`);
  const links = [{ name: 'e0', ifindex: ifindexOf('e0') }];
  const times = (count: number, run: (i: number) => void): number[] => Array.from(
    { length: count }, (_, i) => {
      Atomics.wait(cell, 0, 0, 2);
      const begin = performance.now();
      run(i);
      return performance.now() - begin;
    },
  ).sort((a, b) => a - b);
  const thousand = many.slice(0, 1000);
  return {
    'manage 10,000': times(1, () => own.manage(new Set(many), links)),
    'hold 1': times(calls, (i) => own.hold(i % 2 === 0 ? [many[0]!] : [], i % 2 === 0 ? [] : [many[0]!])),
    'hold 1,000': times(calls / 10, (i) => own.hold(i % 2 === 0 ? thousand : [], i % 2 === 0 ? [] : thousand)),
    arm: times(calls, () => own.arm(boottimeMs() + 3000)),
  };
}

serve({
  open, manage, hold, arm, rearm, send, stream, listen, hear, measure,
  dropped: () => standing().dropped(),
  repaired: () => repaired.splice(0),
  remove: () => standing().remove(),
  inspect: () => inspectFence(),
});
