/** Quorum mode with heartbeats on two networks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { eip, inQuorumMode, nextHolder, setStage } from './agent-stage.ts';

const supportMs = 400;
const heartbeat = {
  interval: '60ms', support: `${String(supportMs)}ms`, addresses: ['10.88.0.0/16', '10.89.0.0/24'],
};

describe('with heartbeats on two networks', { concurrency: 2 }, () => {
  it('a node loses what is on the one that reaches nobody, keeps the rest, and says so', async () => {
    await using stage = await setStage({ heartbeat });
    const { lab, tenure, holder } = stage;
    const elsewhere = '10.89.0.200';
    await tenure.apply('other', elsewhere, {}, 'eth1');
    await tenure.waitForHolder(elsewhere);
    if (await tenure.holder(elsewhere) !== holder) await tenure.command('move', elsewhere, holder);
    await inQuorumMode(tenure, 3);
    // Each is heard on both, for long enough to be missed on one.
    await sleep(4 * supportMs);
    const before = (await tenure.status()).addresses.find(({ address }) => address === elsewhere)!;
    assert.equal(before.holder, holder);

    // Its carrier stays, and it hears the others: they do not hear it.
    await lab.lose(holder, 'from');
    const next = await nextHolder(stage);
    const { stdout } = await tenure.attempt(['status']);
    assert.match(stdout, /eth0 reaches no other node, though other networks do/);
    const after = (await tenure.status()).addresses;
    assert.deepEqual(after.find(({ address }) => address === elsewhere), before, 'what is on the other network moved');
    assert.equal(after.find(({ address }) => address === eip)?.reason, 'unfit');

    await lab.mendAll();
    await until('nothing is wrong', async () => !(await tenure.attempt(['status'])).stdout.includes('eth0 reaches'));
    await sleep(2 * supportMs);
    assert.equal(await tenure.holder(eip), next, 'it moved back without need');
    const overlaps = await lab.sniffer.overlaps({ addresses: [eip], since: stage.since });
    await lab.sniffer.assertHeardAll();
    assert.deepEqual(overlaps.map(({ claims }) => claims).filter((claims) => claims > 0), []);
  });

  it('a node is judged on the one that the addresses are on, store or no store', async () => {
    await using stage = await setStage({ heartbeat });
    const { lab, tenure, prober, holder } = stage;
    const from = lab.now();
    await lab.cut(holder, 'mgmt');
    await sleep(8 * supportMs);
    await lab.mend(holder, 'mgmt');
    const { silences } = await prober.report(from, supportMs);
    assert.deepEqual(silences, [], 'the client was without an answer');
    assert.equal(await tenure.holder(eip), holder, 'it moved without need');

    await inQuorumMode(tenure, 3);
    await tenure.etcd.member.pause();
    try {
      await lab.lose(holder, 'from');
      await lab.lose(holder, 'to');
      await nextHolder(stage);
    } finally {
      tenure.etcd.member.resume();
    }
  });
});
