/** keepalived under the supervisor, on the nodes of a lab: what it survives, and what it tells. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findKeepalived } from '../../src/keepalived/supervisor/program.ts';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import { VipNode, keepalivedMissing, vip } from './keepalived-node.ts';

const eip = '10.88.1.1';
const web = [vip('web', 51, [eip, '10.88.1.2'])];

/** All nodes of a lab, one of which is master; it comes first. */
async function elected(lab: Lab, settings = {}): Promise<[VipNode, ...VipNode[]]> {
  const nodes = await Promise.all(lab.nodes.map(({ name }) =>
    VipNode.start(lab, name, { settings })));
  for (const [index, node] of nodes.entries()) {
    node.apply([{ ...web[0]!, priority: 200 - index }]);
  }
  const master = await until('one is master', () => {
    const masters = nodes.filter((node) => node.states.get('vip-web') === 'MASTER');
    return masters.length === 1 ? masters[0]! : null;
  }, 20_000);
  return [master, ...nodes.filter((node) => node !== master)];
}

async function otherMaster(nodes: readonly VipNode[]): Promise<VipNode> {
  return until('another is master', () =>
    nodes.find((node) => node.states.get('vip-web') === 'MASTER') ?? null, 20_000);
}

function pidOf(node: VipNode, file: 'keepalived.pid' | 'vrrp.pid'): number {
  return Number(readFileSync(join(node.dir, file), 'utf8'));
}

