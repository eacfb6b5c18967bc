import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { processTree } from '../lab/process.ts';
import { eip, nextHolder, setStage } from './agent-stage.ts';

const keyFile = join(tmpdir(), `tenure-heartbeat-key-${String(process.pid)}`);
writeFileSync(keyFile, 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=\n');

/** A lease so long that nothing in these tests is due to its end. */
const settings = { heartbeat: { keyFile }, lease: { duration: '60s', settleTime: '100ms' } };

async function setQuorum() {
  const stage = await setStage({ settings });
  await Promise.all([...stage.agents.values()].map((agent) =>
    agent.waitForOutput(/this node is judged by its voters/, 30_000)));
  // Lines of succession are written down in the background.
  await sleep(1500);
  return stage;
}

/** The agent below its supervisor. */
function agentBelow(pid: number): number {
  const [, agent] = processTree(pid);
  assert.ok(agent !== undefined, 'there is no agent below its supervisor');
  return agent;
}

describe('agents with a heartbeat key', () => {
  it('say where they hear one another, and that no thread of theirs is late', async () => {
    await using stage = await setQuorum();
    for (const agent of stage.agents.values()) {
      const output = await agent.output();
      assert.match(output, /"endpoint":"10\.88\.0\.\d+:9477","msg":"listening for heartbeats"/);
      assert.doesNotMatch(output, /does not answer/);
    }
  });

  it('take the addresses of one that was killed at once, and it comes back by itself', async () => {
    await using stage = await setQuorum();
    const { lab, agents, holder } = stage;
    const supervisor = agents.get(holder)!;
    const killed = lab.now();
    process.kill(agentBelow(supervisor.pid), 'SIGKILL');
    const next = await nextHolder(stage);
    const first = await lab.sniffer.firstClaim(eip, next, killed);
    assert.ok(first !== null, 'it was never claimed');
    assert.ok(first.at - killed < 5000, `it took ${(first.at - killed).toFixed(0)} ms`);
    console.log(`claimed ${(first.at - killed).toFixed(1)} ms after kill -9`);
    await until('the agent is back', async () =>
      (await supervisor.output()).split('"msg":"ready"').length > 2, 20_000);
    await lab.sniffer.assertNoOverlap({ since: stage.since });
  });

  it('hand everything over when their supervisor is told to stop', async () => {
    await using stage = await setQuorum();
    const { lab, agents, holder } = stage;
    const exit = await agents.get(holder)!.stop(25_000);
    assert.equal(exit.code, 0);
    await nextHolder(stage);
    assert.equal((await lab.run(holder, ['nft', 'list', 'tables'])).trim(), '');
    await lab.sniffer.assertNoOverlap({ since: stage.since });
  });

  it('hand everything over when their supervisor is killed', async () => {
    await using stage = await setQuorum();
    const { lab, agents, holder } = stage;
    agents.get(holder)!.signal('SIGKILL');
    await nextHolder(stage);
    await lab.sniffer.assertNoOverlap({ since: stage.since });
  });
});
