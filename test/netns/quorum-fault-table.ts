/** The fault table in quorum mode: what voters make of agents, cables and stores that fail. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep } from '../lab/command.ts';
import type { StoreKind } from '../lab/lab-store.ts';
import { agentBelow } from '../lab/process.ts';
import {
  eip, inQuorumMode, losePower, nextHolder, powerUp, setStage as setAnyStage,
} from './agent-stage.ts';
import type { Stage, StageOptions } from './agent-stage.ts';

type SetStage = (options?: StageOptions) => Promise<Stage>;

/** Wide enough for a machine that is shared: what is tested is who claims, not how fast. */
const heartbeat = { interval: '60ms', support: '400ms' };
const supportMs = 400;

/** To everyone else it is as if it had lost power; itself, it sees no cable go. */
async function cutOff({ lab }: Stage, node: string): Promise<void> {
  await lab.lose(node, 'both', 1, 'lan');
  await lab.lose(node, 'both', 1, 'mgmt');
}

async function mendAll({ lab }: Stage): Promise<void> {
  await lab.mendAll();
}

/** It went from `holder` to `next`, once, and neither ever claimed in the other's time. */
async function expectOneMove(stage: Stage, next: string): Promise<void> {
  const { lab, holder, since } = stage;
  await lab.sniffer.assertSuccession(eip, [holder, next], { since });
}

function holderFaults(setStage: SetStage): void {
  describe('the address has one answer, whatever becomes of its holder', () => {
    it('moves at once when the holder is drained', async () => {
      await using stage = await setStage();
      const { tenure, holder, prober, since } = stage;
      await tenure.command('drain', holder);
      const next = await nextHolder(stage);
      await sleep(500);
      await expectOneMove(stage, next);
      assert.equal((await tenure.status()).addresses[0]?.reason, 'drain');
      const { silences } = await prober.report(since, 1000);
      assert.deepEqual(silences, [], 'the client was without an answer for a second or more');
    });

    it('moves to the node that someone asked for, though another is first in line', async () => {
      await using stage = await setStage();
      const { tenure, holder } = stage;
      const [, second] = (await tenure.status()).addresses[0]!.line;
      assert.ok(second !== undefined, 'the line has two heirs');
      await tenure.command('move', eip, second);
      assert.equal(await nextHolder(stage), second);
      await sleep(500);
      await expectOneMove(stage, second);
      assert.notEqual(second, holder);
    });

    for (const signal of ['SIGKILL', 'SIGSEGV'] as const) {
      it(`is inherited when the agent dies by ${signal}, and the dead one's kernel stays silent`, async () => {
        await using stage = await setStage();
        const { agents, holder } = stage;
        process.kill(agentBelow(agents.get(holder)!), signal);
        const next = await nextHolder(stage);
        await sleep(2000);
        await expectOneMove(stage, next);
      });
    }

    it('stays with its heir when a hung agent wakes', async () => {
      await using stage = await setStage();
      const { agents, holder } = stage;
      await agents.get(holder)!.pause();
      const next = await nextHolder(stage);
      await sleep(5000);
      agents.get(holder)!.resume();
      await sleep(3000);
      await expectOneMove(stage, next);
    });

    it('moves when the holder loses power, and the history says that it was inherited', async () => {
      await using stage = await setStage();
      const { tenure, holder } = stage;
      const [heir] = (await tenure.status()).addresses[0]!.line;
      await cutOff(stage, holder);
      const next = await nextHolder(stage);
      assert.equal(next, heir, 'the first heir takes it');
      await sleep(1500);
      assert.equal((await tenure.status()).addresses[0]?.reason, 'inherited');
      await mendAll(stage);
      await sleep(4000);
      await expectOneMove(stage, next);
      const [move] = JSON.parse(await tenure.command('history', eip, '-t', '-o', 'json')) as
        { to: string; timeline: { steps: Record<string, number | null> } | null }[];
      assert.equal(move?.to, next);
      const { withdrawn, certified, opened, claimed } = move.timeline!.steps;
      assert.ok(withdrawn! > 0.8 * supportMs, `withdrawn after ${String(withdrawn)} ms`);
      const steps = [withdrawn!, certified!, opened!, claimed!];
      assert.deepEqual(steps, steps.toSorted((a, b) => a - b), 'each step after the one before it');
    });

    it('is served again as soon as a majority is back, when the holder and its heir are gone', async () => {
      await using stage = await setStage();
      const { tenure, holder } = stage;
      const [first, second] = (await tenure.status()).addresses[0]!.line;
      assert.ok(first !== undefined && second !== undefined, 'the line has two heirs');
      // Of three voters two are gone: nobody can depose anyone until one is back.
      const { lab, since } = stage;
      await cutOff(stage, holder);
      await cutOff(stage, first);
      await sleep(3 * supportMs);
      await lab.lose(first, 'both', 0, 'lan');
      await lab.lose(first, 'both', 0, 'mgmt');
      await nextHolder(stage);
      await mendAll(stage);
      await sleep(4000);
      await lab.sniffer.assertNoOverlap({ since });
    });

    it('does not move when the holder loses the store alone', async () => {
      await using stage = await setStage();
      const { lab, holder, prober, since } = stage;
      await lab.cut(holder, 'mgmt');
      await sleep(6000);
      await lab.mend(holder, 'mgmt');
      await sleep(1000);
      await lab.sniffer.assertSuccession(eip, [holder], { since });
      assert.deepEqual((await prober.report(since, 1000)).silences, []);
    });
  });
}