describe('keepalived under the supervisor', { skip: keepalivedMissing }, () => {
  it('elects one node, hands over on a planned stop, and is gone when it has stopped', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const [master, ...others] = await elected(lab);
    assert.deepEqual(await master.addresses(), [eip, '10.88.1.2']);
    for (const node of others) await node.waitForState('vip-web', 'BACKUP');
    const pid = pidOf(master, 'keepalived.pid');
    const prober = await lab.probe(eip);
    await prober.waitForAnswer({ node: master.name });
    const since = lab.now();
    await master.stop();
    assert.deepEqual(await master.addresses(), []);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    assert.equal(master.states.get('vip-web'), 'STOP');
    const next = await otherMaster(others);
    await prober.waitForAnswer({ node: next.name });
    await lab.sniffer.assertNoOverlap({ since });
  });

  it('takes over three adverts after a cable is cut', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const [master, backup] = await elected(lab);
    const prober = await lab.probe(eip);
    await prober.waitForAnswer({ node: master.name });
    const since = lab.now();
    await lab.cut(master.name);
    await prober.waitForAnswer({ node: backup!.name });
    const gap = (await prober.report(since)).silences.toSorted((a, b) => b.ms - a.ms)[0]!;
    assert.ok(gap.ms > 200 && gap.ms < 1500, `${gap.ms} ms`);
    await master.waitForState('vip-web', 'FAULT');
  });

  for (const [file, what] of [['vrrp.pid', 'the VRRP process'], ['keepalived.pid', 'its parent']] as const) {
    it(`takes the addresses off when ${what} is killed, and starts anew as a backup`, async () => {
      await using lab = await Lab.create({ nodes: 2 });
      const [master, backup] = await elected(lab);
      const told = master.events.length;
      process.kill(pidOf(master, file), 'SIGKILL');
      const { againMs } = await master.waitFor('exited', told);
      assert.equal(againMs, 500);
      assert.deepEqual(await master.addresses(), []);
      if (file === 'vrrp.pid') {
        const { addresses } = await master.waitFor('cleaned', told);
        assert.deepEqual(addresses, [eip, '10.88.1.2']);
      }
      await backup!.waitForState('vip-web', 'MASTER');
      await master.waitFor('started', told);
      await master.waitForState('vip-web', 'BACKUP');
      assert.deepEqual(await master.addresses(), []);
      assert.deepEqual(await backup!.addresses(), [eip, '10.88.1.2']);
    });
  }

  it('waits longer before each start of a keepalived that keeps dying', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const [node] = await elected(lab);
    const delays = [];
    for (let round = 0; round < 3; round += 1) {
      const told = node.events.length;
      process.kill(pidOf(node, 'keepalived.pid'), 'SIGKILL');
      delays.push((await node.waitFor('exited', told)).againMs);
      await node.waitFor('started', told);
      await node.waitForState('vip-web', 'MASTER');
    }
    assert.deepEqual(delays, [500, 1000, 2000]);
  });

  it('kills a keepalived that hangs, and takes its addresses off', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const [master, backup] = await elected(lab);
    const told = master.events.length;
    process.kill(pidOf(master, 'vrrp.pid'), 'SIGSTOP');
    await backup!.waitForState('vip-web', 'MASTER');
    await master.waitFor('hung', told);
    await master.waitFor('cleaned', told);
    await master.waitFor('started', told);
    await master.waitForState('vip-web', 'BACKUP');
    assert.deepEqual(await master.addresses(), []);
  });

  it('keeps what runs when a change is refused, and says why until it is mended', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const [node] = await elected(lab);
    const pid = pidOf(node, 'keepalived.pid');
    const told = node.events.length;
    node.apply([...web, { ...vip('other', 52, ['10.88.1.9']), interface: 'nothere' }]);
    const { why } = await node.waitFor('refused', told);
    assert.match(why, /nothere/);
    assert.deepEqual([await node.addresses(), node.states.get('vip-web')], [[eip, '10.88.1.2'], 'MASTER']);
    node.apply([...web, vip('other', 52, ['10.88.1.9'])]);
    await node.waitFor('loaded', told, ({ finished }) => finished);
    await node.waitForState('vip-other', 'MASTER');
    assert.equal(pidOf(node, 'keepalived.pid'), pid, node.log());
    node.apply([]);
    await node.waitForState('vip-web', 'STOP');
    assert.deepEqual(await until('none are left', async () => {
      const left = await node.addresses();
      return left.length === 0 ? left : null;
    }), []);
  });

  it('lets keepalived run on when its directory is gone, and says so', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const [node] = await elected(lab, { advertMs: 10 });
    rmSync(node.dir, { recursive: true });
    const told = node.events.length;
    node.apply([...web, vip('other', 52, ['10.88.1.9'])]);
    const { why } = await node.waitFor('refused', told);
    assert.match(why, /next\.conf: ENOENT/);
    await sleep(500);
    assert.deepEqual([await node.addresses(), node.states.get('vip-web')],
      [[eip, '10.88.1.2'], 'MASTER']);
  });

  it('lets a master keep its addresses while others come, go and move', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const [master, backup] = await elected(lab);
    const prober = await lab.probe(eip);
    await prober.waitForAnswer({ node: master.name });
    await sleep(1500);
    const since = lab.now();
    const told = [master.events.length, backup!.events.length];
    const large = Array.from({ length: 200 }, (_, index) => `10.88.2.${index}`);
    for (const node of [master, backup!]) {
      node.apply([vip('web', 51, [eip, ...large]), vip('other', 53, ['10.88.1.2'])]);
    }
    await master.waitFor('loaded', told[0], ({ finished }) => finished);
    await backup!.waitFor('loaded', told[1], ({ finished }) => finished);
    await until('all are there', async () => (await master.addresses()).length >= 201)
      .catch(() => assert.fail(master.log(80)));
    assert.equal(master.states.get('vip-web'), 'MASTER', master.log());
    const changes = backup!.events.slice(told[1]).filter((event) =>
      event.kind === 'state' && event.instance === 'vip-web' && event.to === 'MASTER');
    assert.deepEqual(changes, [], backup!.log());
    const gap = (await prober.report(since)).silences.toSorted((a, b) => b.ms - a.ms)[0];
    assert.ok(!gap || gap.ms < 1000, `${gap?.ms ?? 0} ms`);
  });

  it('ends a keepalived and takes off addresses that an earlier run left', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const dir = join(lab.dir, 'left');
    mkdirSync(dir);
    writeFileSync(join(dir, 'keepalived.conf'), `vrrp_instance old {\n interface eth0\n
      virtual_router_id 9\n virtual_ipaddress { 10.88.1.7/32 dev eth0 }\n}\n`);
    for (const file of ['keepalived.pid', 'vrrp.pid']) writeFileSync(join(dir, file), `${process.pid}\n`);
    await lab.run('n1', ['ip', 'address', 'add', '10.88.1.7/32', 'dev', 'eth0']);
    await lab.run('n1', ['ip', 'address', 'add', '10.88.1.8/32', 'dev', 'eth0']);
    const first = lab.spawn('n1', ['keepalived', '-n', '-l', '--vrrp', '-f', join(dir, 'keepalived.conf'),
      '--pid', join(dir, 'keepalived.pid'), '--vrrp_pid', join(dir, 'vrrp.pid')]);
    await first.waitForOutput(/Already running|daemon is already running|Entering/i).catch(() => undefined);
    const node = await VipNode.start(lab, 'n1', { dir });
    node.apply(web);
    await node.waitForState('vip-web', 'MASTER');
    const addresses = await node.addresses();
    assert.ok(!addresses.includes('10.88.1.7'), 'its own leftover is gone');
    assert.ok(addresses.includes('10.88.1.8'), "another's stays");
  });
});

describe('looking for keepalived', () => {
  it('says what to install if there is none', async () => {
    const found = await findKeepalived('/nonexistent/keepalived');
    assert.match('error' in found ? found.error : '', /is not installed: install it .*apt install keepalived/);
    const wrong = await findKeepalived('true');
    assert.match('error' in wrong ? wrong.error : '', /tells no version/);
  });
});
