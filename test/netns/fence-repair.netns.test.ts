import { after, before, beforeEach, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { sleep, until } from '../lab/command.ts';
import { claimsOf, eip4, eip6, frames, own4, World, type Actor } from './fence-world.ts';

async function silentAbout(world: World, addresses: readonly string[]): Promise<void> {
  await world.heard();
  for (const address of addresses) await world.ask(address);
  const heard = await world.heard();
  assert.deepEqual(addresses.flatMap((address) => claimsOf(heard, address)), []);
}

describe('a fence that an earlier run left', { timeout: 120_000 }, () => {
  let world: World;
  before(async () => { world = await World.create(); });
  after(async () => world[Symbol.asyncDispose]());

  it('is closed by the next run before anything else, and replaced without a word said', async () => {
    const earlier = await world.actor();
    await earlier.open();
    await earlier.manage();
    await earlier.hold({ add: [eip4, eip6] });
    await earlier.arm(600_000);
    await earlier.helper.process.kill();

    const mouth = await world.actor();
    const streaming = mouth.stream({
      frames: [frames.reply(eip4)], everyMs: 1, forMs: 2_500, marked: false,
    });
    const next = await world.actor();
    await next.open();
    assert.deepEqual(await next.send({ frames: [frames.reply(eip4)] }), ['ENOBUFS']);
    await next.manage();
    assert.deepEqual(await next.send({ frames: [frames.reply(eip4)] }), ['ENOBUFS']);
    await next.arm(60_000);
    assert.deepEqual(await next.send({ frames: [frames.reply(eip4)] }), ['ENOBUFS'], 'not held');
    await next.hold({ add: [eip4] });
    assert.deepEqual(await next.send({ frames: [frames.reply(eip4), frames.advertisement(eip6)] }), [null, 'ENOBUFS']);
    assert.deepEqual((await streaming).sent, [], 'not for a moment was there no fence');
    await silentAbout(world, [eip4, eip6]);
    await next.helper.call('remove');
    await world.ask(eip4);
    assert.deepEqual(claimsOf(await world.heard(), eip4).slice(0, 1), ['arp-reply by kernel']);
    assert.equal(await world.run('a', ['nft', 'list', 'ruleset']), '');
  });

  it('of another layout, or of the other kind, is replaced just so', async () => {
    await world.run('a', ['nft', '-f', '-'], { input: `
      table netdev tenure {
        set guarded { type ipv4_addr
          elements = { ${eip4} } }
        chain gate { accept
        }
        chain e0 { type filter hook egress device "e0" priority 0; policy accept;
          arp saddr ip @guarded drop
        }
      }
      table arp tenure {
        chain output { type filter hook output priority 0; policy accept; }
      }` });
    const agent = await world.actor();
    await agent.open();
    await agent.manage();
    await silentAbout(world, [eip4, eip6]);
    const tables = await world.run('a', ['nft', 'list', 'tables']);
    assert.equal(tables.trim(), 'table netdev tenure');
    assert.ok(!(await world.run('a', ['nft', 'list', 'ruleset'])).includes('guarded'));
    await agent.helper.call('remove');
  });

  it('of IPv4 is listed so that nft reads its own words back', async () => {
    const agent = await world.actor();
    await agent.open();
    await agent.manage({ addresses: [eip4] });
    await agent.hold({ add: [eip4] });
    await agent.arm(60_000);
    const listing = await world.run('a', ['nft', 'list', 'table', 'netdev', 'tenure']);
    for (const words of ['only the agent claims', 'arp saddr ip @held4', 'device "e0"', eip4]) {
      assert.ok(listing.includes(words), `${words} in:\n${listing}`);
    }
    await world.run('a', ['nft', '-c', '-f', '-'], { input: listing });
    await agent.helper.call('remove');
  });
});

describe('a fence that someone else damages', { timeout: 120_000 }, () => {
  let world: World;
  let agent: Actor;
  before(async () => {
    world = await World.create();
    agent = await world.actor();
    await agent.open();
    await agent.manage();
  });
  after(async () => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await agent.hold({ add: [eip4, eip6] });
    await agent.arm(60_000);
    await agent.repaired();
  });

  for (const command of [
    ['nft', 'flush', 'ruleset'],
    ['nft', 'delete', 'table', 'netdev', 'tenure'],
    ['nft', 'flush', 'table', 'netdev', 'tenure'],
    ['nft', 'flush', 'set', 'netdev', 'tenure', 'managed4'],
    ['nft', 'add', 'element', 'netdev', 'tenure', 'held4', '{ 10.66.1.99 }'],
  ] as const) {
    it(`is mended at once after ${command.join(' ')}, and knows who did it`, async () => {
      const before_ = await world.run('a', ['nft', '-s', 'list', 'table', 'netdev', 'tenure']);
      await world.run('a', command);
      const [said] = await until('it is mended', async () => {
        const texts = await agent.repaired();
        return texts.length > 0 && texts;
      });
      assert.match(said ?? '', /^nft \(process \d+\) changed/);
      const after_ = await world.run('a', ['nft', '-s', 'list', 'table', 'netdev', 'tenure']);
      const withoutTimes = (text: string): string => text.replace(/timeout .*? }/g, '}');
      assert.equal(withoutTimes(after_), withoutTimes(before_));
      await silentAbout(world, [eip4, eip6]);
      assert.deepEqual(await agent.send({ frames: [frames.reply(eip4)] }), [null]);
    });
  }

  it('is mended by the next change of the agent, if that comes first', async () => {
    await agent.helper.process.pause();
    await world.run('a', ['nft', 'flush', 'ruleset']);
    // Waiting for it when it wakes: before the event loop has its turn for the kernel's events.
    const armed = agent.arm(60_000);
    agent.helper.process.resume();
    await armed;
    assert.deepEqual(await agent.send({ frames: [frames.reply(eip4)] }), [null]);
    await silentAbout(world, [eip4]);
    assert.ok((await agent.repaired()).length >= 1);
  });

  it('does not mind what others do to tables of their own', async () => {
    await world.run('a', ['nft', 'add', 'table', 'inet', 'other']);
    await world.run('a', ['nft', 'add', 'table', 'netdev', 'other']);
    await world.run('a', ['nft', 'delete', 'table', 'inet', 'other']);
    await world.run('a', ['nft', 'delete', 'table', 'netdev', 'other']);
    await agent.arm(60_000);
    assert.deepEqual(await agent.repaired(), []);
  });

  it('goes on counting where the old table stopped', async () => {
    await agent.send({ frames: [frames.reply(eip4)], marked: false });
    const { kernel } = await agent.dropped();
    assert.ok(kernel > 0);
    await world.run('a', ['nft', 'flush', 'ruleset']);
    await until('it is mended', async () => (await agent.repaired()).length > 0);
    assert.equal((await agent.dropped()).kernel, kernel);
    await agent.send({ frames: [frames.reply(eip4)], marked: false });
    assert.equal((await agent.dropped()).kernel, kernel + 1);
  });
});

