/** What may happen between an agent and the API server, and what then becomes of the addresses. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openKubernetesStore } from '../../src/store/kubernetes/kubernetes-store.ts';
import type { LeaseStore } from '../../src/store/lease-store.ts';
import { attempt } from '../lab/command.ts';
import { status } from '../lab/fault-proxy.ts';
import type { Fault } from '../lab/fault-proxy.ts';
import { Observer, open, soon, swapOf, take } from '../store/contract-kit.ts';
import { Stage, eips } from './stage.ts';
import type { Scene } from './stage.ts';
import { allClaimed, eventually, ttlMs } from './players.ts';

const stage = new Stage();
before(() => stage.open());
after(() => stage.close());

const [eip] = eips;

function renew(store: LeaseStore, tenure: { node: string; incarnation: number }, signal = soon()) {
  return store.perform({ kind: 'renew', tenure, ttlMs }, signal);
}

async function observe(store: LeaseStore, signal: AbortSignal): Promise<Observer> {
  const observer = new Observer({ ttlMs, eventuallyMs: 20_000 });
  void observer.run(store, signal);
  await observer.until(() => observer.following);
  return observer;
}

/** Opens a tenure through a proxy that then has `fault` for the next change of a lease, once. */
async function faultOnce(scene: Scene, fault: Fault) {
  const proxy = await scene.proxy();
  const store = await scene.store(proxy);
  const { id } = await open(store, 'a', { ttlMs: 10_000 });
  let times = 1;
  proxy.fault = ({ method }) => method === 'PATCH' && times-- > 0 ? fault : null;
  return { proxy, store, id };
}

describe('an API server that is away', () => {
  it('for less than a lease changes nothing', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    // Long enough that a busy machine, which is slow to connect anew, does not matter.
    const longMs = 5 * ttlMs;
    const players = await Promise.all(['a', 'b'].map(
      (node) => scene.player(node, proxy, { ttlMs: longMs }),
    ));
    await allClaimed(players, eips);
    const before = players.map(({ held }) => held);
    await proxy.down();
    await sleep(longMs / 2);
    await proxy.up();
    await sleep(longMs);
    assert.deepEqual(players.map(({ held }) => held), before);
    for (const address of eips) {
      const spans = players.flatMap((player) => player.spans(address));
      const gaps = spans.slice(1).map(({ from }, at) => from - spans[at]!.to);
      assert.ok(gaps.every((gap) => gap < 1), `silent for ${Math.max(...gaps)} ms`);
    }
    assert.ok(players.every(({ facts }) => !facts.some(({ kind }) => kind === 'silenced')));
  }));

  it('for longer silences everyone, and everything comes back to who had it', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const players = await scene.cast(['a', 'b'], proxy);
    const before = players.map(({ held }) => held);
    await proxy.down();
    await eventually(() => players.every(({ held }) => held.length === 0), 'all silent');
    await sleep(ttlMs);
    await proxy.up();
    await allClaimed(players, eips);
    assert.deepEqual(players.map(({ held }) => held), before);
  }));

  it('and is another process when it comes back, with what was written in between', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const players = await scene.cast(['a', 'b'], proxy);
    const stop = new AbortController();
    const observer = await observe(await scene.store(proxy), stop.signal);
    await proxy.down();
    await scene.server.halt('SIGKILL');
    await scene.server.start();
    const store = await scene.store();
    await store.setDrain('c', true, soon());
    await compact(scene);
    // A process that begins now knows no revision that old: it can only be asked for a list.
    await scene.server.halt('SIGKILL');
    await scene.server.start();
    await proxy.up();
    await allClaimed(players, eips);
    await observer.until(() => observer.view.drains.has('c'));
    assert.equal(observer.changes.filter(({ reset }) => reset).length, 2);
    stop.abort();
  }));

  it('for one agent: another takes over once that one is silent', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const [a] = await scene.cast(['a'], proxy);
    const b = await scene.player('b');
    await eventually(() => b.tenure > 0, 'b has a tenure');
    await proxy.down();
    await eventually(() => eips.every((address) => b.claims(address)), 'b has all');
    await proxy.up();
    await eventually(() => a!.facts.some(({ kind }) => kind === 'tenure-ended'), 'a is told');
    assert.deepEqual(a!.held, []);
  }));
});

