/** The announcer on the real kernel: clients find its addresses, and follow them when they move. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import { eip4, eip6, neighbourOf, ping, Speaking } from './announce-world.ts';

const needsRoot = { skip: process.getuid?.() === 0 ? false : 'needs root', timeout: 120_000 };

describe('the announcer on two nodes of a LAN', needsRoot, () => {
  let lab: Lab;
  let n1: Speaking;
  let n2: Speaking;
  const macOf = (host: string): string => lab.host(host).lan!.mac;
  before(async () => {
    lab = await Lab.create({ nodes: 2 });
    [n1, n2] = await Promise.all([Speaking.start(lab, 'n1'), Speaking.start(lab, 'n2')]);
  });
  after(async () => lab[Symbol.asyncDispose]());

  for (const [what, eip] of [['ARP', eip4], ['neighbour discovery', eip6]] as const) {
    it(`is found by a client's ${what}, and serves it, when it binds`, async () => {
      await n1.configure([eip4, eip6]);
      await n1.announce([eip]);
      await lab.forgetNeighbours();
      assert.ok(await ping(lab, 'c1', eip));
      assert.equal(await neighbourOf(lab, 'c1', eip), macOf('n1'));
      assert.ok((await n1.counters()).questionsAnswered > 0, 'the announcer answered, not the kernel');
      await n1.withdraw([eip], false);
      await lab.forgetNeighbours();
      assert.ok(!await ping(lab, 'c1', eip));
      assert.equal(await neighbourOf(lab, 'c1', eip), null);
    });

    it(`is found by a client's ${what}, with nothing on an interface, when it responds`, async () => {
      await n2.configure([eip4, eip6], { mode: 'respond' });
      await n2.announce([eip]);
      await lab.forgetNeighbours();
      await ping(lab, 'c1', eip);
      assert.equal(await neighbourOf(lab, 'c1', eip), macOf('n2'));
      const bound = await lab.run('n2', ['ip', '-br', 'addr', 'show', 'to', eip]);
      assert.equal(bound.trim(), '');
      await n2.withdraw([eip], false);
    });

    it(`changes what a client already knows by ${what} as it takes over, unasked`, async () => {
      await Promise.all([n1.configure([eip4, eip6]), n2.configure([eip4, eip6])]);
      await n1.announce([eip], { term: 11 });
      assert.ok(await ping(lab, 'c1', eip));
      assert.equal(await neighbourOf(lab, 'c1', eip), macOf('n1'));
      const since = lab.now();
      await n1.withdraw([eip], true);
      await n2.announce([eip], { term: 12 });
      await until('the client knows n2', async () => await neighbourOf(lab, 'c1', eip) === macOf('n2'), 2_000);
      assert.ok(await ping(lab, 'c1', eip));
      await lab.sniffer.assertNoOverlap({ since, addresses: [eip] });
      const kinds = (await lab.sniffer.claims(eip, { host: 'n2', since })).map((claim) => claim.kind);
      assert.ok(kinds.filter((kind) => kind === 'gratuitous').length >= 1);
      await n2.withdraw([eip], false);
    });
  }

  it('serves what still arrives while an address lingers, and says nothing', async () => {
    await n1.configure([eip4]);
    await n1.announce([eip4], { term: 21 });
    assert.ok(await ping(lab, 'c1', eip4));
    await n1.withdraw([eip4], true);
    const since = lab.now() + 1;
    assert.ok(await ping(lab, 'c1', eip4), 'the client still knows where');
    await sleep(1_500);
    assert.ok(!await ping(lab, 'c1', eip4));
    assert.deepEqual(await lab.sniffer.claims(eip4, { host: 'n1', since }), []);
  });

  it('tells of an address when its first claim is on the wire, in both forms of ARP', async () => {
    await n1.configure([eip4]);
    const since = lab.now();
    await n1.announce([eip4], { term: 31 });
    const [first, second] = await lab.sniffer.claims(eip4, { host: 'n1', since });
    assert.deepEqual([first?.kind, second?.kind], ['gratuitous', 'gratuitous']);
    const told = await n1.events('announced', eip4);
    assert.ok(told.some(({ event }) => event.kind === 'announced' && event.term === 31));
    await sleep(500);
    const claims = await lab.sniffer.claims(eip4, { host: 'n1', since });
    const rounds = claims.filter(({ kind }) => kind === 'gratuitous');
    assert.equal(rounds.length, 6, 'three rounds of two frames');
    assert.ok(rounds[2]!.at - rounds[0]!.at > 80 && rounds[4]!.at - rounds[2]!.at > 160);
    await n1.withdraw([eip4], false);
  });

  it('asks by three probes for a stranger, keeps silent while there is one, then claims', async () => {
    for (const eip of [eip4, eip6]) {
      const length = eip === eip4 ? '32' : '128';
      await lab.run('c1', ['ip', 'addr', 'add', `${eip}/${length}`, 'dev', 'eth0', ...(eip === eip6 ? ['nodad'] : [])]);
    }
    const n3 = await Speaking.start(lab, 'n1', { timing: { reprobeMs: 1_000 } });
    await n1.close();
    await n3.configure([eip4, eip6]);
    const since = lab.now();
    await n3.announce([eip4, eip6], { probe: true, term: 41 });
    const conflicts = await n3.hear('conflict', 2);
    for (const { event } of conflicts) {
      assert.ok(event.kind === 'conflict');
      assert.deepEqual([event.when, event.mac], ['before', macOf('c1')]);
    }
    await sleep(1_500);
    for (const eip of [eip4, eip6]) {
      assert.deepEqual(await lab.sniffer.claims(eip, { host: 'n1', since }), []);
      assert.ok((await lab.sniffer.probes(eip, { host: 'n1', since })).length >= 2, 'asked again');
    }
    await lab.run('c1', ['ip', 'addr', 'del', `${eip4}/32`, 'dev', 'eth0']);
    await lab.run('c1', ['ip', 'addr', 'del', `${eip6}/128`, 'dev', 'eth0']);
    await n3.hear('announced', 2);
    assert.equal((await n3.events('conflict-over')).length, 2);
    assert.ok(await ping(lab, 'c1', eip4));
    assert.ok(await ping(lab, 'c1', eip6));
    await n3.close();
  });
});
