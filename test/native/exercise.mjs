// Uses every part of the addon, in plain JavaScript and within seconds: for sanitizers, valgrind,
// and other versions of Node (`npx -y node@24 test/native/exercise.mjs`). Needs root. Runs in a
// network namespace of its own, which goes with it. The tests in test/netns judge far more.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const inside = 'TENURE_EXERCISE_INSIDE';
if (isMainThread && process.env[inside] === undefined) {
  const again = spawnSync('unshare', ['--net', process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit', env: { ...process.env, [inside]: '1' },
  });
  process.exit(again.status ?? 1);
}

const addon = createRequire(import.meta.url)('node-gyp-build')(
  fileURLToPath(new URL('../../src/net/native', import.meta.url)));

const frame = new Uint8Array(60).fill(255);
frame.set([8, 6], 12);
const frames = new Array(50).fill(frame);
// ld ethertype; jeq ARP; ret all; ret 0
const arpOnly = new Uint8Array(new Uint16Array([
  0x28, 0, 12, 0, 0x15, 1 << 8, 0x806, 0, 0x06, 0, 0xffff, 0, 0x06, 0, 0, 0,
]).buffer);
const dumpOf = (type, length) => {
  const bytes = new Uint8Array(16 + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, 0x301, true);
  return bytes;
};

function open(ifindex, more = {}) {
  return new addon.PacketSocket({ ifindex, ethertype: 0x0806, filter: arpOnly, ...more });
}

function listen(socket, callback) {
  socket.start(new Uint8Array(32 * 2048), new Float64Array(32 * 6), callback);
  return socket;
}

async function inWorker({ a, b }) {
  const mouth = open(a);
  listen(open(b), () => { mouth.send(frames.slice(0, 3)); });
  listen(open(a), () => { mouth.send(frames.slice(0, 3)); });
  const events = new addon.NetlinkSocket({ protocol: 0, groups: [1, 5, 9] });
  events.start(() => {});
  new addon.GroupSocket().join(a, new Uint8Array([255, 2, ...new Array(13).fill(0), 9]));
  mouth.send(frames);
  parentPort.postMessage('open');
}

