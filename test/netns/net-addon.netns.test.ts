import { cable, ifindexOf, needsRoot, until, type Cable } from './net-world.ts';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadAddon, metaFields, type Addon, type RawPacketSocket } from '../../src/net/addon.ts';
import { boottimeMs, monotonicMs, realtimeMs } from '../../src/net/clock.ts';
import { currentScheduling, leaveRealtime, requestRealtime } from '../../src/net/sched.ts';

const folder = fileURLToPath(new URL('../../src/net/native', import.meta.url));

/** Plain JavaScript for what runs apart: the addon, `a` and `b` (indices), and short ways. */
function preludeFor(wire: Cable): string {
  return `
    const addon = require(${JSON.stringify(modulePath('node-gyp-build'))})(${JSON.stringify(folder)});
    const [a, b] = [${ifindexOf(wire.a)}, ${ifindexOf(wire.b)}];
    const open = (ifindex) => new addon.PacketSocket({ ifindex, ethertype: 0x0806 });
    const start = (socket, callback) => {
      socket.start(new Uint8Array(8192), new Float64Array(600), callback);
      return socket;
    };
    const frame = new Uint8Array(60).fill(255);
    frame.set([8, 6], 12);
  `;
}

function inProcess(script: string, wire: Cable): ReturnType<typeof spawnSync> {
  return runScript(preludeFor(wire) + script);
}

function runScript(script: string): ReturnType<typeof spawnSync> {
  return spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 60_000 });
}

/** As passing it to a worker does: the array is then empty. */
function detach(array: Uint8Array): void {
  const buffer = array.buffer as ArrayBuffer;
  structuredClone(buffer, { transfer: [buffer] });
}

function modulePath(name: string): string {
  return fileURLToPath(import.meta.resolve(name));
}

