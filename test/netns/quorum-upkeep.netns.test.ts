/** What operators do to a cluster in quorum mode, and what its hosts do, while traffic is on. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { agentBelow } from '../lab/process.ts';
import { eip, inQuorumMode, setStage } from './agent-stage.ts';
import type { Stage } from './agent-stage.ts';

const heartbeat = { interval: '60ms', support: '400ms' };
const supportMs = 400;
const names = ['n1', 'n2', 'n3'];

/** How long `fast` is left alone with 100 addresses: five minutes is worth it now and then. */
const restSeconds = Number(process.env.TENURE_REST_SECONDS ?? '10');

/** Terms of all addresses: each change of owner is one more. */
async function termsOf({ tenure }: Stage): Promise<ReadonlyMap<string, number>> {
  return new Map((await tenure.status()).addresses.map(({ address, term }) => [address, term]));
}

/**
 * Each address went from host to host as often as its term rose, and no more: who had given it up
 * was heard again only where it came back. Gives how many moves there were.
 */
async function expectTurns(
  stage: Stage, before: ReadonlyMap<string, number>, since: number,
): Promise<number> {
  const { sniffer } = stage.lab;
  let moves = 0;
  for (const [address, term] of await termsOf(stage)) {
    const rose = term - (before.get(address) ?? term);
    const runs = await sniffer.runs(address, { since });
    assert.ok(runs.length - 1 <= rose,
      `${address}: ${runs.map(({ host }) => host).join(', ')} in ${String(rose)} moves`);
    moves += rose;
  }
  await sniffer.assertHeardAll();
  return moves;
}

async function keysRead(stage: Stage, times: number): Promise<void> {
  for (const agent of stage.agents.values()) {
    await agent.waitForOutput(new RegExp(`(the keys of heartbeats were read[^]*){${String(times)}}`), 12_000);
  }
}

