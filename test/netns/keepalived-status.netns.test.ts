/** What `tenure status`, /metrics and `tenure doctor` say of VRRP with real keepalived. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/process.ts';
import { program } from '../lab/tenure.ts';
import { keepalivedMissing } from './keepalived-node.ts';

const vrid = 51;

/** Makes `import('raw-socket')` fail, as where it was not built. */
const withoutRawSocket = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(\`
    export async function resolve(name, context, next) {
      if (name === 'raw-socket') throw new Error('not built');
      return next(name, context);
    }\`));`)}`;

class Nodes {
  readonly lab: Lab;

  constructor(lab: Lab) {
    this.lab = lab;
    mkdirSync(join(lab.dir, 'eips'));
    this.manifest('10.88.1.1');
  }

  manifest(address: string, on = 'eth0'): void {
    writeFileSync(join(this.lab.dir, 'eips', 'web.yaml'), `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: {name: web, annotations: {tenure.io/vrid: "${vrid}"}}
spec: {address: "${address}", interface: ${on}, protocol: vip}
`);
  }

  command(node: string, ...args: string[]): [string, ...string[]] {
    return [process.execPath, program, ...args,
      '--store', 'none', ...['agent', 'doctor'].includes(args[0] ?? '') ? [
        '--eips', join(this.lab.dir, 'eips'), '--node-name', node,
        // The first has the higher priority.
        '--node-weight', node === 'n1' ? '1000' : '1',
        '--vip-run-directory', join(this.lab.dir, `run-${node}`),
        '--vip-advert-interval', '100ms',
      ] : []];
  }

  start(node: string, importing = '', ...flags: string[]): LabProcess {
    const [file, ...args] = this.command(node, 'agent');
    const before = importing === '' ? [] : ['--import', importing];
    return this.lab.spawn(node, [file, ...before, ...args, ...flags], {
      name: 'tenure', env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', TENURE_CONFIG: '' },
    });
  }

  async ask(node: string, ...args: string[]): Promise<string> {
    const { stdout, stderr } = await this.lab.attempt(node, this.command(node, ...args), {
      env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', TENURE_CONFIG: '' },
      timeoutMs: 30_000,
    });
    return `${stdout}${stderr}`;
  }

  /** Waits until `tenure status` of a node says so. */
  async says(node: string, what: RegExp, args: readonly string[] = []): Promise<string> {
    let last = '';
    return until(`${node} says ${String(what)}`, async () => {
      last = await this.ask(node, 'status', ...args);
      return what.test(last) && last;
    }, 40_000, 300).catch((error: unknown) => assert.fail(`${String(error)}\n${last}`));
  }

  async metrics(node: string): Promise<string> {
    return this.lab.run(node, [process.execPath, '-e',
      "fetch('http://127.0.0.1:9476/metrics').then(async (r) => console.log(await r.text()))"]);
  }

  /** keepalived of someone else's, by hand. */
  byHand(node: string, address: string, more: string, version = 3): LabProcess {
    const file = join(this.lab.dir, `hand-${node}.conf`);
    writeFileSync(file, `vrrp_instance theirs {
  interface eth0
  state BACKUP
  version ${version}
  virtual_router_id ${vrid}
  priority 250
  ${more}
  virtual_ipaddress {
    ${address}/32 dev eth0
  }
}
`);
    return this.lab.spawn(node, ['keepalived', '-n', '-l', '--vrrp', '-f', file,
      '--pid', join(this.lab.dir, `${node}.pid`), '--vrrp_pid', join(this.lab.dir, `${node}-v.pid`)]);
  }
}

describe('what is said of VRRP', { skip: keepalivedMissing }, () => {
  it('tells master and backup, in tables, JSON and metrics, and doctor finds nothing wrong', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const nodes = new Nodes(lab);
    nodes.start('n1');
    const alone = await nodes.says('n1', /All is well/);
    assert.match(alone, /1 of 1 virtual router kept, as seen by n1, without a store/);
    assert.match(alone, /web +10\.88\.1\.1 +51 +n1 +- +n1 MASTER/);
    nodes.start('n2');
    const backup = await nodes.says('n2', /All is well.*n2 BACKUP/s);
    assert.match(backup, /web +10\.88\.1\.1 +51 +- +10\.88\.0\.11 +n2 BACKUP/);
    const json = JSON.parse(await nodes.says('n2', /"well": true/, ['-o', 'json'])) as {
      routers: unknown[];
    };
    assert.deepEqual(json.routers, [{
      eip: 'web', address: '10.88.1.1', vrid, interface: 'eth0', masters: [],
      lease: null, heard: ['10.88.0.11'],
      nodes: [{ node: 'n2', state: 'BACKUP', heard: '10.88.0.11' }],
    }]);
    const [first, second] = [await nodes.metrics('n1'), await nodes.metrics('n2')];
    assert.match(first, /tenure_vrrp_state\{eip="web",vrid="51",state="MASTER"\} 1/);
    assert.match(second, /tenure_vrrp_state\{eip="web",vrid="51",state="BACKUP"\} 1/);
    assert.match(second, /tenure_vrrp_other_master\{eip="web",vrid="51"\} 1/);
    assert.match(first, /tenure_vrrp_transitions_total\{to="MASTER"\} 1/);
    const doctor = await nodes.ask('n2', 'doctor');
    assert.match(doctor, /ok +keepalived: keepalived is keepalived 2\./);
    assert.match(doctor, /ok +Eip web: can be kept by VRRP here, on eth0/);
    assert.doesNotMatch(doctor, /FAIL/);
  });

  it('tells of a master that does not answer ARP, until it does', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const nodes = new Nodes(lab);
    nodes.start('n1');
    await nodes.says('n1', /n1 MASTER/);
    nodes.start('n2');
    await nodes.says('n2', /n2 BACKUP/);
    await lab.run('n1', ['nft', 'table arp mute { chain out { type filter hook output priority 0; arp operation reply drop; }; }']);
    const text = await nodes.says('n2', /ERROR/);
    assert.match(text, /ERROR +n2: 10\.88\.0\.11 is master of VRID 51 \(web\) and does not answer ARP for 10\.88\.1\.1: see there/);
    assert.match(text, /"tenure doctor" there/);
    await lab.run('n1', ['nft', 'delete table arp mute']);
    await nodes.says('n2', /All is well/);
  });

  it('tells of a master that does not answer neighbour discovery, until it does', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const nodes = new Nodes(lab);
    nodes.manifest('fd88::1:1');
    nodes.start('n1');
    await nodes.says('n1', /n1 MASTER/);
    nodes.start('n2');
    await nodes.says('n2', /n2 BACKUP/);
    await lab.run('n1', ['nft', 'table ip6 mute { chain out { type filter hook output priority 0; icmpv6 type nd-neighbor-advert drop; }; }']);
    await nodes.says('n2', /ERROR +n2: fe80\S+ is master of VRID 51 \(web\) and does not answer neighbour discovery for fd88::1:1: see there/);
    await lab.run('n1', ['nft', 'delete table ip6 mute']);
    await nodes.says('n2', /All is well/);
  });

  it('tells of a second master, with packet sockets where raw-socket is missing too', async () => {
    for (const importing of ['', withoutRawSocket]) {
      await using lab = await Lab.create({ nodes: 2 });
      const nodes = new Nodes(lab);
      const n1 = nodes.start('n1', importing, '--log-level', 'debug');
      await nodes.says('n1', /n1 MASTER/);
      nodes.start('n2', importing);
      await nodes.says('n2', /All is well/);
      if (importing !== '') assert.match(await n1.output(), /VRRP is heard by a packet socket/);
      await lab.run('n2', ['nft',
        'table inet deaf { chain in { type filter hook input priority 0; ip saddr != 127.0.0.1 meta l4proto 112 drop; }; }']);
      const text = await nodes.says('n1', /ERROR/);
      assert.match(text, /this node and 10\.88\.0\.12 are masters of VRID 51 at once: they do not hear one another/);
      assert.match(await nodes.metrics('n1'), /tenure_vrrp_findings\{code="vip-second-master"\} 1/);
    }
  });

  it("tells of strangers with a VRID of ours, of other versions, and of other intervals", async () => {
    // A keepalived that hears another version more often than it would speak never speaks.
    for (const [address, more, version, interval, what] of [
      ['10.88.1.77', 'advert_int 0.1', 3, '100ms', /uses VRID 51 of web for 10\.88\.1\.77, not for 10\.88\.1\.1/],
      ['10.88.1.1', 'advert_int 1', 2, '3s', /speaks VRRP version 2 with VRID 51 of web, which has version 3/],
      ['10.88.1.1', 'advert_int 0.3', 3, '100ms', /advertises VRID 51 of web every 300 ms, and this node would every 100 ms/],
    ] as const) {
      await using lab = await Lab.create({ nodes: 2 });
      const nodes = new Nodes(lab);
      const theirs = nodes.byHand('n1', address, more, version);
      await theirs.waitForOutput(/Entering MASTER STATE/, 20_000);
      nodes.start('n2', '', '--vip-advert-interval', interval);
      await nodes.says('n2', what);
    }
  });

  it('tells of a configuration that keepalived refuses while the old one runs on', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const nodes = new Nodes(lab);
    // A keepalived that takes the first configuration alone.
    const program = join(lab.dir, 'keepalived');
    writeFileSync(program, `#!/bin/sh
case "$*" in *--config-test*) grep -q 10.88.1.2/ "$3" && echo "refused on purpose" && exit 4;; esac
exec keepalived "$@"
`, { mode: 0o755 });
    nodes.start('n1', '', '--vip-program', program);
    await nodes.says('n1', /n1 MASTER/);
    nodes.manifest('10.88.1.1-10.88.1.2');
    const text = await nodes.says('n1', /WARNING/);
    assert.match(text, /n1: the new configuration was refused, and what ran before runs on: refused on purpose/);
    assert.match(await nodes.metrics('n1'), /tenure_keepalived_refused 1/);
    nodes.manifest('10.88.1.1');
    await nodes.says('n1', /All is well/);
  });

  it('says how to get at it where no agent answers, and what a command without a store lacks', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const nodes = new Nodes(lab);
    assert.match(await nodes.ask('n1', 'status'), /no agent answers: see whether "tenure agent" runs here/);
    assert.match(await nodes.ask('n1', 'get', 'eips'), /there is none \(store: none\): change the manifests/);
  });
});
