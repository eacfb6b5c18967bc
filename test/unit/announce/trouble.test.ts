import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { encodeArp } from '../../../src/wire/arp.ts';
import { burst, client, eth0, machine, manyEips, settingsOf, type Machine } from './fakes.ts';

const eip = '192.0.2.10';
const once = { ...burst, count: 1 };

function ready(mode: 'bind' | 'respond' = 'bind', eips: readonly string[] = [eip]): Machine {
  const on = machine();
  on.announcer.configure(settingsOf(eips, { mode, burst: once }));
  on.announcer.arm(Infinity);
  on.take();
  return on;
}

function troubles(on: Machine): string[] {
  return on.events().flatMap((event) => event.kind === 'trouble' ? [event.text] : []);
}

describe('What an earlier run left on the host', () => {
  it('is taken off before the fence lets go of it, unless it is still configured to be bound', () => {
    const on = machine();
    on.leftovers = [
      { eip, ifindex: 2 }, { eip: '192.0.2.11', ifindex: 2 }, { eip: '192.0.2.12', ifindex: 2 },
      { eip: '192.0.2.13', ifindex: 7 },
    ];
    on.announcer.configure(new Map([
      ...settingsOf([eip, '192.0.2.13'], { mode: 'bind' }), ...settingsOf(['192.0.2.12']),
    ]));
    assert.deepEqual(on.take(), [
      'unbind 192.0.2.11 (2) 192.0.2.12 (2) 192.0.2.13 (7)',
      'fence manage 192.0.2.10 192.0.2.13 192.0.2.12 on eth0 (2)', 'open arp on eth0 (2)',
    ]);
  });

  it('is taken off after half a minute when nobody announces it', () => {
    const on = machine();
    on.leftovers = [{ eip, ifindex: 2 }, { eip: '192.0.2.11', ifindex: 2 }];
    on.announcer.configure(settingsOf([eip, '192.0.2.11'], { mode: 'bind', burst: once }));
    on.announcer.arm(Infinity);
    on.clock.advance(10_000);
    on.announcer.announce([{ eip: '192.0.2.11', term: 1, probe: false }]);
    on.take();
    on.clock.advance(19_900);
    assert.deepEqual(on.take(), []);
    on.clock.advance(200);
    assert.deepEqual(on.take(), ['unbind 192.0.2.10 (2)']);
  });

  it('is taken off at once when the agent knows better, or stops', () => {
    const on = machine();
    on.leftovers = [{ eip, ifindex: 2 }, { eip: '192.0.2.11', ifindex: 2 }];
    on.announcer.configure(settingsOf([eip, '192.0.2.11'], { mode: 'bind' }));
    on.take();
    on.announcer.withdraw([eip], false);
    assert.deepEqual(on.take(), ['unbind 192.0.2.10 (2)']);
    on.announcer.close();
    assert.deepEqual(on.take().slice(0, 1), ['unbind 192.0.2.11 (2)']);
  });
});

