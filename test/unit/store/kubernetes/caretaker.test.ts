import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Caretaker } from '../../../../src/store/kubernetes/caretaker.ts';
import { readObject, writeObject } from '../../../../src/store/kubernetes/lease-object.ts';
import { Ledger } from '../../../../src/store/kubernetes/ledger.ts';
import { writeLiveNode } from '../../../../src/store/kubernetes/node-object.ts';
import { unknownRecord } from '../../../../src/store/node-record.ts';
import { defaultTiming } from '../../../../src/store/kubernetes/options.ts';
import type { Resource } from '../../../../src/store/kubernetes/resource.ts';
import { StoreError } from '../../../../src/store/lease-store.ts';

const ttlMs = 1000;

function lease(revision: number, node = 'a'): object {
  const json = writeObject(writeLiveNode({
    id: { node, incarnation: 1 }, record: unknownRecord, recordRevision: 1, ttlMs,
    openedAt: 0, renewedAt: 0,
  }), 'x') as { metadata: object };
  return { ...json, metadata: { ...json.metadata, resourceVersion: String(revision) } };
}

/** A caretaker of node leases that are about to expire, and a server that answers by `get`. */
function scene(get: (name: string) => unknown, nodes: readonly string[] = ['a']) {
  let now = 0;
  const asked: string[] = [];
  const ledger = new Ledger({
    longestTtlMs: 60_000, collectMs: 60_000, random: () => 0, report: () => undefined,
  });
  ledger.replace(nodes.map((node) => readObject(lease(5, node))), 5, 0);
  const leases = {
    get: (name: string) => {
      asked.push('get');
      return Promise.resolve().then(() => get(name));
    },
    patch: (_name: string, patch: readonly { path: string; value: unknown }[]) => {
      const revision = patch.find(({ path }) => path === '/metadata/resourceVersion')?.value;
      asked.push(`patch ${String(revision)}`);
      return Promise.resolve('conflict');
    },
  } as unknown as Resource;
  const caretaker = new Caretaker({ timing: defaultTiming, now: () => now }, {
    ledger, leases, namespace: 'x', restoreSelf: () => Promise.resolve(),
  });
  caretaker.active = true;
  const at = async (instant: number): Promise<string[]> => {
    now = instant;
    caretaker.act();
    await sleep(5);
    return asked.splice(0);
  };
  return { at, caretaker };
}

describe('a node lease that seems to have expired', () => {
  it('is ended if the server still shows the version that was seen, and that version alone', async () => {
    const { at, caretaker } = scene(() => lease(5));
    assert.deepEqual(await at(ttlMs - 1), []);
    assert.deepEqual(await at(ttlMs), ['get', 'patch 5']);
    caretaker.close();
  });

  it('is not if it was renewed and the watch is late: it has its whole time again', async () => {
    const { at, caretaker } = scene(() => lease(6));
    assert.deepEqual(await at(ttlMs), ['get']);
    assert.deepEqual(await at(2 * ttlMs - 1), []);
    assert.deepEqual(await at(4 * ttlMs), ['get']);
    caretaker.close();
  });

  it('is not by a server that was away until now: its node could not renew either', async () => {
    let away = true;
    const { at, caretaker } = scene(() => {
      if (away) throw new StoreError('timeout', 'no answer');
      return lease(5);
    });
    assert.deepEqual(await at(ttlMs), ['get']);
    assert.deepEqual(await at(2 * ttlMs), ['get']);
    away = false;
    assert.deepEqual(await at(3 * ttlMs), ['get'], 'it is back, and counting begins anew');
    assert.deepEqual(await at(4 * ttlMs - 1), []);
    assert.deepEqual(await at(6 * ttlMs), ['get', 'patch 5']);
    caretaker.close();
  });

  it('is not by a look that began before the server was back, though another was answered', async () => {
    let away = true;
    const { at, caretaker } = scene(async (name) => {
      if (away) throw new StoreError('timeout', 'no answer');
      const node = name.endsWith('b') ? 'b' : 'a';
      // Both are asked for at once; the answer about b comes a little later.
      if (node === 'b') await sleep(2);
      return lease(5, node);
    }, ['a', 'b']);
    assert.deepEqual(await at(ttlMs), ['get', 'get']);
    away = false;
    assert.deepEqual(await at(2 * ttlMs), ['get', 'get'], 'nobody is ended');
    assert.deepEqual(await at(3 * ttlMs - 1), []);
    caretaker.close();
  });

  it('is judged by nobody whose own view is not kept up to date', async () => {
    const { at, caretaker } = scene(() => lease(5));
    caretaker.active = false;
    assert.deepEqual(await at(10 * ttlMs), []);
    caretaker.close();
  });
});
