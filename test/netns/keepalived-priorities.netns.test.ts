/** Backups that would stand in at the same moment, were their priorities not made to differ. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { priorityOf } from '../../src/keepalived/render/priority.ts';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/process.ts';
import { Tenure } from '../lab/tenure.ts';
import { keepalivedMissing } from './keepalived-node.ts';

const address = '10.88.1.1';
const three = ['n1', 'n2', 'n3'];
const rounds = 6;
/** A step of priority is 39 ms of it: at less, a busy machine would decide who is first. */
const advertInterval = '1s';

/** The first Eip name for which so much holds of the nodes' priorities. */
function eipFor(fits: (priority: (node: string, among: readonly string[]) => number) => boolean) {
  for (let index = 0; ; index += 1) {
    const pool = `web-${index}`;
    const one = (name: string) => ({ name, weight: 1 });
    if (fits((node, among) => priorityOf(one(node), among.map(one), pool))) return pool;
  }
}

/** keepalived's own configuration, of a node's only Eip. */
function priorityIn(lab: Lab, node: string): number {
  const text = readFileSync(join(lab.dir, `run-${node}`, 'keepalived.conf'), 'utf8');
  return Number(/priority (\d+)/.exec(text)?.[1]);
}

function start(lab: Lab, tenure: Tenure, node: string): Promise<LabProcess> {
  return tenure.agent(node, {
    vip: { advertInterval, runDirectory: join(lab.dir, `run-${node}`) },
  });
}

async function apply(tenure: Tenure, name: string): Promise<void> {
  const { code, stderr } = await tenure.attempt(['apply', '-f', '-'], JSON.stringify({
    apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip',
    metadata: { name, annotations: { 'tenure.io/vrid': '51' } },
    spec: { address, interface: 'eth0', protocol: 'vip' },
  }));
  assert.equal(code, 0, stderr);
}

describe('nodes whose names come to the same priority', { skip: keepalivedMissing }, () => {
  it('have one new master, and no second, whenever the master stops in good order', async () => {
    const pool = eipFor((priority) => new Set(three.map((node) => priority(node, []))).size === 1);
    await using lab = await Lab.create({ nodes: 3 });
    const tenure = await Tenure.start(lab);
    await apply(tenure, pool);
    const agents = new Map(await Promise.all(three.map(async (node) =>
      [node, await start(lab, tenure, node)] as const)));
    const apart = () => until('priorities are a step apart', () => {
      const [low = 0, middle = 0, high = 0] = three.map((node) => priorityIn(lab, node))
        .sort((a, b) => a - b);
      return middle - low >= 10 && high - middle >= 10;
    }, 20_000, 200);
    const prober = await lab.probe(address);
    await prober.waitForAnswer({ timeoutMs: 30_000 });
    for (let round = 0; round < rounds; round += 1) {
      await apart();
      await sleep(4_000);
      const { node } = await prober.waitForAnswer();
      const since = lab.now();
      await agents.get(node)!.stop(20_000);
      await sleep(3_000);
      const claimants = (await lab.sniffer.runs(address, { since })).map(({ host }) => host);
      const others = new Set(claimants.filter((host) => host !== node));
      assert.equal(others.size, 1, `round ${round}, ${node} stopped: ${claimants.join(', ')}`);
      agents.set(node, await start(lab, tenure, node));
    }
    await lab.sniffer.assertHeardAll();
  });
});

describe('a node that joins', { skip: keepalivedMissing }, () => {
  it('moves priorities and no master', async () => {
    const four = [...three, 'n4'];
    // Whoever is master, and at least one more, have another priority with the fourth.
    const pool = eipFor((priority) => three.every((node) =>
      priority(node, three) !== priority(node, four)));
    await using lab = await Lab.create({ nodes: 4 });
    const tenure = await Tenure.start(lab);
    await apply(tenure, pool);
    for (const node of three) await start(lab, tenure, node);
    const prober = await lab.probe(address);
    const { node: master } = await prober.waitForAnswer({ timeoutMs: 30_000 });
    await sleep(2_000);
    const before = three.map((node) => priorityIn(lab, node));
    const since = lab.now();
    const fourth = await start(lab, tenure, 'n4');
    const moved = (from: readonly number[]) => until('all have another priority', () =>
      three.every((node, index) => priorityIn(lab, node) !== from[index]), 20_000, 100);
    await moved(before);
    await sleep(2_000);
    const between = three.map((node) => priorityIn(lab, node));
    await fourth.stop(20_000);
    await moved(between);
    await sleep(2_000);
    assert.deepEqual(three.map((node) => priorityIn(lab, node)), before);
    const { longestSilenceMs } = await prober.report(since);
    assert.ok(longestSilenceMs < 900, `it went on: ${longestSilenceMs} ms`);
    await lab.sniffer.assertSuccession(address, [master], { since });
  });
});
