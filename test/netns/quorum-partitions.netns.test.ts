/** Quorum mode where only some hear one another, and where that is mended at any moment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep } from '../lab/command.ts';
import { eip, inQuorumMode, setStage } from './agent-stage.ts';
import type { Stage } from './agent-stage.ts';

/** Wide enough for a machine that is shared. */
const heartbeat = { interval: '60ms', support: '400ms' };
const supportMs = 400;
/** The client sees the address again so soon after all is well: 1 s, and room for the machine. */
const rightAgainMs = 2500;
/** For what is to happen at all. */
const timeoutMs = 30_000;

async function holderOf({ prober, lab }: Stage): Promise<string> {
  return (await prober.waitForAnswer({ since: lab.now() })).node;
}

/** They claimed it in this order, each in its own time; the first may have said nothing since. */
async function expectTurns({ lab }: Stage, hosts: readonly string[], since: number): Promise<void> {
  const seen = (await lab.sniffer.runs(eip, { since })).map(({ host }) => host);
  await lab.sniffer.assertHeardAll();
  if (seen[0] !== hosts[0]) seen.unshift(hosts[0]!);
  assert.deepEqual(seen, hosts, 'who claimed it');
}

/** The client was answered all the time since `from`, but for moments. */
async function expectServed({ prober }: Stage, from: number): Promise<void> {
  const { silences } = await prober.report(from, 700);
  assert.deepEqual(silences, [], 'the client was without an answer');
}

// Each in a lab of its own, and most of it is waiting.
describe('in quorum mode', { concurrency: 3 }, () => {
  it('a holder that hears only some of the others keeps the address with a majority, loses it with a minority, for good', async () => {
    await using stage = await setStage({ heartbeat });
    const { lab, tenure, prober } = stage;
    const first = stage.holder;
    const [heir = '', second = ''] = (await tenure.status()).addresses[0]!.line;

    // One of two others is lost: with the other it is a majority.
    const alone = lab.now();
    await lab.part(first, second);
    await sleep(8 * supportMs);
    assert.equal(await holderOf(stage), first, 'it moved without need');
    await lab.mendAll();
    await sleep(1500);
    await expectTurns(stage, [first], alone);
    await expectServed(stage, alone);

    // Both are lost, and the client is not: it must fall silent all the same.
    await inQuorumMode(tenure, 3);
    const parted = lab.now();
    await Promise.all([lab.part(first, heir), lab.part(first, second)]);
    const { node: next } = await prober.waitForAnswer({ not: first, since: parted, timeoutMs });
    await sleep(4 * supportMs);
    await lab.mendAll();
    const mended = lab.now();
    await sleep(rightAgainMs + 1000);
    await expectTurns(stage, [first, next], parted);
    await expectServed(stage, mended + rightAgainMs);

    // It hears nothing but the store.
    await inQuorumMode(tenure, 3);
    const cut = lab.now();
    await lab.lose(next, 'both');
    const { node: third } = await prober.waitForAnswer({ not: next, since: cut, timeoutMs });
    await sleep(4 * supportMs);
    await lab.mendAll();
    await sleep(rightAgainMs + 1000);
    await expectTurns(stage, [next, third], cut);
  });

  it('a cable that is cut and mended moves nothing if it is mended before support lapses, and the address once if after', async () => {
    await using stage = await setStage({ heartbeat });
    const { lab, tenure } = stage;
    for (const seconds of [0, 0.05, 0.2, 0.5, 1, 3, 12]) {
      const said = `mended after ${String(seconds)} s`;
      await inQuorumMode(tenure, 3);
      const holder = await holderOf(stage);
      const cut = lab.now();
      await lab.lose(holder, 'both');
      await sleep(seconds * 1000);
      await lab.lose(holder, 'both', 0);
      const mended = lab.now();
      await sleep(rightAgainMs);
      const next = await holderOf(stage);
      await expectServed(stage, mended + rightAgainMs - 500);
      const hosts = next === holder ? [holder] : [holder, next];
      await expectTurns(stage, hosts, cut);
      // The rules of the switch take their time: what counts is how long the cable was cut.
      if (mended - cut < 0.8 * supportMs) assert.equal(next, holder, `${said}: it moved without need`);
      if (seconds >= 1) assert.notEqual(next, holder, `${said}: it did not move`);
    }
  });

  it('a voter that is dead moves nothing, and the holder that dies then is made good as fast as ever', async () => {
    await using stage = await setStage({ heartbeat, nodes: 5 });
    const { lab, tenure, agents, holder, prober, since } = stage;
    const { line } = (await tenure.status()).addresses[0]!;
    const voter = [...agents.keys()].find((node) => node !== holder && !line.includes(node))!;
    agents.get(voter)!.killTree();
    await sleep(8 * supportMs);
    await expectTurns(stage, [holder], since);
    const cut = lab.now();
    await Promise.all([lab.lose(holder, 'both'), lab.lose(holder, 'both', 1, 'mgmt')]);
    const { node: next } = await prober.waitForAnswer({ not: holder, since: cut, timeoutMs });
    assert.equal(next, line[0], 'the first heir takes it');
    const claim = await lab.sniffer.firstClaim(eip, next, cut);
    assert.ok(claim!.at - cut < 2500, `claimed after ${String(Math.round(claim!.at - cut))} ms`);
    await expectTurns(stage, [holder, next], since);
  });
});