describe('the addon', needsRoot, () => {
  let addon: Addon;
  let wire: Cable;
  const opened: RawPacketSocket[] = [];

  beforeEach(() => {
    addon = loadAddon();
    wire = cable();
  });
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.close();
    wire.remove();
  });

  function open(name: string): RawPacketSocket {
    const socket = new addon.PacketSocket({ ifindex: ifindexOf(name), ethertype: 0x0806 });
    opened.push(socket);
    return socket;
  }

  const room = (): [Uint8Array, Float64Array] => (
    [new Uint8Array(64 * 1024), new Float64Array(32 * metaFields)]);
  const frame = new Uint8Array(60).fill(255);
  frame.set([8, 6], 12);

  it('refuses every wrong argument with a TypeError that names it', () => {
    const { PacketSocket, NetlinkSocket, GroupSocket } = addon;
    const socket = open(wire.a);
    const netlink = new NetlinkSocket({ protocol: 0 });
    const groups = new GroupSocket();
    const good = { ifindex: ifindexOf(wire.a), ethertype: 0x0806 };
    const wrong: readonly [RegExp, (...args: never[]) => unknown, unknown[]][] = [
      [/options must be an object/, (o: never) => new PacketSocket(o), []],
      [/options must be an object/, (o: never) => new PacketSocket(o), [7]],
      [/must give ifindex and ethertype/, (o: never) => new PacketSocket(o), [{}]],
      [/ifindex must be a whole/, (o: never) => new PacketSocket(o), [{ ...good, ifindex: -1 }]],
      [/ifindex must be a whole/, (o: never) => new PacketSocket(o), [{ ...good, ifindex: 1.5 }]],
      [/ifindex must be a whole/, (o: never) => new PacketSocket(o), [{ ...good, ifindex: '1' }]],
      [/ifindex must be a whole/, (o: never) => new PacketSocket(o), [{ ...good, ifindex: NaN }]],
      [/ethertype must be/, (o: never) => new PacketSocket(o), [{ ...good, ethertype: 65536 }]],
      [/mark must be/, (o: never) => new PacketSocket(o), [{ ...good, mark: 2 ** 32 }]],
      [/filter must be a Uint8Array/, (o: never) => new PacketSocket(o), [{ ...good, filter: [] }]],
      [/filter must be 1 to/, (o: never) => new PacketSocket(o),
        [{ ...good, filter: new Uint8Array(7) }]],
      [/promiscuous must be/, (o: never) => new PacketSocket(o), [{ ...good, promiscuous: 1 }]],
      [/data must be a Uint8Array/, socket.start.bind(socket), []],
      [/data must be a Uint8Array/, socket.start.bind(socket), [new Uint16Array(9)]],
      [/meta must be a Float64Array/, socket.start.bind(socket), [new Uint8Array(9), []]],
      [/callback must be a function/, socket.start.bind(socket), [...room(), 'no']],
      [/room for one packet/, socket.start.bind(socket),
        [new Uint8Array(9), room()[1], () => undefined]],
      [/room for one packet/, socket.start.bind(socket),
        [room()[0], new Float64Array(1), () => undefined]],
      [/frames must be an array/, socket.send.bind(socket), [frame]],
      [/each frame must be/, socket.send.bind(socket), [[frame, null]]],
      [/each frame must be/, socket.send.bind(socket), [new Array(3)]],
      [/64 KiB/, socket.send.bind(socket), [[new Uint8Array(70_000)]]],
      [/true or false/, socket.setRef.bind(socket), [1]],
      [/must give protocol/, (o: never) => new NetlinkSocket(o), [{}]],
      [/groups must be an array/, (o: never) => new NetlinkSocket(o), [{ protocol: 0, groups: 1 }]],
      [/each group must/, (o: never) => new NetlinkSocket(o), [{ protocol: 0, groups: [0] }]],
      [/request must be/, netlink.exchange.bind(netlink), ['x']],
      [/request must be of 16/, netlink.exchange.bind(netlink), [new Uint8Array(15)]],
      [/callback must be/, netlink.start.bind(netlink), []],
      [/ifindex must be/, groups.join.bind(groups), []],
      [/group must be of 16/, groups.join.bind(groups), [1, new Uint8Array(4)]],
      [/clock must be/, addon.clock.bind(addon), ['now']],
      [/priority must be/, addon.setScheduler.bind(addon), [1, 100, true]],
      [/resetOnFork must be/, addon.setScheduler.bind(addon), [1, 10]],
    ];
    for (const [message, call, args] of wrong) {
      assert.throws(() => call(...args as never[]), { name: 'TypeError', message }, String(message));
    }
    netlink.close();
    groups.close();
  });

  it('refuses methods on objects that are not its own', () => {
    const socket = open(wire.a);
    for (const stranger of [undefined, {}, new addon.NetlinkSocket({ protocol: 0 })]) {
      assert.throws(() => socket.send.call(stranger as never, [frame]), TypeError);
    }
    assert.throws(() => (addon.PacketSocket as unknown as () => void)(), TypeError);
  });

  it('closes as often as it is told, and refuses use after it', () => {
    const socket = open(wire.a);
    socket.start(...room(), () => undefined);
    assert.throws(() => socket.start(...room(), () => undefined), /started already/);
    socket.close();
    socket.close();
    assert.throws(() => socket.send([frame]), /^Error: the packet socket is closed$/);
    assert.throws(() => socket.start(...room(), () => undefined), /is closed/);
    assert.deepEqual(socket.statistics(), [0, 0]);
    socket.setRef(false);
    const netlink = new addon.NetlinkSocket({ protocol: 0, groups: [1] });
    netlink.start(() => undefined);
    assert.throws(() => netlink.exchange(new Uint8Array(16)), /is for events/);
    netlink.close();
    netlink.close();
    assert.throws(() => netlink.exchange(new Uint8Array(16)), /is closed/);
    const groups = new addon.GroupSocket();
    groups.close();
    groups.close();
    assert.throws(() => groups.join(1, new Uint8Array(16)), /is closed/);
  });

  it('lets a socket be closed by its own callback, and calls it no more', async () => {
    const [mouth, ears] = [open(wire.a), open(wire.b)];
    let calls = 0;
    ears.start(new Uint8Array(2048), new Float64Array(metaFields), () => {
      calls += 1;
      ears.close();
    });
    mouth.send([frame, frame, frame]);
    await until('a call', () => calls > 0);
    await sleep(50);
    assert.equal(calls, 1);
  });

  it('survives that its arrays, or frames being sent, are taken away', async () => {
    const [mouth, ears] = [open(wire.a), open(wire.b)];
    const [data, meta] = room();
    const told: number[][] = [];
    ears.start(data, meta, (count, errno) => told.push([count, errno]));
    detach(data);
    mouth.send([frame]);
    await until('the error', () => told.length === 1);
    assert.deepEqual(told, [[0, 14]], 'EFAULT');
    const first = frame.slice();
    const frames = [first, frame];
    Object.defineProperty(frames, 1, {
      get: () => {
        detach(first);
        mouth.close();
        return frame;
      },
    });
    assert.throws(() => mouth.send(frames), /is closed/);
  });

  it('makes of what a callback throws an uncaught exception, and goes on', () => {
    const { stdout, status, stderr } = inProcess(`
      const seen = [];
      process.on('uncaughtException', (error) => {
        seen.push(error.message);
        if (seen.length < 3) return open(a).send([frame]);
        console.log(seen.join());
        process.exit(7);
      });
      let n = 0;
      start(open(b), () => { throw new Error('number ' + ++n); });
      open(a).send([frame]);
    `, wire);
    assert.deepEqual([stdout, status], ['number 1,number 2,number 3\n', 7], String(stderr));
  });

  it('does not disturb the end of a process, however it comes', () => {
    const busy = 'start(open(a), () => {}); const ears = start(open(b), () => {});'
      + 'const mouth = open(a); mouth.send(Array(50).fill(frame));'
      + 'const n = new addon.NetlinkSocket({ protocol: 0, groups: [1] }); n.start(() => {});'
      + 'const g = new addon.GroupSocket();';
    const endings: readonly [string, number][] = [
      [`${busy} process.exit(3);`, 3],
      [`${busy} setTimeout(() => process.exit(4), 20);`, 4],
      [`start(open(b), () => process.exit(5)); open(a).send([frame]);`, 5],
      [`${busy} ears.setRef(false); n.setRef(false); for (const s of [ears, n]) s.close();
        setTimeout(() => process.exit(6), 20).unref(); setTimeout(() => process.exit(6), 30);`, 6],
      [`const s = start(open(a), () => {}); s.setRef(false);`, 0],
      [`const s = start(open(a), () => {}); s.close();`, 0],
      [`start(open(b), () => { throw new Error('x'); }); open(a).send([frame]);`, 1],
    ];
    for (const [script, expected] of endings) {
      const { status, signal, stderr } = inProcess(script, wire);
      assert.deepEqual([status, signal], [expected, null], `${script}\n${String(stderr)}`);
    }
  });

  it('may be loaded by a worker alone, and again by the next, while sockets are closing', () => {
    const inWorker = `${preludeFor(wire)}
      for (let i = 0; i < 10; i += 1) start(open(a), () => {}).close();
      start(open(b), () => {});
      require('node:worker_threads').parentPort.postMessage('open');`;
    const { status, signal, stderr } = runScript(`
      const { Worker } = require('node:worker_threads');
      (async () => {
        for (let i = 0; i < 5; i += 1) {
          const worker = new Worker(${JSON.stringify(inWorker)}, { eval: true });
          await new Promise((resolve) => { worker.once('message', resolve); });
          await worker.terminate();
        }
        await new Promise((resolve) => { setTimeout(resolve, 300); });
        process.exit(9);
      })();`);
    assert.deepEqual([status, signal], [9, null], String(stderr));
  });

  it('tells the time of three clocks, in ms with fraction', () => {
    assert.ok(Math.abs(realtimeMs() - Date.now()) < 100);
    const before = Number(process.hrtime.bigint()) / 1e6;
    const now = monotonicMs();
    const after = Number(process.hrtime.bigint()) / 1e6;
    assert.ok(before <= now + 0.001 && now <= after + 0.001);
    assert.ok(boottimeMs() >= now - 0.001);
    assert.throws(() => loadAddon().clock(14), { errno: 22, syscall: 'clock_gettime' });
  });

  it('puts the calling thread under SCHED_FIFO and back, or says why not', () => {
    assert.deepEqual(currentScheduling(), { realtime: false, priority: 0, resetOnFork: false });
    const refused = requestRealtime(10);
    if (refused !== null) {
      assert.equal(refused.code, 'EPERM');
      return;
    }
    assert.deepEqual(currentScheduling(), { realtime: true, priority: 10, resetOnFork: true });
    assert.equal(leaveRealtime(), null);
    assert.equal(currentScheduling().realtime, false);
  });
});
