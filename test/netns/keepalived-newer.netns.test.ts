/** What Tenure does with keepalived, on a release that is newer than the host's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { before, describe, it } from 'node:test';
import { compareVersions } from '../../src/keepalived/config/version.ts';
import { raise } from '../../src/keepalived/supervisor/referee.ts';
import { findKeepalived } from '../../src/keepalived/supervisor/program.ts';
import { until } from '../lab/command.ts';
import { provideNewerKeepalived } from '../lab/keepalived-build.mjs';
import { Lab } from '../lab/lab.ts';
import { VipNode, vip } from './keepalived-node.ts';

/** Runs another test file; gives its end and what it said. */
async function runTests(file: string, env: NodeJS.ProcessEnv): Promise<[number | null, string]> {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', '--test', file], {
    env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => { output += text; });
  }
  const code = await new Promise<number | null>((resolve) => { child.once('close', resolve); });
  return [code, output];
}

describe('a newer keepalived', { timeout: 280_000 }, () => {
  let program: string;
  before(() => { program = provideNewerKeepalived(() => undefined); }, { timeout: 240_000 });

  it('is newer than that of the oldest hosts', async () => {
    const found = await findKeepalived(program);
    assert.ok('build' in found, JSON.stringify(found));
    assert.ok(compareVersions(found.build.version, [2, 3, 0]) >= 0,
      'of the series 2.3 or later');
  });

  it('judges configurations as the module does', async () => {
    const [code, output] = await runTests('test/netns/keepalived-config.netns.test.ts', {
      KEEPALIVED: program,
    });
    assert.equal(code, 0, output.slice(-4_000));
  });

  it('elects, takes over, hands over, and follows a file that moves its priority', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const nodes = await Promise.all(lab.nodes.map(({ name }) =>
      VipNode.start(lab, name, { program })));
    const plan = (index: number) => ({
      ...vip('web', 51, ['10.88.1.1', '10.88.1.2'], 120 + index), refereed: true as const, failbackS: 0,
    });
    for (const [index, node] of nodes.entries()) {
      raise(node.dir, plan(index), index === 0 ? 200 : null);
      node.apply([plan(index)]);
    }
    const [n1, n2, n3] = nodes as [VipNode, VipNode, VipNode];
    await n1.waitForState('vip-web', 'MASTER');
    const prober = await lab.probe('10.88.1.2');
    await prober.waitForAnswer({ node: 'n1' });
    raise(n2.dir, plan(1), 201);
    await prober.waitForAnswer({ node: 'n2' });
    await n1.waitForState('vip-web', 'BACKUP');
    // Its dump says what the FIFO said.
    await until('a dump was answered', () => n2.events.every(({ kind }) => kind !== 'hung'), 1_000);
    await lab.cut('n2');
    await prober.waitForAnswer({ node: 'n1' });
    await lab.mend('n2');
    await prober.waitForAnswer({ node: 'n2' });
    const since = n3.events.length;
    n3.apply([{ ...plan(2), addresses: ['10.88.1.1', '10.88.1.2', '10.88.1.3'] }]);
    await n3.waitFor('loaded', since, ({ finished }) => finished);
    await n2.stop();
    await prober.waitForAnswer({ node: 'n1' });
    assert.deepEqual(await n2.addresses(), []);
  });
});
