/**
 * What people complained of in keepalived's own tracker (numbers of github.com/acassen/keepalived),
 * and what becomes of it here: with real keepalived under the agent, or under its supervisor.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { run, sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import { program } from '../lab/tenure.ts';
import { VipNode, keepalivedMissing, vip } from './keepalived-node.ts';

const eip = '10.88.1.1';

/** Agents without a store, one of them master of the address. */
async function agentsOf(lab: Lab) {
  mkdirSync(join(lab.dir, 'eips'));
  writeFileSync(join(lab.dir, 'eips', 'web.yaml'), `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: {name: web}
spec: {address: ${eip}, interface: eth0, protocol: vip}
`);
  writeFileSync(join(lab.dir, 'tenure.yaml'), 'http: {listen: "off"}\n');
  for (const { name } of lab.nodes) {
    lab.spawn(name, [
      process.execPath, program, 'agent', '--store', 'none',
      '--config', join(lab.dir, 'tenure.yaml'), '--eips', join(lab.dir, 'eips'),
      '--node-name', name, '--vip-run-directory', join(lab.dir, `run-${name}`),
      '--vip-advert-interval', '100ms',
    ], { name: 'tenure', env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' } });
  }
  const prober = await lab.probe(eip);
  const { node: master } = await prober.waitForAnswer();
  await sleep(2_000);
  return { prober, master };
}

function pidsOf(lab: Lab, node: string): number[] {
  return ['keepalived.pid', 'vrrp.pid'].map((file) =>
    Number(readFileSync(join(lab.dir, `run-${node}`, file), 'utf8')));
}

/** Three nodes, the first of which is master. */
async function three(lab: Lab): Promise<[VipNode, VipNode, VipNode]> {
  const nodes = [];
  for (const [index, { name }] of lab.nodes.entries()) {
    const node = await VipNode.start(lab, name);
    node.apply([vip('web', 51, [eip], 200 - index)]);
    if (index === 0) await node.waitForState('vip-web', 'MASTER');
    nodes.push(node);
  }
  const [first, second, third] = nodes;
  assert.ok(first && second && third, 'three nodes');
  await second.waitForState('vip-web', 'BACKUP');
  await third.waitForState('vip-web', 'BACKUP');
  return [first, second, third];
}

describe('complaints of keepalived', { skip: keepalivedMissing }, () => {
  it('14, 20, 160, 166: after a split has healed, clients find the one that is left', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { prober, master } = await agentsOf(lab);
    const other = master === 'n1' ? 'n2' : 'n1';
    await lab.part('n1', 'n2');
    await until('both have it', async () => (await Promise.all([master, other].map(async (node) =>
      lab.run(node, ['ip', '-o', 'address', 'show', 'dev', 'eth0']))))
      .every((shown) => shown.includes(`${eip}/32`)), 10_000);
    await lab.mendAll();
    const left = await until('one is left', async () => {
      const shown = await Promise.all([master, other].map(async (node) =>
        (await lab.run(node, ['ip', '-o', 'address', 'show', 'dev', 'eth0'])).includes(`${eip}/32`)));
      return shown.filter(Boolean).length === 1 && (shown[0] === true ? master : other);
    }, 10_000);
    // No client is helped to forget whom it learned of.
    const since = performance.now();
    await prober.waitForAnswer({ node: left });
    assert.ok(performance.now() - since < 10_000, 'long before an entry of its own accord ends');
  });

  it('2066, 2238: a master that was stalled comes back, and never do two claim', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { prober, master } = await agentsOf(lab);
    const since = lab.now();
    for (let round = 0; round < 3; round += 1) {
      for (const pid of pidsOf(lab, master)) process.kill(pid, 'SIGSTOP');
      const end = performance.now() + 700;
      while (performance.now() < end) {
        await lab.forgetNeighbours();
        await sleep(20);
      }
      for (const pid of pidsOf(lab, master)) process.kill(pid, 'SIGCONT');
      await sleep(2_500);
    }
    await prober.waitForAnswer();
    const runs = await lab.sniffer.runs(eip, { since });
    for (const [index, one] of runs.entries()) {
      const next = runs[index + 1];
      assert.notEqual(one.host, next?.host, 'in turns');
    }
    // At most there and back each time: no claims in between one another.
    assert.ok(runs.length <= 7, JSON.stringify(runs));
  });

  it('a full disk: what runs goes on, and the change is made once there is room', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const dir = join(lab.dir, 'small');
    mkdirSync(dir);
    await run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]);
    lab.defer(() => run(['umount', '-l', dir]));
    const node = await VipNode.start(lab, 'n1', { dir });
    node.apply([vip('web', 51, [eip])]);
    await node.waitForState('vip-web', 'MASTER');
    assert.throws(() => {
      writeFileSync(join(dir, 'filler'), Buffer.alloc(1 << 20));
    }, { code: 'ENOSPC' });
    const told = node.events.length;
    const more = [vip('web', 51, [eip]), vip('dns', 52, ['10.88.1.9'])];
    node.apply(more);
    const { why } = await node.waitFor('refused', told);
    assert.match(why, /ENOSPC/);
    assert.equal(node.states.get('vip-web'), 'MASTER');
    assert.deepEqual(await node.addresses(), [eip]);
    rmSync(join(dir, 'filler'));
    node.apply([...more]);
    await node.waitForState('vip-dns', 'MASTER');
    assert.equal(node.states.get('vip-web'), 'MASTER');
  });

  it('reloads on three nodes touch only what changed, under traffic', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const nodes = await three(lab);
    const prober = await lab.probe(eip);
    await prober.waitForAnswer({ node: 'n1' });
    await sleep(1_500);
    const since = lab.now();
    const told = nodes.map((node) => node.events.length);
    const pids = nodes.map(({ dir }) => readFileSync(join(dir, 'vrrp.pid'), 'utf8'));
    for (let round = 1; round <= 4; round += 1) {
      const others = Array.from({ length: round }, (_, index) =>
        vip(`p${index}`, 60 + index, [`10.88.3.${index}`, `10.88.4.${index}`]));
      await Promise.all(nodes.map(async (node, index) => {
        const before = node.events.length;
        node.apply([vip('web', 51, [eip], 200 - index), ...round === 4 ? [] : others]);
        await node.waitFor('loaded', before, ({ finished }) => finished);
      }));
      await sleep(600);
    }
    for (const [index, node] of nodes.entries()) {
      const changes = node.events.slice(told[index]).filter((event) =>
        event.kind === 'state' && event.instance === 'vip-web');
      assert.deepEqual(changes, [], node.log());
      assert.equal(readFileSync(join(node.dir, 'vrrp.pid'), 'utf8'), pids[index]);
    }
    const gap = (await prober.report(since)).silences.toSorted((a, b) => b.ms - a.ms)[0];
    assert.ok(!gap || gap.ms < 1000, `${gap?.ms ?? 0} ms`);
    await lab.sniffer.assertNoOverlap({ since, addresses: [eip] });
  });

  it('a node that joins, even one of higher priority, and one that leaves change no master', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const [n1, n2] = [await VipNode.start(lab, 'n1'), await VipNode.start(lab, 'n2')];
    n1.apply([vip('web', 51, [eip], 100)]);
    await n1.waitForState('vip-web', 'MASTER');
    n2.apply([vip('web', 51, [eip], 99)]);
    await n2.waitForState('vip-web', 'BACKUP');
    const prober = await lab.probe(eip);
    await prober.waitForAnswer({ node: 'n1' });
    await sleep(1_500);
    const since = lab.now();
    const told = [n1.events.length, n2.events.length];
    const n3 = await VipNode.start(lab, 'n3');
    n3.apply([vip('web', 51, [eip], 254)]);
    await n3.waitForState('vip-web', 'BACKUP');
    await sleep(1_500);
    await n3.stop();
    await sleep(1_000);
    for (const [index, node] of [n1, n2].entries()) {
      assert.deepEqual(node.events.slice(told[index]).filter(({ kind }) => kind !== 'log'), []);
    }
    const gap = (await prober.report(since)).silences.toSorted((a, b) => b.ms - a.ms)[0];
    assert.ok(!gap || gap.ms < 1000, `${gap?.ms ?? 0} ms`);
  });
});
