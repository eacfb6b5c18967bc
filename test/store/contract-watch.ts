import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeLease, View } from '../../src/core/model.ts';
import type { LeaseStore } from '../../src/store/lease-store.ts';
import { ok, open, soon, swap, swapOf, take } from './contract-kit.ts';
import type { Contract, Lab } from './contract-kit.ts';

/** Without its revision, which only says how far it has read. */
function content({ nodes, leases, drains, moves }: View) {
  const sorted = <V>(map: ReadonlyMap<string, V>) => [...map].sort(([p], [q]) => p < q ? -1 : 1);
  return {
    nodes: sorted(nodes), leases: sorted(leases), drains: sorted(drains), moves: sorted(moves),
  };
}

/** Some of everything, from a seed, by several clients at once. */
async function churn(lab: Lab, seed: number): Promise<void> {
  let state = seed;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(state / 65_536) % below;
  };
  const client = lab.client();
  const opened = new Map<string, NodeLease>();
  for (let step = 0; step < 60; step += 1) {
    const node = `n${random(3)}`;
    const lease = opened.get(node);
    const choice = random(6);
    if (lease === undefined || choice === 0) {
      opened.set(node, await open(client, node, { replaces: lease?.id.incarnation ?? 0 }));
    } else if (choice === 1) {
      await client.perform({ kind: 'close', tenure: lease.id }, soon());
      opened.delete(node);
    } else if (choice === 2) {
      await client.setDrain(`n${random(3)}`, random(2) === 0, soon());
    } else if (choice === 3) {
      await client.requestMove({ eip: `192.0.2.${random(4)}`, to: node, at: step }, soon());
    } else if (choice === 4) {
      await client.perform({ kind: 'settle-moves', eips: [`192.0.2.${random(4)}`] }, soon());
    } else {
      await swapSome(client, lease, random);
    }
  }
}

async function swapSome(client: LeaseStore, { id }: NodeLease, random: (below: number) => number) {
  const { leases } = await client.read(soon());
  const eips = Array.from({ length: 1 + random(4) }, (_, n) => `192.0.2.${n}`);
  await swap(client, id, eips.map((eip) => {
    const lease = leases.get(eip);
    return swapOf(eip, id, (lease?.term ?? 0) + 1, lease?.revision ?? 0);
  }));
}

export function watchContract({ run }: Contract): void {
  describe('a watch', () => {
    it('begins with all there is, then says that it follows', run(async (lab) => {
      const client = lab.client();
      const { id } = await open(client, 'a');
      await take(client, id, swapOf('192.0.2.1', id, 1, 0));
      await client.setDrain('b', true, soon());
      await client.requestMove({ eip: '192.0.2.1', to: 'b', at: 1 }, soon());
      const observer = await lab.observe();
      const [first] = observer.changes;
      assert.equal(first?.reset, true);
      assert.deepEqual(content(observer.view), content(await client.read(soon())));
      assert.deepEqual(observer.states, [{ kind: 'following' }]);
      assert.equal(observer.changes.length, 1);
    }));

    it('follows an empty store too', run(async (lab) => {
      const observer = await lab.observe();
      assert.deepEqual(observer.changes.map(({ reset }) => reset), [true]);
      const { id } = await open(lab.client(), 'a');
      await observer.until(() => observer.view.nodes.get('a')?.id.incarnation === id.incarnation);
    }));

    it('misses nothing between its list and its first change', run(async (lab) => {
      const client = lab.client();
      for (const node of ['a', 'b', 'c']) {
        await client.setDrain('x', true, soon());
        const observer = await lab.observe();
        await client.setDrain(node, true, soon());
        await observer.until(() => observer.view.drains.has(node));
      }
    }));

    it('ends up with the same as everyone else, whatever happened on the way', run(async (lab) => {
      const observers = [await lab.observe(), await lab.observe()];
      const late: Promise<void> = (async () => {
        observers.push(await lab.observe());
      })();
      await Promise.all([churn(lab, 1), late]);
      const last = await lab.client().read(soon());
      const wanted = JSON.stringify(content(last));
      for (const observer of observers) {
        await observer.until(() => JSON.stringify(content(observer.view)) === wanted);
        assert.equal(observer.changes.filter(({ reset }) => reset).length, 1);
        for (const { revision, leases, nodes } of observer.changes) {
          for (const { lease } of leases) ok((lease?.revision ?? 0) <= revision);
          for (const { lease } of nodes) ok((lease?.revision ?? 0) <= revision);
        }
      }
    }));

    it('tells a client of what it did itself', run(async (lab) => {
      const client = lab.client();
      const observer = await lab.observe(client);
      const { id } = await open(client, 'a');
      const lease = await take(client, id, swapOf('192.0.2.1', id, 1, 0));
      await observer.until(() => observer.view.leases.has('192.0.2.1'));
      assert.deepEqual(observer.view.leases.get('192.0.2.1'), lease);
    }));

    it('tells of everything that one request changed, and nothing twice', run(async (lab) => {
      const client = lab.client();
      const observer = await lab.observe();
      const { id } = await open(client, 'a');
      const eips = Array.from({ length: 100 }, (_, n) => `198.51.100.${n}`);
      await swap(client, id, eips.map((eip) => swapOf(eip, id, 1, 0)));
      await observer.until(() => observer.view.leases.size === 100);
      const told = observer.changes.flatMap(({ leases }) => leases.map(({ eip }) => eip));
      assert.deepEqual([...told].sort(), [...eips].sort());
    }));

    it('stops at the abort, and says nothing more', run(async (lab) => {
      const client = lab.client();
      const stop = new AbortController();
      let changes = 0;
      const watching = client.watch(() => {
        changes += 1;
        stop.abort();
      }, () => undefined, stop.signal);
      await watching;
      await open(client, 'a');
      await client.read(soon());
      assert.equal(changes, 1);
      await client.watch(() => assert.fail('told'), () => assert.fail('told'), stop.signal);
    }));
  });
}
