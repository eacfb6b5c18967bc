import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, it } from 'node:test';
import { parseEndpoint } from '../../../src/liveness/endpoint.ts';
import { sealHeartbeat, sealObituary } from '../../../src/wire/heartbeat/datagram.ts';
import type { HeartbeatKey } from '../../../src/wire/heartbeat/datagram.ts';
import { beat, freePort, key, otherKey, TestNode, until } from './kit.ts';

/** Someone on the network who sends what he likes. */
async function strangerSends(to: TestNode, ...datagrams: readonly Uint8Array[]): Promise<void> {
  const { host, port } = parseEndpoint(to.endpoints[0] ?? '') ?? { host: '', port: 0 };
  const socket = createSocket('udp4');
  const before = to.transport.received;
  for (const bytes of datagrams) {
    await new Promise((resolve) => { socket.send(bytes, port, host, resolve); });
  }
  await until(() => to.transport.received === before + datagrams.length);
  socket.close();
}

function sealed(node: string, boot: number, seq: number, by: HeartbeatKey = key): Uint8Array {
  return sealHeartbeat(beat(node, boot), { to: { node: 'b', boot: 0 }, seq }, by);
}

describe('heartbeats between nodes', () => {
  for (const host of ['127.0.0.1', '::1']) {
    it(`arrive on ${host}`, async () => {
      using a = await TestNode.start('a', host);
      using b = await TestNode.start('b', host);
      a.meet(b, 2);
      const heartbeat = beat('a', 1, { sentAt: 123.25 });
      a.transport.send('b', heartbeat);
      await until(() => b.heard.length === 1);
      assert.deepEqual(b.heard, [heartbeat]);
      assert.equal(a.transport.counters().sent, 1);
    });
  }

  it('go to every address of a node, from the nearest of ours', async () => {
    using a = await TestNode.start('a', '127.0.0.1', '127.1.0.1', '::1');
    using b = await TestNode.start('b', '127.0.0.2', '127.1.0.2', '::1');
    a.meet(b, 2);
    a.transport.send('b', beat('a', 1));
    await until(() => b.heard.length === 3);
    assert.deepEqual(b.transport.counters().dropped, {});
  });

  it('still go to a node whose lease is gone, where it was last', async () => {
    using a = await TestNode.start('a', '127.0.0.1');
    using b = await TestNode.start('b', '127.0.0.1');
    a.meet(b, 2);
    a.transport.learn({ reset: false, nodes: [{ node: 'b', lease: null }] });
    a.transport.learn({ reset: true, nodes: [] });
    a.transport.send('b', beat('a', 1));
    await until(() => b.heard.length === 1);
  });

  it('are not sent to nobody, nor without a key or a boot, nor while muted, and counted', async () => {
    using a = await TestNode.start('a', '127.0.0.1');
    using b = await TestNode.start('b', '::1');
    a.transport.send('c', beat('a', 1));
    a.meet(b, 2);
    a.transport.send('b', beat('a', 1));
    a.transport.send('b', beat('a', 0));
    a.transport.mute(true);
    a.transport.send('b', beat('a', 1));
    a.transport.mute(false);
    a.transport.setKeys([]);
    a.transport.send('b', beat('a', 1));
    assert.deepEqual(a.transport.counters().unsent, {
      'unknown-node': 1, 'no-own-address': 1, 'no-boot': 1, 'muted': 1, 'no-key': 1,
    });
  });

  it('are opened by both keys while they are replaced', async () => {
    using a = await TestNode.start('a', '127.0.0.1');
    using b = await TestNode.start('b', '127.0.0.1');
    a.meet(b, 2);
    b.transport.setKeys([key, otherKey]);
    a.transport.setKeys([otherKey, key]);
    a.transport.send('b', beat('a', 1));
    a.transport.setKeys([key]);
    a.transport.send('b', beat('a', 1));
    await until(() => b.heard.length === 2);
    b.transport.setKeys([otherKey]);
    a.transport.send('b', beat('a', 1));
    await until(() => b.transport.received === 3);
    assert.deepEqual(b.transport.counters().dropped, { key: 1 });
  });
});

describe('what strangers send', () => {
  it('is never heard: noise, other keys, recordings, what was meant for others', async () => {
    using b = await TestNode.start('b', '127.0.0.1');
    const good = sealed('a', 5, 1);
    await strangerSends(b, good);
    await strangerSends(b,
      good, Buffer.from('hello'), sealed('a', 5, 2, otherKey),
      sealed('a', 4, 9), sealed('b', 5, 3),
      sealHeartbeat(beat('a', 5), { to: { node: 'c', boot: 0 }, seq: 4 }, key),
      Buffer.concat([good.subarray(0, -1), Buffer.of((good.at(-1) ?? 0) ^ 1)]));
    assert.equal(b.heard.length, 1);
    assert.deepEqual(b.transport.counters().dropped, {
      'replayed': 2, 'too-short': 1, 'key': 1, 'misdirected': 2, 'tag': 1,
    });
  });

  it('is not heard if it was meant for an earlier boot of this node', async () => {
    using b = await TestNode.start('b', '127.0.0.1');
    b.transport.send('nobody', beat('b', 9));
    const to = (boot: number): Uint8Array =>
      sealHeartbeat(beat('a', 5), { to: { node: 'b', boot }, seq: boot + 1 }, key);
    await strangerSends(b, to(8), to(0), to(9), to(10));
    assert.equal(b.heard.length, 3);
    assert.deepEqual(b.transport.counters().dropped, { misdirected: 1 });
  });

  it('may be an obituary once more, which says nothing new', async () => {
    using b = await TestNode.start('b', '127.0.0.1');
    const obituary = { node: 'a', boot: 5, incarnation: 6 };
    const bytes = sealObituary(obituary, { to: { node: 'b', boot: 0 }, seq: 1 }, key);
    await strangerSends(b, sealed('a', 5, 7), bytes, bytes);
    assert.deepEqual(b.heard.slice(1), [obituary, obituary]);
  });
});

describe('addresses to listen on', () => {
  it('are tried again until they are free, and it is said why not', async () => {
    const port = await freePort('127.0.0.1');
    const other = createSocket('udp4');
    await new Promise<void>((resolve) => { other.bind(port, '127.0.0.1', resolve); });
    using a = await TestNode.start('a');
    const endpoint = `127.0.0.1:${String(port)}`;
    a.transport.listen([endpoint]);
    await until(() => a.troubles.has(endpoint));
    assert.match(a.troubles.get(endpoint) ?? '', /is taken by another program: .*heartbeat\.port/);
    other.close();
    await until(() => a.troubles.get(endpoint) === null);
  });

  it('need not be there yet', async () => {
    using a = await TestNode.start('a');
    a.transport.listen(['192.0.2.77:9477', 'nonsense']);
    await until(() => a.troubles.size === 1);
    assert.match(a.troubles.get('192.0.2.77:9477') ?? '', /this host has no address 192\.0\.2\.77/);
  });

  it('are let go when they are no longer named', async () => {
    using a = await TestNode.start('a', '127.0.0.1');
    a.transport.listen([]);
    using b = await TestNode.start('b');
    b.transport.listen(a.endpoints);
    await until(() => b.troubles.get(a.endpoints[0] ?? '') === null);
  });
});
