/** What strangers on the LAN can do to quorum mode with its port: nothing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { agentBelow, processTree } from '../lab/process.ts';
import { tcpdumpMissing } from '../unit/wire/pcap.ts';
import { eip, inQuorumMode, setStage } from './agent-stage.ts';
import type { Stage } from './agent-stage.ts';

const heartbeat = { interval: '60ms', support: '400ms' };
const port = 9477;

/** Payloads of the heartbeats that a node was sent meanwhile, as the switch saw them. */
async function record({ lab }: Stage, node: string, ms: number): Promise<Buffer[]> {
  const file = join(lab.dir, `${node}.pcap`);
  const dump = lab.spawn('switch', [
    'tcpdump', '-i', node, '-U', '-w', file, '-Z', 'root', `udp dst port ${String(port)} and dst host ${lab.host(node).lan!.ipv4}`,
  ], { name: 'tcpdump' });
  await dump.waitForOutput(/listening on/);
  await sleep(ms);
  await dump.stop();
  const bytes = readFileSync(file);
  const payloads: Buffer[] = [];
  // draft-ietf-opsawg-pcap: a header of 24 bytes, of 16 for each; Ethernet, IPv4, UDP before.
  for (let at = 24; at + 16 <= bytes.length;) {
    const length = bytes.readUInt32LE(at + 8);
    payloads.push(bytes.subarray(at + 16 + 14 + 20 + 8, at + 16 + length));
    at += 16 + length;
  }
  return payloads;
}

/** Sends payloads in turn, evenly: stdin has what to do. Gives how many the kernel took. */
const sender = `
const { host, port, perSecond, ms, payloads } = JSON.parse(require('fs').readFileSync(0));
const socket = require('dgram').createSocket('udp4');
const bytes = payloads.map((hex) => Buffer.from(hex, 'hex'));
const begin = performance.now();
let sent = 0;
(function turn() {
  const elapsed = Math.min(ms, performance.now() - begin);
  for (; sent < elapsed * perSecond / 1000; sent++) socket.send(bytes[sent % bytes.length], port, host);
  if (elapsed < ms) setTimeout(turn, 2);
  else setTimeout(() => { console.log(sent); process.exit(0); }, 50);
})();
`;

async function flood(
  { lab }: Stage, node: string, payloads: readonly Uint8Array[], perSecond: number, ms: number,
): Promise<void> {
  const input = JSON.stringify({
    host: lab.host(node).lan!.ipv4, port, perSecond, ms,
    payloads: payloads.map((bytes) => Buffer.from(bytes).toString('hex')),
  });
  await lab.run('c1', [process.execPath, '-e', sender], {
    input, env: { ...process.env, NODE_OPTIONS: '' }, timeoutMs: ms + 20_000,
  });
}

