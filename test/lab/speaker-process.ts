/** Runs in a host's namespace: says on its cable whatever frames it is told to say. */
import { loadAddon, type RawPacketSocket } from '../../src/net/addon.ts';
import { serve } from './helper.ts';
import type { FloodOrder, FloodResult } from './speaker.ts';

/** Bound to a protocol that nobody uses (IEEE 802 local experimental 1): it only sends. */
const unused = 0x88b5;
const cell = new Int32Array(new SharedArrayBuffer(4));
let socket: RawPacketSocket | null = null;

function open(ifindex: number): void {
  socket = new (loadAddon().PacketSocket)({ ifindex, ethertype: unused, sendBuffer: 16 << 20 });
}

function send(frames: readonly Uint8Array[]): number {
  const errors = socket?.send(frames);
  return errors?.reduce((sum, errno) => sum + Number(errno !== 0), 0) ?? 0;
}

function say(frames: readonly string[]): number {
  return send(frames.map((frame) => Buffer.from(frame, 'hex')));
}

/** The frames in turn, evenly: a slice of them every 2 ms. */
function flood({ frames, perSecond, ms }: FloodOrder): FloodResult {
  const bytes = frames.map((frame) => Buffer.from(frame, 'hex'));
  const begin = performance.now();
  let sent = 0;
  let failed = 0;
  for (;;) {
    const elapsed = performance.now() - begin;
    const due = Math.floor(Math.min(elapsed, ms) * perSecond / 1000);
    while (sent < due) {
      const length = Math.min(256, due - sent);
      const slice = Array.from({ length }, (_, i) => bytes[(sent + i) % bytes.length]!);
      failed += send(slice);
      sent += slice.length;
    }
    if (elapsed >= ms) return { sent, failed, ms: performance.now() - begin };
    Atomics.wait(cell, 0, 0, 2);
  }
}

serve({ open, say, flood });
