import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { arpClaims, arpProbe, encodeArp } from '../../../src/wire/arp.ts';
import {
  dadSolicitation, encodeNeighbour, multicastMac, solicitedNodeGroup, unsolicitedAdvertisement,
} from '../../../src/wire/ndp.ts';
import { tagged } from '../wire/frames.ts';
import { burst, client, eth0, machine, settingsOf, stranger, type Machine } from './fakes.ts';

const eip = '192.0.2.10';
const eip6 = '2001:db8::10';

function arpQuestion(
  target: string, change: { senderMac?: string; source?: string } = {},
): Uint8Array {
  const source = change.source ?? client;
  return encodeArp({ destination: 'ff:ff:ff:ff:ff:ff', source }, {
    operation: 'request', senderMac: change.senderMac ?? source, senderAddress: '192.0.2.200',
    targetMac: '00:00:00:00:00:00', targetAddress: target,
  });
}

function solicitation(target: string, sourceMac: string | null = client): Uint8Array {
  const group = solicitedNodeGroup(target);
  return encodeNeighbour({ destination: multicastMac(group), source: client }, {
    kind: 'solicitation', source: '2001:db8::200', destination: group, target, sourceMac,
  });
}

/** Announces both, its burst over and its transcript empty. */
function holding(options: Parameters<typeof machine>[0] = {}): Machine {
  const it = machine(options);
  it.announcer.configure(settingsOf([eip, eip6, '192.0.2.11'], { burst: { ...burst, count: 1 } }));
  it.announcer.arm(it.clock.at + 60_000);
  it.announcer.announce([
    { eip, term: 1, probe: false }, { eip: eip6, term: 1, probe: false },
  ]);
  it.take();
  return it;
}

describe('A held address', () => {
  it('is answered for to the host that asks, and to it alone', () => {
    const on = holding();
    on.receive(arpQuestion(eip));
    on.receive(solicitation(eip6), 'ndp');
    on.receive(solicitation(eip6, null), 'ndp');
    assert.deepEqual(on.take(), [
      `${eip} is at ${eth0.mac}, to ${client}`,
      `${eip6} is at ${eth0.mac}, to ${client}`, `${eip6} is at ${eth0.mac}, to ${client}`,
    ]);
    assert.equal(on.announcer.counters().questionsAnswered, 3);
  });

  it('is answered for to hosts that ask whether they may use it', () => {
    const on = holding();
    on.receive(arpProbe(stranger, eip));
    on.receive(dadSolicitation(stranger, eip6), 'ndp');
    assert.deepEqual(on.take(), [
      `${eip} is at ${eth0.mac}, to ${stranger}`,
      // To all nodes, since the asker has no address yet: the same frame as a claim.
      `claim ${eip6}`,
    ]);
  });

  it('is answered for in one call, however many ask at once', () => {
    const on = holding();
    const calls = on.sendCalls;
    on.receive([arpQuestion(eip), arpQuestion(eip), arpQuestion('192.0.2.99'), arpQuestion(eip)]);
    assert.equal(on.sendCalls, calls + 1);
    assert.equal(on.take().length, 3);
  });

  it('is answered for to the station that asked, if it gives a group address as its own', () => {
    const on = holding();
    on.receive(arpQuestion(eip, { senderMac: '03:bf:00:00:00:01' }));
    assert.deepEqual(on.take(), [`${eip} is at ${eth0.mac}, to ${client}`]);
  });

  it('is answered for while its later claims still wait', () => {
    const on = machine({ limits: { framesAtOnce: 2 } });
    on.announcer.configure(settingsOf([eip, '192.0.2.11']));
    on.announcer.arm(Infinity);
    on.announcer.announce([eip, '192.0.2.11'].map((one) => ({ eip: one, term: 1, probe: false })));
    on.take();
    on.receive([arpQuestion(eip), arpQuestion('192.0.2.11')]);
    assert.deepEqual(on.take(), [`${eip} is at ${eth0.mac}, to ${client}`]);
  });

  it('is answered for late, and not claimed anew, where the gate was shut for a moment', () => {
    const on = holding();
    on.announcer.arm(on.clock.at + 15);
    on.clock.advance(20);
    on.take();
    on.receive(arpQuestion(eip));
    on.receive(solicitation(eip6), 'ndp');
    assert.deepEqual(on.take(), []);
    on.clock.advance(10);
    on.announcer.arm(on.clock.at + 15);
    assert.deepEqual(on.take().filter((line) => !line.startsWith('fence arm')), [
      `${eip} is at ${eth0.mac}, to ${client}`, `${eip6} is at ${eth0.mac}, to ${client}`,
    ]);
    on.announcer.arm(on.clock.at + 20);
    assert.deepEqual(on.take().filter((line) => !line.startsWith('fence arm')), [], 'and once');
  });

  it('is not claimed anew either where the gate was shut ahead of time, for a moment', () => {
    const on = holding();
    for (let lapse = 0; lapse < 100; lapse += 1) {
      on.announcer.arm(0);
      on.clock.advance(10);
      on.announcer.arm(on.clock.at + 15);
      on.clock.advance(10);
    }
    assert.deepEqual(on.take().filter((line) => !line.startsWith('fence arm')), []);
  });

  it('is not answered for late once it is withdrawn, or when who asked asks again', () => {
    const on = holding();
    const lapse = (): void => {
      on.announcer.arm(on.clock.at);
      on.receive(arpQuestion(eip));
    };
    lapse();
    on.announcer.withdraw([eip], true);
    on.take();
    on.announcer.arm(on.clock.at + 15);
    assert.deepEqual(on.take().filter((line) => line.includes('is at')), []);

    on.announcer.announce([{ eip, term: 2, probe: false }]);
    lapse();
    on.clock.advance(1_000);
    on.announcer.arm(on.clock.at + 60_000);
    const said = on.take();
    assert.deepEqual(said.filter((line) => line.includes('is at')), []);
    assert.ok(said.some((line) => line.startsWith(`claim ${eip}`)), 'it is claimed anew');
  });

  it('is not answered for once it is withdrawn, or the gate is closed, or has lapsed', () => {
    const on = holding();
    on.announcer.arm(on.clock.at + 100);
    on.clock.advance(100);
    on.take();
    on.receive(arpQuestion(eip));
    assert.deepEqual(on.take(), []);
    assert.equal(on.announcer.counters().framesDropped['gate-closed'], 1);
    on.announcer.arm(on.clock.at + 100);
    on.announcer.arm(0);
    on.take();
    on.receive(arpQuestion(eip));
    on.announcer.arm(on.clock.at + 100);
    on.announcer.withdraw([eip], true);
    on.take();
    on.receive(arpQuestion(eip));
    assert.deepEqual(on.take(), []);
    assert.equal(on.announcer.counters().framesDropped['not-claimed-here'], 1);
  });
});

