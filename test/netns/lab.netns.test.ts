/** The lab itself: that it is what it says, and leaves nothing. The judge must be judged first. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { arpClaims } from '../../src/wire/arp.ts';
import { unsolicitedAdvertisement } from '../../src/wire/ndp.ts';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import { namespacesOf } from '../lab/registry.ts';

const eip = '10.88.1.1';

describe('A lab', () => {
  it('connects its hosts by IPv4 and IPv6, and the nodes with the store', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    await lab.run('c1', ['ping', '-c1', '-W2', '10.88.0.11']);
    await lab.run('n2', ['ping', '-c1', '-W2', 'fd88::201']);
    await lab.run('n1', ['ping', '-c1', '-W2', '10.89.0.10']);
  });

  it('is gone when it is disposed of, with all that ran in it', async () => {
    const lab = await Lab.create({ nodes: 1 });
    const sleeper = lab.spawn('n1', ['sleep', '1000']);
    await lab[Symbol.asyncDispose]();
    assert.deepEqual(namespacesOf(lab.id), []);
    assert.equal((await sleeper.exited).signal, 'SIGKILL');
    assert.equal(existsSync(lab.dir), false);
  });

  it('runs clean-ups in reverse order, all of them, also when one fails', async () => {
    const lab = await Lab.create({ nodes: 1, clients: 0 });
    const order: number[] = [];
    lab.defer(() => order.push(1));
    lab.defer(() => { throw new Error('no'); });
    lab.defer(() => order.push(3));
    await assert.rejects(async () => lab[Symbol.asyncDispose](), AggregateError);
    assert.deepEqual(order, [3, 1]);
    assert.deepEqual(namespacesOf(lab.id), []);
  });

  it('is removed by the next lab when the process that made it was killed', async () => {
    const fixture = fileURLToPath(new URL('../lab/fixtures/abandoned-lab.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', fixture], { stdio: ['ignore', 'pipe', 'inherit'] });
    const id = await new Promise<string>((resolve) => {
      child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
    });
    child.kill('SIGKILL');
    await new Promise((resolve) => { child.once('exit', resolve); });
    assert.notDeepEqual(namespacesOf(id), []);
    await using _lab = await Lab.create({ nodes: 1, clients: 0 });
    assert.deepEqual(namespacesOf(id), []);
  });

  it('is removed when its process is interrupted', async () => {
    const fixture = fileURLToPath(new URL('../lab/fixtures/abandoned-lab.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', fixture], { stdio: ['ignore', 'pipe', 'inherit'] });
    const id = await new Promise<string>((resolve) => {
      child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
    });
    child.kill('SIGINT');
    const signal = await new Promise((resolve) => { child.once('exit', (_, by) => resolve(by)); });
    assert.equal(signal, 'SIGINT');
    assert.deepEqual(namespacesOf(id), []);
  });

  it('stops a process and lets it run on', async () => {
    await using lab = await Lab.create({ nodes: 1, clients: 0 });
    const ticker = lab.spawn('n1', ['ping', '-i', '0.01', '127.0.0.1']);
    await ticker.waitForOutput(/icmp_seq=2/);
    await ticker.pause();
    const before = (await ticker.output()).length;
    await sleep(200);
    assert.equal((await ticker.output()).length, before);
    ticker.resume();
    await until('it ticks on', async () => (await ticker.output()).length > before, 5_000);
  });
});

describe('The sniffer', () => {
  it('lays a claim at the door of the cable that it came from', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const speaker = await lab.speaker('n2');
    await speaker.say(arpClaims(lab.host('n1').lan!.mac, eip));
    const claims = await lab.sniffer.claims(eip);
    assert.deepEqual(claims.map(({ host, mac, kind }) => [host, mac, kind]), [
      ['n2', lab.host('n1').lan!.mac, 'gratuitous'], ['n2', lab.host('n1').lan!.mac, 'gratuitous'],
    ]);
    assert.ok(Math.abs(claims[0]!.at - lab.now()) < 10_000);
  });

  it('sees two kernels that answer for one address', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    for (const node of ['n1', 'n2']) {
      await lab.run(node, ['ip', 'addr', 'add', `${eip}/32`, 'dev', 'eth0']);
    }
    const since = lab.now();
    for (let round = 0; round < 3; round += 1) {
      await lab.forgetNeighbours();
      await lab.attempt('c1', ['ping', '-c1', '-W1', eip]);
    }
    await assert.rejects(async () => lab.sniffer.assertNoOverlap({ since }), /claimed it/);
    await assert.rejects(async () => lab.sniffer.assertSuccession(eip, ['n1', 'n2'], { since }));
  });

  it('hears nothing of a host whose cable is cut, and hears it again when it is mended', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    const claims = arpClaims(lab.host('n1').lan!.mac, eip);
    const speaker = await lab.speaker('n1');
    await lab.cut('n1');
    await speaker.say(claims);
    assert.deepEqual(await lab.sniffer.claims(eip), []);
    await lab.mend('n1');
    await until('the host is heard again', async () => {
      await speaker.say(claims);
      return (await lab.sniffer.claims(eip)).length > 0;
    });
    await lab.sniffer.assertHeardAll();
  });

  it('misses nothing of 50,000 claims a second', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const speaker = await lab.speaker('n1');
    const mac = lab.host('n1').lan!.mac;
    const frames = [...arpClaims(mac, eip), unsolicitedAdvertisement(mac, 'fd88::1:1')];
    const { sent, failed } = await speaker.flood(frames, 50_000, 3_000);
    assert.equal(failed, 0);
    await lab.sniffer.assertHeardAll();
    const heard = await Promise.all([eip, 'fd88::1:1'].map(async (address) => (
      (await lab.sniffer.runs(address, { host: 'n1' }))[0]?.claims ?? 0
    )));
    assert.equal(heard[0]! + heard[1]!, sent);
  });
});

describe('The client', () => {
  for (const address of [eip, 'fd88::1:1']) {
    it(`measures how long ${address} was not answered, and who answered`, async () => {
      await using lab = await Lab.create({ nodes: 2 });
      const bits = address.includes(':') ? ['/128', 'nodad'] : ['/32'];
      const add = (node: string) => lab.run(node, [
        'ip', 'addr', 'add', `${address}${bits[0]}`, 'dev', 'eth0', ...bits.slice(1),
      ]);
      await add('n1');
      const prober = await lab.probe(address);
      await prober.waitForAnswer({ node: 'n1' });
      const since = lab.now();
      await lab.run('n1', ['ip', 'addr', 'del', `${address}${bits[0]}`, 'dev', 'eth0']);
      await sleep(300);
      await add('n2');
      await lab.forgetNeighbours();
      const next = await prober.waitForAnswer({ node: 'n2' });
      const report = await prober.report(since, 100);
      const [gap] = report.silences;
      assert.equal(report.silences.length, 1);
      assert.deepEqual([gap?.before, gap?.after], ['n1', 'n2']);
      assert.ok(gap!.ms > 290 && gap!.to <= next.at, `a gap of ${gap!.ms} ms`);
      assert.ok(gap!.lost > 100, `${gap!.lost} lost`);
    });
  }

  it('parts all whom it was told to part, at once', async () => {
    await using lab = await Lab.create({ nodes: 4, clients: 0 });
    const others = [['n2', '10.88.0.12'], ['n3', '10.88.0.13'], ['n4', '10.88.0.14']] as const;
    const reached = async (): Promise<readonly string[]> => {
      const pings = await Promise.all(others.map(async ([name, address]) => (
        [name, await lab.attempt('n1', ['ping', '-c1', '-W1', address])] as const)));
      return pings.filter(([, { code }]) => code === 0).map(([name]) => name);
    };
    assert.deepEqual(await reached(), ['n2', 'n3', 'n4']);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(others.map(async ([name]) => lab.part('n1', name)));
      assert.deepEqual(await reached(), []);
      await lab.mendAll();
    }
  });

  it('loses what the switch loses, in one direction or both, and nothing once it is mended', async () => {
    await using lab = await Lab.create({ nodes: 1 });
    await lab.run('n1', ['ip', 'addr', 'add', `${eip}/32`, 'dev', 'eth0']);
    const prober = await lab.probe(eip);
    await prober.waitForAnswer();
    // As long as it has an answer it needs no other, so that only the packets are lost.
    const share = async (): Promise<number> => {
      const since = lab.now();
      await sleep(1_000);
      const { lost, sent } = await prober.report(since);
      return lost / sent;
    };
    await lab.lose('n1', 'both', 0.3);
    const both = await share();
    assert.ok(both > 0.3 && both < 0.7, `${both} lost where half should be`);
    await lab.lose('n1', 'both', 0);
    await lab.lose('n1', 'from', 1);
    assert.equal(await share(), 1);
    await lab.mendAll();
    await prober.waitForAnswer();
    assert.ok(await share() < 0.05);
  });
});
