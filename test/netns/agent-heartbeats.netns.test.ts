import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { agentBelow } from '../lab/process.ts';
import { Lab } from '../lab/lab.ts';
import { program, Tenure, type AgentSettings } from '../lab/tenure.ts';
import { eip, nextHolder, setStage } from './agent-stage.ts';

const keyFile = join(tmpdir(), `tenure-heartbeat-key-${String(process.pid)}`);
writeFileSync(keyFile, 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=\n');

/** A lease so long that nothing in these tests is due to its end. */
const settings = { heartbeat: { keyFile }, lease: { duration: '60s', settleTime: '100ms' } };

async function setQuorum(chosen: AgentSettings = settings) {
  const stage = await setStage({ settings: chosen });
  await Promise.all([...stage.agents.values()].map((agent) =>
    agent.waitForOutput(/this node is judged by its voters/, 30_000)));
  // Lines of succession are written down in the background.
  await sleep(1500);
  return stage;
}

/** As test/lab/tenure.ts runs agents. */
const [node = '', ...flags] = (process.env.TENURE_LAB_NODE ?? process.execPath).split(' ');

/** The threads of a process that do not have the usual scheduling policy (proc(5), stat). */
function realtimeThreads(pid: number): readonly string[] {
  return readdirSync(`/proc/${String(pid)}/task`).flatMap((tid) => {
    const stat = readFileSync(`/proc/${String(pid)}/task/${tid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [priority, policy] = [fields[37], fields[38]];
    if (policy === '0') return [];
    const name = readFileSync(`/proc/${String(pid)}/task/${tid}/comm`, 'utf8').trim();
    return [`${name} ${policy ?? ''}/${priority ?? ''}`];
  });
}

describe('agents with a heartbeat key', () => {
  it('say where they hear one another, and that no thread of theirs is late', async () => {
    await using stage = await setQuorum();
    for (const process of stage.agents.values()) {
      const output = await process.output();
      assert.match(output, /"endpoint":"10\.88\.0\.\d+:9477","msg":"listening for heartbeats"/);
      assert.doesNotMatch(output, /does not answer/);
      assert.match(output, /the wire thread has real-time priority/);
      const agent = agentBelow(process);
      const realtime = realtimeThreads(agent);
      assert.equal(realtime.length, 2, realtime.join());
      assert.ok(realtime.includes('tenure-canary 1/1'), realtime.join());
      assert.deepEqual(realtimeThreads(process.pid).map((thread) => thread.split(' ').at(-1)), ['1/2'],
        'of the supervisor one thread, SCHED_FIFO, that goes before the agent\'s');
      assert.match(readFileSync(`/proc/${String(agent)}/limits`, 'utf8'),
        /Max realtime timeout +1500000 +4000000/);
    }
  });

  it('take the addresses of one that was killed long before its heartbeats would be missed, and it comes back', async () => {
    const heartbeat = { keyFile, interval: '200ms', support: '5s' };
    await using stage = await setQuorum({ ...settings, heartbeat });
    const { lab, agents, holder } = stage;
    const supervisor = agents.get(holder)!;
    const killed = lab.now();
    process.kill(agentBelow(supervisor), 'SIGKILL');
    const next = await nextHolder(stage);
    const first = await lab.sniffer.firstClaim(eip, next, killed);
    assert.ok(first !== null, 'it was never claimed');
    assert.ok(first.at - killed < 2000, `it took ${(first.at - killed).toFixed(0)} ms`);
    console.log(`claimed ${(first.at - killed).toFixed(1)} ms after kill -9`);
    await until('the agent is back', async () =>
      (await supervisor.output()).split('"msg":"ready"').length > 2, 20_000);
    await lab.sniffer.assertNoOverlap({ since: stage.since });
  });

  it('hand everything over when their supervisor is told to stop', async () => {
    await using stage = await setQuorum();
    const { lab, agents, holder } = stage;
    const supervisor = agents.get(holder)!;
    const exit = await supervisor.stop(25_000);
    assert.equal(exit.code, 0);
    assert.doesNotMatch(await supervisor.output(), /the agent died/);
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

describe('two agents and a witness', () => {
  it('are in quorum mode, and the witness never holds anything', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const tenure = await Tenure.start(lab);
    const [n1, n2] = await Promise.all([tenure.agent('n1', settings), tenure.agent('n2', settings)]);
    // It reads what an agent reads; only the command is another.
    const file = join(lab.dir, 'tenure-n1.yaml');
    const args = ['witness', '--config', file, '--node-name', 'w'];
    const witness = lab.spawn('n3', [node, ...flags, program, ...args], {
      name: 'witness', env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
    });
    await witness.waitForOutput(/"msg":"ready"/, 20_000);
    await tenure.apply('test', eip);
    for (const agent of [n1, n2]) await agent.waitForOutput(/judged by its voters/, 30_000);
    const first = await tenure.waitForHolder(eip);
    await sleep(1500);
    process.kill(agentBelow(first === 'n1' ? n1 : n2), 'SIGKILL');
    const next = await tenure.waitForHolder(eip, first);
    assert.equal(next, first === 'n1' ? 'n2' : 'n1');
    assert.equal((await lab.run('n3', ['nft', 'list', 'tables'])).trim(), '');
    assert.equal((await witness.stop(20_000)).code, 0);
  });
});
