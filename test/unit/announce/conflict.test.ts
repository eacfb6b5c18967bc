import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { arpClaims, arpProbe, encodeArp } from '../../../src/wire/arp.ts';
import { dadSolicitation, unsolicitedAdvertisement } from '../../../src/wire/ndp.ts';
import { readMac } from '../../../src/wire/ethernet.ts';
import { burst, eth0, machine, manyEips, settingsOf, stranger, type Machine } from './fakes.ts';

const eip = '192.0.2.10';
const eip6 = '2001:db8::10';
const other = '02:00:00:00:00:98';

function configured(
  eips: readonly string[], options: Parameters<typeof machine>[0] = {},
  mode: 'bind' | 'respond' = 'respond',
): Machine {
  const it = machine(options);
  it.announcer.configure(settingsOf(eips, { mode, burst: { ...burst, count: 1 } }));
  it.announcer.arm(Infinity);
  it.take();
  return it;
}

function holding(eips: readonly string[], options: Parameters<typeof machine>[0] = {}): Machine {
  const it = configured(eips, options);
  it.announcer.announce(eips.map((one) => ({ eip: one, term: 1, probe: false })));
  it.clock.advance(100);
  it.take();
  it.events();
  return it;
}

/** Some host's answer about an address that it uses. */
function answerFrom(mac: string, address: string): Uint8Array {
  return encodeArp({ destination: eth0.mac, source: mac }, {
    operation: 'reply', senderMac: mac, senderAddress: address,
    targetMac: eth0.mac, targetAddress: '0.0.0.0',
  });
}