describe('two fences in one place', { timeout: 60_000 }, () => {
  it('do not race to repair each other for ever', async () => {
    await using world = await World.create();
    const [one, other] = await Promise.all([world.actor(), world.actor()]);
    for (const actor of [one, other]) await actor.open();
    await one.manage();
    await other.manage();
    await one.hold({ add: [eip4] });
    await sleep(3_000);
    const repairs = (await one.repaired()).length + (await other.repaired()).length;
    assert.ok(repairs > 0 && repairs < 40, `${repairs} repairs in 3 s`);
    await silentAbout(world, [eip4, eip6]);
  });
});

describe('a fence whose interfaces come and go', { timeout: 120_000 }, () => {
  let world: World;
  let agent: Actor;
  before(async () => {
    world = await World.create();
    agent = await world.actor();
    await agent.open();
    await agent.manage();
    await agent.hold({ add: [eip4, eip6] });
    await agent.arm(60_000);
  });
  after(async () => world[Symbol.asyncDispose]());

  const passes = async (link: string): Promise<void> => {
    assert.deepEqual(await agent.send({ link, frames: [frames.reply(eip4)] }), [null]);
    assert.deepEqual(await agent.send({ link, frames: [frames.reply(eip4)], marked: false }), ['ENOBUFS']);
  };

  const addLink = async (link: string): Promise<void> => {
    await world.run('a', ['ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}-peer`]);
    await world.plug('a', link, []);
    await world.plug('a', `${link}-peer`, []);
  };

  it('guards another one, and lets the agent speak there as well', async () => {
    await addLink('e1');
    assert.deepEqual(await agent.send({ link: 'e1', frames: [frames.reply(eip4)], marked: false }), [null]);
    await agent.manage({ links: ['e0', 'e1'] });
    await passes('e0');
    await passes('e1');
    assert.deepEqual(await agent.repaired(), []);
  });

  it('follows one that is renamed', async () => {
    await world.run('a', ['ip', 'link', 'set', 'e1', 'down']);
    await world.run('a', ['ip', 'link', 'set', 'e1', 'name', 'lan.7@x']);
    await world.run('a', ['ip', 'link', 'set', 'lan.7@x', 'up']);
    await agent.manage({ links: ['e0', 'lan.7@x'] });
    await passes('lan.7@x');
    await passes('e0');
    const listing = await world.run('a', ['nft', 'list', 'table', 'netdev', 'tenure']);
    assert.ok(!listing.includes('on-e1'), listing);
    assert.deepEqual(await agent.repaired(), []);
  });

  it('forgets one that is gone, and guards its successor of the same name', async () => {
    await world.run('a', ['ip', 'link', 'del', 'lan.7@x']);
    await agent.manage({ links: ['e0'] });
    await passes('e0');
    await addLink('e2');
    await agent.manage({ links: ['e0', 'e2'] });
    await passes('e2');
    await world.run('a', ['ip', 'link', 'del', 'e2']);
    await addLink('e2');
    await agent.manage({ links: ['e0', 'e2'] });
    await passes('e2');
    await passes('e0');
    assert.deepEqual(await agent.repaired(), []);
  });

  it('refuses what is no interface or address, and changes nothing', async () => {
    const before_ = await world.run('a', ['nft', '-s', 'list', 'table', 'netdev', 'tenure']);
    await assert.rejects(agent.manage({ addresses: ['10.66.1'] }), /"10\.66\.1"/);
    await assert.rejects(agent.hold({ add: ['10.66.1.77'] }), /10\.66\.1\.77 cannot be held: it is not managed/);
    const after_ = await world.run('a', ['nft', '-s', 'list', 'table', 'netdev', 'tenure']);
    assert.equal(after_.replace(/timeout .*? }/g, '}'), before_.replace(/timeout .*? }/g, '}'));
    await passes('e0');
  });
});

