import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { MeasureEvent, SummaryEvent } from '../../../src/measure/events.ts';
import { Terminal } from './terminal.ts';

interface Service {
  readonly port: number;
  close(): void;
}

async function udpEcho(): Promise<Service> {
  const socket = createSocket('udp4');
  socket.on('message', (packet, { port, address }) => { socket.send(packet, port, address); });
  await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
  return { port: socket.address().port, close: () => { socket.close(); } };
}

async function httpService(): Promise<Service> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => { socket.end('HTTP/1.0 200 OK\r\n\r\n'); });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const bound = server.address();
  assert.ok(typeof bound === 'object' && bound !== null, 'it listens');
  return { port: bound.port, close: () => { server.close(); } };
}

function eventsIn(out: string): MeasureEvent[] {
  return out.trimEnd().split('\n').map((line) => JSON.parse(line) as MeasureEvent);
}

function summaryOf(events: readonly MeasureEvent[]): SummaryEvent {
  const last = events.at(-1);
  assert.ok(last?.event === 'summary', 'the summary is last');
  return last;
}

describe('tenure measure', () => {
  it('refuses what it cannot measure, with what would do', async () => {
    const cases: [string[], RegExp][] = [
      [['10.0.0'], /^tenure: address: "10\.0\.0" is not an address/],
      [['192.0.2.1', '-p', 'ping'], /^tenure: --probe: "ping" is no probe: known are icmp, udp, tcp, http, arp and ndp\n$/],
      [['192.0.2.1', '-p', 'htp'], /"htp" is no probe: did you mean "http"\?/],
      [['192.0.2.1', '-p', 'tcp'], /--probe: "tcp" needs a port: write tcp:443, or add --port 443/],
      [['192.0.2.1', '-p', 'tcp:0'], /--probe: "0" is no port: give a number from 1 to 65535/],
      [['192.0.2.1', '-p', 'icmp:7'], /"icmp:7" has a port, and icmp takes none: write icmp/],
      [['192.0.2.1', '-p', 'ndp'], /"ndp" does not go with an IPv4 address: use arp/],
      [['2001:db8::1', '-p', 'arp'], /"arp" does not go with an IPv6 address: use ndp/],
      [['192.0.2.1', '-p', 'udp', '-p', 'udp:7'], /--probe: "udp:7" is given twice/],
      [['192.0.2.1', '--port', '80'], /--port: "80" is of no use/],
      [['192.0.2.1', '--rate', '5000'], /--rate: "5000" is out of bounds: give questions a second, 1 to 2000/],
      [['192.0.2.1', '--duration', '10'], /--duration: "10" lacks a unit: write 10s/],
      [['192.0.2.1', '--gap', '0ms'], /--gap: "0ms" is out of bounds/],
      [['192.0.2.1', '--report', '/no/such/place.html'], /--report: "\/no\/such\/place\.html": its directory does not exist/],
      [['192.0.2.1', '--interface', 'nosuch0'], /--interface: "nosuch0": There is no interface "nosuch0"/],
    ];
    for (const [argv, why] of cases) {
      const { code, out, err } = await new Terminal().run('measure', ...argv);
      assert.deepEqual([code, out], [2, ''], argv.join(' '));
      assert.match(err, why);
      assert.equal(err.trimEnd().split('\n').length, 1, err);
    }
  });

  it('asks several services at once, and sums up for machines', async () => {
    const [udp, http] = [await udpEcho(), await httpService()];
    try {
      const { code, out } = await new Terminal().run('measure', '127.0.0.1', '-p',
        `udp:${udp.port},tcp:${http.port}`, '-p', `http:${http.port}`, '--rate', '50',
        '--duration', '600ms', '--json');
      assert.equal(code, 0);
      const events = eventsIn(out);
      assert.ok(events[0]?.event === 'start', 'the start is first');
      assert.equal(events[0].watchesClaims, false);
      assert.match(events[0].notes.join(), /Claims cannot be watched/);
      const { probes } = summaryOf(events);
      assert.deepEqual(probes.map(({ probe }) => probe), [
        `udp:${udp.port}`, `tcp:${http.port}`, `http:${http.port}`]);
      for (const { probe, sent, answered } of probes) {
        assert.ok(sent > 5 && answered > sent / 2, `${probe}: ${answered} of ${sent}`);
      }
    } finally {
      udp.close();
      http.close();
    }
  });

  it('tells of a service that was away, though it may not watch the LAN', async () => {
    const first = await udpEcho();
    const running = new Terminal().run('measure', '127.0.0.1', '-p', `udp:${first.port}`,
      '--duration', '2s', '--gap', '200ms', '--json');
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    first.close();
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    const again = createSocket('udp4');
    again.on('message', (packet, { port, address }) => { again.send(packet, port, address); });
    again.bind(first.port, '127.0.0.1');
    const { out } = await running;
    again.close();
    const gap = eventsIn(out).find((event) => event.event === 'gap');
    assert.ok(gap !== undefined, out);
    assert.ok(gap.ms > 350 && gap.lost > 100, JSON.stringify(gap));
    assert.deepEqual([gap.before, gap.after], [null, null]);
  });

  it('fails when nobody answers, and says why', async () => {
    const gone = await udpEcho();
    gone.close();
    const { code, out, err } = await new Terminal().run(
      'measure', '127.0.0.1', '-p', `udp:${gone.port}`, '--duration', '1500ms');
    assert.equal(code, 1);
    assert.match(out, /nobody has answered yet \(connection refused/);
    assert.match(err, /^tenure: 127\.0\.0\.1: nobody answered udp:/);
  });

  it('writes a report that needs nothing else', async () => {
    const udp = await udpEcho();
    const dir = mkdtempSync(join(tmpdir(), 'tenure-measure-'));
    try {
      const file = join(dir, 'report.html');
      const { code, err } = await new Terminal().run('measure', '127.0.0.1', '-p', `udp:${udp.port}`,
        '--duration', '300ms', '--report', file);
      assert.equal(code, 0);
      assert.match(err, /the report is in/);
      const html = readFileSync(file, 'utf8');
      assert.match(html, /<svg /);
      assert.doesNotMatch(html, /<(script|link|img)[ >]|src=|@import/);
    } finally {
      udp.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
