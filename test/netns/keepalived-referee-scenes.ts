/** The lease as referee of VRRP, whichever the store: keepalived's masters are where leases are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import type { StoreKind } from '../lab/lab-store.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/process.ts';
import { Tenure } from '../lab/tenure.ts';

const eip = '10.88.1.0';
const other = '10.88.1.3';
const names = ['n1', 'n2', 'n3'];

interface RouterView {
  readonly masters: readonly string[];
  readonly lease: string | null;
}

interface World {
  readonly lab: Lab;
  readonly tenure: Tenure;
  readonly agents: Map<string, LabProcess>;
}

function start({ lab, tenure }: Pick<World, 'lab' | 'tenure'>, node: string): Promise<LabProcess> {
  return tenure.agent(node, {
    vip: { advertInterval: '100ms', runDirectory: join(lab.dir, `run-${node}`) },
  });
}

/** Three nodes with an Eip of four addresses, whose master is where its lease is. */
async function world(lab: Lab, store: StoreKind): Promise<World> {
  const tenure = await Tenure.start(lab, { store });
  const manifest = JSON.stringify({
    apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip',
    metadata: { name: 'web', annotations: { 'tenure.io/vrid': '51', 'tenure.io/referee': 'lease' } },
    spec: { address: `${eip}-${other}`, interface: 'eth0', protocol: 'vip' },
  });
  const { code, stderr } = await tenure.attempt(['apply', '-f', '-'], manifest);
  assert.equal(code, 0, stderr);
  const agents = new Map<string, LabProcess>();
  for (const node of names) agents.set(node, await start({ lab, tenure }, node));
  return { lab, tenure, agents };
}

async function router(tenure: Tenure): Promise<RouterView | undefined> {
  const { routers } = await tenure.status() as unknown as { readonly routers: RouterView[] };
  return routers[0];
}

/** Where both lease and VRRP are, and have been for a second, all addresses on the same node. */
async function agreed({ lab, tenure }: World, not = ''): Promise<string> {
  let last = '';
  const holds = async (): Promise<string | null> => {
    const found = await router(tenure);
    last = JSON.stringify(found);
    const { masters: [master = null] = [], lease = null } = found ?? {};
    return found?.masters.length === 1 && master === lease && master !== not ? master : null;
  };
  const node = await until('lease and VRRP agree', async () => {
    const first = await holds();
    if (first === null) return null;
    await sleep(1_000);
    return await holds() === first && first;
  }, 40_000, 200).catch((error: unknown) => assert.fail(`${String(error)}\n${last}`));
  for (const address of [eip, other]) {
    const prober = await lab.probe(address);
    await prober.waitForAnswer({ node });
    await prober.stop();
  }
  return node;
}

/** keepalived's parent and child on a node. */
function keepalivedOf({ lab }: World, node: string): number[] {
  return ['keepalived.pid', 'vrrp.pid'].map((file) =>
    Number(readFileSync(join(lab.dir, `run-${node}`, file), 'utf8')));
}

async function addresses({ lab }: World, node: string): Promise<string> {
  return lab.run(node, ['ip', '-o', 'address', 'show', 'dev', 'eth0']);
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    .filter((word) => word !== '').map(Number);
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}

export function refereeScenes(store: StoreKind): void {
  it('has keepalived where "tenure move" puts it, without a reload', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const all = await world(lab, store);
    const holder = await agreed(all);
    const to = names.find((name) => name !== holder)!;
    const before = await all.agents.get(to)!.output();
    const since = lab.now();
    // Another address of the same Eip: one lease stands for all of them.
    assert.match(await all.tenure.command('move', other, to), new RegExp(`moved from ${holder} to ${to}`));
    assert.equal(await agreed(all, holder), to);
    // The new master says so before the old one has heard it: less than that is no second owner.
    for (const { ms } of await lab.sniffer.overlaps({ since })) assert.ok(ms < 50, `${ms} ms`);
    const after = (await all.agents.get(to)!.output()).slice(before.length);
    assert.doesNotMatch(after, /keepalived: (loaded|started)/);
    assert.doesNotMatch(await addresses(all, holder), new RegExp(eip.replaceAll('.', '\\.')));
  });

  it('follows a dead holder within its advertisements, and does not go back to it', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const all = await world(lab, store);
    const holder = await agreed(all);
    const prober = await lab.probe(eip);
    await prober.waitForAnswer({ node: holder });
    const since = lab.now();
    for (const pid of [all.agents.get(holder)!.pid, ...keepalivedOf(all, holder)]) {
      process.kill(pid, 'SIGKILL');
    }
    await lab.cut(holder);
    const next = await agreed(all, holder);
    const { longestSilenceMs } = await prober.report(since);
    assert.ok(longestSilenceMs < 1_500, `VRRP's own pace: ${longestSilenceMs} ms`);
    await lab.mend(holder);
    await start(all, holder);
    await sleep(3_000);
    assert.equal(await agreed(all), next);
  });

  it('lets the lease go from a holder whose keepalived ended, and no further', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const all = await world(lab, store);
    const holder = await agreed(all);
    for (const pid of keepalivedOf(all, holder)) process.kill(pid, 'SIGKILL');
    const next = await agreed(all, holder);
    await all.agents.get(holder)!.waitForOutput(/"state":"BACKUP"|"to":"BACKUP"/, 20_000);
    // By then the one that ended is trusted again.
    await sleep(12_000);
    assert.equal(await agreed(all), next);
  });

  it('moves nothing while the store is away, lets VRRP take over, and agrees again after', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const all = await world(lab, store);
    const holder = await agreed(all);
    const prober = await lab.probe(eip);
    await prober.waitForAnswer({ node: holder });
    await all.tenure.store.kill();
    const since = lab.now();
    await sleep(6_000);
    const { longestSilenceMs } = await prober.report(since);
    assert.ok(longestSilenceMs < 300, `it went on: ${longestSilenceMs} ms`);
    for (const pid of keepalivedOf(all, holder)) process.kill(pid, 'SIGSTOP');
    const next = await until('another answers', async () => {
      const answer = await prober.waitForAnswer();
      return answer.node !== holder && answer.node;
    }, 10_000);
    for (const pid of keepalivedOf(all, holder)) process.kill(pid, 'SIGCONT');
    await all.tenure.store.start();
    const settled = await agreed(all);
    assert.ok(names.includes(settled) && names.includes(next), 'one of the nodes');
  });

  it('is heeded by VRRP though the agent of the one before hangs', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const all = await world(lab, store);
    const holder = await agreed(all);
    const { pid } = all.agents.get(holder)!;
    const hung = [pid, ...childrenOf(pid).filter((child) => /tenure|node/.test(commandOf(child)))];
    for (const one of hung) process.kill(one, 'SIGSTOP');
    try {
      const prober = await lab.probe(eip);
      const answer = await until('another answers', async () => {
        const { node } = await prober.waitForAnswer();
        return node !== holder && node;
      }, 30_000);
      const { lease } = (await router(all.tenure))!;
      assert.equal(lease, answer);
    } finally {
      for (const one of hung) process.kill(one, 'SIGCONT');
    }
  });
}
