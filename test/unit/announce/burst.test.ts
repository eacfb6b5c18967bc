import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import {
  burst, eth0, machine, manyEips, manyEips6, settingsOf, type Machine,
} from './fakes.ts';

function announceAll(on: Machine, eips: readonly string[], term = 1): void {
  on.announcer.announce(eips.map((eip) => ({ eip, term, probe: false })));
}

function ready(eips: readonly string[], options: Parameters<typeof machine>[0] = {}): Machine {
  const it = machine({ quiet: true, ...options });
  it.announcer.configure(settingsOf(eips));
  it.announcer.arm(Infinity);
  it.take();
  return it;
}

/** When each address was first claimed, and when for the second time, by request. */
function claimTimes(on: Machine): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const { words, at } of on.sent) {
    const eip = /^claim (\S+)( \(request\))?( from \S+)?$/.exec(words)?.[1];
    if (eip !== undefined) times.set(eip, [...times.get(eip) ?? [], at]);
  }
  return times;
}

describe('A takeover burst', () => {
  it('claims at once and then at growing intervals, as often as it is told', () => {
    const on = machine();
    const eip = '192.0.2.10';
    on.announcer.configure(settingsOf([eip], {
      burst: { count: 4, intervalMs: 50, growth: 3, refreshMs: 0 },
    }));
    on.announcer.arm(Infinity);
    const start = on.clock.at;
    announceAll(on, [eip]);
    on.clock.advance(60_000);
    assert.deepEqual(claimTimes(on).get(eip)?.map((at) => at - start), [0, 50, 200, 650]);
  });

  it('refreshes slowly ever after, each time a little off the beat', () => {
    let at = 0;
    const on = machine({ random: () => [0, 0.25, 0.5, 0.75][at++ % 4] ?? 0 });
    const eip = '192.0.2.10';
    on.announcer.configure(settingsOf([eip], {
      burst: { count: 1, intervalMs: 50, growth: 1, refreshMs: 10_000 },
    }));
    on.announcer.arm(Infinity);
    const start = on.clock.at;
    announceAll(on, [eip]);
    on.clock.advance(40_100);
    assert.deepEqual(
      claimTimes(on).get(eip)?.map((time) => time - start), [0, 9_000, 18_500, 28_500, 39_000]);
  });

  it('takes up changed settings for the claims that are to come', () => {
    const on = ready(['192.0.2.10']);
    announceAll(on, ['192.0.2.10']);
    on.clock.advance(1_000);
    on.sent.length = 0;
    on.announcer.configure(settingsOf(['192.0.2.10'], { burst: { ...burst, refreshMs: 5_000 } }));
    on.clock.advance(11_000);
    assert.equal(on.sent.length, 4);
    on.announcer.configure(settingsOf(['192.0.2.10']));
    on.clock.advance(60_000);
    assert.equal(on.sent.length, 4);
  });

  it('is over when the address is withdrawn', () => {
    const on = ready(['192.0.2.10']);
    announceAll(on, ['192.0.2.10']);
    on.announcer.withdraw(['192.0.2.10'], true);
    on.clock.advance(60_000);
    assert.equal(on.sent.length, 2);
    assert.equal(on.clock.timers, 0);
  });
});