describe('Frames that are not acted on', () => {
  function reasons(on: Machine): Readonly<Record<string, number>> {
    return on.announcer.counters().framesDropped;
  }

  it('are counted by reason: what is not ours, comes from ourselves, or is malformed', () => {
    const on = holding();
    on.receive(arpQuestion('192.0.2.11'));
    on.receive(arpQuestion('192.0.2.250'));
    on.receive(arpQuestion(eip, { source: eth0.mac }));
    on.receive(arpQuestion(eip, { senderMac: eth0.mac }));
    on.receive(arpClaims(eth0.mac, eip));
    on.receive(arpQuestion(eip).subarray(0, 30));
    on.receive(tagged(arpQuestion(eip), 5));
    on.receive(unsolicitedAdvertisement(client, '2001:db8::5'), 'ndp');
    on.receive(new Uint8Array(0), 'ndp');
    assert.deepEqual(on.take(), []);
    assert.deepEqual(reasons(on), {
      'not-claimed-here': 3, 'from-ourselves': 4, 'arp-truncated': 1, 'vlan-tagged': 1,
      'ethernet-truncated': 1,
    });
  });

  it('are questions on a link that does not carry the address', () => {
    const eth1 = { ...eth0, ifindex: 3, name: 'eth1', mac: '02:00:00:00:00:0b' };
    const on = machine();
    on.announcer.configure(new Map([
      ...settingsOf([eip]), ...settingsOf(['198.51.100.10'], { link: eth1 }),
    ]));
    on.announcer.arm(Infinity);
    on.announcer.announce([eip, '198.51.100.10'].map((one) => ({ eip: one, term: 1, probe: false })));
    on.take();
    on.receive(arpQuestion(eip), 'arp', eth1.ifindex);
    assert.deepEqual(on.take(), []);
    on.receive(arpQuestion('198.51.100.10'), 'arp', eth1.ifindex);
    assert.deepEqual(on.take(), [
      `198.51.100.10 is at ${eth1.mac}, to ${client} from ${eth1.mac}`,
    ]);
  });

  it('are those beyond what is handled of one batch', () => {
    const on = holding({ limits: { framesPerBatch: 10 } });
    on.receive(Array.from({ length: 25 }, () => arpQuestion(eip)));
    assert.equal(on.take().length, 10);
    assert.equal(reasons(on)['over-budget'], 15);
  });

  it('are answers that could not be sent: counted, not retried, not reported', () => {
    const on = holding();
    on.sendFault = () => 'no-buffer';
    on.receive(arpQuestion(eip));
    on.sendFault = () => null;
    on.take();
    on.clock.advance(1_000);
    assert.deepEqual(on.take(), []);
    assert.deepEqual(on.announcer.counters().sendErrors, { 'no-buffer': 1 });
    assert.equal(on.announcer.counters().questionsAnswered, 0);
  });
});

describe('The first question of a term', () => {
  it('is told of when its answer has left, and no later one is', () => {
    const on = holding();
    on.events();
    on.receive(arpQuestion(eip));
    on.receive(arpQuestion(eip));
    const served = on.events().filter(({ kind }) => kind === 'served');
    assert.deepEqual(served, [{ kind: 'served', eip, term: 1, at: on.clock.at }]);
    on.announcer.announce([{ eip, term: 2, probe: false }]);
    on.receive(arpQuestion(eip));
    assert.equal(on.events().filter(({ kind }) => kind === 'served').length, 1, 'of a new term');
  });
});
