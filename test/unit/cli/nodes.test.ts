import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { MemoryStore } from '../../../src/store/memory/memory-store.ts';
import { manifest } from '../config/eips.ts';
import { Puppet } from './puppet.ts';
import { Terminal } from './terminal.ts';

let user: Terminal;
let a: Puppet;
let b: Puppet;

async function apply(...texts: string[]): Promise<void> {
  user.stdin = texts.join('---\n');
  assert.equal((await user.run('apply', '-f', '-')).code, 0);
}

beforeEach(async () => {
  user = new Terminal();
  const store = new MemoryStore(user.server);
  const startedAt = user.now - 192_000;
  a = await Puppet.start(store, 'a', { startedAt, labels: { rack: 'r1', zone: 'x' } });
  b = await Puppet.start(store, 'b', {
    startedAt: user.now - 90_061_000, weight: 50, unable: { '192.0.2.12': 'eth0 has no carrier' },
  });
  await apply(
    manifest({ name: 'web', address: '192.0.2.9-192.0.2.12' }),
    manifest({ name: 'six', address: '2001:db8::1', annotations: { 'tenure.io/node-selector': 'rack=r1' } }),
    manifest({ name: 'off', address: '192.0.2.1', more: ['disable: true'] }));
});

afterEach(async () => {
  await a.close();
  await b.close();
});

describe('tenure get eips', () => {
  it('lists them by address, IPv6 last, with how many are held', async () => {
    await a.take('192.0.2.9');
    await b.take('192.0.2.10');
    await a.take('2001:db8::1');
    assert.equal((await user.run('get', 'eips')).out, `\
NAME  ADDRESS               HELD  TOTAL  INTERFACE  STATE
off   192.0.2.1                0      1  eth0       disabled
web   192.0.2.9-192.0.2.12     2      4  eth0       enabled
six   2001:db8::1              1      1  eth0       enabled
`);
  });

  it('counts no address whose holder is gone as held', async () => {
    await b.take('192.0.2.9');
    await b.die();
    assert.match((await user.run('get', 'eips')).out, /web .* 0 +4 /);
    assert.match((await user.run('move', '192.0.2.9', 'a')).err, /"192.0.2.9": nobody holds it/);
  });

  it('shows what annotations say with -o wide', async () => {
    const { out } = await user.run('get', 'eip', 'six', '-o', 'wide');
    assert.match(out, /^NAME .* ANNOUNCE {2}FAILBACK {2}BURST {2}NODES\nsix .* - {9}- {9}- {6}rack=r1\n$/);
  });

  it('prints one as it can be applied again, and many as a list', async () => {
    const { out } = await user.run('get', 'eip', 'web', '-o', 'yaml');
    assert.match(out, /address: 192.0.2.9-192.0.2.12\n[^]*status:\n {2}poolSize: 4\n {2}usage: 0\n/);
    user.stdin = out;
    assert.match((await user.run('apply', '-f', '-')).out, /eip\/web configured/);
    const all = JSON.parse((await user.run('get', 'eips', '-o', 'json')).out) as { items: unknown[] };
    assert.equal(all.items.length, 3);
    user.stdin = (await user.run('get', 'eips', '-o', 'json')).out;
    assert.equal((await user.run('apply', '-f', '-')).code, 0);
  });

  it('names what is wrong with an Eip that someone put there by hand', async () => {
    user.server.state.putDocuments([{ name: 'zzz', text: manifest({ name: 'zzz', address: '192.0.2.9' }), revision: 0 }, { name: 'bad', text: 'x', revision: 0 }]);
    const { code, out, err } = await user.run('get', 'eips');
    assert.equal(code, 0);
    assert.match(out, /zzz .* refused\n/);
    assert.match(err, /tenure: eip\/zzz: overlaps eip\/web in 192.0.2.9. No node announces it: mend it/);
    assert.match(err, /tenure: eip\/bad:1: "x" stands/);
  });

  it('says so where there are none, or not this one', async () => {
    assert.equal((await new Terminal().run('get', 'eips')).out, 'There are no Eips: create some with "tenure apply -f FILE".\n');
    assert.deepEqual(await user.run('get', 'eip', 'wbe'), { code: 1, out: '', err: 'tenure: eip: "wbe": not found: did you mean "web"?\n' });
  });

  it('refuses another kind, and another format', async () => {
    assert.match((await user.run('get', 'pods')).err, /kind: "pods": is unknown here/);
    const { code, err } = await user.run('get', 'eips', '-o', 'xml');
    assert.equal(code, 2);
    assert.match(err, /^tenure: option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are table, wide, json, yaml: see "tenure get --help"\n$/);
  });
});