function oneWayCuts(setStage: SetStage): void {
  describe('cables that carry one way only', () => {
    for (const direction of ['from', 'to'] as const) {
      it(`moves when nothing comes ${direction} the holder, and stays when that is mended`, async () => {
        await using stage = await setStage();
        const { lab, holder } = stage;
        await lab.lose(holder, direction, 1);
        const next = await nextHolder(stage);
        await sleep(2000);
        await lab.lose(holder, direction, 0);
        await sleep(4000);
        await expectOneMove(stage, next);
      });
    }

    for (const share of [0.02, 0.2]) {
      it(`has one answer when ${String(share * 100)} % of all packets are lost`, async () => {
        await using stage = await setStage();
        const { lab, since } = stage;
        for (const node of ['n1', 'n2', 'n3']) await lab.lose(node, 'from', share);
        await sleep(8000);
        await mendAll(stage);
        await sleep(2000);
        await lab.sniffer.assertNoOverlap({ since });
        await stage.prober.waitForAnswer({ since: lab.now(), timeoutMs: 15_000 });
      });
    }
  });
}

function storeFaults(setStage: SetStage): void {
  describe('the store is away', () => {
    it('costs nothing, for longer than any lease of lease mode', async () => {
      await using stage = await setStage();
      const { lab, tenure, holder, prober, since } = stage;
      await tenure.store.kill();
      await sleep(8000);
      await tenure.store.start();
      await sleep(3000);
      await lab.sniffer.assertSuccession(eip, [holder], { since });
      assert.deepEqual((await prober.report(since, 1000)).silences, []);
    });

    it('and then the holder dies: its heir takes over all the same, and says so when it is back', async () => {
      await using stage = await setStage();
      const { tenure, holder } = stage;
      const [heir] = (await tenure.status()).addresses[0]!.line;
      await tenure.store.kill();
      await sleep(1500);
      await cutOff(stage, holder);
      const next = await nextHolder(stage);
      assert.equal(next, heir);
      await sleep(2000);
      // The dead one comes back before the store does, and knows of nothing.
      await mendAll(stage);
      await sleep(2000);
      await tenure.store.start();
      await tenure.waitForHolder(eip, holder, 30_000);
      await sleep(2000);
      await expectOneMove(stage, next);
      const { addresses } = await tenure.status();
      assert.equal(addresses[0]?.holder, next);
      assert.equal(addresses[0].reason, 'inherited');
    });
  });
}

function returns(setStage: SetStage): void {
  describe('agents come back', () => {
    it('are restarted one after another, and no address is lost', async () => {
      await using stage = await setStage();
      const { lab, tenure, agents, prober, settings, since } = stage;
      for (const [node, agent] of agents) {
        await agent.stop(25_000);
        agents.set(node, await tenure.agent(node, settings));
        await inQuorumMode(tenure, 3);
      }
      await lab.sniffer.assertNoOverlap({ since });
      const { silences } = await prober.report(since, 1500);
      assert.deepEqual(silences, []);
    });

    it('are killed all at once, and announce everything again', async () => {
      await using stage = await setStage();
      const { lab, tenure, agents, settings, since } = stage;
      for (const agent of agents.values()) agent.killTree();
      await Promise.all([...agents.values()].map((agent) => agent.exited));
      const killed = lab.now();
      await Promise.all([...agents.keys()].map(async (node) => {
        agents.set(node, await tenure.agent(node, settings));
      }));
      await lab.sniffer.waitForClaim(eip, { since: killed }, 20_000);
      await inQuorumMode(tenure, 3);
      await lab.sniffer.assertNoOverlap({ since });
    });
  });
}

function powerCuts(setStage: SetStage): void {
  describe('power is cut', () => {
    it('for all machines and the store: they announce everything again as soon as they run', async () => {
      await using stage = await setStage({ machines: true });
      const { lab, tenure, agents, prober, since } = stage;
      const nodes = [...agents.keys()];
      await tenure.store.kill();
      await Promise.all(nodes.map(async (node) => losePower(stage, node)));
      await sleep(1000);
      await tenure.store.start();
      const back = lab.now();
      await Promise.all(nodes.map(async (node) => powerUp(stage, node)));
      // The hold is 5 minutes.
      await prober.waitForAnswer({ since: back, timeoutMs: 30_000 });
      await inQuorumMode(tenure, 3);
      await lab.sniffer.assertNoOverlap({ since });
    });

    it('for two of three: the one that is left is silent, and speaks again once they are back', async () => {
      await using stage = await setStage({ machines: true });
      const { lab, tenure, agents, holder, prober, since } = stage;
      const others = [...agents.keys()].filter((node) => node !== holder);
      await Promise.all(others.map(async (node) => losePower(stage, node)));
      await sleep(3000);
      const back = lab.now();
      await Promise.all(others.map(async (node) => powerUp(stage, node)));
      await prober.waitForAnswer({ since: back, timeoutMs: 30_000 });
      await inQuorumMode(tenure, 3);
      await lab.sniffer.assertNoOverlap({ since });
    });
  });
}

export function quorumFaultTable(store: StoreKind): void {
  const setStage: SetStage = async (options = {}) => setAnyStage({ store, heartbeat, ...options });
  holderFaults(setStage);
  oneWayCuts(setStage);
  storeFaults(setStage);
  returns(setStage);
  powerCuts(setStage);
}
