/** The announcer on the real kernel, in trouble: strangers, a stopped process, links, floods. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arpClaims, arpProbe } from '../../src/wire/arp.ts';
import { unsolicitedAdvertisement } from '../../src/wire/ndp.ts';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import { eip4, eip6, neighbourOf, ping, quickBurst, Speaking } from './announce-world.ts';

const needsRoot = { skip: process.getuid?.() === 0 ? false : 'needs root', timeout: 120_000 };
const stranger = '02:88:00:00:0f:99';
const once = { ...quickBurst, count: 1 };
const both = [eip4, eip6];

describe('the announcer, beset', needsRoot, () => {
  it('reports a stranger that claims its address, and defends it by one claim in 10 s', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const n1 = await Speaking.start(lab, 'n1');
    await n1.configure(both, { burst: once });
    await n1.announce(both);
    const speaker = await lab.speaker('c1');
    await sleep(200);
    const since = lab.now();
    for (let i = 0; i < 20; i += 1) {
      await speaker.say([...arpClaims(stranger, eip4), unsolicitedAdvertisement(stranger, eip6)]);
      await sleep(20);
    }
    const conflicts = await n1.hear('conflict', 2);
    await sleep(100);
    assert.equal((await n1.events('conflict')).length, 2);
    for (const { event } of conflicts) {
      assert.ok(event.kind === 'conflict');
      assert.deepEqual([event.when, event.mac, event.defended], ['after', stranger, true]);
    }
    // Both forms of ARP, one of neighbour discovery.
    assert.equal((await lab.sniffer.claims(eip4, { host: 'n1', since })).length, 2);
    assert.equal((await lab.sniffer.claims(eip6, { host: 'n1', since })).length, 1);
    const { conflicts: counted, defences, framesDropped } = await n1.counters();
    assert.deepEqual([counted, defences], [2, 2]);
    assert.equal(framesDropped['conflict-already-reported'], 20 * 3 - 2);
  });

  it('tells a host that probes that the address is taken', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const n1 = await Speaking.start(lab, 'n1');
    await n1.configure(both, { mode: 'respond', burst: once });
    await n1.announce(both);
    await sleep(100);
    const since = lab.now();
    const speaker = await lab.speaker('c1');
    await speaker.say([arpProbe(lab.host('c1').lan!.mac, eip4)]);
    await lab.sniffer.waitForClaim(eip4, { host: 'n1', since });
    // The kernel's own duplicate address detection, which labs do without, finds it as well.
    await lab.run('c1', ['sh', '-ec', [
      'cd /proc/sys/net/ipv6/conf/eth0', 'echo 1 > accept_dad', 'echo 1 > dad_transmits',
      `ip addr add ${eip6}/128 dev eth0`,
    ].join('; ')]);
    await until('the kernel sees the duplicate', async () => {
      const listing = await lab.run('c1', ['ip', 'addr', 'show', 'dev', 'eth0']);
      return listing.includes('dadfailed');
    }, 5_000);
    assert.deepEqual(await n1.events('conflict'), []);
  });

  it('is silent when its process is stopped, and says nothing in the moment of waking', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const leaseMs = 600;
    const n1 = await Speaking.start(lab, 'n1', { leaseMs });
    await n1.configure(both, { burst: { count: 1_000, intervalMs: 30, growth: 1, refreshMs: 0 } });
    await n1.announce(both);
    await lab.sniffer.waitForClaim(eip4, { host: 'n1' });
    assert.ok(await ping(lab, 'c1', eip4));
    await n1.helper.call('stopRenewing');
    const stopped = lab.now();
    await n1.helper.process.pause();
    // What others say meanwhile waits in its sockets until it wakes.
    for (let i = 0; i < 15; i += 1) {
      await lab.forgetNeighbours();
      await Promise.all(both.map(async (eip) => (
        lab.attempt('c1', ['ping', '-c', '1', '-W', '0.1', eip]))));
    }
    const woken = lab.now();
    assert.ok(woken - stopped > 2 * leaseMs);
    n1.helper.process.resume();
    await sleep(500);
    await lab.sniffer.assertHeardAll();
    for (const eip of both) {
      const late = await lab.sniffer.claims(eip, { host: 'n1', since: stopped + leaseMs });
      assert.deepEqual(late, []);
    }
    const { framesDropped } = await n1.counters();
    assert.ok((framesDropped['gate-closed'] ?? 0) > 0, 'it woke to questions, and kept silent');
    await n1.helper.call('arm', 5_000);
    await lab.sniffer.waitForClaim(eip4, { host: 'n1', since: woken + 500 });
    await lab.sniffer.waitForClaim(eip6, { host: 'n1', since: woken + 500 });
  });

  it('leaves nothing that answers when it is killed, and takes up or clears what it left', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const left = '10.88.1.2';
    const first = await Speaking.start(lab, 'n1', { leaseMs: 60_000 });
    await first.configure([...both, left]);
    await first.announce([...both, left]);
    await first.helper.process.kill();
    const killed = lab.now();
    for (const eip of [...both, left]) {
      await lab.forgetNeighbours();
      assert.ok(!await ping(lab, 'c1', eip), 'the gate is open for a minute, yet the kernel is silent');
    }
    await lab.sniffer.assertHeardAll();
    for (const eip of [...both, left]) {
      assert.deepEqual(await lab.sniffer.claims(eip, { since: killed + 1 }), []);
    }

    const second = await Speaking.start(lab, 'n1', { timing: { leftoverMs: 1_000 } });
    await second.configure(both);
    const bound = async (): Promise<string[]> => {
      const listing = await lab.run('n1', ['ip', '-j', 'addr', 'show', 'dev', 'eth0']);
      const [link] = JSON.parse(listing) as [{ addr_info: { local: string }[] }];
      const addresses = link.addr_info.map(({ local }) => local);
      return [...both, left].filter((eip) => addresses.includes(eip));
    };
    assert.deepEqual(await bound(), both);
    await second.announce([eip4], { term: 2 });
    await lab.forgetNeighbours();
    assert.ok(await ping(lab, 'c1', eip4));
    await until('what nobody announces goes', async () => (await bound()).join() === eip4, 5_000);
    await second.close();
    assert.deepEqual(await bound(), []);
    assert.equal((await lab.run('n1', ['nft', 'list', 'tables'])).trim(), '');
  });

  it('follows its link down and up, and to another MAC', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const n1 = await Speaking.start(lab, 'n1');
    await n1.configure(both);
    await n1.announce(both);
    assert.ok(await ping(lab, 'c1', eip4));
    await sleep(500);
    await lab.cut('n1');
    await sleep(300);
    const mended = lab.now();
    await lab.mend('n1');
    for (const eip of both) await lab.sniffer.waitForClaim(eip, { host: 'n1', since: mended });
    assert.ok(await ping(lab, 'c1', eip4));

    // IPv6 addresses go when a link is set down, ours too.
    const mac = '02:88:00:00:0e:11';
    await lab.run('n1', ['ip', '-batch', '-'], { input: [
      'link set eth0 down', `link set eth0 address ${mac}`, 'link set eth0 up',
      'addr add fd88::11/64 dev eth0 nodad', '',
    ].join('\n') });
    for (const eip of both) {
      await until('the client knows the new MAC', async () => {
        await ping(lab, 'c1', eip);
        return await neighbourOf(lab, 'c1', eip) === mac;
      }, 10_000);
      assert.ok(await ping(lab, 'c1', eip));
    }
    assert.deepEqual(await n1.events('conflict'), []);
  });

  it('survives the loss of its interface, and claims on the one that is made in its place', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const peer = lab.host('c1').namespace;
    const make = async (): Promise<void> => {
      await lab.run('n1', ['ip', '-batch', '-'], { input: [
        `link add x0 type veth peer name x0 netns ${peer}`, 'link set x0 up',
        'addr add 10.99.0.1/24 dev x0', '',
      ].join('\n') });
      await lab.run('c1', ['ip', '-batch', '-'], { input: [
        'link set x0 up', 'addr add 10.99.0.2/24 dev x0', 'addr add fd99::2/64 dev x0 nodad', '',
      ].join('\n') });
    };
    await make();
    const n1 = await Speaking.start(lab, 'n1');
    const eips = ['10.99.0.10', 'fd99::10'];
    for (const [term, mode] of (['bind', 'respond'] as const).entries()) {
      await n1.configure(eips, { link: 'x0', mode, burst: { ...quickBurst, refreshMs: 100 } });
      await n1.announce(eips, { term });
      await n1.hear('announced', 2 * (term + 1));
      await lab.run('n1', ['ip', 'link', 'del', 'x0']);
      await sleep(500);
      await make();
      // The settings came and went with the link, so the core announces anew.
      await until('the link is configured', async () => {
        await n1.announce(eips, { term: term + 100 });
        return (await n1.events('announced')).filter(({ event }) => (
          event.kind === 'announced' && event.term === term + 100)).length === 2;
      }, 5_000);
      for (const eip of eips) {
        await lab.run('c1', ['ip', 'neigh', 'flush', 'dev', 'x0']);
        await ping(lab, 'c1', eip);
        assert.notEqual(await neighbourOf(lab, 'c1', eip, 'x0'), null);
      }
      await n1.withdraw(eips, false);
    }
  });
});