describe('tenure get nodes', () => {
  it('lists them with their state, and those that are drained and gone', async () => {
    user.server.state.setDrain('b', true);
    user.server.state.setDrain('c', true);
    await a.take('192.0.2.9');
    assert.equal((await user.run('get', 'nodes')).out, `\
NAME  STATE          HELD  WEIGHT  FINDINGS  AGE    VERSION
a     ready             1  100     0         3m12s  0.1.0
b     drained           0  50      1         1d1h   0.1.0
c     drained, gone     0  -       -         -      -
`);
  });

  it('shows host, labels and store latency with -o wide', async () => {
    assert.match((await user.run('get', 'nodes', '-o', 'wide')).out, /a .* a\.example +1 +1\.[23]ms +rack=r1,zone=x\n/);
  });

  it('prints addresses in their order as JSON', async () => {
    for (const eip of ['2001:db8::1', '192.0.2.10', '192.0.2.9']) await a.take(eip);
    const node = JSON.parse((await user.run('get', 'node', 'a', '-o', 'json')).out) as Record<string, unknown>;
    assert.deepEqual(node.addresses, ['192.0.2.9', '192.0.2.10', '2001:db8::1']);
    assert.equal(node.state, 'ready');
    assert.deepEqual((JSON.parse((await user.run('get', 'nodes', '-o', 'json')).out) as unknown[]).length, 2);
  });

  it('refuses a node that is not there', async () => {
    assert.deepEqual(await user.run('get', 'node', 'zz'), { code: 1, out: '', err: 'tenure: node: "zz": is not alive: nodes alive are a and b\n' });
    assert.equal((await new Terminal().run('get', 'nodes')).out, 'No node is alive: start "tenure agent" on each host.\n');
  });
});

describe('tenure drain', () => {
  it('waits until the node holds nothing, and says where the addresses went', async () => {
    await a.take('192.0.2.9');
    await a.take('192.0.2.10');
    a.obey();
    const { code, out } = await user.run('drain', 'a');
    assert.equal(code, 0);
    assert.match(out, /^node\/a drained\n2 addresses moved in \S+: b 2\n$/);
    assert.equal((await user.run('drain', 'a')).out, 'node/a is drained already\n');
    assert.equal((await user.run('undrain', 'a')).out, 'node/a undrained\n');
    assert.equal((await user.run('undrain', 'a')).out, 'node/a was not drained\n');
  });

  it('says what is left when they do not move in time', async () => {
    await a.take('192.0.2.9');
    const { code, out, err } = await user.run('drain', 'a', '--timeout', '200ms');
    assert.deepEqual([code, out], [1, 'node/a drained\n']);
    assert.equal(err, 'tenure: node: "a": still holds 1 of 1 address after 200ms (192.0.2.9): "tenure status" says what hinders others from taking them\n');
  });

  it('does not wait with --no-wait', async () => {
    await a.take('192.0.2.9');
    assert.deepEqual(await user.run('drain', 'a', '--no-wait'), { code: 0, out: 'node/a drained\n', err: '' });
  });

  it('refuses a node that is not alive, unless told to mark it', async () => {
    const { code, err } = await user.run('drain', 'c');
    assert.deepEqual([code, err], [1, 'tenure: node: "c": is not alive: nodes alive are a and b\n']);
    assert.equal((await user.run('drain', 'c', '--absent')).code, 0);
    assert.equal((await user.run('undrain', 'c')).out, 'node/c undrained\n');
    assert.equal((await user.run('undrain', 'c')).code, 1);
    assert.equal((await user.run('drain', 'a', '--timeout', '5')).code, 2);
  });
});