async function compact(scene: Scene): Promise<void> {
  const endpoint = scene.server.etcd.endpoints.join(',');
  const env = { ...process.env, ETCDCTL_API: '3' };
  const said = await attempt(['etcdctl', '--endpoints', endpoint, 'endpoint', 'status', '-w', 'json'], { env });
  const revision = Number(/"revision":(\d+)/.exec(said.stdout)?.[1]);
  await attempt(['etcdctl', '--endpoints', endpoint, 'compact', String(revision)], { env });
}

describe('an API server that', { concurrency: 2 }, () => {
  it('answers after 5 s: its agent loses everything to one that it serves', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const [a] = await scene.cast(['a'], proxy);
    const b = await scene.player('b');
    await eventually(() => b.tenure > 0, 'b has a tenure');
    proxy.fault = ({ path }) => path.includes('watch=true') ? null : { kind: 'delay', ms: 5000 };
    await eventually(() => eips.every((address) => b.claims(address)), 'b has all');
    proxy.fault = () => null;
    const first = a!.tenure;
    await eventually(() => a!.tenure > first, 'a begins anew');
    assert.deepEqual(a!.held, []);
  }));

  it('hangs: likewise, and what it still carries out when it wakes changes nothing', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const [a] = await scene.cast(['a'], proxy);
    const b = await scene.player('b');
    await eventually(() => b.tenure > 0, 'b has a tenure');
    proxy.freeze();
    await eventually(() => eips.every((address) => b.claims(address)), 'b has all');
    const first = a!.tenure;
    proxy.thaw();
    await eventually(() => a!.tenure > first, 'a begins anew');
    await sleep(ttlMs);
    assert.deepEqual(b.held, [...eips].sort());
  }));

  it('hangs for everyone: nobody ends anybody, and all is as it was when it wakes', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const players = await scene.cast(['a', 'b'], proxy);
    const before = players.map(({ held }) => held);
    const tenures = players.map(({ tenure }) => tenure);
    proxy.freeze();
    await eventually(() => players.every(({ held }) => held.length === 0), 'all silent');
    await sleep(2 * ttlMs);
    proxy.thaw();
    await allClaimed(players, eips);
    await sleep(ttlMs);
    assert.deepEqual(players.map(({ tenure }) => tenure), tenures);
    assert.deepEqual(players.map(({ held }) => held), before);
  }));

  it('says conflict (409): another wrote to the lease, and it is renewed all the same', stage.scene(async (scene) => {
    const store = await scene.store(await scene.proxy());
    const { id } = await open(store, 'a');
    await scene.edit('node-a', { metadata: { labels: { team: 'red' } } });
    assert.equal((await renew(store, id)).kind, 'renewed');
  }));

  it('refuses a change (422): an error that says what was refused; the next one passes', stage.scene(async (scene) => {
    const { store, id } = await faultOnce(scene, status(422, 'Invalid', 'spec.x: not allowed'));
    await assert.rejects(renew(store, id), {
      name: 'StoreError', code: 'invalid',
      message: /patch leases\.coordination\.k8s\.io node-a in namespace .*422.*spec\.x: not allowed/,
    });
    assert.equal((await renew(store, id)).kind, 'renewed');
  }));

  it('is busy (429) is given the time that it asks for', stage.scene(async (scene) => {
    const { store, id, proxy } = await faultOnce(scene, {
      kind: 'answer', status: 429, headers: { 'retry-after': '1' },
    });
    const before = performance.now();
    assert.equal((await renew(store, id)).kind, 'renewed');
    assert.ok(performance.now() - before >= 990);
    assert.equal(proxy.asked.filter(({ method }) => method === 'PATCH').length, 3);
  }));

  it('is busy for longer than one can wait: an error at the deadline', stage.scene(async (scene) => {
    const { store, id } = await faultOnce(scene, {
      kind: 'answer', status: 429, headers: { 'retry-after': '20' },
    });
    await assert.rejects(renew(store, id, soon(300)), { code: 'timeout', message: /busy: 429/ });
  }));

  for (const [code, reason] of [[500, 'InternalError'], [503, 'ServiceUnavailable']] as const) {
    it(`fails (${code}): an error that tells, and the next request passes`, stage.scene(async (scene) => {
      const { store, id } = await faultOnce(scene, status(code, reason, 'etcd has no leader'));
      await assert.rejects(renew(store, id), {
        name: 'StoreError', code: 'unavailable', message: new RegExp(`${code}: etcd has no leader`),
      });
      assert.equal((await renew(store, id)).kind, 'renewed');
    }));
  }

  it('no longer takes the token (401) is shown the new one, and nothing is lost', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const tokenFile = join(scene.server.dir, `token-${scene.namespace}`);
    writeFileSync(tokenFile, 'an-old-token');
    // The proxy knows the old token by another name, until that is withdrawn.
    let old = true;
    proxy.rewrite = (authorization) => {
      if (authorization === `Bearer ${scene.server.token('admin')}`) return authorization;
      return old ? `Bearer ${scene.server.token('admin')}` : 'Bearer nobody';
    };
    const kubeconfig = await scene.server.kubeconfig('admin', { server: proxy.url, tokenFile });
    const player = await scene.player('a', proxy, {
      store: { kubeconfig, namespace: scene.namespace },
    });
    await allClaimed([player], eips);
    old = false;
    writeFileSync(tokenFile, `${scene.server.token('admin')}\n`);
    proxy.endWatches();
    await sleep(2 * ttlMs);
    assert.deepEqual(player.held, [...eips].sort());
    assert.deepEqual(player.errors, []);
    assert.ok(!player.facts.some(({ kind }) => kind === 'silenced'));
  }));

  it('takes no token at all (401) is said to, by name', stage.scene(async (scene) => {
    const kubeconfig = await scene.server.kubeconfig('admin', { tokenFile: '/etc/hostname' });
    const store = await openKubernetesStore({ kubeconfig, namespace: scene.namespace });
    try {
      await assert.rejects(store.read(soon()), {
        code: 'denied', message: /does not accept the token of user "admin" of kubeconfig /, fix: /token/,
      });
    } finally {
      await store.close();
    }
  }));
});