describe('When the kernel refuses', () => {
  it('to bind an address, it is not claimed, said once, and tried again', () => {
    const on = ready('bind', [eip, '192.0.2.11']);
    on.bindFault = (one) => one === eip ? 'eth0 has no room' : null;
    on.announcer.announce([eip, '192.0.2.11'].map((one) => ({ eip: one, term: 1, probe: false })));
    on.clock.advance(10_000);
    assert.ok(on.sent.every(({ words }) => words.includes('192.0.2.11')));
    assert.deepEqual(troubles(on), ['eth0 has no room']);
    on.bindFault = () => null;
    on.clock.advance(1_001);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced']);
  });

  it('to open the fence, nothing is bound or claimed until it does', () => {
    const on = ready('bind');
    on.broken = 'fence hold +';
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.clock.advance(5_000);
    assert.deepEqual([on.sent.length, on.bound.size], [0, 0]);
    assert.match(troubles(on)[0] ?? '', /Cannot open the fence for 1 address\(es\): no such device/);
    on.broken = null;
    on.clock.advance(1_001);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced']);
  });

  it('to close the fence, what was bound is taken off at once, and closing is tried again', () => {
    const on = ready('bind');
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.take();
    on.broken = 'fence hold -';
    on.announcer.withdraw([eip], true);
    assert.deepEqual(on.take().slice(0, 2), [
      'fence hold -192.0.2.10 -> throws', 'unbind 192.0.2.10 (2)',
    ]);
    on.broken = null;
    on.clock.advance(1_001);
    assert.deepEqual(on.take(), ['fence hold -192.0.2.10']);
    on.clock.advance(60_000);
    assert.deepEqual(on.take(), []);
  });

  it('to close the fence of an address that is soon held again, that one stays open', () => {
    const on = ready('respond');
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.broken = 'fence hold -';
    on.announcer.withdraw([eip], false);
    on.broken = null;
    on.announcer.announce([{ eip, term: 3, probe: false }]);
    on.clock.advance(5_000);
    assert.deepEqual([...on.held], [eip]);
  });

  it('to be told what is managed, nothing is announced until it listens', () => {
    const on = machine();
    on.broken = 'fence manage';
    on.announcer.configure(settingsOf([eip], { burst: once }));
    on.announcer.arm(Infinity);
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.clock.advance(3_000);
    assert.equal(on.sent.length, 0);
    assert.match(troubles(on)[0] ?? '', /Cannot set up the fence: no such device/);
    on.broken = null;
    on.clock.advance(2_001);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced']);
  });

  it('to guard another link, addresses go on where it does, and wait where it does not', () => {
    const eth1 = { ...eth0, ifindex: 3, name: 'eth1', mac: '02:00:00:00:00:0b' };
    const eips = [eip, '192.0.2.11', '198.51.100.1'];
    const on = ready('bind', eips.slice(0, 2));
    on.broken = 'fence manage';
    on.announcer.configure(new Map([
      ...settingsOf(eips.slice(0, 2), { mode: 'bind', burst: once }),
      ...settingsOf(eips.slice(2), { mode: 'bind', burst: once, link: eth1 }),
    ]));
    on.announcer.announce(eips.map((one) => ({ eip: one, term: 1, probe: false })));
    on.clock.advance(3_000);
    assert.deepEqual([...on.bound], eips.slice(0, 2));
    on.broken = null;
    on.clock.advance(2_001);
    assert.deepEqual([...on.bound], eips);
  });

  it('to open the gate, claims end with the time that it had', () => {
    const on = ready('respond');
    on.announcer.configure(settingsOf([eip], { burst: { ...burst, count: 100, growth: 1 } }));
    on.announcer.arm(on.clock.at + 150);
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.broken = 'fence arm';
    on.announcer.arm(on.clock.at + 10_000);
    on.clock.advance(5_000);
    assert.equal(on.sent.length, 4);
    on.announcer.arm(0);
    on.broken = null;
    on.announcer.arm(on.clock.at + 50);
    assert.equal(on.sent.length, 6);
  });

  it('to close the gate, we are silent all the same', () => {
    const on = ready('respond');
    on.announcer.configure(settingsOf([eip], { burst: { ...burst, count: 100, growth: 1 } }));
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.broken = 'fence arm';
    on.announcer.arm(0);
    const sent = on.sent.length;
    on.clock.advance(5_000);
    assert.equal(on.sent.length, sent);
  });

  it('to open a socket, it is tried again each second', () => {
    const on = machine();
    on.broken = 'open arp';
    on.announcer.configure(settingsOf([eip], { burst: once }));
    on.announcer.arm(Infinity);
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    assert.match(troubles(on)[0] ?? '', /Cannot open a packet socket on eth0: no such device/);
    on.clock.advance(5_000);
    on.broken = null;
    on.clock.advance(2_001);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced']);
  });

  it('to take an address off, it stays managed, and the fence is not removed at the end', () => {
    const on = ready('bind', [eip, '192.0.2.11']);
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.broken = 'unbind';
    on.announcer.configure(settingsOf(['192.0.2.11'], { mode: 'bind' }));
    assert.ok(on.take().includes('fence manage 192.0.2.11 192.0.2.10 on eth0 (2)'));
    on.announcer.close();
    assert.ok(!on.take().includes('fence remove'));
    assert.match(troubles(on).at(-1) ?? '', /The fence stays: 1 address/);
  });

  it('to take an address off, the fence lets go of it as soon as it is off', () => {
    const on = ready('bind', [eip, '192.0.2.11']);
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.broken = 'unbind';
    on.announcer.configure(settingsOf(['192.0.2.11'], { mode: 'bind' }));
    on.broken = null;
    on.take();
    on.clock.advance(2_001);
    assert.deepEqual(on.take(), [
      'unbind 192.0.2.10 (2)', 'fence manage 192.0.2.11 on eth0 (2)',
    ]);
  });

  it('to take an address off at first, it is tried again until it is off', () => {
    const on = ready('bind');
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.broken = 'unbind';
    on.announcer.withdraw([eip], false);
    on.broken = null;
    on.clock.advance(1_001);
    assert.equal(on.bound.size, 0);
  });

  it('to join a group, the address is announced all the same', () => {
    const on = machine();
    on.announcer.configure(settingsOf(['2001:db8::10'], { burst: once }));
    on.announcer.arm(Infinity);
    on.broken = 'join';
    on.announcer.announce([{ eip: '2001:db8::10', term: 1, probe: false }]);
    assert.deepEqual(on.events().map((event) => event.kind), ['trouble', 'announced']);
  });

  it('a claim by the fence although we may claim, that is reported once and tried again soon', () => {
    const on = ready('respond');
    on.sendFault = () => 'dropped-by-fence';
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.clock.advance(3_000);
    assert.deepEqual(troubles(on), [
      'The fence on eth0 drops claims of addresses that this node holds.',
    ]);
    assert.ok((on.announcer.counters().sendErrors['dropped-by-fence'] ?? 0) >= 10);
    on.sendFault = () => null;
    on.clock.advance(1_001);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced']);
  });

  it('claims and answers by the fence, whose clock was set forward, it is armed and they leave', () => {
    const on = ready('respond');
    const question = encodeArp({ destination: 'ff:ff:ff:ff:ff:ff', source: client }, {
      operation: 'request', senderMac: client, senderAddress: '192.0.2.200',
      targetMac: '00:00:00:00:00:00', targetAddress: eip,
    });
    let shut = true;
    on.sendFault = () => (shut ? 'dropped-by-fence' : null);
    on.onCall = (line) => { if (line.startsWith('fence arm')) shut = false; };
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced'], 'without any wait');
    shut = true;
    on.receive(question);
    assert.equal(on.announcer.counters().questionsAnswered, 0, 'not twice in a moment');
    on.clock.advance(101);
    shut = true;
    on.receive(question);
    assert.equal(on.announcer.counters().questionsAnswered, 1);
  });

  it('claims by the fence after the lease has run out, it is not armed', () => {
    const on = machine();
    on.announcer.configure(settingsOf([eip]));
    on.announcer.arm(on.clock.at + 50);
    on.take();
    on.sendFault = () => {
      on.clock.at += 100;
      return 'dropped-by-fence';
    };
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    assert.deepEqual(on.take().filter((line) => line.startsWith('fence arm')), []);
  });

  it('one of the forms of a first claim only, the address is announced', () => {
    const on = ready('respond');
    on.sendFault = (words) => words.endsWith('(request)') ? 'no-buffer' : null;
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    assert.deepEqual(on.events().map((event) => event.kind), ['announced']);
  });

  it('a thousand claims for a moment, all are made up for, and reported as one', () => {
    const eips = manyEips(1_000);
    const on = machine({ quiet: true });
    on.announcer.configure(settingsOf(eips, { burst: once }));
    on.announcer.arm(Infinity);
    on.sendFault = () => 'dropped-by-fence';
    on.announcer.announce(eips.map((one) => ({ eip: one, term: 1, probe: false })));
    on.clock.advance(200);
    on.sendFault = () => null;
    on.clock.advance(2_000);
    const events = on.events();
    assert.equal(events.filter((event) => event.kind === 'announced').length, 1_000);
    assert.equal(events.filter((event) => event.kind === 'trouble').length, 1);
  });
});

describe('The kernel\'s backstop of bound addresses', () => {
  it('is renewed while the gate is open, and only while something is bound', () => {
    const on = machine();
    on.announcer.configure(settingsOf([eip], { mode: 'bind', burst: once }));
    on.announcer.arm(on.clock.at + 300_000);
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.take();
    on.clock.advance(299_000);
    assert.deepEqual(on.take(), ['refresh', 'refresh']);
    on.clock.advance(600_000);
    assert.deepEqual(on.take(), []);
    on.announcer.arm(Infinity);
    assert.equal(on.take()[1], `bind ${eip} on ${eth0.name} (2)`);
    on.clock.advance(121_000);
    assert.deepEqual(on.take(), ['refresh']);
    on.announcer.withdraw([eip], false);
    on.take();
    on.clock.advance(600_000);
    assert.deepEqual(on.take(), []);
    assert.equal(on.clock.timers, 0);
  });
});