describe('the key of heartbeats', () => {
  it('is replaced, and all agents are restarted one after another, and no address is lost', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenure-keys-'));
    try {
      const [before, after] = [0, 1].map(() => randomBytes(32).toString('base64'));
      const fileOf = (node: string): string => join(folder, `${node}.key`);
      const write = (node: string, ...keys: readonly (string | undefined)[]): void => {
        writeFileSync(fileOf(node), `${keys.join('\n')}\n`, { mode: 0o600 });
      };
      for (const node of names) write(node, before);
      await using stage = await setStage({
        heartbeat, address: '10.88.1.1-10.88.1.6',
        env: Object.fromEntries(names.map((node) => (
          [node, { TENURE_HEARTBEAT_KEY_FILE: fileOf(node) }]))),
      });
      const { lab, tenure, agents, settings, prober, holder, since } = stage;
      let times = 1;
      for (const keys of [[before, after], [after, before], [after]]) {
        for (const node of names) {
          write(node, ...keys);
          process.kill(agentBelow(agents.get(node)!), 'SIGHUP');
          await sleep(2 * supportMs);
        }
        await keysRead(stage, ++times);
      }
      assert.equal((await tenure.status()).nodes.filter(({ mode }) => mode === 'quorum').length, 3);
      await lab.sniffer.assertSuccession(eip, [holder], { since });
      assert.deepEqual((await prober.report(since, 700)).silences, [], 'while keys were replaced');

      const terms = await termsOf(stage);
      const restarts = lab.now();
      for (const [node, agent] of agents) {
        await agent.stop(25_000);
        agents.set(node, await tenure.agent(node, settings, {
          TENURE_HEARTBEAT_KEY_FILE: fileOf(node),
        }));
        await inQuorumMode(tenure, 3);
      }
      await expectTurns(stage, terms, restarts);
      assert.deepEqual((await prober.report(since, 1500)).silences, [], 'while agents were restarted');
      await tenure.waitForAll(6);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('one of three that was stopped in order', () => {
  it('votes no more, as the others know: a second that dies is made good, and not after the hold', async () => {
    // Addresses of all three, which have the others as heirs.
    await using stage = await setStage({ heartbeat, address: '10.88.1.1-10.88.1.6' });
    const { lab, tenure, agents, holder, prober, since } = stage;
    const [heir = ''] = (await tenure.status()).addresses[0]!.line;
    const stopped = names.find((node) => node !== holder && node !== heir)!;
    await agents.get(stopped)!.stop(25_000);
    await tenure.waitForAll(6);
    const cut = lab.now();
    await Promise.all([lab.lose(holder, 'both'), lab.lose(holder, 'both', 1, 'mgmt')]);
    await prober.waitForAnswer({ not: holder, since: cut, timeoutMs: 60_000 });
    await until(`${heir} has all`, async () => (
      (await tenure.status()).addresses.every((each) => each.holder === heir)), 60_000, 200);
    await lab.sniffer.assertSuccession(eip, [holder, heir], { since });
    const { stdout } = await tenure.attempt(['status']);
    assert.doesNotMatch(stdout, /Nobody announces/);
  });
});

/** Loaded into agents: SIGUSR2 stops the main thread for as long as the variable says. */
const blocker = `
import { isMainThread } from 'node:worker_threads';
const cell = new Int32Array(new SharedArrayBuffer(4));
if (isMainThread && process.env.TENURE_SUPERVISED) {
  process.on('SIGUSR2', () => { Atomics.wait(cell, 0, 0, Number(process.env.BLOCK_MS)); });
}
`;

describe('main threads that hang for a second', () => {
  it('delay no takeover: the wire thread does without them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenure-block-'));
    try {
      const file = join(folder, 'block.mjs');
      writeFileSync(file, blocker);
      const blockMs = 1600;
      const env = { NODE_OPTIONS: `--import=file://${file}`, BLOCK_MS: String(blockMs) };
      await using stage = await setStage({
        heartbeat, env: Object.fromEntries(names.map((node) => [node, env])),
      });
      const { lab, tenure, agents, holder, prober, since } = stage;
      const [heir] = (await tenure.status()).addresses[0]!.line;
      const others = names.filter((node) => node !== holder);
      const blocked = lab.now();
      for (const node of others) process.kill(agentBelow(agents.get(node)!), 'SIGUSR2');
      await Promise.all([lab.lose(holder, 'both'), lab.lose(holder, 'both', 1, 'mgmt')]);
      const { node: next } = await prober.waitForAnswer({ not: holder, since: blocked });
      const said = await agents.get(next)!.output();
      if (lab.now() - blocked < blockMs - 200) {
        assert.doesNotMatch(said, /"reason":"inherited"/, 'its main thread did not hang');
      }
      assert.equal(next, heir);
      const claim = await lab.sniffer.firstClaim(eip, next, blocked);
      const ms = claim!.at - blocked;
      assert.ok(ms < blockMs, `claimed ${ms.toFixed(0)} ms after main threads hung for ${String(blockMs)} ms`);
      await lab.sniffer.assertSuccession(eip, [holder, next], { since });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('100 addresses at rest in `fast`', () => {
  it(`have one answer each for ${String(restSeconds)} s, and moves, if this host stops, are safe`, async (test) => {
    await using stage = await setStage({ heartbeat: { profile: 'fast' } });
    const { lab, tenure } = stage;
    await tenure.apply('more', '10.88.1.2-10.88.1.100');
    await tenure.waitForAll(100);
    await inQuorumMode(tenure, 3);
    const since = lab.now();
    const before = await termsOf(stage);
    await sleep(restSeconds * 1000);
    const moves = await expectTurns(stage, before, since);
    test.diagnostic(`${String(moves)} moves in ${String(restSeconds)} s`);
    // 20 addresses a minute and more would mean that the profile is no use here at all.
    assert.ok(moves <= 100 + restSeconds * 5, `${String(moves)} moves`);
    await tenure.waitForAll(100);
  });
});
