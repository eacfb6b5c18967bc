/** What the kernel of a node asks its neighbours while an EIP is bound there. */
import { after, before, beforeEach, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { until } from '../lab/command.ts';
import {
  claimsOf, eip4, eip6, frames, kernelMac, own4, own6, World, type Actor,
} from './fence-world.ts';

const neighbour4 = '10.66.0.2';
const neighbour6 = 'fd66::2';

describe('the questions of a kernel that has an EIP', { timeout: 120_000 }, () => {
  let world: World;
  let agent: Actor;
  before(async () => {
    world = await World.create();
    agent = await world.actor();
    await agent.open({ own: true });
    await agent.manage();
    // The other host knows the way back: what is seen is whether this one finds it.
    for (const eip of [eip4, eip6]) {
      await world.run('b', ['ip', 'neigh', 'replace', eip, 'lladdr', kernelMac, 'dev', 'e0']);
    }
  });
  after(async () => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await agent.hold({ remove: [eip4, eip6] });
    await agent.arm(0);
    await world.heard();
  });

  /** Whether a packet from the EIP to a neighbour that is not known comes back in time. */
  const reaches = async (eip: string, neighbour: string): Promise<boolean> => {
    await world.run('a', ['ip', 'neigh', 'flush', 'dev', 'e0']);
    return world.run('a', ['ping', '-c', '1', '-W', '0.7', '-I', eip, neighbour])
      .then(() => true, () => false);
  };

  for (const [when, prepare] of [
    ['while the gate is shut', async () => { await agent.hold({ add: [eip4, eip6] }); }],
    ['while the EIP is not held', async () => { await agent.arm(60_000); }],
    ['while it is held and the gate open', async () => {
      await agent.hold({ add: [eip4, eip6] });
      await agent.arm(60_000);
    }],
  ] as const) {
    it(`leave in the name of the host ${when}, and are answered at once`, async () => {
      await prepare();
      assert.equal(await reaches(eip4, neighbour4), true, 'IPv4');
      assert.equal(await reaches(eip6, neighbour6), true, 'IPv6');
      const heard = await world.heard();
      assert.deepEqual([...claimsOf(heard, eip4), ...claimsOf(heard, eip6)], []);
      assert.ok(claimsOf(heard, own4).includes('arp-request by kernel'));
      assert.ok(claimsOf(heard, own6).includes('solicitation by kernel'));
    });
  }

  it("are told from those of others that only pass, which stay what they are: claims", async () => {
    const said = [frames.request(eip4), frames.solicitation(eip6, neighbour6)];
    const passed = { frames: said, marked: false };
    assert.deepEqual(await agent.send(passed), ['ENOBUFS', 'ENOBUFS']);
    await agent.hold({ add: [eip4, eip6] });
    await agent.arm(60_000);
    assert.deepEqual(await agent.send(passed), [null, null]);
    const heard = await world.heard();
    assert.deepEqual(claimsOf(heard, own4), []);
    assert.deepEqual(claimsOf(heard, own6), []);
  });

  it('leave the claims of the agent as they are', async () => {
    await agent.hold({ add: [eip4, eip6] });
    await agent.arm(60_000);
    const said = [frames.request(eip4), frames.solicitation(eip6, neighbour6)];
    assert.deepEqual(await agent.send({ frames: said }), [null, null]);
    const heard = await world.heard();
    assert.deepEqual(claimsOf(heard, eip4), ['arp-request by agent']);
    assert.deepEqual(claimsOf(heard, eip6), ['solicitation by agent']);
  });

  it('follow the addresses of the host; without one, they are dropped', async () => {
    const other = '10.66.0.77';
    await agent.hold({ add: [eip4] });
    await world.run('a', ['ip', 'address', 'add', `${other}/16`, 'dev', 'e0']);
    await world.run('a', ['ip', 'address', 'delete', `${own4}/16`, 'dev', 'e0']);
    await world.run('a', ['ip', 'address', 'replace', `${other}/16`, 'dev', 'e0']);
    await until('it asks in the name of the other', async () => {
      await reaches(eip4, neighbour4);
      return claimsOf(await world.heard(), other).length > 0;
    });
    assert.deepEqual(claimsOf(await world.heard(), eip4), []);

    await world.run('a', ['ip', 'address', 'delete', `${other}/16`, 'dev', 'e0']);
    await world.run('a', ['ip', 'route', 'replace', '10.66.0.0/16', 'dev', 'e0']);
    await until('it is silent', async () => !await reaches(eip4, neighbour4));
    await world.heard();
    await reaches(eip4, neighbour4);
    assert.deepEqual(claimsOf(await world.heard(), eip4), []);

    await world.run('a', ['ip', 'address', 'add', `${own4}/16`, 'dev', 'e0']);
    await until('it asks again', async () => reaches(eip4, neighbour4));
  });

  it('are shown by `nft list`', async () => {
    const table = await world.run('a', ['nft', 'list', 'table', 'netdev', 'tenure']);
    assert.match(table, new RegExp(`arp saddr ether ${kernelMac} arp saddr ip @managed4 .*arp saddr ip set ${own4}`));
    assert.match(table, /ip6 saddr @managed6 .*ip6 saddr set fd66::1/);
  });
});
