/** Whether a master of VRRP that is heard answers ARP, or neighbour discovery. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MasterCheck } from '../../../src/agent/vip/master-check.ts';
import type { ReceivedFrame } from '../../../src/net/frame-sockets.ts';
import { arpAnswer, decodeArp } from '../../../src/wire/arp.ts';
import { decodeNeighbour, solicitedAdvertisement } from '../../../src/wire/ndp.ts';

const address = '192.0.2.1';
const router = {
  pool: 'web', vrid: 51, address, family: 4 as const, master: '192.0.2.7', source: 'fe80::1',
  link: { ifindex: 2, name: 'eth0', mac: '02:00:00:00:00:01' },
};

const theirs = '02:00:00:00:00:07';

function answerTo(bytes: Uint8Array): Uint8Array {
  const question = decodeArp(bytes);
  if (!('drop' in question)) {
    assert.equal(question.senderAddress, '0.0.0.0');
    return arpAnswer(theirs, question, question.senderMac);
  }
  const solicitation = decodeNeighbour(bytes);
  assert.ok('kind' in solicitation && solicitation.kind === 'solicitation', 'a question of ours');
  assert.equal(solicitation.source, 'fe80::1');
  return solicitedAdvertisement(theirs, solicitation, solicitation.ethernet.source);
}

/** A LAN on which the master answers, or does not. */
function lan() {
  const state = { answers: true, probes: 0, closed: 0 };
  const check = new MasterCheck({
    open: (_link, _family, onFrames) => ({
      send: (frames) => {
        state.probes += frames.length;
        for (const bytes of frames) {
          const frame: ReceivedFrame = { bytes: answerTo(bytes), at: 0 };
          if (state.answers) onFrames([frame]);
        }
        return frames.map(() => null);
      },
      statistics: () => ({ received: 0, dropped: 0 }),
      close: () => { state.closed += 1; },
    }),
  });
  return { check, state };
}

describe('asking a master by ARP', () => {
  it('finds nothing where it answers, and asks but now and then', () => {
    const { check, state } = lan();
    for (let now = 0; now < 20_000; now += 1_000) assert.deepEqual(check.look([router], now), []);
    assert.equal(state.probes, 4);
    check.close();
    assert.equal(state.closed, 1);
  });

  it('says so after two unanswered questions, and takes it back with the next answer', () => {
    const { check, state } = lan();
    state.answers = false;
    for (let now = 0; now < 6_000; now += 1_000) assert.deepEqual(check.look([router], now), []);
    const [finding] = check.look([router], 6_000);
    assert.equal(finding?.code, 'vip-silent-master');
    assert.match(finding.text, /192\.0\.2\.7 is master of VRID 51 \(web\) and does not answer ARP for 192\.0\.2\.1/);
    state.answers = true;
    assert.deepEqual(check.look([router], 10_000), []);
  });

  it('asks by neighbour discovery for IPv6, and not at all without an address to ask from', () => {
    const { check, state } = lan();
    const six = { ...router, family: 6 as const, address: '2001:db8::51', master: 'fe80::7' };
    for (let now = 0; now < 20_000; now += 1_000) assert.deepEqual(check.look([six], now), []);
    state.answers = false;
    let found = check.look([six], 20_000);
    for (let now = 21_000; now < 30_000; now += 1_000) found = check.look([six], now);
    assert.match(found[0]?.text ?? '', /does not answer neighbour discovery for 2001:db8::51/);
    const before = state.probes;
    const mute = { ...six, source: null };
    for (let now = 40_000; now < 60_000; now += 1_000) check.look([mute], now);
    assert.deepEqual([check.look([mute], 60_000), state.probes], [[], before]);
  });

  it('begins anew with another master, and asks nobody where none is heard', () => {
    const { check, state } = lan();
    state.answers = false;
    for (let now = 0; now <= 6_000; now += 1_000) check.look([router], now);
    assert.deepEqual(check.look([{ ...router, master: '192.0.2.8' }], 7_000), []);
    const before = state.probes;
    assert.deepEqual(check.look([{ ...router, master: null }], 20_000), []);
    assert.equal(state.probes, before);
    assert.equal(state.closed, 1);
  });
});
