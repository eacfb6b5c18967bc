/** Unicast, tracking and keys of VRRP, as the agent's options have them, with real keepalived. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/process.ts';
import { program } from '../lab/tenure.ts';
import { keepalivedMissing } from './keepalived-node.ts';

function start(lab: Lab, node: string, ...flags: string[]): LabProcess {
  return lab.spawn(node, [
    process.execPath, program, 'agent', '--store', 'none', '--eips', join(lab.dir, 'eips'),
    '--node-name', node, '--node-weight', node === 'n1' ? '1000' : '1',
    '--vip-run-directory', join(lab.dir, `run-${node}`), '--vip-advert-interval', '100ms', ...flags,
  ], { name: 'tenure', env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', TENURE_CONFIG: '' } });
}

async function labWith(...addresses: string[]): Promise<Lab> {
  const lab = await Lab.create({ nodes: 2 });
  mkdirSync(join(lab.dir, 'eips'));
  for (const [index, address] of addresses.entries()) {
    writeFileSync(join(lab.dir, 'eips', `${index}.yaml`),
      `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: {name: eip${index}, annotations: {tenure.io/vrid: "${51 + index}"}}
spec: {address: "${address}", interface: eth0, protocol: vip}
`);
  }
  return lab;
}

describe('VRRP as the options have it', { skip: keepalivedMissing }, () => {
  it('goes to each node by unicast, and is heard, fenced and taken over as ever', async () => {
    await using lab = await labWith('10.88.1.1', 'fd88::1:1');
    const peers = ['10.88.0.11', '10.88.0.12', 'fd88::11', 'fd88::12'];
    const flags = ['--vip-peers', peers.join(','), '--log-level', 'debug'];
    const n1 = start(lab, 'n1', ...flags);
    await n1.waitForOutput(/this node is master[\s\S]*this node is master/, 30_000);
    const n2 = start(lab, 'n2', ...flags);
    await n2.waitForOutput(/BACKUP[\s\S]*BACKUP/, 30_000);
    const probers = [await lab.probe('10.88.1.1'), await lab.probe('fd88::1:1')];
    for (const prober of probers) await prober.waitForAnswer({ node: 'n1' });
    const dump = lab.spawn('n2', ['tcpdump', '-n', '-l', '-i', 'eth0', 'proto', '112']);
    await dump.waitForOutput(/10\.88\.0\.11 > 10\.88\.0\.12/);
    await dump.waitForOutput(/ff88|fd88::11 > fd88::12/);
    assert.doesNotMatch(await dump.output(), /224\.0\.0\.18|ff02::12/);
    // The watch hears both families: all is well, and it knows who is master.
    const { stdout } = await lab.attempt('n2', [process.execPath, program, 'status', '--store', 'none'], {
      env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
    });
    assert.match(stdout, /10\.88\.0\.11[\s\S]*fd88::11/);
    const since = lab.now();
    process.kill(n1.pid, 'SIGSTOP');
    await lab.cut('n1');
    for (const prober of probers) await prober.waitForAnswer({ node: 'n2' });
    process.kill(n1.pid, 'SIGCONT');
    await lab.sniffer.assertNoOverlap({ since });
  });

  it('gives up where a script fails, or another interface has no link', async () => {
    await using lab = await labWith('10.88.1.1');
    // Others than root may change what lies in a temporary directory; keepalived refuses that.
    const dir = `/run/tenure-test-${process.pid}`;
    mkdirSync(dir, { mode: 0o700 });
    lab.defer(() => { rmSync(dir, { recursive: true, force: true }); });
    const [script, flag] = [join(dir, 'check'), join(dir, 'broken')];
    writeFileSync(script, `#!/bin/sh\ntest ! -e ${flag}\n`);
    chmodSync(script, 0o700);
    await lab.run('n1', ['ip', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1']);
    for (const link of ['up0', 'up1']) await lab.run('n1', ['ip', 'link', 'set', link, 'up']);
    const n1 = start(lab, 'n1', '--vip-track-script', script, '--vip-track-interfaces', 'up0');
    await n1.waitForOutput(/this node is master/, 30_000);
    const n2 = start(lab, 'n2');
    await n2.waitForOutput(/BACKUP/, 30_000);
    const prober = await lab.probe('10.88.1.1');
    const faults: [() => unknown, () => unknown][] = [
      [() => { writeFileSync(flag, ''); }, () => { rmSync(flag); }],
      [() => lab.run('n1', ['ip', 'link', 'set', 'up1', 'down']),
        () => lab.run('n1', ['ip', 'link', 'set', 'up1', 'up'])],
    ];
    for (const [fault, mend] of faults) {
      await prober.waitForAnswer({ node: 'n1' });
      await fault();
      await prober.waitForAnswer({ node: 'n2', timeoutMs: 20_000 });
      await mend();
      await sleep(5_000);
      // It stays where it is, and goes back when the other is stopped.
      await prober.waitForAnswer({ node: 'n2' });
      await lab.cut('n2');
      await prober.waitForAnswer({ node: 'n1', timeoutMs: 20_000 });
      await lab.mend('n2');
      await sleep(1_000);
    }
  });

  it('says what is wrong: an address that is nobody\'s, a key that this keepalived cannot use', async () => {
    await using lab = await labWith('10.88.1.1');
    const stranger = start(lab, 'n1', '--vip-peers', '192.0.2.1,192.0.2.2');
    await stranger.waitForOutput(/vip\.peers: this host has none of 192\.0\.2\.1, 192\.0\.2\.2/, 20_000);
    await stranger.stop(10_000);
    const key = join(lab.dir, 'key');
    writeFileSync(key, 'k'.repeat(40));
    const keyed = start(lab, 'n1', '--vip-key-file', key);
    await keyed.waitForOutput(/knows no auth_hmac: give no key, or install 2\.4\.0 or later/, 20_000);
    await keyed.stop(10_000);
    const wrong = start(lab, 'n1', '--vip-peers', 'n2');
    await wrong.exited;
    assert.match(await wrong.output(), /--vip-peers: "n2" is no address: write it as 192\.0\.2\.1/);
  });
});