describe('tenure move', () => {
  it('hands an address to a node, and says in which term', async () => {
    await a.take('192.0.2.9');
    a.obey();
    const { code, out } = await user.run('move', '192.0.2.9', 'b');
    assert.equal(code, 0);
    assert.match(out, /^192\.0\.2\.9 moved from a to b in \S+ \(term 2\)\n$/);
    assert.equal((await user.run('move', '192.0.2.9', 'b')).out, '192.0.2.9 is at b already (term 2)\n');
  });

  it('says why it cannot be, before it asks', async () => {
    await a.take('192.0.2.9');
    const cases: [string, string, RegExp, number?][] = [
      ['192.0.2.300', 'b', /^tenure: address: "192.0.2.300" is not an IPv4 address/, 2],
      ['198.51.100.1', 'b', /"198.51.100.1": is in no Eip/], ['192.0.2.1', 'b', /its Eip "off" is disabled/],
      ['192.0.2.9', 'bb', /node: "bb": is not alive: nodes alive are a and b/], ['2001:DB8:0::1', 'b', /"b": cannot hold 2001:db8::1 \(does not match the Eip's node selector\): name another node/],
      ['192.0.2.12', 'b', /cannot hold 192.0.2.12 \(eth0 has no carrier\)/], ['192.0.2.10', 'b', /nobody holds it/],
    ];
    for (const [address, node, why, code = 1] of cases) {
      const said = await user.run('move', address, node);
      assert.match(said.err, why);
      assert.equal(said.code, code);
    }
    user.server.state.setDrain('b', true);
    assert.match((await user.run('move', '192.0.2.9', 'b')).err, /\(is drained\): "tenure undrain b" puts it back/);
    assert.equal(user.server.state.view().moves.size, 0);
  });

  it('says that the holder refused', async () => {
    await a.take('192.0.2.9');
    a.obey(true);
    const { code, err } = await user.run('move', '192.0.2.9', 'b');
    assert.deepEqual([code, err], [1, 'tenure: address: "192.0.2.9": is at a, which refused to hand it to b: see the log of a\n']);
  });

  it('says that nothing happened in time', async () => {
    await a.take('192.0.2.9');
    const { code, err } = await user.run('move', '192.0.2.9', 'b', '--timeout', '150ms');
    assert.deepEqual([code, err], [1, 'tenure: address: "192.0.2.9": is at a still, after 150ms: "tenure status" says how the nodes are\n']);
  });
});

describe('tenure history', () => {
  it('merges the moves of all addresses, newest first', async () => {
    await a.take('192.0.2.9', 'claimed', user.now - 60_000);
    await b.take('192.0.2.10', 'claimed', user.now - 50_000);
    await b.take('192.0.2.9', 'takeover', user.now - 3000);
    const { out } = await user.run('history');
    const time = new Date(user.now - 3000).toISOString().slice(0, 19).replace('T', ' ');
    assert.ok(out.split('\n')[1]?.startsWith(`${time}Z  `));
    assert.equal(out.replaceAll(/^....-..-.. ..:..:..Z/gm, 'TIME                ').replace(/^TIME +/gm, ''), `\
AGE  ADDRESS     TERM  FROM  TO  REASON
3s   192.0.2.9      2  a     b   takeover
50s  192.0.2.10     1  -     b   claimed
1m   192.0.2.9      1  -     a   claimed
`);
    assert.equal((await user.run('history', '-n', '1')).out.split('\n').length, 3);
    assert.equal((await user.run('history', '192.0.2.10')).out.split('\n').length, 3);
    const [first] = JSON.parse((await user.run('history', '-o', 'json')).out) as Record<string, unknown>[];
    assert.deepEqual({ ...first, at: 0 }, { address: '192.0.2.9', term: 2, from: 'a', to: 'b', reason: 'takeover', at: 0 });
  });

  it('shows the way of each move with --timeline, from the last heartbeat where one was heard', async () => {
    await a.take('192.0.2.9', 'claimed', user.now - 60_000);
    await b.take('192.0.2.9', 'inherited', user.now - 3000, {
      heard: -15.5, withdrawn: -0.5, certified: -0.1, opened: 0.4, claimed: 0.9, confirmed: 12,
    });
    const { out } = await user.run('history', '--timeline', '192.0.2.9');
    const [head, first, second] = out.split('\n');
    assert.match(head ?? '', /REASON +MS SINCE +WITHDRAWN +CERTIFICATE +GATE +CLAIM +SERVED +STORE$/);
    assert.match(first ?? '', /inherited +heartbeat +15\.0 +15\.4 +15\.9 +16\.4 +- +27\.5$/);
    assert.match(second ?? '', /claimed +- +- +- +- +- +- +-$/);
    const items = JSON.parse((await user.run('history', '-t', '-o', 'json')).out) as { timeline: unknown }[];
    assert.deepEqual(items.map(({ timeline }) => timeline), [{
      from: 'heartbeat', turn: 15.5, steps: {
        withdrawn: 15, certified: 15.4, opened: 15.9, claimed: 16.4, served: null, confirmed: 27.5,
      },
    }, null]);
  });

  it('refuses what is no address, or was never held', async () => {
    assert.equal((await user.run('history', 'web')).code, 2);
    assert.deepEqual(await user.run('history', '192.0.2.77'), { code: 1, out: '', err: 'tenure: address: "192.0.2.77": was never held: "tenure get eips" lists the addresses there are\n' });
    assert.equal((await user.run('history', '-n', '0')).code, 2);
    assert.equal((await user.run('history')).out, 'Nothing has moved: no address was ever held.\n');
  });
});