describe('a watch', { concurrency: 2 }, () => {
  it('that the server closes is taken up where it was', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const stop = new AbortController();
    const observer = await observe(await scene.store(proxy), stop.signal);
    const store = await scene.store();
    const { id } = await open(store, 'a', { ttlMs: 60_000 });
    let revision = 0;
    for (let term = 1; term <= 20; term += 1) {
      ({ revision } = await take(store, id, swapOf(eip, id, term, revision)));
      proxy.endWatches();
    }
    await observer.until(() => observer.view.leases.get(eip)?.term === 20);
    assert.equal(observer.changes.filter(({ reset }) => reset).length, 1);
    const taken = proxy.asked.filter(({ path }) => path.includes('watch=true'))
      .map(({ path }) => Number(/resourceVersion=(\d+)/.exec(path)?.[1]));
    assert.deepEqual(taken, taken.toSorted((one, other) => one - other));
    assert.ok(taken.at(-1)! > taken[0]!, 'what was told is not asked for again');
    stop.abort();
  }));

  it('that falls silent is found out by the agent\'s own writes', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const stop = new AbortController();
    const store = await scene.store(proxy, { lagMs: 500 });
    const observer = await observe(store, stop.signal);
    const { id } = await open(store, 'a', { ttlMs: 60_000 });
    proxy.silenceWatches();
    await take(await scene.store(), id, swapOf(eip, id, 1, 0));
    assert.equal((await renew(store, id)).kind, 'renewed');
    await observer.until(() => observer.view.leases.has(eip), 'the change', 5000);
    assert.deepEqual(observer.states.map(({ kind }) => kind), ['following', 'broken', 'following']);
    stop.abort();
  }));

  it('that falls silent is given up by one who only looks on, after a while', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const stop = new AbortController();
    const observer = await observe(await scene.store(proxy, { silenceMs: 700 }), stop.signal);
    proxy.silenceWatches();
    const store = await scene.store();
    const { id } = await open(store, 'a', { ttlMs: 60_000 });
    await observer.until(() => observer.view.nodes.has('a'), 'the change', 5000);
    assert.ok(observer.states.some((state) => state.kind === 'broken' && state.error.code === 'timeout'));
    assert.equal((await renew(store, id)).kind, 'renewed');
    stop.abort();
  }));

  for (const how of ['in the middle', 'when it is taken up'] as const) {
    it(`whose revision the server has forgotten (410 ${how}) begins anew with a list`, stage.scene(async (scene) => {
      const proxy = await scene.proxy();
      const stop = new AbortController();
      const observer = await observe(await scene.store(proxy), stop.signal);
      const store = await scene.store();
      const { id } = await open(store, 'a', { ttlMs: 60_000 });
      await observer.until(() => observer.view.nodes.has('a'));
      const expired = status(410, 'Expired', 'too old resource version');
      if (how === 'in the middle') {
        proxy.silenceWatches();
        await take(store, id, swapOf(eip, id, 1, 0));
        proxy.tellWatches({ type: 'ERROR', object: expired.kind === 'answer' ? expired.body : null });
      } else {
        let times = 1;
        proxy.fault = ({ path }) => path.includes('watch=true') && times-- > 0 ? expired : null;
        proxy.endWatches();
        await take(store, id, swapOf(eip, id, 1, 0));
      }
      await observer.until(() => observer.view.leases.has(eip));
      assert.equal(observer.changes.filter(({ reset }) => reset).length, 2);
      assert.deepEqual(observer.states.map(({ kind }) => kind), ['following']);
      stop.abort();
    }));
  }
});