async function main() {
  const ip = (line) => assert.equal(spawnSync('ip', line.split(' '), { stdio: ['ignore', 'ignore', 'inherit'] }).status, 0, line);
  ip('link add a0 type veth peer name b0');
  ip('link set a0 up');
  ip('link set b0 up');
  const [a, b] = ['a0', 'b0'].map((name) => Number(indexOf(name)));
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();

  let received = 0;
  const ears = listen(open(b, { promiscuous: true, ignoreOutgoing: true, mark: 5, receiveBuffer: 1 << 20 }), (count) => { received += count; });
  const mouth = open(a, { sendBuffer: 1 << 20 });
  for (let i = 0; i < 10; i++) {
    assert.equal(mouth.send(frames), null);
    await sleep(5);
  }
  for (let i = 0; i < 200 && received < 500; i++) await sleep(10);
  assert.equal(received, 500);
  assert.deepEqual(ears.statistics(), [500, 0]);
  assert.deepEqual([...mouth.send([frame, new Uint8Array(9000), frame])], [0, 90, 0]);

  const netlink = new addon.NetlinkSocket({ protocol: 0, receiveBuffer: 1 << 20, sendBuffer: 1 << 20 });
  const events = new addon.NetlinkSocket({ protocol: 0, groups: [1, 5, 9], receiveBuffer: 2048 });
  let overruns = 0;
  let told = 0;
  events.start((bytes, errno) => {
    told += bytes.length;
    if (errno === 105) overruns += 1;
  });
  for (let i = 0; i < 20; i++) assert.ok(netlink.exchange(dumpOf(18, 16)).length > 1000);
  for (let i = 0; i < 20; i++) ip(`link set a0 mtu ${1400 + i}`);
  ip('link set b0 down');
  ip('link set b0 up');
  for (let i = 0; i < 200 && (overruns === 0 || told === 0); i++) await sleep(10);
  assert.ok(overruns > 0 && told > 0);

  const groups = new addon.GroupSocket();
  const group = new Uint8Array([255, 2, ...new Array(12).fill(0), 7, 7]);
  assert.equal(groups.join(a, group), 0);
  assert.equal(groups.leave(a, group), 0);
  assert.notEqual(groups.leave(a, group), 0);

  ip('link set lo up');
  for (const protocol of ['udp', 'icmp']) {
    for (const address of [[127, 0, 0, 1], [...new Array(15).fill(0), 1]]) {
      // Nobody is behind the port: what was sent comes back as an error. ICMP is answered.
      const datagrams = new addon.DatagramSocket({ protocol, address: new Uint8Array(address), port: 9 });
      let heard = 0;
      datagrams.start(new Uint8Array(4096), new Float64Array(6), (count, errno) => { heard += count + errno; });
      assert.equal(typeof datagrams.isRaw(), 'boolean');
      assert.ok(datagrams.localPort() >= 0);
      const echo = new Uint8Array(16);
      // Type, and for IPv4 the checksum of what is otherwise zero.
      echo.set(address.length === 4 ? [8, 0, 0xf7, 0xff] : [128, 0, 0, 0]);
      for (let i = 0; i < 20; i++) datagrams.send(echo);
      for (let i = 0; i < 100 && heard === 0; i++) await sleep(10);
      assert.ok(heard > 0, `${protocol} to ${address}`);
      datagrams.close();
      datagrams.close();
      assert.throws(() => datagrams.send(echo), /closed/);
    }
  }
  for (const bad of [undefined, {}, { protocol: 'udp' }, { protocol: 'tcp', address: new Uint8Array(4) }, { protocol: 'udp', address: new Uint8Array(5) }]) {
    assert.throws(() => new addon.DatagramSocket(bad));
  }

  for (const bad of [undefined, {}, { ifindex: 1 }, { ifindex: 1, ethertype: 1, filter: new Uint8Array(8) }, { ifindex: 77777, ethertype: 1 }]) {
    assert.throws(() => new addon.PacketSocket(bad));
  }
  assert.throws(() => mouth.send([frame, 'x']), TypeError);
  const monotonic = addon.clock(1);
  assert.ok(addon.clock(7) >= monotonic - 0.001);
  assert.equal(addon.setScheduler(0, 0, false), 0);
  assert.equal(addon.scheduler().length, 3);

  for (let round = 0; round < 3; round++) {
    const workers = [0, 1].map(() => new Worker(fileURLToPath(import.meta.url), { workerData: { a, b } }));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    await sleep(20 * round);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  for (let i = 0; i < 30; i++) {
    open(a);
    new addon.NetlinkSocket({ protocol: 12 });
    listen(open(a), () => {}).close();
  }
  globalThis.gc?.();
  await sleep(50);

  for (const socket of [ears, mouth, netlink, events, groups]) {
    socket.close();
    socket.close();
  }
  assert.throws(() => mouth.send([frame]), /closed/);
  // Packet sockets are closed aside, each in some ten milliseconds.
  for (let i = 0; i < 500 && globalThis.gc && descriptors() > before + 2; i++) await sleep(20);
  if (globalThis.gc) assert.ok(descriptors() <= before + 2, `${before} descriptors, then ${descriptors()}`);
  // Left open on purpose: the end of the process has to see to them.
  listen(open(b), () => {}).setRef(false);
  const last = new addon.NetlinkSocket({ protocol: 0, groups: [1] });
  last.start(() => {});
  last.setRef(false);
  console.log(`tenure_net on Node ${process.version}: ok`);
}

function indexOf(name) {
  // Not /sys, which shows the namespace that it was mounted in.
  const line = spawnSync('ip', ['-o', 'link', 'show', name], { encoding: 'utf8' }).stdout;
  return line.split(':', 1)[0];
}

if (isMainThread) await main();
else await inWorker(workerData);
