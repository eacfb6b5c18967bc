import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { burst, eth0, machine, settingsOf, type Machine } from './fakes.ts';

const eip = '192.0.2.10';
const eip6 = '2001:db8::10';
const quietBurst = { ...burst, count: 1 };

/** A machine that is configured and armed, its transcript empty. */
function ready(
  eips: readonly string[], mode: 'bind' | 'respond', options: Parameters<typeof machine>[0] = {},
): Machine {
  const it = machine(options);
  it.announcer.configure(settingsOf(eips, { mode, burst: quietBurst }));
  it.announcer.arm(it.clock.at + 60_000);
  it.take();
  return it;
}

describe('What is asked of the kernel, in order', () => {
  it('tells the fence what is managed before any socket can claim', () => {
    const { announcer, take } = machine();
    announcer.configure(settingsOf([eip, eip6]));
    assert.deepEqual(take(), [
      'fence manage 192.0.2.10 2001:db8::10 on eth0 (2)',
      'open arp on eth0 (2)', 'open ndp on eth0 (2)',
    ]);
  });

  it('announces by opening the fence, then binding, then claiming in every form', () => {
    const { announcer, take } = ready([eip, eip6], 'bind');
    announcer.announce([
      { eip, term: 7, probe: false }, { eip: eip6, term: 3, probe: false },
    ]);
    assert.deepEqual(take(), [
      'fence hold +192.0.2.10 2001:db8::10',
      'bind 192.0.2.10 on eth0 (2) 2001:db8::10 on eth0 (2)',
      'claim 192.0.2.10 (request)', 'claim 192.0.2.10 (reply)',
      'claim 2001:db8::10',
      'event: announced 192.0.2.10 term 7', 'event: announced 2001:db8::10 term 3',
    ]);
  });

  it('binds nothing to respond, and joins the group through which questions come', () => {
    const { announcer, take } = ready([eip, eip6], 'respond');
    announcer.announce([
      { eip, term: 1, probe: false }, { eip: eip6, term: 1, probe: false },
    ]);
    assert.deepEqual(take(), [
      'fence hold +192.0.2.10 2001:db8::10', 'join 2001:db8::10 on eth0 (2)',
      'claim 192.0.2.10 (request)', 'claim 192.0.2.10 (reply)',
      'claim 2001:db8::10',
      'event: announced 192.0.2.10 term 1', 'event: announced 2001:db8::10 term 1',
    ]);
    announcer.withdraw([eip, eip6], false);
    assert.deepEqual(take(), [
      'fence hold -192.0.2.10 2001:db8::10', 'leave 2001:db8::10 on eth0 (2)',
    ]);
  });

  it('withdraws by closing the fence, then unbinding at once', () => {
    const { announcer, take } = ready([eip], 'bind');
    announcer.announce([{ eip, term: 1, probe: false }]);
    take();
    announcer.withdraw([eip], false);
    assert.deepEqual(take(), ['fence hold -192.0.2.10', 'unbind 192.0.2.10 (2)']);
  });

  it('lingers on a planned move: silent at once, unbound a second later', () => {
    const { announcer, clock, take } = ready([eip], 'bind');
    announcer.announce([{ eip, term: 1, probe: false }]);
    take();
    announcer.withdraw([eip], true);
    assert.deepEqual(take(), ['fence hold -192.0.2.10']);
    clock.advance(990);
    assert.deepEqual(take(), []);
    clock.advance(20);
    assert.deepEqual(take(), ['unbind 192.0.2.10 (2)']);
  });

  it('keeps an address bound that comes back while it lingers', () => {
    const { announcer, clock, take } = ready([eip], 'bind');
    announcer.announce([{ eip, term: 1, probe: false }]);
    announcer.withdraw([eip], true);
    take();
    clock.advance(900);
    announcer.announce([{ eip, term: 3, probe: false }]);
    clock.advance(5_000);
    assert.deepEqual(take(), [
      'fence hold +192.0.2.10',
      'claim 192.0.2.10 (request)', 'claim 192.0.2.10 (reply)',
      'event: announced 192.0.2.10 term 3',
    ]);
  });

  it('binds an address again that comes back while it lingers, if its link was down', () => {
    const { announcer, take } = ready([eip], 'bind');
    announcer.announce([{ eip, term: 1, probe: false }]);
    announcer.withdraw([eip], true);
    announcer.configure(settingsOf([eip], { mode: 'bind', link: { ...eth0, up: false } }));
    announcer.configure(settingsOf([eip], { mode: 'bind' }));
    take();
    announcer.announce([{ eip, term: 3, probe: false }]);
    assert.equal(take()[1], 'bind 192.0.2.10 on eth0 (2)');
  });

  it('keeps it bound also when the gate lets it be claimed only after the lingering', () => {
    const { announcer, clock, take } = ready([eip], 'bind');
    announcer.announce([{ eip, term: 1, probe: false }]);
    announcer.withdraw([eip], true);
    announcer.arm(0);
    announcer.announce([{ eip, term: 3, probe: false }]);
    take();
    clock.advance(5_000);
    assert.deepEqual(take(), []);
  });

  it('ends the lingering when a withdrawal without it follows', () => {
    const { announcer, clock, take } = ready([eip], 'bind');
    announcer.announce([{ eip, term: 1, probe: false }]);
    announcer.withdraw([eip], true);
    take();
    announcer.withdraw([eip], false);
    assert.deepEqual(take(), ['unbind 192.0.2.10 (2)']);
    clock.advance(5_000);
    assert.deepEqual(take(), []);
  });

  it('names an address once, however often a call does', () => {
    const { announcer, take } = ready([eip], 'bind');
    const twice = { eip, term: 1, probe: false };
    announcer.announce([twice, twice]);
    assert.deepEqual(take().slice(0, 2), ['fence hold +192.0.2.10', 'bind 192.0.2.10 on eth0 (2)']);
    announcer.withdraw([eip, eip], false);
    assert.deepEqual(take(), ['fence hold -192.0.2.10', 'unbind 192.0.2.10 (2)']);
    announcer.withdraw([eip], false);
    assert.deepEqual(take(), []);
  });

  it('withdraws what is no longer configured before the fence forgets it', () => {
    const { announcer, take } = ready([eip, '192.0.2.11'], 'bind');
    announcer.announce([{ eip, term: 1, probe: false }]);
    take();
    announcer.configure(settingsOf(['192.0.2.11'], { mode: 'bind' }));
    assert.deepEqual(take(), [
      'fence hold -192.0.2.10', 'unbind 192.0.2.10 (2)', 'fence manage 192.0.2.11 on eth0 (2)',
    ]);
  });

  it('closes by withdrawing, unbinding (what lingers too), and removing the fence last', () => {
    const { announcer, clock, take } = ready([eip, '192.0.2.11', eip6], 'bind');
    announcer.announce([eip, '192.0.2.11'].map((one) => ({ eip: one, term: 1, probe: false })));
    announcer.withdraw(['192.0.2.11'], true);
    announcer.announce([{ eip: eip6, term: 1, probe: true }]);
    take();
    announcer.close();
    assert.deepEqual(take(), [
      'fence hold -192.0.2.10', 'leave 2001:db8::10 on eth0 (2)',
      'unbind 192.0.2.10 (2) 192.0.2.11 (2)', 'close arp on eth0 (2)', 'close ndp on eth0 (2)', 'fence remove',
    ]);
    assert.equal(clock.timers, 0);
    announcer.close();
    announcer.announce([{ eip, term: 2, probe: false }]);
    announcer.arm(clock.at + 5_000);
    clock.advance(60_000);
    assert.deepEqual(take(), []);
  });

  it('claims nothing while the gate is closed, and what waits when it opens', () => {
    const { announcer, clock, take } = machine();
    announcer.configure(settingsOf([eip]));
    take();
    announcer.announce([{ eip, term: 1, probe: false }]);
    clock.advance(1_000);
    assert.deepEqual(take(), []);
    announcer.arm(clock.at + 1_000);
    assert.deepEqual(take(), [
      'fence arm +1000', 'fence hold +192.0.2.10',
      'claim 192.0.2.10 (request)', 'claim 192.0.2.10 (reply)',
      'event: announced 192.0.2.10 term 1',
    ]);
  });

  it('is silent from the instant that the gate names, and claims anew when it is opened', () => {
    const { announcer, clock, take } = machine();
    announcer.configure(settingsOf([eip], { burst: { ...burst, count: 100, growth: 1 } }));
    announcer.arm(clock.at + 250);
    announcer.announce([{ eip, term: 1, probe: false }]);
    clock.advance(10_000);
    assert.equal(take().filter((line) => line === 'claim 192.0.2.10 (request)').length, 3);
    announcer.arm(clock.at + 50);
    assert.deepEqual(take(), [
      'fence arm +50', 'claim 192.0.2.10 (request)', 'claim 192.0.2.10 (reply)',
    ]);
    announcer.arm(0);
    assert.deepEqual(take(), ['fence arm 0']);
    clock.advance(10_000);
    assert.deepEqual(take(), []);
  });

  it('sends nothing on waking from a stop that outlasted the gate', () => {
    const { announcer, clock, take } = machine();
    announcer.configure(settingsOf([eip], { burst: { ...burst, count: 100, growth: 1 } }));
    announcer.arm(clock.at + 150);
    announcer.announce([{ eip, term: 1, probe: false }]);
    take();
    // Its timers for claims at +100 and +200 fire only now.
    clock.sleep(1_000);
    clock.advance(1_000);
    assert.deepEqual(take(), []);
  });

  it('claims nothing when opening the fence and binding outlasted the gate', () => {
    const on = machine();
    on.announcer.configure(settingsOf([eip], { mode: 'bind' }));
    on.announcer.arm(on.clock.at + 150);
    on.take();
    on.onCall = (line) => {
      if (line.startsWith('bind')) on.clock.sleep(200);
    };
    on.announcer.announce([{ eip, term: 1, probe: false }]);
    on.clock.advance(1_000);
    assert.deepEqual(on.take(), ['fence hold +192.0.2.10', 'bind 192.0.2.10 on eth0 (2)']);
  });

  it('tells of a term once, and of each new one', () => {
    const { announcer, clock, events, take } = ready([eip], 'respond');
    announcer.announce([{ eip, term: 1, probe: false }]);
    announcer.announce([{ eip, term: 1, probe: true }]);
    clock.advance(1_000);
    const at = clock.at - 1_000;
    assert.deepEqual(events(), [{ kind: 'announced', eip, term: 1, at, openAt: at }]);
    take();
    announcer.announce([{ eip, term: 2, probe: true }]);
    assert.deepEqual(take(), [
      'claim 192.0.2.10 (request)', 'claim 192.0.2.10 (reply)',
      'event: announced 192.0.2.10 term 2',
    ]);
  });

  it('lets a listener call back, and does as it says after the step is done', () => {
    const { announcer, take } = ready([eip, '192.0.2.11'], 'bind', {
      onEvent: (event, it) => {
        if (event.kind === 'announced') it.withdraw([eip, '192.0.2.11'], false);
      },
    });
    announcer.announce([eip, '192.0.2.11'].map((one) => ({ eip: one, term: 1, probe: false })));
    assert.deepEqual(take().slice(6), [
      'event: announced 192.0.2.10 term 1',
      'fence hold -192.0.2.10 192.0.2.11', 'unbind 192.0.2.10 (2) 192.0.2.11 (2)',
      'event: announced 192.0.2.11 term 1',
    ]);
  });

  it('says so when it is asked to announce what it does not know', () => {
    const { announcer, take } = ready([eip], 'respond');
    announcer.announce([{ eip: '192.0.2.66', term: 1, probe: false }]);
    assert.deepEqual(take(), [
      'event: trouble 192.0.2.66: Cannot announce 192.0.2.66: it is not configured on this node.',
    ]);
    announcer.withdraw(['192.0.2.66'], true);
    assert.deepEqual(take(), []);
  });

  it('refuses what cannot be announced, saying why, and keeps the rest', () => {
    const { announcer, events, take } = machine();
    announcer.configure(new Map([
      ...settingsOf(['2001:DB8::1', '192.0.2.010']), ...settingsOf([eip]),
      ...settingsOf(['192.0.2.11'], { link: { ...eth0, ifindex: 7, name: 'tun0', mac: '' } }),
    ]));
    assert.deepEqual(events().map((event) => event.kind === 'trouble' && event.text), [
      'Cannot announce 2001:DB8::1: write it as 2001:db8::1.',
      'Cannot announce it: "192.0.2.010" has a leading zero, which some read as octal: write it without.',
      'Cannot announce 192.0.2.11 on tun0: it has no Ethernet address ("").',
    ]);
    assert.ok(take().includes('fence manage 192.0.2.10 on eth0 (2)'));
    announcer.arm(Infinity);
    announcer.announce([{ eip, term: 1, probe: false }]);
    assert.ok(take().includes('event: announced 192.0.2.10 term 1'));
    announcer.configure(settingsOf([eip], { link: { ...eth0, mac: 'ff:ff:ff:ff:ff:ff' } }));
    assert.ok(take().includes('fence hold -192.0.2.10'));
  });
});
