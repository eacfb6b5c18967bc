import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { arpClaims, encodeArp } from '../../../src/wire/arp.ts';
import type { Link } from '../../../src/announce/ports.ts';
import { burst, client, eth0, machine, settingsOf, stranger, type Machine } from './fakes.ts';

const eip = '192.0.2.10';
const eip6 = '2001:db8::10';
const both = [eip, eip6];
const once = { ...burst, count: 1 };

function setLink(on: Machine, link: Link, mode: 'bind' | 'respond' = 'bind'): void {
  on.announcer.configure(settingsOf(both, { mode, link, burst: once }));
}

function holding(mode: 'bind' | 'respond'): Machine {
  const on = machine();
  setLink(on, eth0, mode);
  on.announcer.arm(Infinity);
  on.announcer.announce(both.map((one) => ({ eip: one, term: 1, probe: false })));
  on.take();
  return on;
}

const claims = [`claim ${eip} (request)`, `claim ${eip} (reply)`, `claim ${eip6}`];

describe('A link', () => {
  it('that lost its carrier is left alone, and claimed on when it is back', () => {
    const on = holding('bind');
    setLink(on, { ...eth0, up: false });
    assert.deepEqual(on.take(), [
      'fence manage 192.0.2.10 2001:db8::10 on eth0 (2)',
      'close arp on eth0 (2)', 'close ndp on eth0 (2)',
    ]);
    on.clock.advance(60_000);
    assert.deepEqual(on.take(), []);
    setLink(on, eth0);
    assert.deepEqual(on.take(), [
      'fence manage 192.0.2.10 2001:db8::10 on eth0 (2)',
      'open arp on eth0 (2)', 'open ndp on eth0 (2)',
      'bind 192.0.2.10 on eth0 (2) 2001:db8::10 on eth0 (2)', ...claims,
    ]);
  });

  it('that was made again is another device: bound there, joined there, claimed there', () => {
    for (const mode of ['bind', 'respond'] as const) {
      const on = holding(mode);
      setLink(on, { ...eth0, ifindex: 9 }, mode);
      const [left, set] = mode === 'respond'
        ? [['leave 2001:db8::10 on eth0 (2)'], ['join 2001:db8::10 on eth0 (9)']]
        : [[], [
          'unbind 192.0.2.10 (2) 2001:db8::10 (2)',
          'bind 192.0.2.10 on eth0 (9) 2001:db8::10 on eth0 (9)',
        ]];
      assert.deepEqual(on.take(), [
        'fence manage 192.0.2.10 2001:db8::10 on eth0 (9)', ...left,
        'close arp on eth0 (2)', 'close ndp on eth0 (2)',
        'open arp on eth0 (9)', 'open ndp on eth0 (9)', ...set, ...claims,
      ]);
    }
  });

  it('with a new MAC is claimed from that, and its old one is a stranger\'s', () => {
    const on = holding('bind');
    const mac = '02:00:00:00:00:77';
    setLink(on, { ...eth0, mac });
    assert.deepEqual(on.take().slice(5), [
      'bind 192.0.2.10 on eth0 (2) 2001:db8::10 on eth0 (2)', ...claims.map((claim) => `${claim} from ${mac}`),
    ]);
    on.receive(encodeArp({ destination: mac, source: client }, {
      operation: 'request', senderMac: client, senderAddress: '192.0.2.200',
      targetMac: '00:00:00:00:00:00', targetAddress: eip,
    }));
    assert.deepEqual(on.take(), [`${eip} is at ${mac}, to ${client} from ${mac}`]);
    on.receive(arpClaims(eth0.mac, eip));
    assert.equal(on.take().at(-1), `event: conflict after ${eip} with ${eth0.mac}, defended`);
  });

  it('that only got another name or MTU goes on as it was', () => {
    const on = holding('respond');
    setLink(on, { ...eth0, name: 'uplink', mtu: 9000 }, 'respond');
    assert.deepEqual(on.take(), ['fence manage 192.0.2.10 2001:db8::10 on uplink (2)']);
  });

  it('that is down when an address is announced is claimed on as soon as it is up', () => {
    const on = machine();
    setLink(on, { ...eth0, up: false });
    on.announcer.arm(Infinity);
    on.take();
    on.announcer.announce([
      { eip, term: 1, probe: false }, { eip: eip6, term: 1, probe: true },
    ]);
    on.clock.advance(60_000);
    assert.deepEqual(on.take(), ['join 2001:db8::10 on eth0 (2)']);
    setLink(on, eth0);
    on.clock.advance(1_000);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced', 'announced']);
    assert.equal(on.sent.filter(({ words }) => words === `probe ${eip6}`).length, 3);
  });

  it('that goes down while a stranger is there is probed anew when it comes up', () => {
    const on = machine();
    setLink(on, eth0);
    on.announcer.arm(Infinity);
    on.announcer.announce([{ eip, term: 1, probe: true }]);
    on.receive(arpClaims(stranger, eip));
    setLink(on, { ...eth0, up: false });
    on.clock.advance(60_000);
    on.take();
    setLink(on, eth0);
    assert.equal(on.take().at(-1), `probe ${eip}`);
  });

  it('that goes down between a claim and its repetition is no error, nor is one that is gone', () => {
    const on = machine();
    on.announcer.configure(settingsOf([eip]));
    on.announcer.arm(Infinity);
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.take();
    // The kernel knows before we are told.
    on.sendFault = () => 'link-down';
    on.clock.advance(5_000);
    assert.equal(on.events().filter((event) => event.kind === 'trouble').length, 0);
    on.announcer.configure(settingsOf([eip], { link: { ...eth0, up: false } }));
    on.announcer.configure(new Map());
    assert.equal(on.held.size, 0);
    on.take();
    on.clock.advance(60_000);
    assert.deepEqual(on.take(), []);
  });

  it('that went down and up unnoticed is claimed on within a second or so', () => {
    const on = machine();
    on.announcer.configure(settingsOf([eip]));
    on.announcer.arm(Infinity);
    on.sendFault = () => 'link-down';
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.clock.advance(10_000);
    assert.deepEqual(on.events(), []);
    on.sendFault = () => null;
    on.clock.advance(1_500);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced']);
  });

  it('is given up by an address that moves to another, which is bound and claimed there', () => {
    const eth1 = { ...eth0, ifindex: 3, name: 'eth1', mac: '02:00:00:00:00:0b' };
    const on = holding('bind');
    on.announcer.configure(new Map([
      ...settingsOf([eip], { mode: 'bind', link: eth1, burst: once }),
      ...settingsOf([eip6], { mode: 'bind', burst: once }),
    ]));
    assert.deepEqual(on.take(), [
      'fence manage 192.0.2.10 2001:db8::10 on eth1 (3) eth0 (2)',
      'close arp on eth0 (2)', 'open arp on eth1 (3)',
      'unbind 192.0.2.10 (2)', 'bind 192.0.2.10 on eth1 (3)',
      `claim ${eip} (request) from ${eth1.mac}`, `claim ${eip} (reply) from ${eth1.mac}`,
    ]);
  });

  it('that will not let go of an address keeps it from no other link', () => {
    const on = holding('bind');
    on.broken = 'unbind';
    setLink(on, { ...eth0, ifindex: 9 });
    on.broken = null;
    on.take();
    on.clock.advance(60_000);
    assert.deepEqual(on.take(), []);
    assert.deepEqual([...on.bound], both);
  });

  it('that the fence is not on is not claimed on, whatever was held elsewhere', () => {
    const on = holding('bind');
    on.broken = 'fence manage';
    setLink(on, { ...eth0, ifindex: 9 });
    on.clock.advance(5_000);
    assert.ok(on.take().every((line) => !line.startsWith('bind') && !line.startsWith('claim')));
    on.broken = null;
    on.clock.advance(2_001);
    assert.deepEqual(on.take().slice(-3), claims);
  });

  it('keeps its address when the mode changes, in the new way', () => {
    const on = holding('bind');
    setLink(on, eth0, 'respond');
    assert.deepEqual(on.take(), [
      'fence manage 192.0.2.10 2001:db8::10 on eth0 (2)',
      'unbind 192.0.2.10 (2)', 'unbind 2001:db8::10 (2)', 'join 2001:db8::10 on eth0 (2)',
      ...claims,
    ]);
    setLink(on, eth0, 'bind');
    assert.deepEqual(on.take(), [
      'fence manage 192.0.2.10 2001:db8::10 on eth0 (2)',
      'bind 192.0.2.10 on eth0 (2) 2001:db8::10 on eth0 (2)', 'leave 2001:db8::10 on eth0 (2)',
      ...claims,
    ]);
  });

  it('needs no socket for a family that has no addresses on it', () => {
    const on = machine();
    on.announcer.configure(settingsOf([eip]));
    assert.deepEqual(on.take().slice(1), ['open arp on eth0 (2)']);
    on.announcer.configure(settingsOf([eip6]));
    assert.deepEqual(on.take().slice(1), ['close arp on eth0 (2)', 'open ndp on eth0 (2)']);
    on.announcer.configure(new Map());
    assert.deepEqual(on.take().slice(1), ['close ndp on eth0 (2)']);
  });
});