describe('Before the first claim of an address that nobody held', () => {
  it('three probes ask whether a stranger uses it, then it is claimed', () => {
    const on = configured([eip, eip6], {}, 'bind');
    const start = on.clock.at;
    on.announcer.announce([
      { eip, term: 1, probe: true }, { eip: eip6, term: 1, probe: true },
    ]);
    assert.deepEqual(on.take(), [
      'join 2001:db8::10 on eth0 (2)', `probe ${eip}`, `probe ${eip6}`,
    ]);
    on.clock.advance(10_000);
    assert.deepEqual(on.sent.filter(({ words }) => words === `probe ${eip}`)
      .map(({ at }) => at - start), [0, 150, 300]);
    assert.deepEqual(on.take(), [
      `probe ${eip}`, `probe ${eip6}`, `probe ${eip}`, `probe ${eip6}`,
      `fence hold +${eip} ${eip6}`, `bind ${eip} on eth0 (2) ${eip6} on eth0 (2)`,
      'leave 2001:db8::10 on eth0 (2)',
      `claim ${eip} (request)`, `claim ${eip} (reply)`, `claim ${eip6}`,
      `event: announced ${eip} term 1`, `event: announced ${eip6} term 1`,
    ]);
  });

  it('probes are spread by chance, so that hosts which start together do not probe in step', () => {
    for (const [random, expected] of [[0, 100], [0.999, 200]] as const) {
      const on = configured([eip], { random: () => random });
      const start = on.clock.at;
      on.announcer.announce([{ eip, term: 1, probe: true }]);
      on.clock.advance(1_000);
      assert.equal(Math.round((on.sent[1]?.at ?? 0) - start), expected);
    }
  });

  const signs: [string, Uint8Array, 'arp' | 'ndp'][] = [
    ['an answer', answerFrom(stranger, eip), 'arp'],
    ['a claim', arpClaims(stranger, eip)[0], 'arp'],
    ['a probe of its own', arpProbe(stranger, eip), 'arp'],
    ['an advertisement', unsolicitedAdvertisement(stranger, eip6), 'ndp'],
    ['duplicate address detection', dadSolicitation(stranger, eip6), 'ndp'],
  ];
  for (const [sign, frame, family] of signs) {
    it(`a stranger that shows itself by ${sign} keeps us silent`, () => {
      const on = configured([eip, eip6], {}, 'bind');
      const one = family === 'arp' ? eip : eip6;
      on.announcer.announce([{ eip: one, term: 1, probe: true }]);
      on.clock.advance(100);
      on.take();
      on.receive(frame, family);
      assert.deepEqual(on.take(), [`event: conflict before ${one} with ${stranger}`]);
      on.clock.advance(9_000);
      assert.deepEqual(on.take(), []);
      assert.deepEqual([on.held.size, on.bound.size], [0, 0]);
    });
  }

  it('is probed again every 10 s, and claimed when the stranger is gone', () => {
    const on = configured([eip]);
    on.announcer.announce([{ eip, term: 1, probe: true }]);
    on.receive(answerFrom(stranger, eip));
    on.take();
    on.clock.advance(10_001);
    assert.deepEqual(on.take(), [`probe ${eip}`]);
    on.receive(answerFrom(stranger, eip));
    assert.deepEqual(on.take(), [], 'the same stranger is reported once');
    on.clock.advance(10_001);
    on.receive(answerFrom(other, eip));
    assert.deepEqual(on.take(), [`probe ${eip}`, `event: conflict before ${eip} with ${other}`]);
    on.clock.advance(11_000);
    assert.deepEqual(on.take(), [
      `probe ${eip}`, `probe ${eip}`, `probe ${eip}`, `fence hold +${eip}`,
      `claim ${eip} (request)`, `claim ${eip} (reply)`,
      `event: conflict over ${eip}`, `event: announced ${eip} term 1`,
    ]);
    on.clock.advance(60_000);
    assert.deepEqual(on.take(), []);
  });

  it('our own probes, brought back by a bridge, are no stranger', () => {
    const on = configured([eip, eip6]);
    on.announcer.announce([
      { eip, term: 1, probe: true }, { eip: eip6, term: 1, probe: true },
    ]);
    on.receive(arpProbe(eth0.mac, eip));
    on.receive(dadSolicitation(eth0.mac, eip6), 'ndp');
    on.clock.advance(1_000);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced', 'announced']);
  });

  it('a question by others about it is neither answered nor a conflict', () => {
    const on = configured([eip]);
    on.announcer.announce([{ eip, term: 1, probe: true }]);
    on.take();
    on.receive(encodeArp({ destination: 'ff:ff:ff:ff:ff:ff', source: stranger }, {
      operation: 'request', senderMac: stranger, senderAddress: '192.0.2.3',
      targetMac: '00:00:00:00:00:00', targetAddress: eip,
    }));
    assert.deepEqual(on.take(), []);
  });

  it('a probe that could not leave proves nothing: it is sent again', () => {
    const on = configured([eip]);
    on.sendFault = () => 'no-buffer';
    on.announcer.announce([{ eip, term: 1, probe: true }]);
    on.clock.advance(5_000);
    assert.equal(on.held.size, 0);
    on.sendFault = () => null;
    on.clock.advance(1_000);
    assert.equal(on.sent.filter(({ words }) => words === `probe ${eip}`).length, 3);
    assert.equal(on.held.size, 1);
  });

  it('a withdrawal ends the probing', () => {
    const on = configured([eip, eip6]);
    on.announcer.announce([
      { eip, term: 1, probe: true }, { eip: eip6, term: 1, probe: true },
    ]);
    on.take();
    on.announcer.withdraw([eip, eip6], true);
    on.clock.advance(60_000);
    assert.deepEqual(on.take(), ['leave 2001:db8::10 on eth0 (2)']);
  });

  it('an announcement of a later term that asks for no probe is obeyed at once', () => {
    const on = configured([eip]);
    on.announcer.announce([{ eip, term: 1, probe: true }]);
    on.receive(answerFrom(stranger, eip));
    on.take();
    on.announcer.announce([{ eip, term: 2, probe: false }]);
    assert.deepEqual(on.take(), [
      `fence hold +${eip}`, `claim ${eip} (request)`, `claim ${eip} (reply)`,
      `event: conflict over ${eip}`, `event: announced ${eip} term 2`,
    ]);
  });
});

