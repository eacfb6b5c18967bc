/** Runs in a client's namespace: asks one address at a steady rate, and keeps what came back. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { realtimeMs } from '../../src/net/clock.ts';
import { requestRealtime } from '../../src/net/sched.ts';
import { serve } from './helper.ts';
import { ProbeLog, type ProbeReport } from '../../src/measure/probe-log.ts';
import { echoPort, measuringPriority, numberLength } from './prober-wire.ts';

const address = process.argv[2]!;
const intervalMs = 1000 / Number(process.argv[3]);
/** How long the process sleeps at most before it looks for answers and for packets that are due. */
const sliceMs = Math.min(intervalMs / 2, 5);
const stallMs = 3;
/** How long an answer may take before a packet counts as lost. */
const patienceMs = 50;

const log = new ProbeLog();
const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: 1 << 22 });
const cell = new Int32Array(new SharedArrayBuffer(4));

socket.on('message', (packet) => {
  if (packet.length < numberLength) return;
  log.answer(packet.readUInt32BE(0), realtimeMs(), packet.toString('latin1', numberLength));
});
// An ICMP error (unreachable) is a packet without an answer, and is counted as such.
socket.on('error', () => undefined);

function send(): void {
  const packet = Buffer.alloc(numberLength);
  packet.writeUInt32BE(log.send(realtimeMs()));
  socket.send(packet, () => undefined);
}

let due = 0;
let turnedAt = 0;

/**
 * One turn of the loop: a sleep of half an interval, then the event loop takes what has arrived.
 * Timers would do with one turn a packet, but they come 1 to 2 ms late, and answers would be
 * counted as late as that.
 */
function turn(): void {
  Atomics.wait(cell, 0, 0, Math.max(0.05, Math.min(sliceMs, due - realtimeMs())));
  const now = realtimeMs();
  if (now - turnedAt > stallMs + sliceMs) log.stall(turnedAt, now);
  turnedAt = now;
  if (now >= due) {
    send();
    // Packets that were missed by a stall are not made up for: a burst would look like an outage.
    due = Math.max(due + intervalMs, now);
  }
  setImmediate(turn);
}

function last(): { readonly node: string; readonly at: number } | null {
  const answer = log.last();
  return answer === null ? null : { node: answer.by, at: answer.at };
}

async function report(query: { since: number; thresholdMs: number }): Promise<ProbeReport> {
  const until = realtimeMs();
  await new Promise((resolve) => { setTimeout(resolve, patienceMs); });
  return log.report(query.since, until, query.thresholdMs);
}

socket.bind(0, () => {
  socket.connect(echoPort, address, () => {
    requestRealtime(measuringPriority);
    due = realtimeMs();
    turnedAt = due;
    turn();
    serve({ report, last });
  });
});
