/** Quorum mode where the agents' machines run the store too, and one dies that leads it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { eip, setStage } from './agent-stage.ts';
import type { Stage } from './agent-stage.ts';

/** Wide enough for a machine that is shared. */
const heartbeat = { interval: '60ms', support: '400ms' };
/** 400 ms, and room for the machine; but etcd cannot have another leader before. */
const claimedWithinMs = 2500;
const electionMs = 3000;

const nodes = ['n1', 'n2', 'n3'];

async function setLeadersStage(): Promise<Stage> {
  return setStage({ heartbeat, etcd: { on: nodes, heartbeatMs: 100, electionMs } });
}

interface EndpointStatus {
  readonly Endpoint: string;
  readonly Status: { readonly header: { readonly member_id: number }; readonly leader: number };
}

/** etcd's own command line, which knows of members what no client needs to. */
async function etcdctl(
  { lab, tenure: { etcd } }: Stage, at: readonly string[], ...args: readonly string[]
): Promise<string> {
  const members = etcd.members.filter((_, i) => at.includes(nodes[i]!));
  const endpoints = members.map(({ endpoint }) => endpoint).join(',');
  return lab.run('store', ['etcdctl', `--endpoints=${endpoints}`, ...args], {
    env: { ...process.env, ETCDCTL_API: '3' },
  });
}

/** Whether the etcd of that node can serve: it has a leader, and a majority. */
async function serves(stage: Stage, node: string): Promise<boolean> {
  return etcdctl(stage, [node], 'endpoint', 'health').then(() => true, () => false);
}

/** The node whose etcd leads, by the word of those of `at`; null: they know of none. */
async function leaderOf(stage: Stage, at: readonly string[]): Promise<string | null> {
  const printed = await etcdctl(stage, at, 'endpoint', 'status', '-w', 'json');
  // Members have numbers of 64 bits.
  const exact = printed.replaceAll(/"(member_id|leader)":(\d+)/g, '"$1":"$2"');
  const leading = (JSON.parse(exact) as EndpointStatus[])
    .find(({ Status: { header, leader } }) => header.member_id === leader);
  const { members } = stage.tenure.etcd;
  return nodes[members.findIndex(({ endpoint }) => endpoint === leading?.Endpoint)] ?? null;
}

async function lead(stage: Stage, node: string): Promise<void> {
  await until(`etcd is led from ${node}`, async () => {
    const leader = await leaderOf(stage, nodes);
    if (leader === null || leader === node) return leader === node;
    const printed = await etcdctl(stage, [node], 'endpoint', 'status', '-w', 'json');
    const [, id = ''] = /"member_id":(\d+)/.exec(printed) ?? [];
    await etcdctl(stage, [leader], 'move-leader', BigInt(id).toString(16));
    return false;
  }, 20_000, 200);
}

/** It is announced as fast as ever, and written down once there is somebody to write it down. */
async function expectTakenOver(stage: Stage, cut: number, term: number): Promise<string> {
  const { lab, tenure, prober, holder } = stage;
  const { node: next } = await prober.waitForAnswer({ not: holder, since: cut, timeoutMs: 30_000 });
  const claim = await lab.sniffer.firstClaim(eip, next, cut);
  const claimedMs = Math.round(claim!.at - cut);
  assert.ok(claimedMs < claimedWithinMs, `claimed after ${String(claimedMs)} ms`);

  const others = nodes.filter((node) => node !== holder);
  // Two that stand for election at once on a busy machine may take several rounds.
  await until('etcd is led from elsewhere', async () => leaderOf(stage, others), 60_000, 100);
  assert.equal(await tenure.waitForHolder(eip, holder, 60_000), next, 'who holds it by the store');
  const [address] = (await tenure.status()).addresses;
  assert.equal(address?.reason, 'inherited');
  assert.ok(address.term > term, `term ${String(address.term)} after ${String(term)}`);
  return next;
}

describe('in quorum mode, the machine dies that holds the address and leads etcd', () => {
  it('cut off from everybody: taken over before etcd has another leader, and for good', async () => {
    await using stage = await setLeadersStage();
    const { lab, tenure, holder, since } = stage;
    await lead(stage, holder);
    const [before] = (await tenure.status()).addresses;
    assert.equal(before?.holder, holder, 'it moved before anything happened');
    const cut = lab.now();
    await Promise.all([lab.lose(holder, 'both', 1, 'lan'), lab.lose(holder, 'both', 1, 'mgmt')]);
    const next = await expectTakenOver(stage, cut, before.term);
    assert.equal(next, before.line[0], 'the first heir takes it');
    // It comes back, and thinks for a moment that it leads.
    await lab.mendAll();
    await until(`etcd serves on ${holder} again`, async () => serves(stage, holder), 60_000, 200);
    await sleep(electionMs);
    await lab.sniffer.assertSuccession(eip, [holder, next], { since });
    assert.equal(await tenure.holder(eip), next, 'it went back');
  });

  it('all at once, with its cables down: taken over before etcd has another leader', async () => {
    await using stage = await setLeadersStage();
    const { lab, tenure, agents, holder, since } = stage;
    await lead(stage, holder);
    const [before] = (await tenure.status()).addresses;
    assert.equal(before?.holder, holder, 'it moved before anything happened');
    const cut = lab.now();
    // In this order: with the other network it would hand over in the ms that are left to it.
    await lab.cut(holder, 'mgmt');
    await lab.cut(holder);
    agents.get(holder)!.killTree();
    await tenure.etcd.members[nodes.indexOf(holder)]!.stop('SIGKILL');
    const next = await expectTakenOver(stage, cut, before.term);
    assert.equal(next, before.line[0], 'the first heir takes it');
    await lab.sniffer.assertSuccession(eip, [holder, next], { since });
  });
});
