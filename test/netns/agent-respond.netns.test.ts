import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep } from '../lab/command.ts';
import { eip, nextHolder, setStage } from './agent-stage.ts';

/** As test/lab/tenure.ts sets it. */
const leaseMs = 2000;

describe('an address that is announced by respond, and served by others on the node', () => {
  it('is served by one node after the other as it is drained, and is put on no interface', async () => {
    await using stage = await setStage({ mode: 'respond' });
    const { lab, tenure, holder, prober, since } = stage;
    await tenure.command('drain', holder);
    const next = await nextHolder(stage);
    await sleep(500);
    await lab.sniffer.assertSuccession(eip, [holder, next], { since });
    const { silences } = await prober.report(since, 1000);
    assert.deepEqual(silences, [], 'the client was without an answer for a second or more');
    for (const { name } of lab.nodes) {
      const shown = await lab.run(name, ['ip', 'addr', 'show', 'dev', 'eth0']);
      assert.ok(!shown.includes(`${eip}/`), `${name} has the address on eth0`);
    }
  });

  it('is served by another when the agent dies, whose kernel has the address and stays silent', async () => {
    await using stage = await setStage({ mode: 'respond' });
    const { lab, agents, holder, since, prober } = stage;
    await agents.get(holder)!.kill();
    const next = await nextHolder(stage);
    const taken = lab.now();
    assert.match(await lab.run(holder, ['ip', 'addr', 'show', 'dev', 'lo']), /10\.88\.1\.1\/32/,
      'the address is still there, so that its kernel would answer');
    await sleep(2 * leaseMs);
    await lab.sniffer.assertSuccession(eip, [holder, next], { since });
    const { answeredBy } = await prober.report(taken + 500);
    assert.deepEqual(Object.keys(answeredBy), [next]);
  });
});
