import { after, before, beforeEach, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { sleep } from '../lab/command.ts';
import { agentMac, claimsOf, eip4, eip6, frames, World, type Actor } from './fence-world.ts';

/** The kernel stamps a frame when it arrives, a little after the fence let it pass. */
const onTheWayMs = 5;
/** The kernel counts in jiffies, of 10 ms at most, and may count a begun one and a cut one less. */
const mostEarlyMs = 21;

describe('the gate of the fence', { timeout: 180_000 }, () => {
  let world: World;
  let agent: Actor;
  /** Sends with the agent's mark, whatever becomes of the agent. */
  let mouth: Actor;
  before(async () => {
    world = await World.create();
    [agent, mouth] = await Promise.all([world.actor(), world.actor()]);
    await agent.open();
    await agent.manage();
  });
  after(async () => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await agent.arm(0);
    await agent.hold({ add: [eip4, eip6] });
    await world.heard();
  });

  it('closes by itself in time while the agent is stopped, and stays closed when it wakes', async () => {
    for (const lease of [400, 505, 611, 750]) {
      const end = await agent.arm(lease);
      await agent.helper.process.pause();
      const { sent, refused, codes } = await mouth.stream({
        frames: [frames.reply(eip4), frames.advertisement(eip6)], everyMs: 1, forMs: lease + 100,
      });
      agent.helper.process.resume();
      const heard = await world.heard();
      const claims = heard.filter(({ mac }) => mac === agentMac);
      const last = Math.max(...claims.map(({ at }) => at));
      assert.ok(sent.length > 20, `${sent.length} claims left before the end`);
      assert.ok(last <= end + onTheWayMs, `the last claim came ${last - end} ms after the gate's end`);
      const early = end - Math.min(...refused);
      assert.ok(early < mostEarlyMs, `a claim was refused ${early} ms before the gate's end`);
      assert.deepEqual(codes, ['ENOBUFS']);
      const late = await mouth.stream({ frames: [frames.reply(eip4)], everyMs: 1, forMs: 50 });
      assert.equal(late.sent.length, 0);
    }
  });

  it('loses no claim while it is re-armed two hundred times', async () => {
    await agent.arm(2_000);
    const streaming = mouth.stream({
      frames: [frames.reply(eip4), frames.advertisement(eip6), frames.request(eip4)],
      everyMs: 1, forMs: 2_200,
    });
    await agent.rearm({ times: 200, everyMs: 10, forMs: 2_000 });
    const { sent, refused } = await streaming;
    assert.ok(sent.length > 500, `${sent.length} claims`);
    assert.deepEqual(refused, []);
  });

  it('opens again after it has expired, and however often', async () => {
    for (let i = 0; i < 4; i += 1) {
      const end = await agent.arm(500);
      assert.deepEqual(await mouth.send({ frames: [frames.reply(eip4)] }), [null]);
      await sleep(end - Date.now() + 5);
      assert.deepEqual(await mouth.send({ frames: [frames.reply(eip4)] }), ['ENOBUFS']);
    }
  });

  it('closes at once, also for a later time that is earlier than the last', async () => {
    await agent.arm(60_000);
    await agent.arm(50);
    await sleep(80);
    assert.deepEqual(await mouth.send({ frames: [frames.reply(eip4)] }), ['ENOBUFS']);
    await agent.arm(60_000);
    await agent.arm(0);
    assert.deepEqual(await mouth.send({ frames: [frames.reply(eip4)] }), ['ENOBUFS']);
    await agent.arm(-5);
    assert.deepEqual(await mouth.send({ frames: [frames.reply(eip4)] }), ['ENOBUFS']);
  });
});

describe('the gate of the fence, when things go wrong', { timeout: 180_000 }, () => {
  it('never opens when the agent was held up for too long between its clock and the kernel', async () => {
    await using world = await World.create();
    const [late, mouth] = await Promise.all([world.actor(), world.actor()]);
    await late.open({ lagMs: 500 });
    await late.manage();
    await late.hold({ add: [eip4] });
    // By the clock that it reads there are 400 ms left; by the real one they are over.
    for (const ms of [100, 400]) {
      await late.helper.call('arm', ms - 500);
      const order = { frames: [frames.reply(eip4)], everyMs: 1, forMs: 100 };
      const { sent, refused } = await mouth.stream(order);
      assert.equal(sent.length, 0, `${ms} ms`);
      assert.ok(refused.length > 10);
    }
  });

  it('closes in time though the wall clock is set back meanwhile', async () => {
    await using world = await World.create();
    const [fooled, mouth] = await Promise.all([world.actor(), world.actor()]);
    await fooled.open({ realAheadMs: 60_000 });
    await fooled.manage();
    await fooled.hold({ add: [eip4] });
    const end = await fooled.arm(500);
    const { sent } = await mouth.stream({ frames: [frames.reply(eip4)], everyMs: 1, forMs: 600 });
    assert.ok(sent.length > 20);
    assert.ok(Math.max(...sent) <= end + onTheWayMs);
  });

  it('leaves the host silent when the agent is killed, at the end of its time and not before', async () => {
    await using world = await World.create();
    const [dying, mouth] = await Promise.all([world.actor(), world.actor()]);
    await dying.open();
    await dying.manage();
    await dying.hold({ add: [eip4, eip6] });
    const end = await dying.arm(1_500);
    await dying.helper.process.kill();
    assert.deepEqual(await mouth.send({ frames: [frames.reply(eip4)] }), [null]);
    await sleep(end - Date.now() + 20);
    await world.heard();
    const { sent } = await mouth.stream({ frames: [frames.reply(eip4)], everyMs: 1, forMs: 100 });
    assert.equal(sent.length, 0);
    for (const address of [eip4, eip6]) await world.ask(address);
    const heard = await world.heard();
    assert.deepEqual([...claimsOf(heard, eip4), ...claimsOf(heard, eip6)], []);
  });
});