describe('Claims of many addresses', () => {
  it('leave in the same call for the first of them, and within 300 ms for a thousand', () => {
    const eips = manyEips(1_000);
    const on = ready(eips);
    const start = on.clock.at;
    announceAll(on, eips);
    const first = claimTimes(on).size;
    assert.ok(first >= 200, `${first} in the first call`);
    assert.ok(on.sendCalls <= 8, `${on.sendCalls} calls`);
    on.clock.advance(300);
    const times = claimTimes(on);
    assert.equal(times.size, 1_000);
    assert.equal(on.events().filter((event) => event.kind === 'announced').length, 1_000);
    assert.ok(Math.max(...[...times.values()].map(([at]) => (at ?? 0) - start)) <= 300);
  });

  it('leave at 64 frames a millisecond, and 512 at once', () => {
    const eips = manyEips(1_000);
    const on = ready(eips);
    announceAll(on, eips);
    on.clock.advance(60_000);
    const instants = [...new Set(on.sent.map(({ at }) => at))];
    for (const from of instants) {
      for (const ms of [0, 4, 20]) {
        const frames = on.sent.filter(({ at }) => at >= from && at <= from + ms).length;
        assert.ok(frames <= 512 + 64 * ms, `${frames} in ${ms} ms`);
      }
    }
    assert.ok(on.sendCalls <= 150, `${on.sendCalls} calls`);
  });

  it('leave as requests at first, and each as a reply too with the next of its burst', () => {
    const eips = manyEips(1_000);
    const on = ready(eips);
    const repliesOf = (): number => on.sent.filter(({ words }) => words.includes('(reply)')).length;
    announceAll(on, eips);
    on.clock.advance(burst.intervalMs - 1);
    assert.equal(claimTimes(on).size, 1_000);
    assert.ok(repliesOf() <= 16, `${repliesOf()} replies at first`);
    on.clock.advance(60_000);
    assert.ok(repliesOf() >= 1_000 * (burst.count - 1), `${repliesOf()} replies`);
  });

  it('leave as requests and replies where there is no next one', () => {
    const eips = manyEips(1_000);
    const on = ready(eips);
    on.announcer.configure(settingsOf(eips, { burst: { ...burst, count: 1 } }));
    announceAll(on, eips);
    on.clock.advance(60_000);
    assert.equal(on.sent.length, 2_000);
  });

  it('leave time for others when the kernel binds slowly', () => {
    const eips = manyEips(1_000);
    const on = machine({ quiet: true });
    on.announcer.configure(settingsOf(eips, { mode: 'bind' }));
    on.announcer.arm(Infinity);
    on.onCall = (line) => {
      if (line.startsWith('bind')) on.clock.sleep(3);
    };
    const start = on.clock.at;
    announceAll(on, eips);
    assert.equal(claimTimes(on).size, 64, 'two rounds of 32, and 5 ms are over');
    assert.ok(on.clock.at - start <= 8);
    on.clock.advance(1_000);
    assert.equal(claimTimes(on).size, 1_000);
  });

  it('that an earlier run left bound are taken up many at a time', () => {
    const eips = manyEips(1_000);
    const on = machine({ quiet: true });
    on.leftovers = eips.map((eip) => ({ eip, ifindex: eth0.ifindex }));
    on.announcer.configure(settingsOf(eips, { mode: 'bind' }));
    on.announcer.arm(Infinity);
    on.take();
    announceAll(on, eips);
    on.clock.advance(1_000);
    assert.equal(claimTimes(on).size, 1_000);
    const calls = on.take().filter((line) => line.startsWith('bind')).length;
    assert.ok(calls <= 10, `${calls} calls`);
  });

  it('end in one transaction of the fence, and are unbound bit by bit', () => {
    const eips = manyEips(1_000);
    const on = machine({ quiet: true });
    on.announcer.configure(settingsOf(eips, { mode: 'bind' }));
    on.announcer.arm(Infinity);
    announceAll(on, eips);
    on.clock.advance(1_000);
    on.take();
    on.announcer.withdraw(eips, false);
    assert.deepEqual(on.take(), ['fence hold -1000 addresses', 'unbind 16 addresses']);
    on.clock.advance(100);
    assert.equal(on.bound.size, 0);
  });

  it('stay bound while more are given away, and then go', () => {
    const eips = manyEips(3_000);
    const on = machine({ quiet: true });
    on.announcer.configure(settingsOf(eips, { mode: 'bind' }));
    on.announcer.arm(Infinity);
    announceAll(on, eips);
    on.clock.advance(5_000);
    for (let given = 0; given < 3_000; given += 100) {
      on.announcer.withdraw(eips.slice(given, given + 100), true);
      on.clock.advance(100);
    }
    assert.equal(on.bound.size, 3_000, 'the first were withdrawn three seconds ago');
    on.clock.advance(5_000);
    assert.equal(on.bound.size, 0);
  });

  it('are repeated little while first claims of others keep coming, and all of them then', () => {
    const eips = manyEips(2_000);
    const on = ready(eips);
    for (let taken = 0; taken < 2_000; taken += 100) {
      announceAll(on, eips.slice(taken, taken + 100));
      on.clock.advance(50);
    }
    const during = [...claimTimes(on).values()].flatMap((times) => times.slice(1));
    assert.ok(during.length < 300, `${during.length} repetitions in that second`);
    on.clock.advance(5_000);
    assert.ok([...claimTimes(on).values()].every(({ length }) => length >= 3), 'the burst goes on');
  });

  for (const [version, eips] of [[4, manyEips(10_000)], [6, manyEips6(10_000)]] as const) {
    it(`are all first ones before any second one, for 10,000 addresses of IPv${version} too`, () => {
      const on = ready(eips);
      const start = on.clock.at;
      announceAll(on, eips);
      on.clock.advance(5_000);
      const times = [...claimTimes(on).values()];
      assert.equal(times.length, 10_000);
      const lastFirst = Math.max(...times.map(([first]) => first ?? 0));
      const firstSecond = Math.min(...times.map(([, second]) => second ?? Infinity));
      assert.ok(lastFirst <= firstSecond);
      assert.ok(lastFirst - start <= 3_000, `last first claim after ${lastFirst - start} ms`);
    });
  }

  it('do not delay the address that is announced later by one call of its own', () => {
    const eips = manyEips(2_000);
    const on = ready(eips);
    announceAll(on, eips.slice(0, 200));
    on.clock.advance(10);
    const before = on.sent.length;
    announceAll(on, ['10.0.7.0']);
    assert.equal(on.sent.length, before + 2);
  });

  it('wait in vain once withdrawn: none leaves later, and the fence never opens for them', () => {
    const eips = manyEips(1_000);
    const on = ready(eips);
    announceAll(on, eips);
    const sent = on.sent.length;
    on.announcer.withdraw(eips, true);
    assert.equal(on.held.size, 0);
    on.clock.advance(10_000);
    assert.equal(on.sent.length, sent);
    assert.equal(on.held.size, 0);
  });

  it('stay in line when the gate closes between batches, and go on when it opens', () => {
    const eips = manyEips(1_000);
    const on = ready(eips);
    on.announcer.arm(on.clock.at + 10);
    announceAll(on, eips);
    on.clock.advance(2_000);
    assert.ok(claimTimes(on).size < 600);
    on.announcer.arm(on.clock.at + 10_000);
    on.clock.advance(2_000);
    assert.equal(claimTimes(on).size, 1_000);
    assert.equal(on.events().filter((event) => event.kind === 'announced').length, 1_000);
  });

  it('are paced for each link by itself', () => {
    const [one, two] = [manyEips(500), manyEips(1_000).slice(500)];
    const eth1 = { ...eth0, ifindex: 3, name: 'eth1', mac: '02:00:00:00:00:0b' };
    const on = machine({ quiet: true });
    on.announcer.configure(new Map([...settingsOf(one), ...settingsOf(two, { link: eth1 })]));
    on.announcer.arm(Infinity);
    announceAll(on, [...one, ...two]);
    assert.equal(claimTimes(on).size, 512);
  });
});
