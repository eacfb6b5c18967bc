import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { program, Tenure } from '../lab/tenure.ts';

interface Check {
  readonly name: string;
  readonly state: string;
  readonly finding: string;
  readonly fix: string | null;
}

const eip = '10.88.1.1';

async function doctor(lab: Lab, node: string): Promise<readonly Check[]> {
  const file = `${lab.dir}/tenure-${node}.yaml`;
  const { stdout } = await lab.attempt(node, [
    process.execPath, program, 'doctor', '--config', file, '-o', 'json',
  ], { timeoutMs: 30_000 });
  return JSON.parse(stdout) as readonly Check[];
}

describe('tenure doctor', () => {
  it('finds a second interface on the LAN that answers for a bound address, and its mend', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const tenure = await Tenure.start(lab);
    await tenure.agent('n1');
    await tenure.apply('test', eip);
    await lab.sniffer.waitForClaim(eip, { host: 'n1', since: 0 });
    const about = (checks: readonly Check[]): readonly Check[] => checks.filter((check) => (
      check.state !== 'ok' && ['interface eth2', `address ${eip}`].includes(check.name)));
    assert.deepEqual(about(await doctor(lab, 'n1')), []);

    const { namespace } = lab.host('switch');
    await lab.run('n1', [
      'ip', 'link', 'add', 'eth2', 'type', 'veth', 'peer', 'name', 'n1-second', 'netns', namespace,
    ]);
    await lab.run('switch', ['ip', 'link', 'set', 'n1-second', 'master', 'lan', 'up']);
    await lab.run('n1', ['ip', 'link', 'set', 'eth2', 'up']);
    await lab.run('n1', ['ip', 'addr', 'add', '10.88.0.111/16', 'dev', 'eth2']);
    const found = about(await doctor(lab, 'n1'));
    const fix = 'sysctl -w net/ipv4/conf/eth2/arp_ignore=1';
    assert.deepEqual(found.map(({ name, state }) => `${name}: ${state}`), [
      'interface eth2: warn', `address ${eip}: fail`,
    ]);
    assert.ok(found.every((check) => check.fix === fix), JSON.stringify(found));
    await lab.run('n1', ['sh', '-c', `${fix} || echo 1 > /proc/sys/net/ipv4/conf/eth2/arp_ignore`]);
    assert.deepEqual(about(await doctor(lab, 'n1')), []);
  });
});