describe('A stranger that claims an address that we hold', () => {
  it('is reported, and the address defended by one claim', () => {
    const on = holding([eip, eip6]);
    on.receive(arpClaims(stranger, eip));
    assert.deepEqual(on.take(), [
      `claim ${eip} (request)`, `claim ${eip} (reply)`,
      `event: conflict after ${eip} with ${stranger}, defended`,
    ]);
    on.receive(unsolicitedAdvertisement(stranger, eip6), 'ndp');
    assert.deepEqual(on.take(), [
      `claim ${eip6}`, `event: conflict after ${eip6} with ${stranger}, defended`,
    ]);
    assert.equal(on.announcer.counters().defences, 2);
    assert.equal(on.announcer.counters().conflicts, 2);
  });

  it('is reported and defended against at most once in 10 s, however much it claims', () => {
    const on = holding([eip]);
    for (let second = 0; second < 25; second += 1) {
      for (let i = 0; i < 100; i += 1) on.receive(arpClaims(stranger, eip));
      on.clock.advance(1_000);
    }
    assert.deepEqual(on.events().map((event) => event.kind), ['conflict', 'conflict', 'conflict']);
    assert.equal(on.sent.filter(({ words }) => words === `claim ${eip} (request)`).length, 1 + 3);
    assert.equal(on.announcer.counters().framesDropped['conflict-already-reported'], 5_000 - 3);
  });

  it('is over when it has not been heard for half a minute', () => {
    const on = holding([eip]);
    on.receive(arpClaims(stranger, eip)[0]);
    on.clock.advance(9_000);
    on.receive(arpClaims(stranger, eip)[0]);
    on.clock.advance(29_900);
    assert.deepEqual(on.events().map((event) => event.kind), ['conflict']);
    on.clock.advance(200);
    assert.deepEqual(on.events(), [{ kind: 'conflict-over', eip }]);
  });

  it('is seen in any frame that names the address as its sender\'s, and still gets its answer', () => {
    const on = holding([eip, '192.0.2.11']);
    on.receive(encodeArp({ destination: 'ff:ff:ff:ff:ff:ff', source: stranger }, {
      operation: 'request', senderMac: stranger, senderAddress: eip,
      targetMac: '00:00:00:00:00:00', targetAddress: '192.0.2.11',
    }));
    assert.deepEqual(on.take(), [
      `192.0.2.11 is at ${eth0.mac}, to ${stranger}`,
      `claim ${eip} (request)`, `claim ${eip} (reply)`,
      `event: conflict after ${eip} with ${stranger}, defended`,
    ]);
  });

  it('is not seen in our own frames come back, nor in what a proxy says of our own interface', () => {
    const on = holding([eip]);
    on.receive(arpClaims(eth0.mac, eip));
    on.receive(encodeArp({ destination: 'ff:ff:ff:ff:ff:ff', source: stranger }, {
      operation: 'reply', senderMac: eth0.mac, senderAddress: eip,
      targetMac: eth0.mac, targetAddress: eip,
    }));
    assert.deepEqual(on.take(), []);
  });

  it('is no conflict once the address was withdrawn: the new holder is in its right', () => {
    const on = holding([eip]);
    on.announcer.withdraw([eip], true);
    on.take();
    on.receive(arpClaims(stranger, eip));
    assert.deepEqual(on.take(), []);
  });

  it('is a conflict right after our takeover too: the previous holder has not understood', () => {
    const on = configured([eip]);
    on.announcer.announce([{ eip, term: 5, probe: false }]);
    on.take();
    on.receive(answerFrom(stranger, eip));
    assert.equal(on.take().at(-1), `event: conflict after ${eip} with ${stranger}, defended`);
  });

  it('is reported but not defended against while the gate is closed', () => {
    const on = holding([eip]);
    on.announcer.arm(0);
    on.take();
    on.receive(arpClaims(stranger, eip)[0]);
    assert.deepEqual(on.take(), [`event: conflict after ${eip} with ${stranger}`]);
    assert.equal(on.announcer.counters().defences, 0);
  });

  it('cannot fill memory or log by forging: a hundred reports in 10 s, the rest is counted', () => {
    const eips = manyEips(1_000);
    const on = holding(eips, { quiet: true });
    on.clock.advance(1_000);
    on.events();
    let serial = 0;
    for (let round = 0; round < 20; round += 1) {
      for (const one of eips) {
        serial += 1;
        const mac = readMac(Uint8Array.of(2, 0xee, 0, serial >> 16, serial >> 8, serial), 0);
        on.receive(arpClaims(mac, one)[0]);
      }
    }
    const kinds = on.events().map((event) => event.kind);
    assert.equal(kinds.filter((kind) => kind === 'conflict').length, 100);
    assert.equal(kinds.filter((kind) => kind === 'trouble').length, 1);
    assert.equal(on.announcer.counters().conflicts, 1_000);
    assert.ok(on.clock.timers <= 1);
  });
});
