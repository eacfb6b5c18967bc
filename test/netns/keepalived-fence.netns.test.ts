/** The fence of virtual routers: where VRRP has two masters, one of them claims nothing. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/process.ts';
import { program } from '../lab/tenure.ts';
import { keepalivedMissing } from './keepalived-node.ts';

const eip = '10.88.1.1';

interface Pair {
  readonly lab: Lab;
  readonly agents: ReadonlyMap<string, LabProcess>;
  readonly master: string;
  readonly backup: string;
}

/** Two nodes, one of them master; a client that asks for the address again and again. */
async function pair(lab: Lab, fence: string, address = eip): Promise<Pair> {
  mkdirSync(join(lab.dir, 'eips'));
  writeFileSync(join(lab.dir, 'eips', 'web.yaml'), `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: {name: web}
spec: {address: "${address}", interface: eth0, protocol: vip}
`);
  writeFileSync(join(lab.dir, 'tenure.yaml'), 'http: {listen: "off"}\n');
  const agents = new Map<string, LabProcess>();
  // The master has the higher priority: else it would yield to whom it hears.
  for (const [name, weight] of [['n1', '1000'], ['n2', '1']] as const) {
    agents.set(name, lab.spawn(name, [
      process.execPath, program, 'agent', '--store', 'none',
      '--config', join(lab.dir, 'tenure.yaml'), '--eips', join(lab.dir, 'eips'),
      '--node-name', name, '--node-weight', weight, '--fence', fence,
      '--vip-run-directory', join(lab.dir, `run-${name}`), '--vip-advert-interval', '100ms',
    ], { name: 'tenure', env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' } }));
    await agents.get(name)!.waitForOutput(
      name === 'n1' ? /this node is master/ : /"to":"BACKUP"|to: BACKUP|state changed/, 30_000);
  }
  const prober = await lab.probe(address);
  await prober.waitForAnswer({ node: 'n1' });
  await sleep(1500);
  return { lab, agents, master: 'n1', backup: 'n2' };
}

/** A client forgets and asks, some thirty times a second. */
async function askFor(lab: Lab, ms: number): Promise<void> {
  const until_ = performance.now() + ms;
  while (performance.now() < until_) {
    await lab.forgetNeighbours();
    await sleep(20);
  }
}

function keepalivedOf({ lab }: Pair, node: string): number[] {
  return ['keepalived.pid', 'vrrp.pid'].map((file) =>
    Number(readFileSync(join(lab.dir, `run-${node}`, file), 'utf8')));
}

/** Nobody hears VRRP on the way into a node: it does not hear the other. */
async function deafen(lab: Lab, node: string, deaf: boolean): Promise<void> {
  await lab.run(node, ['nft', deaf
    ? 'table inet deaf { chain in { type filter hook input priority 0; meta l4proto 112 drop; }; }'
    : 'delete table inet deaf']);
}

/** How long two nodes claimed an address at a time after a fault, ms; 0: not at all. */
async function overlapAfter(
  { lab }: Pair, fault: () => Promise<void> | void, ms = 4_000,
): Promise<number> {
  const since = lab.now();
  await fault();
  await askFor(lab, ms);
  const found = await lab.sniffer.overlaps({ since });
  return found.reduce((longest, { ms }) => Math.max(longest, ms), 0);
}

const faults: Readonly<Record<string, (pair: Pair) => Promise<void> | void>> = {
  'keepalived and Tenure hang together': (pair) => {
    for (const pid of [pair.agents.get(pair.master)!.pid, ...keepalivedOf(pair, pair.master)]) {
      process.kill(pid, 'SIGSTOP');
    }
  },
  'keepalived and Tenure are killed together': (pair) => {
    for (const pid of [pair.agents.get(pair.master)!.pid, ...keepalivedOf(pair, pair.master)]) {
      process.kill(pid, 'SIGKILL');
    }
  },
  'keepalived alone hangs': (pair) => {
    for (const pid of keepalivedOf(pair, pair.master)) process.kill(pid, 'SIGSTOP');
  },
  'the backup does not hear the master': async (pair) => deafen(pair.lab, pair.backup, true),
};

describe('the fence of virtual routers', { skip: keepalivedMissing }, () => {
  for (const [name, fault] of Object.entries(faults)) {
    // The agent hears of the other by its first advertisement, when that is claiming already.
    const atMostMs = name === 'the backup does not hear the master' ? 300 : 0;
    it(`lets one claim alone when ${name}`, async () => {
      await using lab = await Lab.create({ nodes: 2 });
      const both = await pair(lab, 'auto');
      const ms = await overlapAfter(both, () => fault(both));
      assert.ok(ms <= atMostMs, `two claimed it for ${ms} ms`);
      const prober = await lab.probe(eip);
      await prober.waitForAnswer({ node: both.backup });
    });
  }

  it('is what keeps two from claiming: without it they do', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const both = await pair(lab, 'arp');
    const fault = faults['the backup does not hear the master']!;
    assert.ok(await overlapAfter(both, () => fault(both)) > 1000, 'two claim the address');
  });

  it('lets the address be answered again once the two hear each other', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const both = await pair(lab, 'auto');
    await deafen(lab, both.backup, true);
    await askFor(lab, 2_000);
    const since = lab.now();
    await deafen(lab, both.backup, false);
    const prober = await lab.probe(eip);
    await askFor(lab, 2_000);
    await prober.waitForAnswer();
    assert.equal((await lab.sniffer.overlaps({ since })).length, 0);
  });

  it('lets IPv6 be, and be guarded, alike', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const both = await pair(lab, 'auto', 'fd88::1:1');
    const fault = faults['keepalived and Tenure hang together']!;
    assert.equal(await overlapAfter(both, () => fault(both)), 0);
    const prober = await lab.probe('fd88::1:1');
    await prober.waitForAnswer({ node: both.backup });
  });

  it('is put back when someone flushes the ruleset, and guards as before', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const both = await pair(lab, 'auto');
    const since = performance.now();
    await lab.run('n1', ['nft', 'flush', 'ruleset']);
    const holder = both.agents.get('n1')!;
    await holder.waitForOutput(/nft .*changed the fence of virtual routers\. It was made anew/);
    assert.match(await lab.run('n1', ['nft', 'list', 'tables']), /tenure-vrrp/);
    assert.ok(performance.now() - since < 5_000, 'at once');
    // A change of a rule alone, too.
    await lab.run('n1', ['nft', 'flush', 'chain', 'netdev', 'tenure-vrrp', 'out-eth0']);
    await until('the rules are there', async () =>
      (await lab.run('n1', ['nft', 'list', 'chain', 'netdev', 'tenure-vrrp', 'out-eth0']))
        .includes('addresses-'), 5_000);
    const prober = await lab.probe(eip);
    await sleep(500);
    await lab.forgetNeighbours();
    await prober.waitForAnswer({ node: 'n1' });
    assert.equal(await overlapAfter(both,
      () => faults['keepalived and Tenure hang together']!(both)), 0);
    await prober.waitForAnswer({ node: 'n2' });
  });

  it('goes with the agent, and leaves nothing behind', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { agents } = await pair(lab, 'auto');
    assert.match(await lab.run('n1', ['nft', 'list', 'tables']), /tenure-vrrp/);
    await agents.get('n1')!.stop(15_000);
    await until('the table is gone', async () =>
      !(await lab.run('n1', ['nft', 'list', 'tables'])).includes('tenure-vrrp'), 5_000);
  });
});
