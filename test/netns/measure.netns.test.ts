/** `tenure measure` against real moves, of keepalived and Tenure; the sniffer is the judge. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep } from '../lab/command.ts';
import { startKeepalived } from '../lab/keepalived.ts';
import { Lab } from '../lab/lab.ts';
import { Measure } from '../lab/measure.ts';
import type { LabProcess } from '../lab/process.ts';
import { program, Tenure } from '../lab/tenure.ts';

const eip = '10.88.1.1';
const eip6 = 'fd88::1:1';

async function keepalivedOn(
  lab: Lab, address: string,
): Promise<{ readonly processes: ReadonlyMap<string, LabProcess> }> {
  const processes = new Map<string, LabProcess>();
  for (const [index, { name }] of lab.nodes.entries()) {
    const options = { addresses: [address], advertMs: 100, priority: 100 - index };
    processes.set(name, await startKeepalived(lab, name, options));
  }
  const { node } = await (await lab.probe(address)).waitForAnswer();
  await lab.sniffer.waitForClaim(address, { host: node });
  await sleep(1_000);
  return { processes };
}

describe('tenure measure on the LAN of an address that moves', () => {
  it('tells of keepalived\'s move: who had it, who has it, and the gap each probe saw', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    await keepalivedOn(lab, eip);
    const measure = await Measure.start(lab, eip, {
      args: ['-p', 'icmp,udp:7007,arp', '-p', 'tcp:9'],
    });
    await sleep(1_000);
    const since = lab.now();
    await lab.cut('n1');
    const move = await measure.waitForMove(since);
    const summary = await measure.end();
    assert.deepEqual([measure.nodeOf(move.from), measure.nodeOf(move.to)], ['n1', 'n2']);
    const claim = await lab.sniffer.firstClaim(eip, 'n2', since);
    assert.ok(claim !== null, 'the sniffer heard it');
    assert.ok(Math.abs(claim.at - move.at) < 50, `${move.at - claim.at} ms after the sniffer`);
    assert.deepEqual(move.gaps.map(({ probe }) => probe), ['icmp', 'udp:7007', 'arp']);
    for (const { probe, ms, lost } of move.gaps) {
      // 361 ms, less the age of the last advert.
      assert.ok(ms !== null && ms > 230 && ms < 1_500, `${probe}: ${ms} ms`);
      assert.ok(lost > (probe === 'arp' ? 10 : 100), `${probe}: ${lost} lost`);
    }
    assert.equal(move.late.claims, 0);
    assert.equal(summary.moves, 1);
    const tcp = summary.probes.find(({ probe }) => probe === 'tcp:9');
    assert.ok((tcp?.refusals.ECONNREFUSED ?? 0) > 0, 'nobody serves that port');
  });

  it('hears that two claim an address once its keepalived hangs', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { processes } = await keepalivedOn(lab, eip);
    const measure = await Measure.start(lab, eip, { args: ['-p', 'icmp', '-p', 'arp'] });
    await sleep(500);
    const since = lab.now();
    await processes.get('n1')!.pause();
    await lab.sniffer.waitForClaim(eip, { host: 'n2', since });
    await sleep(1_500);
    const { lateClaims, moves } = await measure.end();
    assert.equal(moves, 1);
    assert.ok(lateClaims > 20, `${lateClaims} late claims`);
    const [overlap] = await lab.sniffer.overlaps({ addresses: [eip], since });
    assert.ok(overlap !== undefined, 'the sniffer heard it too');
  });

  it('tells of a planned move of Tenure, and that nobody claimed the address twice', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const tenure = await Tenure.start(lab);
    await Promise.all(['n1', 'n2'].map(async (node) => tenure.agent(node)));
    await tenure.apply('measured', eip);
    const { node } = await (await lab.probe(eip)).waitForAnswer();
    const other = node === 'n1' ? 'n2' : 'n1';
    const measure = await Measure.start(lab, eip, { args: ['-p', 'udp:7007', '-p', 'arp'] });
    await sleep(500);
    const since = lab.now();
    await tenure.command('move', eip, other);
    const move = await measure.waitForMove(since);
    assert.deepEqual([measure.nodeOf(move.from), measure.nodeOf(move.to)], [node, other]);
    assert.equal(move.late.claims, 0);
    const udp = move.gaps.find(({ probe }) => probe === 'udp:7007');
    assert.ok(udp?.ms !== undefined && udp.ms !== null && udp.ms < 1_000, `${udp?.ms} ms`);
    await measure.end();
  });

  it('measures IPv6 by ICMPv6 and neighbour discovery', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    await keepalivedOn(lab, eip6);
    const measure = await Measure.start(lab, eip6, { args: ['-p', 'icmp', '-p', 'ndp'] });
    await sleep(1_000);
    const since = lab.now();
    await lab.cut('n1');
    const move = await measure.waitForMove(since);
    const { probes } = await measure.end();
    assert.deepEqual([measure.nodeOf(move.from), measure.nodeOf(move.to)], ['n1', 'n2']);
    for (const { probe, ms } of move.gaps) {
      assert.ok(ms !== null && ms > 230 && ms < 2_500, `${probe}: ${ms} ms`);
    }
    assert.ok(probes.every(({ answered }) => answered > 0), JSON.stringify(probes));
  });

  it('asks without root too, and says that it cannot watch claims', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    await lab.run('n1', ['ip', 'addr', 'add', `${eip}/32`, 'dev', 'eth0']);
    await lab.probe(eip);
    const wrapper = [
      'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs',
    ] as const;
    const udp = await Measure.start(lab, eip, { args: ['-p', 'udp:7007'], wrapper });
    await sleep(500);
    const [start] = await udp.events();
    assert.ok(start?.event === 'start', 'it starts');
    assert.equal(start.watchesClaims, false);
    assert.match(start.notes.join(), /needs root, or the capability CAP_NET_RAW/);
    const { probes: [probe] } = await udp.end();
    assert.ok((probe?.answered ?? 0) > 100, JSON.stringify(probe));
    assert.equal(probe?.timestamps, 'kernel');

    await lab.run('c1', ['sysctl', '-qw', 'net.ipv4.ping_group_range=1 0']);
    const refused = await lab.attempt('c1', [...wrapper, process.execPath, program, 'measure', eip]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^tenure: --probe: "icmp": needs root.*ping_group_range/);
    await lab.run('c1', ['sysctl', '-qw', 'net.ipv4.ping_group_range=0 2147483647']);
    const icmp = await Measure.start(lab, eip, { wrapper });
    await sleep(500);
    const { probes: [echo] } = await icmp.end();
    assert.ok((echo?.answered ?? 0) > 100, JSON.stringify(echo));
  });
});
