/** keepalived under the supervisor beside keepalived that someone else configured by hand. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/process.ts';
import { VipNode, keepalivedMissing, vip } from './keepalived-node.ts';

const eip = '10.88.1.1';

/** keepalived with a configuration of its own. */
function byHand(
  lab: Lab, node: string, vrid: number, address: string, priority: number,
): LabProcess {
  const file = join(lab.dir, `hand-${node}.conf`);
  writeFileSync(file, `vrrp_instance theirs {
  interface eth0
  state BACKUP
  version 3
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int 0.1
  virtual_ipaddress {
    ${address}/32 dev eth0
  }
}
`);
  return lab.spawn(node, [
    'keepalived', '-n', '-l', '--vrrp', '-f', file,
    '--pid', join(lab.dir, `hand-${node}.pid`), '--vrrp_pid', join(lab.dir, `hand-${node}-vrrp.pid`),
  ]);
}

describe("keepalived beside someone else's", { skip: keepalivedMissing }, () => {
  it('stands in for, and is stood in for by, one that was configured by hand', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const node = await VipNode.start(lab, 'n1');
    node.apply([vip('web', 51, [eip], 100)]);
    await node.waitForState('vip-web', 'MASTER');
    const prober = await lab.probe(eip);
    await prober.waitForAnswer({ node: 'n1' });
    const theirs = byHand(lab, 'n2', 51, eip, 200);
    await theirs.waitForOutput(/Entering MASTER STATE/, 20_000);
    await node.waitForState('vip-web', 'BACKUP');
    await prober.waitForAnswer({ node: 'n2' });
    const since = lab.now();
    await theirs.stop();
    await node.waitForState('vip-web', 'MASTER');
    await prober.waitForAnswer({ node: 'n1' });
    await lab.sniffer.assertNoOverlap({ since });
  });

  it('lets be another cluster that has another VRID, and its host with a keepalived of its own', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const other = byHand(lab, 'n1', 60, '10.88.1.60', 100);
    await other.waitForOutput(/Entering MASTER STATE/, 20_000);
    const node = await VipNode.start(lab, 'n1');
    node.apply([vip('web', 51, [eip])]);
    await node.waitForState('vip-web', 'MASTER');
    assert.deepEqual((await node.addresses()).sort(), [eip, '10.88.1.60']);
    await node.stop();
    await sleep(300);
    assert.deepEqual(await node.addresses(), ['10.88.1.60']);
    other.mustRun();
  });

  it('keeps 1,000 addresses on their master while one after the other goes', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const all = Array.from({ length: 1000 }, (_, index) => `10.88.${2 + (index >> 8)}.${index & 255}`);
    const [n1, n2] = [await VipNode.start(lab, 'n1'), await VipNode.start(lab, 'n2')];
    n1.apply([vip('web', 51, all)]);
    await n1.waitForState('vip-web', 'MASTER');
    n2.apply([vip('web', 51, all, 150)]);
    await n2.waitForState('vip-web', 'BACKUP');
    await sleep(5_000);
    const told = n2.events.length;
    for (let round = 0; round < 5; round += 1) {
      const since = n1.events.length;
      n1.apply([vip('web', 51, all.slice(0, 999 - round))]);
      await n1.waitFor('loaded', since, ({ finished }) => finished);
      await sleep(1_000);
    }
    const changes = n2.events.slice(told).filter(({ kind }) => kind === 'state');
    assert.deepEqual(changes, [], n2.log());
    assert.equal((await n1.addresses()).length, 995);
  });
});
