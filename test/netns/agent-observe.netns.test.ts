import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { Tenure } from '../lab/tenure.ts';
import { sleep, until } from '../lab/command.ts';
import { setStage } from './agent-stage.ts';

/** What curl would show, asked from the node itself. */
async function get(lab: Lab, node: string, path: string): Promise<{ code: number; text: string }> {
  const script = `fetch('http://127.0.0.1:9476${path}').then(async (r) => {
    console.log(JSON.stringify({ code: r.status, text: await r.text() })); });`;
  return JSON.parse(await lab.run(node, [process.execPath, '-e', script])) as never;
}

describe('what people see of an agent', () => {
  it('answers for its health, and counts what it holds and says', async () => {
    await using stage = await setStage();
    const { lab, tenure, holder } = stage;
    assert.equal((await get(lab, holder, '/healthz')).code, 200);
    assert.deepEqual(await get(lab, holder, '/readyz'), { code: 200, text: 'holds 1 addresses\n' });
    assert.equal((await get(lab, holder, '/nothing')).code, 404);
    const { text } = await get(lab, holder, '/metrics');
    assert.match(text, /^tenure_eips_held 1$/m);
    assert.match(text, /^tenure_fence_egress 1$/m);
    assert.match(text, /^tenure_moves_total\{direction="took",reason="claimed"\} 1$/m);
    assert.match(text, /^tenure_claims_sent_total\{kind="gratuitous"\} [1-9]/m);
    assert.match(text, /^tenure_store_requests_total\{request="renew",outcome="answered"\} [1-9]/m);
    await tenure.etcd.member.stop('SIGKILL');
    await until('it is not ready', async () => (await get(lab, holder, '/readyz')).code === 503, 15_000);
    assert.equal((await get(lab, holder, '/healthz')).code, 200);
  });

  it('says in status who uses an address that is not theirs, and stays silent meanwhile', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const tenure = await Tenure.start(lab);
    await lab.run('c1', ['ip', 'addr', 'add', '10.88.1.9/32', 'dev', 'eth0']);
    await Promise.all(['n1', 'n2'].map((node) => tenure.agent(node)));
    await tenure.apply('taken', '10.88.1.9');
    await until('status names the stranger', async () => {
      const { stdout, code } = await tenure.attempt(['status']);
      return code === 1 && /ERROR {2}n[12]: 10\.88\.1\.9 is claimed by /.test(stdout);
    }, 20_000, 200);
    for (const node of ['n1', 'n2']) {
      assert.deepEqual(await lab.sniffer.claims('10.88.1.9', { host: node }), []);
    }
    const { stdout } = await tenure.attempt(['status']);
    assert.match(stdout, /find that host by its MAC address/);
  });

  it('names what keeps an address from being held, and exits with 1', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const tenure = await Tenure.start(lab);
    await Promise.all(['n1', 'n2'].map((node) => tenure.agent(node)));
    await tenure.apply('elsewhere', '203.0.113.7');
    await sleep(500);
    const { stdout, code } = await tenure.attempt(['status']);
    assert.equal(code, 1);
    assert.match(stdout, /ERROR {2}Nobody announces 203\.0\.113\.7: no node may hold it/);
    assert.match(stdout, /in no subnet of eth0.*force-subnet/);
    assert.match(stdout, /203\.0\.113\.7 +nobody/);
  });

  it('announces IPv6 addresses without binding them, and answers for them', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const tenure = await Tenure.start(lab);
    await Promise.all(['n1', 'n2'].map((node) => tenure.agent(node)));
    await tenure.apply('six', 'fd88::1:7', { 'tenure.io/announce': 'respond' });
    const { host } = await lab.sniffer.waitForClaim('fd88::1:7', {}, 15_000);
    assert.doesNotMatch(await lab.run(host, ['ip', '-6', 'addr']), /fd88::1:7/);
    await lab.forgetNeighbours();
    await lab.attempt('c1', ['ping', '-6', '-c', '1', '-W', '1', 'fd88::1:7']);
    const neighbours = await lab.run('c1', ['ip', '-6', 'neigh', 'show', 'fd88::1:7']);
    assert.match(neighbours, /lladdr/);
  });
});
