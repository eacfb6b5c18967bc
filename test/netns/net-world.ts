/**
 * Imported first by tests of src/net: runs the test file once more, in a network namespace of its
 * own that has no name and so goes with the process, also if that is killed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAddon } from '../../src/net/addon.ts';
import { NetlinkSocket } from '../../src/net/netlink-socket.ts';
import { decodeLink, encodeLinkDump } from '../../src/net/rtnetlink/link.ts';

const inside = 'TENURE_TEST_OWN_NAMESPACE';
const isRoot = process.getuid?.() === 0;

/** For `describe`: without root nothing of this can be tested, and it is shown as skipped. */
export const needsRoot = { skip: isRoot ? false : 'needs root' };

if (isRoot && process.env[inside] === undefined) {
  const [, file = ''] = process.argv;
  const again = spawnSync('unshare', ['--net', process.execPath, ...process.execArgv, file], {
    stdio: 'inherit', env: { ...process.env, [inside]: '1' },
  });
  process.exit(again.status ?? 1);
}

/** `ip`, with its arguments in one text. */
export function ip(command: string): void {
  execFileSync('ip', command.split(' '), { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Feeds `nft -f -`. */
export function nft(rules: string): void {
  execFileSync('nft', ['-f', '-'], { input: rules, stdio: ['pipe', 'ignore', 'inherit'] });
}

export interface Cable {
  readonly a: string;
  readonly b: string;
  /** Unplugs both ends for good. */
  remove(): void;
}

let cables = 0;

/**
 * Two interfaces of this namespace with a cable between them, both up, and (if not asked for)
 * without IPv6, so that the kernel itself says nothing on it.
 */
export function cable({ ipv6 = false } = {}): Cable {
  cables += 1;
  const [a, b] = [`a${cables}`, `b${cables}`];
  ip(`link add ${a} type veth peer name ${b}`);
  for (const name of [a, b]) {
    if (!ipv6) writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, '1');
    else writeSysctl(`net/ipv6/conf/${name}/accept_dad`, '0');
    ip(`link set ${name} up`);
  }
  awaitFrames(a, b);
  awaitFrames(b, a);
  return {
    a, b, remove: () => { spawnSync('ip', ['link', 'del', a], { stdio: 'ignore' }); },
  };
}

/** Returns once frames pass: the kernel drops what is sent into a cable just plugged in. */
function awaitFrames(from: string, to: string): void {
  const ethertype = 0x88b5; // Of IEEE Std 802, for experiments: no test listens to it.
  const { PacketSocket } = loadAddon();
  const frame = new Uint8Array(60).fill(0xff);
  new DataView(frame.buffer).setUint16(12, ethertype);
  const [mouth, ears] = [from, to].map((name) => (
    new PacketSocket({ ifindex: ifindexOf(name), ethertype })));
  if (mouth === undefined || ears === undefined) return;
  try {
    const end = performance.now() + 30_000;
    while (ears.statistics()[0] === 0) {
      if (performance.now() > end) throw new Error(`no frame from ${from} came to ${to} in 30 s`);
      mouth.send([frame]);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  } finally {
    mouth.close();
    ears.close();
  }
}

export function writeSysctl(path: string, value: string): void {
  execFileSync('sysctl', ['-qw', `${path.replaceAll('/', '.')}=${value}`]);
}

export function ifindexOf(name: string): number {
  const socket = new NetlinkSocket({ protocol: 'route' });
  try {
    for (const message of socket.dump(encodeLinkDump())) {
      const link = decodeLink(message);
      if (link?.name === name) return link.ifindex;
    }
    throw new Error(`no interface ${name}`);
  } finally {
    socket.close();
  }
}

/** Waits until `check` gives something; fails with `what` after ten seconds. */
export async function until<T>(
  what: string, check: () => T | null | undefined | false,
): Promise<T> {
  const end = performance.now() + 10_000;
  for (;;) {
    const value = check();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`not within 10 s: ${what}`);
    await sleep(5);
  }
}

/** Bytes of memory that are resident. */
export function residentBytes(): number {
  return Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[1]) * 4096;
}
