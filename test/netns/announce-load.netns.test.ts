/** The announcer on the real kernel, with many addresses, and under floods. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arpClaims, encodeArp } from '../../src/wire/arp.ts';
import { readMac } from '../../src/wire/ethernet.ts';
import { unsolicitedAdvertisement } from '../../src/wire/ndp.ts';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import { eip4, eip6, quickBurst, Speaking } from './announce-world.ts';

const needsRoot = { skip: process.getuid?.() === 0 ? false : 'needs root', timeout: 240_000 };
const once = { ...quickBurst, count: 1 };

function many(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.88.${16 + (i >> 8)}.${i & 255}`);
}

describe('the announcer with a thousand addresses', needsRoot, () => {
  for (const mode of ['respond', 'bind'] as const) {
    it(`claims them all, every first before any second, and withdraws them (${mode})`, async (t) => {
      await using lab = await Lab.create({ nodes: 1 });
      const n1 = await Speaking.start(lab, 'n1', { leaseMs: 10_000 });
      const eips = many(1_000);
      const configured = await n1.configure(eips, { mode });
      const since = lab.now();
      const announced = await n1.announce(eips);
      const told = await n1.hear('announced', 1_000, 20_000);
      await until('its bursts are over', async () => (await n1.counters()).claimsSent >= 3_000, 20_000);
      await sleep(100);
      await lab.sniffer.assertHeardAll();

      const firsts: number[] = [];
      const seconds: number[] = [];
      for (const eip of eips) {
        const claims = await lab.sniffer.claims(eip, { host: 'n1', since });
        // Three rounds, of a request and a reply each; but of many the first is a request alone.
        const frames = claims.length;
        assert.ok(frames === 5 || frames === 6, `${eip}: ${String(frames)} frames`);
        firsts.push(claims[0]!.at);
        seconds.push(claims[frames - 4]!.at);
      }
      const span = Math.max(...firsts) - Math.min(...firsts);
      assert.ok(Math.max(...firsts) < Math.min(...seconds), 'a second claim before a first');
      assert.ok(span <= 5_000, `last first claim ${span} ms after the first`);
      assert.ok(told.every(({ at }) => at >= since));

      const withdrawn = await n1.withdraw(eips, true);
      const after = lab.now() + 1;
      await sleep(200);
      for (const eip of eips.slice(0, 50)) {
        assert.deepEqual(await lab.sniffer.claims(eip, { since: after }), []);
      }
      t.diagnostic(`${mode}: first claims within ${span.toFixed(1)} ms; CPU: `
        + `configure ${configured.cpuMs.toFixed(1)}, announce ${announced.cpuMs.toFixed(1)}, `
        + `withdraw ${withdrawn.cpuMs.toFixed(1)} ms`);
    });
  }

  it('claims 10,000, and tells of each', async (t) => {
    await using lab = await Lab.create({ nodes: 1 });
    const n1 = await Speaking.start(lab, 'n1', { leaseMs: 20_000 });
    const eips = many(10_000);
    await n1.configure(eips, { mode: 'respond', burst: once });
    const before = await n1.usage();
    await n1.announce(eips);
    const told = await n1.hear('announced', 10_000, 40_000);
    const span = Math.max(...told.map(({ at }) => at)) - Math.min(...told.map(({ at }) => at));
    const { cpuMs, rssMib } = await n1.usage();
    assert.ok(span <= 15_000, `last first claim ${span} ms after the first`);
    t.diagnostic(`10,000: first claims within ${span.toFixed(0)} ms, ${(cpuMs - before.cpuMs).toFixed(0)} ms of CPU, ${rssMib.toFixed(0)} MiB`);
  });
});

describe('the announcer in a flood', needsRoot, () => {
  it('answers on, in bounded memory, through 50,000 frames of nonsense a second', async (t) => {
    await using lab = await Lab.create({ nodes: 1, clients: 2 });
    const n1 = await Speaking.start(lab, 'n1', { leaseMs: 60_000 });
    await n1.configure([eip4, eip6], { burst: { ...once, refreshMs: 500 } });
    await n1.announce([eip4, eip6]);
    const speaker = await lab.speaker('c2');
    await speaker.flood(nonsense(), 50_000, 1_000);
    const before = await n1.usage();
    const begin = lab.now();
    const flood = speaker.flood(nonsense(), 50_000, 8_000);
    let asked = 0;
    let answered = 0;
    for (const end = begin + 7_500; lab.now() < end; asked += 1) {
      await lab.forgetNeighbours();
      const { code } = await lab.attempt('c1', ['ping', '-c', '1', '-W', '2', eip4]);
      answered += Number(code === 0);
    }
    const { sent } = await flood;
    const ms = lab.now() - begin;
    await sleep(500);
    const after = await n1.usage();
    assert.ok(sent > 100_000, `the flood was only ${sent} frames`);
    assert.ok(answered >= asked * 0.6, `${answered} of ${asked} were answered`);
    assert.ok(after.rssMib < before.rssMib + 60, `${before.rssMib} MiB became ${after.rssMib} MiB`);
    const refreshes = await lab.sniffer.claims(eip6, { host: 'n1', since: begin });
    assert.ok(refreshes.length >= 4, 'its own claims went out all the while');
    const told = (await n1.told()).filter(({ event }) => event.kind !== 'served');
    assert.equal(told.length, 2, 'two announcements, and nothing else');
    const { framesDropped } = await n1.counters();
    for (const reason of ['arp-truncated', 'not-claimed-here', 'arp-not-ipv4-over-ethernet']) {
      assert.ok((framesDropped[reason] ?? 0) > 0, `no ${reason}`);
    }
    const cpu = (after.cpuMs - before.cpuMs) / ms * 100;
    t.diagnostic(`${sent} frames in ${ms.toFixed(0)} ms; ${answered} of ${asked} answered; CPU ${cpu.toFixed(0)} %, `
      + `${before.rssMib.toFixed(0)} -> ${after.rssMib.toFixed(0)} MiB; ${JSON.stringify(framesDropped)}`);
  });

  it('reports and defends once, whoever forges claims of its address and however many', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const n1 = await Speaking.start(lab, 'n1', { leaseMs: 60_000 });
    await n1.configure([eip4, eip6], { burst: once });
    await n1.announce([eip4, eip6]);
    const speaker = await lab.speaker('c1');
    await sleep(200);
    const before = await n1.usage();
    const since = lab.now();
    const { sent } = await speaker.flood(forgeries(2_000), 20_000, 4_000);
    await sleep(300);
    const after = await n1.usage();
    assert.ok(sent > 20_000, `the flood was only ${sent} frames`);
    // More than one round of each only if this took longer than 10 s.
    const rounds = 1 + Math.floor((lab.now() - since) / 10_000);
    const atMost = async (count: number, what: Promise<readonly unknown[]>): Promise<void> => {
      const { length } = await what;
      assert.ok(length >= count && length <= count * rounds, `${length} instead of ${count}`);
    };
    await atMost(2, n1.events('conflict'));
    await atMost(2, lab.sniffer.claims(eip4, { host: 'n1', since }));
    await atMost(1, lab.sniffer.claims(eip6, { host: 'n1', since }));
    assert.ok(after.rssMib < before.rssMib + 60, `${before.rssMib} MiB became ${after.rssMib} MiB`);
  });
});

/** Truncated and absurd frames, and questions about others. */
function nonsense(): Uint8Array[] {
  const source = '02:88:00:00:0f:01';
  const question = encodeArp({ destination: 'ff:ff:ff:ff:ff:ff', source }, {
    operation: 'request', senderMac: source, senderAddress: '10.88.0.250',
    targetMac: '00:00:00:00:00:00', targetAddress: '10.88.7.7',
  });
  const frames: Uint8Array[] = [question];
  for (let length = 15; length < question.length; length += 3) {
    frames.push(question.slice(0, length));
  }
  const advertisement = unsolicitedAdvertisement(source, 'fd88::7:7');
  for (let length = 54; length <= advertisement.length; length += 4) {
    frames.push(advertisement.slice(0, length));
  }
  for (let seed = 1; seed <= 40; seed += 1) {
    const noise = Uint8Array.from({ length: 60 }, (_, i) => (i * seed * 167 + seed) & 255);
    noise.set(question.subarray(0, 14));
    frames.push(noise);
  }
  return frames;
}

/** Claims of both addresses, each by a MAC of its own. */
function forgeries(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, seed) => {
    const forged = readMac(Uint8Array.of(2, 0xee, 0, 0, seed >> 8, seed), 0);
    return seed % 2 === 0
      ? arpClaims(forged, eip4)[0] : unsolicitedAdvertisement(forged, eip6);
  });
}