/** Datagrams that a node dropped, by reason. */
async function dropped({ lab }: Stage, node: string): Promise<ReadonlyMap<string, number>> {
  const script = "fetch('http://127.0.0.1:9476/metrics').then((r) => r.text()).then((t) => console.log(t))";
  const text = await lab.run(node, [process.execPath, '-e', script], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const lines = text.matchAll(/^tenure_heartbeats_dropped_total\{why="([^"]+)"\} (\d+)/gm);
  return new Map([...lines].map(([, why, n]) => [why!, Number(n)]));
}

/** Resident memory of an agent and its supervisor, MB. */
function memoryOf(pid: number): number {
  const pages = processTree(pid).map((each) => Number(readFileSync(`/proc/${String(each)}/statm`, 'utf8').split(' ')[1]));
  return pages.reduce((sum, n) => sum + n, 0) * 4096 / 1e6;
}

async function standing({ tenure }: Stage): Promise<unknown> {
  const { addresses, nodes } = await tenure.status();
  return {
    addresses: addresses.map(({ holder, term, line }) => ({ holder, term, line })),
    nodes: nodes.map(({ node, epoch, mode }) => ({ node, epoch, mode })),
  };
}

describe('a stranger on the LAN', { skip: tcpdumpMissing }, () => {
  it('changes nothing by floods, by old heartbeats, nor by those of an earlier boot', async () => {
    await using stage = await setStage({ heartbeat });
    const { lab, tenure, agents, settings, holder } = stage;
    const other = [...agents.keys()].find((node) => node !== holder)!;
    const [toHolder, toOther] = await Promise.all([
      record(stage, holder, 1500), record(stage, other, 1500),
    ]);
    assert.ok(toHolder.length > 20, `recorded ${String(toHolder.length)} heartbeats`);
    // A new boot, that knows nothing of what was sent to the one before it, nor by it.
    await agents.get(other)!.stop(25_000);
    agents.set(other, await tenure.agent(other, settings));
    await inQuorumMode(tenure, 3);
    await sleep(1000);

    const since = lab.now();
    const before = await standing(stage);
    const [memory] = [memoryOf(agents.get(holder)!.pid)];
    const forged = toHolder.map((bytes) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(40) ^ 1, 40);
      return copy;
    });
    const junk = [0, 1, 36, 67, 68, 69, 300, 1400, 9000].map((length) => randomBytes(length));
    const strange = toHolder.map((bytes) => (
      Buffer.concat([bytes.subarray(0, 8), randomBytes(bytes.length - 8)])));
    await flood(stage, holder, [...toHolder, ...forged, ...junk, ...strange], 8000, 4000);
    await flood(stage, other, [...toOther, ...toHolder], 3000, 2000);

    await sleep(1000);
    const grown = memoryOf(agents.get(holder)!.pid) - memory;
    assert.ok(grown < 80, `${grown.toFixed(0)} MB more after 32,000 datagrams`);
    const why = await dropped(stage, holder);
    for (const reason of ['replayed', 'tag', 'key', 'magic', 'too-short']) {
      assert.ok((why.get(reason) ?? 0) > 100, `${reason}: ${String(why.get(reason))} dropped`);
    }
    const whyOther = await dropped(stage, other);
    assert.ok((whyOther.get('misdirected') ?? 0) > 100, 'nothing was for an earlier boot, or for another');
    assert.deepEqual(await standing(stage), before, 'something was decided by a stranger');
    await lab.sniffer.assertSuccession(eip, [holder], { since });
    assert.deepEqual((await stage.prober.report(since, 1000)).silences, []);
  });
});

describe('an agent with another key', () => {
  it('is no voter: two alone stay in lease mode and say why, and a death costs a lease, not the hold', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenure-keys-'));
    try {
      const [key, other] = ['key', 'other'].map((name) => {
        const file = join(folder, name);
        writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
        return file;
      });
      await using stage = await setStage({
        settings: { heartbeat: { ...heartbeat, keyFile: key } },
        env: { n3: { TENURE_HEARTBEAT_KEY_FILE: other! } },
      });
      const { lab, tenure, agents, prober } = stage;
      const mute = (text: string): string[] => text.match(/n\d:( n\d( and)?)+ (?=does not|do not)/g) ?? [];
      await until('all say who does not answer', async () => (
        mute((await tenure.attempt(['status'])).stdout).length === 3), 30_000, 500);
      const { stdout } = await tenure.attempt(['status']);
      assert.deepEqual(mute(stdout), ['n1: n3 ', 'n2: n3 ', 'n3: n1 and n2 ']);
      assert.match(stdout, /is UDP port 9477 open between them, and has each the same heartbeat\.keyFile\?/);
      assert.ok((await tenure.status()).nodes.every(({ mode }) => mode === 'lease'));

      const { node: holder } = await prober.waitForAnswer();
      const cut = lab.now();
      await Promise.all([lab.cut(holder, 'mgmt'), lab.cut(holder, 'lan')]);
      await prober.waitForAnswer({ not: holder, since: cut, timeoutMs: 20_000 });
      await lab.mendAll();

      copyFileSync(key!, other!);
      for (const each of agents.values()) process.kill(agentBelow(each), 'SIGHUP');
      await inQuorumMode(tenure, 3);
      await until('nobody is mute', async () => (
        mute((await tenure.attempt(['status'])).stdout).length === 0), 30_000, 500);
      await lab.sniffer.assertHeardAll();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
