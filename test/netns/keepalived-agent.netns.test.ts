/** Eips of VRRP within the agent, from a store: one VRID for all nodes, and what status says. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { deriveVrids } from '../../src/keepalived/render/vrids.ts';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import { Tenure } from '../lab/tenure.ts';
import { keepalivedMissing } from './keepalived-node.ts';

interface Router {
  readonly eip: string;
  readonly vrid: number | null;
  readonly masters: readonly string[];
  readonly heard: readonly string[];
  readonly nodes: readonly { readonly node: string; readonly state: string }[];
}

interface VrrpStatus {
  readonly well: boolean;
  readonly problems: readonly { readonly severity: string; readonly text: string }[];
  readonly routers: readonly Router[];
}

function manifest(name: string, address: string, more: Readonly<Record<string, unknown>> = {}) {
  return JSON.stringify({
    apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip', metadata: { name, ...more },
    spec: { address, interface: 'eth0', protocol: 'vip' },
  });
}

async function apply(tenure: Tenure, text: string): Promise<string> {
  const { code, stdout, stderr } = await tenure.attempt(['apply', '-f', '-'], text);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function status(tenure: Tenure): Promise<VrrpStatus> {
  return await tenure.status() as unknown as VrrpStatus;
}

async function router(tenure: Tenure, name: string): Promise<Router> {
  return until(`${name} has one master`, async () => {
    const found = (await status(tenure)).routers.find(({ eip }) => eip === name);
    return found?.masters.length === 1 && found;
  }, 40_000, 300);
}

function settings(lab: Lab, node: string) {
  return { vip: { advertInterval: '100ms', runDirectory: join(lab.dir, `run-${node}`) } };
}

/** VRIDs in keepalived's own configuration, of all Eips of a node. */
function vridsOf(lab: Lab, node: string): string[] {
  const text = readFileSync(join(lab.dir, `run-${node}`, 'keepalived.conf'), 'utf8');
  return [...text.matchAll(/virtual_router_id (\d+)/g)].map(([, vrid = '']) => vrid).sort();
}

function preferred(name: string): number {
  return deriveVrids([{ pool: name, family: 4 }]).vrids.get(name) ?? 0;
}

/** A keepalived of someone else's, with a VRID that an Eip of ours would have had. */
function stranger(lab: Lab, node: string, vrid: number): void {
  const file = join(lab.dir, 'stranger.conf');
  writeFileSync(file, `vrrp_instance theirs {
  interface eth0
  state BACKUP
  version 3
  virtual_router_id ${vrid}
  priority 200
  advert_int 1
  virtual_ipaddress {
    10.88.1.99/32 dev eth0
  }
}
`);
  lab.spawn(node, ['keepalived', '-n', '-l', '--vrrp', '-f', file, '--pid', join(lab.dir, 's.pid'),
    '--vrrp_pid', join(lab.dir, 's-vrrp.pid')]);
}

for (const store of ['etcd', 'kubernetes'] as const) {
  describe(`Eips of VRRP from ${store}`, { skip: keepalivedMissing }, () => {
    it('have one VRID on all nodes, which a stranger does not use, and keep it', async () => {
      await using lab = await Lab.create({ nodes: 4 });
      const tenure = await Tenure.start(lab, { store });
      stranger(lab, 'n4', preferred('web'));
      await tenure.apply('plain', '10.88.1.50');
      await apply(tenure, manifest('web', '10.88.1.0-10.88.1.3'));
      const agents = new Map(await Promise.all(['n1', 'n2', 'n3'].map(async (node) =>
        [node, await tenure.agent(node, settings(lab, node))] as const)));
      const { vrid, masters: [master = ''] } = await router(tenure, 'web');
      assert.notEqual(vrid, preferred('web'));
      assert.ok(vrid !== null, 'it has one');
      const prober = await lab.probe('10.88.1.1');
      await prober.waitForAnswer({ node: master });
      const { routers: [shown], ...all } = await status(tenure);
      assert.deepEqual(shown?.nodes.map(({ node }) => node), ['n1', 'n2', 'n3']);
      assert.deepEqual(all.problems.filter(({ severity }) => severity === 'error'), []);
      // The other Eip is held by its lease, as ever.
      assert.notEqual(await tenure.holder('10.88.1.50'), null);

      // The manifest of before, applied again, takes the VRID from nobody.
      const again = await apply(tenure, manifest('web', '10.88.1.0-10.88.1.3'));
      assert.match(again, /web (unchanged|configured)/);
      const since = lab.now();
      await agents.get(master)!.stop(20_000);
      const next = await until('another is master', async () => {
        const now = await router(tenure, 'web');
        return now.masters[0] !== master && now;
      }, 30_000, 300);
      assert.equal(next.vrid, vrid);
      await prober.waitForAnswer({ node: next.masters[0]! });
      await lab.sniffer.assertNoOverlap({ since, addresses: ['10.88.1.1'] });

      // Back, and a new Eip: what there was keeps master and VRID.
      await tenure.agent(master, settings(lab, master));
      await apply(tenure, manifest('dns', '10.88.1.9'));
      const dns = await router(tenure, 'dns');
      assert.notEqual(dns.vrid, vrid);
      const web = await router(tenure, 'web');
      assert.deepEqual([web.vrid, web.masters], [vrid, next.masters]);
      await until('all nodes have both', () => ['n1', 'n2', 'n3'].every((node) =>
        vridsOf(lab, node).join() === [String(vrid), String(dns.vrid)].sort().join()), 20_000);
    });
  });
}

describe('Eips of VRRP from a store', { skip: keepalivedMissing }, () => {
  it('go elsewhere from a node that is drained, and stay when the store is away', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const tenure = await Tenure.start(lab);
    await apply(tenure, manifest('web', '10.88.1.1', { annotations: { 'tenure.io/vrid': '77' } }));
    for (const node of ['n1', 'n2']) await tenure.agent(node, settings(lab, node));
    const { vrid, masters: [master = ''] } = await router(tenure, 'web');
    assert.equal(vrid, 77);
    const other = master === 'n1' ? 'n2' : 'n1';
    assert.match(await tenure.command('get', 'eips'), /web +10\.88\.1\.1 +VRRP/);
    const moved = await tenure.attempt(['move', '10.88.1.1', other]);
    assert.match(moved.stderr, /VRRP keeps it .*keepalived elects: "tenure drain" moves all/);
    await tenure.attempt(['drain', master, '--timeout', '1s']);
    const prober = await lab.probe('10.88.1.1');
    await prober.waitForAnswer({ node: other });
    await tenure.command('undrain', master);
    await tenure.etcd.stop();
    await sleep(6_000);
    await prober.waitForAnswer({ node: other });
  });
});