describe('an answer', { concurrency: 2 }, () => {
  it('to a change that was applied after its tenure had ended says that it has ended', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const store = await scene.store(proxy);
    const { id, revision } = await open(store, 'a', { ttlMs: 60_000 });
    proxy.fault = ({ method }) => method === 'POST' ? { kind: 'late', ms: 1000 } : null;
    const asked = store.perform({ kind: 'swap', tenure: id, swaps: [swapOf(eip, id, 1, 0)] }, soon());
    await eventually(() => proxy.asked.some(({ method, path }) => method === 'POST' && path === scene.path()), 'sent');
    const evicted = await (await scene.store()).perform({ kind: 'evict', tenure: id, revision, by: 'b' }, soon());
    assert.equal(evicted.kind, 'evicted');
    assert.equal((await asked).kind, 'ended');
    assert.notEqual(await scene.lease(`eip-${eip}`), null, 'it was not applied at all');
  }));

  it('that is lost on the way is found out at once', stage.scene(async (scene) => {
    const { store, id, proxy } = await faultOnce(scene, { kind: 'lose-answer' });
    assert.equal((await renew(store, id)).kind, 'renewed');
    let times = 1;
    proxy.fault = ({ method }) => method !== 'GET' && times-- > 0 ? { kind: 'lose-answer' } : null;
    const lease = await take(store, id, swapOf(eip, id, 1, 0));
    times = 1;
    assert.equal((await take(store, id, swapOf(eip, id, 2, lease.revision))).term, 2);
  }));

  it('to a renewal that came after the end: the tenure stays ended', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const store = await scene.store(proxy);
    const other = await scene.store();
    const { id } = await open(store, 'a', { ttlMs: 60_000 });
    let times = 1;
    proxy.fault = ({ method }) => method === 'PATCH' && times-- > 0 ? { kind: 'late', ms: 600 } : null;
    const late = renew(store, id);
    await open(other, 'a', { replaces: id.incarnation });
    assert.equal((await late).kind, 'ended');
    assert.equal((await renew(store, id)).kind, 'ended');
  }));

  it('to a swap that came after its node\'s end: never an address for two', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const [a] = await scene.cast(['a'], proxy);
    const b = await scene.player('b');
    await eventually(() => b.tenure > 0, 'b has a tenure');
    // Everything that a asks from here on reaches the server long after a's time is over.
    proxy.fault = ({ path }) => path.includes('watch=true') ? null : { kind: 'late', ms: 1.5 * ttlMs };
    await eventually(() => eips.every((address) => b.claims(address)), 'b has all');
    await sleep(2 * ttlMs);
    proxy.fault = () => null;
    const last = a!.tenure;
    await eventually(() => a!.tenure >= last, 'a goes on');
    assert.deepEqual(b.held, [...eips].sort());
  }));
});