describe('a fence of ten thousand addresses', { timeout: 120_000 }, () => {
  it('holds each for itself, a thousand in one step', async () => {
    await using world = await World.create();
    const agent = await world.actor();
    await agent.open();
    const many = Array.from({ length: 10_000 }, (_, i) => `10.66.${64 + (i >> 8)}.${i & 255}`);
    const many6 = many.map((_, i) => `fd66::2:${i.toString(16)}`);
    await agent.manage({ addresses: [eip4, ...many, ...many6] });
    const thousand = [...many.slice(0, 500), ...many6.slice(0, 500)];
    await agent.hold({ add: thousand });
    await agent.arm(60_000);
    const said = [many[0]!, many[499]!, many[500]!, many[9_999]!].map(frames.reply);
    said.push(...[many6[499]!, many6[500]!].map(frames.advertisement));
    assert.deepEqual(await agent.send({ frames: said }), [null, null, 'ENOBUFS', 'ENOBUFS', null, 'ENOBUFS']);
    await agent.hold({ add: many.slice(500, 1500), remove: thousand });
    assert.deepEqual(await agent.send({ frames: said }), ['ENOBUFS', 'ENOBUFS', null, 'ENOBUFS', 'ENOBUFS', 'ENOBUFS']);
    await agent.manage({ addresses: [eip4] });
    assert.deepEqual(await agent.send({ frames: said, marked: false }), said.map(() => null));
    await silentAbout(world, [eip4]);
  });
});

describe('the fallback for kernels without an egress hook', { timeout: 120_000 }, () => {
  it('keeps the kernel silent, and leaves the agent to its own checks', async () => {
    await using world = await World.create();
    const agent = await world.actor();
    const { kind, reason } = await agent.open({ only: 'arp' });
    assert.deepEqual([kind, reason], ['arp', 'asked for']);
    await agent.manage();
    await silentAbout(world, [eip4, eip6]);
    await world.ask(own4);
    assert.ok(claimsOf(await world.heard(), own4).includes('arp-reply by kernel'));
    assert.ok((await agent.dropped()).kernel >= 2);

    const said = [frames.reply(eip4), frames.advertisement(eip6)];
    assert.deepEqual(await agent.send({ frames: said }), [null, null], 'packet sockets pass it by');
    const pingFromEip = async (): Promise<string[]> => {
      await world.run('a', ['ip', 'neigh', 'flush', 'dev', 'e0']);
      await world.heard();
      await world.run('a', ['ping', '-c', '1', '-W', '0.3', '-I', eip4, '10.66.0.77']).catch(() => undefined);
      return claimsOf(await world.heard(), eip4);
    };
    assert.deepEqual(await pingFromEip(), []);
    await agent.hold({ add: [eip4] });
    await agent.arm(60_000);
    assert.ok((await pingFromEip()).includes('arp-request by kernel'));
    await agent.arm(0);
    assert.deepEqual(await pingFromEip(), []);

    await world.run('a', ['nft', 'flush', 'ruleset']);
    await until('it is mended', async () => (await agent.repaired()).length > 0);
    await silentAbout(world, [eip4, eip6]);
    await agent.helper.call('remove');
    assert.equal(await world.run('a', ['nft', 'list', 'ruleset']), '');
  });
});
