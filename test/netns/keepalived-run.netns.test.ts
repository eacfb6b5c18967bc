/** `tenure agent --store none` on the nodes of a lab: Eips of a directory, kept by VRRP. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/process.ts';
import { program } from '../lab/tenure.ts';
import { keepalivedMissing } from './keepalived-node.ts';


function eip(name: string, address: string, on = 'eth0'): string {
  return `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: {name: ${name}}
spec: {address: "${address}", interface: ${on}, protocol: vip}
`;
}

function run(lab: Lab, node: string, ...flags: string[]): LabProcess {
  return runWith(lab, node, 'eips', ...flags);
}

/** With the Eips of that directory. */
function runWith(lab: Lab, node: string, eips: string, ...flags: string[]): LabProcess {
  return lab.spawn(node, [
    process.execPath, program, 'agent', '--store', 'none',
    '--config', join(lab.dir, 'tenure.yaml'), '--eips', join(lab.dir, eips), '--node-name', node,
    '--vip-run-directory', join(lab.dir, `run-${node}`), '--vip-advert-interval', '100ms',
    ...flags,
  ], { name: 'tenure', env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' } });
}

async function labWithEips(nodes: number, ...manifests: string[]): Promise<Lab> {
  const lab = await Lab.create({ nodes });
  mkdirSync(join(lab.dir, 'eips'));
  writeFileSync(join(lab.dir, 'tenure.yaml'), 'http: {listen: "off"}\n');
  for (const [index, text] of manifests.entries()) {
    writeFileSync(join(lab.dir, 'eips', `${index}.yaml`), text);
  }
  return lab;
}

describe('an agent without a store', { skip: keepalivedMissing }, () => {
  it('keeps the Eips of a directory, through the end of a node and a change of files', async () => {
    await using lab = await labWithEips(3, eip('web', '10.88.1.0-10.88.1.3'), eip('six', 'fd88::1:1'));
    const agents = new Map(lab.nodes.map(({ name }) => [name, run(lab, name)]));
    const prober = await lab.probe('10.88.1.1');
    const six = await lab.probe('fd88::1:1');
    const first = await prober.waitForAnswer();
    await six.waitForAnswer();
    const since = lab.now();
    await agents.get(first.node)!.stop(15_000);
    agents.delete(first.node);
    const second = await until('another answers', async () => {
      const answer = await prober.waitForAnswer();
      return answer.node === first.node ? null : answer;
    }, 20_000);
    await lab.sniffer.assertNoOverlap({ since });
    writeFileSync(join(lab.dir, 'eips', '0.yaml'), 'kind: nonsense\n');
    const holder = agents.get(second.node)!;
    await holder.waitForOutput(/Eips cannot be read/, 20_000);
    await prober.waitForAnswer({ node: second.node });
    writeFileSync(join(lab.dir, 'eips', '0.yaml'), eip('web', '10.88.1.1-10.88.1.9'));
    const more = await lab.probe('10.88.1.9');
    await more.waitForAnswer({ node: second.node });
    rmSync(join(lab.dir, 'eips', '0.yaml'));
    await until('nobody has it', async () => {
      const shown = await lab.run(second.node, ['ip', '-o', 'address', 'show', 'dev', 'eth0']);
      return !shown.includes('10.88.1.1/32');
    }, 20_000);
  });

  it('has one master while nodes learn of another lowest address, in whatever order', async () => {
    await using lab = await labWithEips(2);
    const write = (node: string, address: string): void => {
      writeFileSync(join(lab.dir, `eips-${node}`, 'web.yaml'), eip('web', address));
    };
    const agents = new Map(lab.nodes.map(({ name }) => {
      mkdirSync(join(lab.dir, `eips-${name}`));
      write(name, '10.88.1.0-10.88.1.3');
      return [name, runWith(lab, name, `eips-${name}`)];
    }));
    const prober = await lab.probe('10.88.1.3');
    const { node: master } = await prober.waitForAnswer();
    const [backup = ''] = lab.nodes.map(({ name }) => name).filter((name) => name !== master);
    await agents.get(backup)!.waitForOutput(/state changed/, 20_000);
    const since = lab.now();
    // The backup is told first: it waits, and says so.
    write(backup, '10.88.1.1-10.88.1.4');
    await agents.get(backup)!.waitForOutput(/vip-waits/, 30_000);
    write(master, '10.88.1.1-10.88.1.4');
    const added = await lab.probe('10.88.1.4');
    await added.waitForAnswer({ node: master });
    await agents.get(backup)!.waitForOutput(/(keepalived: loaded[^]*){2}/, 20_000);
    await sleep(1_000);
    // And now the master.
    write(master, '10.88.1.2-10.88.1.5');
    const another = await lab.probe('10.88.1.5');
    await another.waitForAnswer({ node: master });
    await sleep(2_000);
    write(backup, '10.88.1.2-10.88.1.5');
    await agents.get(backup)!.waitForOutput(/(keepalived: loaded[^]*){3}/, 20_000);
    await sleep(1_000);
    await lab.sniffer.assertNoOverlap({ since });
    for (const [, agent] of agents) {
      const masters = (await agent.output()).match(/this node is master/g) ?? [];
      assert.ok(masters.length <= 1, 'it became master once, or never');
    }
    await prober.waitForAnswer({ node: master });
  });

  it('ends a keepalived that hangs as soon as another master is heard', async () => {
    await using lab = await labWithEips(2, eip('web', '10.88.1.1'));
    const agents = new Map(lab.nodes.map(({ name }) => [name, run(lab, name)]));
    const prober = await lab.probe('10.88.1.1');
    const { node } = await prober.waitForAnswer();
    await agents.get(node)!.waitForOutput(/this node is master/);
    const pid = Number(readFileSync(join(lab.dir, `run-${node}`, 'vrrp.pid'), 'utf8'));
    const since = performance.now();
    process.kill(pid, 'SIGSTOP');
    await agents.get(node)!.waitForOutput(/addresses that keepalived left were taken off/, 20_000);
    assert.ok(performance.now() - since < 4_500, 'before it would have been found by itself');
    const other = node === 'n1' ? 'n2' : 'n1';
    await prober.waitForAnswer({ node: other });
  });

  it('says in one line what is missing or wrong, and does nothing', async () => {
    await using lab = await labWithEips(1, eip('web', '10.88.1.0-10.88.1.3'), eip('web2', '10.88.1.2'));
    const outcome = async (...flags: string[]) => {
      const process_ = run(lab, 'n1', ...flags);
      const { code } = await process_.exited;
      return `${code ?? 'killed'} ${await process_.output()}`;
    };
    assert.match(await outcome(), /^1 .*tenure: .*1\.yaml:1: eip\/web2 overlaps eip\/web in 10\.88\.1\.2/s);
    assert.match(await outcome('--vip-program', '/nowhere/keepalived'),
      /1 .*tenure: \/nowhere\/keepalived is not installed: install it .*apt install keepalived/s);
    assert.match(await outcome('--vip-advert-interval', '5ms'), /^2 tenure: --vip-advert-interval: "5ms"/);
    assert.match(await outcome('--vip-advert-interval', '15ms'), /"15ms" is no multiple of 10ms: write 20ms/);
  });
});
