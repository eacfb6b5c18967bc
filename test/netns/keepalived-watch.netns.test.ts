/** What a node hears of VRRP between real keepalived on a LAN. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Finding } from '../../src/core/model.ts';
import type { Master } from '../../src/keepalived/watch/watch.ts';
import { until } from '../lab/command.ts';
import { startKeepalived } from '../lab/keepalived.ts';
import { Lab } from '../lab/lab.ts';
import { VipNode, keepalivedMissing, vip } from './keepalived-node.ts';

const require = createRequire(import.meta.url);
const rawMissing = await import('raw-socket').then(() => false as const, () =>
  'the optional package raw-socket is not built');

interface Heard {
  readonly masters: readonly Master[];
  readonly findings: readonly Finding[];
  readonly foreign: readonly string[];
  readonly drops: readonly [string, number][];
}

const web = vip('web', 51, ['10.88.1.1']);
const web6 = vip('web6', 51, ['fd88::1:1']);
const expected = [web, web6].map(({ pool, interface: device, family, vrid, addresses }) =>
  ({ pool, interface: device, family, vrid, intervalMs: 100, address: addresses[0] }));

/** Listens on a node that runs no keepalived. */
async function listen(lab: Lab, node: string) {
  const script = fileURLToPath(new URL('keepalived-watch-process.ts', import.meta.url));
  const listener = lab.spawn(node, [
    process.execPath, '--import', require.resolve('tsx'), script, JSON.stringify(expected),
  ], { name: 'watch', env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' } });
  const [, ears] = await listener.waitForOutput(/"ears":(\[.*\])/);
  return { listener, ears: JSON.parse(ears ?? '[]') as string[] };
}

async function hears(
  listener: Awaited<ReturnType<typeof listen>>['listener'], what: string,
  accept: (heard: Heard) => boolean,
): Promise<Heard> {
  return until(what, () => {
    listener.mustRun();
    const last = listener.tail(1);
    if (!last.startsWith('{"masters"')) return null;
    const heard = JSON.parse(last) as Heard;
    return accept(heard) ? heard : null;
  }, 20_000).catch((error: unknown) => assert.fail(`${String(error)}\n${listener.tail(2)}`));
}

const sourceOf = (heard: Heard, pool: string) => {
  const master = heard.masters.find((one) => one.pool === pool)?.master;
  return master && 'source' in master ? master.source : null;
};

describe('the watch on VRRP on a LAN', { skip: keepalivedMissing || rawMissing }, () => {
  it('knows the master of each family, and the next one after a cut', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const { listener, ears } = await listen(lab, 'n3');
    assert.deepEqual(ears, ['open', 'open']);
    const [n1, n2] = [await VipNode.start(lab, 'n1'), await VipNode.start(lab, 'n2')];
    n1.apply([web, web6]);
    await n1.waitForState('vip-web', 'MASTER');
    await n1.waitForState('vip-web6', 'MASTER');
    n2.apply([{ ...web, priority: 150 }, { ...web6, priority: 150 }]);
    await n2.waitForState('vip-web', 'BACKUP');
    const heard = await hears(listener, 'both masters', (one) =>
      sourceOf(one, 'web') === '10.88.0.11' && sourceOf(one, 'web6') !== null);
    assert.deepEqual([heard.findings, heard.foreign], [[], []]);
    await lab.cut('n1');
    const after = await hears(listener, 'n2 as master', (one) => sourceOf(one, 'web') === '10.88.0.12');
    assert.deepEqual(after.findings, []);
  });

  it('tells of two masters where one does not hear the other', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const { listener } = await listen(lab, 'n3');
    const [n1, n2] = [await VipNode.start(lab, 'n1'), await VipNode.start(lab, 'n2')];
    n1.apply([web]);
    await n1.waitForState('vip-web', 'MASTER');
    await lab.lose('n1', 'to');
    await lab.lose('n2', 'to');
    n2.apply([{ ...web, priority: 150 }]);
    await n2.waitForState('vip-web', 'MASTER');
    const { findings } = await hears(listener, 'two masters', ({ findings: all }) =>
      all.some(({ code }) => code === 'vip-second-master'));
    assert.match(findings[0]?.text ?? '', /10\.88\.0\.11 and 10\.88\.0\.12 are masters of VRID 51/);
  });

  it("tells of a stranger's VRID, and of one who uses ours otherwise", async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const { listener } = await listen(lab, 'n3');
    // The lab's own keepalived has VRID 88; with whole seconds it speaks version 2.
    await startKeepalived(lab, 'n2', { addresses: ['10.88.1.9'], advertMs: 1000, priority: 100 });
    await hears(listener, 'VRID 88', ({ foreign }) => foreign.includes('88/4'));
    const n1 = await VipNode.start(lab, 'n1', { settings: { advertMs: 500 } });
    n1.apply([vip('web', 51, ['10.88.1.7'])]);
    const { findings } = await hears(listener, 'a clash', (one) => one.findings.length >= 2);
    assert.deepEqual(findings.map(({ code }) => code).sort(), ['vip-interval', 'vip-vrid-stranger']);
  });
});
