/** Runs in the switch's namespace: hears each cable of the LAN, and keeps who claimed what. */
import { loadAddon, metaFields, type RawPacketSocket } from '../../src/net/addon.ts';
import { ClaimLog, readClaim, type ClaimQuery } from '../../src/measure/claim-log.ts';
import { serve } from './helper.ts';
import type { SnifferState } from './sniffer.ts';

/** ETH_P_ALL (linux/if_ether.h): taps of a single protocol come after the bridge took the frame. */
const allProtocols = 0x0003;
/** The kernel counts about 1 KiB for a small frame: room for a second of 50,000 of them. */
const receiveBuffer = 64 << 20;
const snapLength = 512;
const framesAtOnce = 512;

const ports = process.argv.slice(2).map((argument) => {
  const [name = '', ifindex = ''] = argument.split('=');
  return { name, ifindex: Number(ifindex) };
});
const log = new ClaimLog(ports.map((port) => port.name));
let frames = 0;
let problem: string | null = null;

/** A classic BPF program (linux/filter.h) that passes ARP, and NS and NA (RFC 4861) over IPv6. */
function claimFilter(): Uint8Array {
  const load16 = 0x28;
  const load8 = 0x30;
  const jumpIfEqual = 0x15;
  const give = 0x06;
  const program: [code: number, ifTrue: number, ifFalse: number, k: number][] = [
    [load16, 0, 0, 12], // ethertype
    [jumpIfEqual, 6, 0, 0x0806],
    [jumpIfEqual, 0, 6, 0x86dd],
    [load8, 0, 0, 14 + 6], // next header
    [jumpIfEqual, 0, 4, 58],
    [load8, 0, 0, 14 + 40], // ICMPv6 type
    [jumpIfEqual, 1, 0, 135],
    [jumpIfEqual, 0, 1, 136],
    [give, 0, 0, snapLength],
    [give, 0, 0, 0],
  ];
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, [code, ifTrue, ifFalse, k]] of program.entries()) {
    bytes.setUint16(index * 8, code, true);
    bytes.setUint8(index * 8 + 2, ifTrue);
    bytes.setUint8(index * 8 + 3, ifFalse);
    bytes.setUint32(index * 8 + 4, k, true);
  }
  return new Uint8Array(bytes.buffer);
}

const errnoNetworkDown = 100;

function listen(port: number): RawPacketSocket {
  const socket = new (loadAddon().PacketSocket)({
    ifindex: ports[port]!.ifindex, ethertype: allProtocols, filter: claimFilter(), snapLength,
    receiveBuffer, ignoreOutgoing: true,
  });
  const data = new Uint8Array(framesAtOnce * snapLength);
  const meta = new Float64Array(framesAtOnce * metaFields);
  socket.start(data, meta, (count, errno) => {
    frames += count;
    // A cable that was cut: the socket hears again when it is mended.
    if (errno !== 0 && errno !== errnoNetworkDown) problem = `${ports[port]!.name}: errno ${errno}`;
    for (let index = 0; index < count; index += 1) {
      const field = index * metaFields;
      const offset = meta[field]!;
      const claim = readClaim(data.subarray(offset, offset + meta[field + 1]!));
      if (claim !== null) log.add(claim.address, port, meta[field + 3]!, claim.kind, claim.mac);
    }
  });
  return socket;
}

const sockets = ports.map((_, port) => listen(port));

/** Until everything that had arrived at this moment has been read. */
async function drain(): Promise<void> {
  let before = -1;
  while (before !== frames) {
    before = frames;
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise((resolve) => { setImmediate(resolve); });
    }
  }
}

function state(): SnifferState {
  const dropped = sockets.reduce((sum, socket) => sum + socket.statistics()[1], 0);
  return { frames, claims: log.size, kernelDrops: dropped, overflow: log.overflow, problem };
}

interface AddressQuery extends ClaimQuery {
  readonly address: string;
}

serve({
  state: async () => {
    await drain();
    return state();
  },
  addresses: async () => {
    await drain();
    return log.addresses();
  },
  claims: async (query: AddressQuery & { probes: boolean }) => {
    await drain();
    return [...log.select(query.address, query, query.probes)];
  },
  firsts: async (query: ClaimQuery) => {
    await drain();
    return log.firsts(query);
  },
  runs: async (query: AddressQuery) => {
    await drain();
    return log.runs(query.address, query);
  },
  overlaps: async (query: ClaimQuery & { addresses?: readonly string[] }) => {
    await drain();
    return (query.addresses ?? log.addresses()).flatMap((address) => log.overlaps(address, query));
  },
});
