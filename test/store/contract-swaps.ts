import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { maxSwaps } from '../../src/core/requests.ts';
import type { Swap } from '../../src/core/requests.ts';
import { kinds, leaseValue, ok, open, soon, swap, swapOf, take } from './contract-kit.ts';
import type { Contract } from './contract-kit.ts';

const x = '192.0.2.1';
const y = '2001:db8::1';
const z = '192.0.2.3';

export function swapContract({ run }: Contract): void {
  describe('EIP leases', () => {
    it('are kept as they were written, every field', run(async (lab) => {
      const client = lab.client();
      const { id } = await open(client, 'a');
      const heir = { node: 'b', incarnation: 7 };
      const next = leaseValue(y, id, 3, {
        reason: 'takeover', heirs: [heir, id], former: [heir],
        moves: [{ term: 3, holder: 'a', reason: 'takeover', at: 5 },
          { term: 2, holder: null, reason: 'released', at: 4 }],
      });
      const lease = await take(client, id, { eip: y, revision: 0, next, ended: [heir], live: [] });
      assert.deepEqual(lease, { ...next, revision: lease.revision });
      ok(lease.revision > 0);
      const view = await lab.client().read(soon());
      assert.deepEqual([...view.leases], [[y, lease]]);
      ok(view.revision >= lease.revision);
    }));

    it('go to the first who asks; a later one is told how it stands', run(async (lab) => {
      const client = lab.client();
      const a = await open(client, 'a');
      const b = await open(lab.client(), 'b');
      const lease = await take(client, a.id, swapOf(x, a.id, 1, 0));
      for (const revision of [0, lease.revision - 1, lease.revision + 1]) {
        const outcomes = await swap(lab.client(), b.id, [swapOf(x, b.id, 2, revision)]);
        assert.deepEqual(outcomes, [{ kind: 'conflict', current: lease }]);
      }
      const next = await take(lab.client(), b.id, swapOf(x, b.id, 2, lease.revision));
      ok(next.revision > lease.revision);
    }));

    it('conflict with a revision where there is no record', run(async (lab) => {
      const client = lab.client();
      const { id } = await open(client, 'a');
      const outcomes = await swap(client, id, [swapOf(x, id, 1, 1)]);
      assert.deepEqual(outcomes, [{ kind: 'conflict', current: null }]);
    }));

    it('are each swapped by themselves: one that fails holds none up', run(async (lab) => {
      const client = lab.client();
      const a = await open(client, 'a');
      const b = await open(client, 'b');
      const held = await take(client, b.id, swapOf(y, b.id, 1, 0));
      const gone = { node: 'b', incarnation: b.id.incarnation + 1 };
      const outcomes = await swap(client, a.id, [
        swapOf(x, a.id, 1, 0),
        swapOf(y, a.id, 2, held.revision, { ended: [b.id] }),
        swapOf(z, a.id, 1, 12_345_678),
        swapOf('192.0.2.4', a.id, 1, 0, { live: [b.id, gone] }),
        swapOf('192.0.2.5', a.id, 1, 0, { live: [b.id], ended: [gone] }),
      ]);
      assert.deepEqual(kinds(outcomes), ['applied', 'refused', 'conflict', 'refused', 'applied']);
      const { leases } = await client.read(soon());
      assert.deepEqual([...leases.keys()].sort(), [x, '192.0.2.5', y].sort());
      assert.deepEqual(leases.get(y), held);
      for (const at of [0, 4]) {
        const outcome = outcomes[at];
        ok(outcome?.kind === 'applied');
        assert.deepEqual(leases.get(outcome.lease.eip), outcome.lease);
      }
    }));

    it('are refused by a tenure that must have ended and lives, until it ends', run(async (lab) => {
      const client = lab.client();
      const a = await open(client, 'a');
      const b = await open(client, 'b');
      const lease = await take(client, b.id, swapOf(x, b.id, 1, 0));
      const claim = swapOf(x, a.id, 2, lease.revision, { ended: [b.id] });
      assert.deepEqual(kinds(await swap(client, a.id, [claim])), ['refused']);
      await client.perform({ kind: 'close', tenure: b.id }, soon());
      assert.deepEqual(kinds(await swap(client, a.id, [claim])), ['applied']);
    }));

    it('count a tenure as ended that was replaced by the next of its node', run(async (lab) => {
      const client = lab.client();
      const a = await open(client, 'a');
      const b = await open(client, 'b');
      const lease = await take(client, b.id, swapOf(x, b.id, 1, 0));
      const next = await open(client, 'b', { replaces: b.id.incarnation });
      const alive = swapOf(x, a.id, 2, lease.revision, { live: [b.id] });
      const ended = swapOf(x, next.id, 2, lease.revision, { ended: [b.id], live: [next.id] });
      assert.deepEqual(kinds(await swap(client, a.id, [alive])), ['refused']);
      assert.deepEqual(kinds(await swap(client, a.id, [ended])), ['applied']);
    }));

    it('are not changed by one whose own tenure has ended', run(async (lab) => {
      const client = lab.client();
      const { id } = await open(client, 'a');
      await client.perform({ kind: 'close', tenure: id }, soon());
      const answer = await client.perform({
        kind: 'swap', tenure: id, swaps: [swapOf(x, id, 1, 0)],
      }, soon());
      assert.deepEqual(answer, { kind: 'ended' });
      assert.equal((await client.read(soon())).leases.size, 0);
    }));

    it('are swapped by the hundred, with many holders that must have ended', run(async (lab) => {
      const client = lab.client();
      const { id } = await open(client, 'a');
      const eips = Array.from({ length: maxSwaps }, (_, n) => `198.51.100.${n}`);
      const dead = eips.map((_, n) => ({ node: `dead-${n}`, incarnation: 1 }));
      const outcomes = await swap(client, id, eips.map((eip, n) => (
        swapOf(eip, id, 1, 0, { ended: [dead[n]!], live: [id] })
      )));
      assert.deepEqual(new Set(kinds(outcomes)), new Set(['applied']));
      const again = await swap(client, id, eips.map((eip, n) => (
        swapOf(eip, id, 2, n % 2 === 0 && outcomes[n]?.kind === 'applied'
          ? outcomes[n].lease.revision : 0)
      )));
      assert.deepEqual(kinds(again), eips.map((_, n) => n % 2 === 0 ? 'applied' : 'conflict'));
      const { leases } = await client.read(soon());
      eips.forEach((eip, n) => assert.equal(leases.get(eip)?.term, n % 2 === 0 ? 2 : 1));
    }));

    it('have one winner when several race for them, term by term', run(async (lab) => {
      const racers = await Promise.all(['a', 'b', 'c'].map(async (node) => {
        const client = lab.client();
        return { client, id: (await open(client, node)).id };
      }));
      let revision = 0;
      for (let term = 1; term <= 10; term += 1) {
        const results = await Promise.all(racers.map(({ client, id }) => (
          swap(client, id, [swapOf(x, id, term, revision), swapOf(y, id, 1, 0)])
        )));
        const won = results.flatMap(([first]) => first?.kind === 'applied' ? [first.lease] : []);
        assert.equal(won.length, 1);
        revision = won[0]!.revision;
      }
      const { leases } = await lab.client().read(soon());
      assert.equal(leases.get(x)?.revision, revision);
      assert.equal(leases.get(x)?.term, 10);
    }));

    it('are not taken back in term, nor swapped twice or too many at once', run(async (lab) => {
      const client = lab.client();
      const { id } = await open(client, 'a');
      const { revision } = await take(client, id, swapOf(x, id, 5, 0));
      const many = Array.from({ length: maxSwaps + 1 }, (_, n) => swapOf(`198.51.100.${n}`, id, 1, 0));
      const bad: [RegExp, Swap[]][] = [
        [/192\.0\.2\.1.*term.*5.*4/, [swapOf(z, id, 1, 0), swapOf(x, id, 4, revision)]],
        [/192\.0\.2\.1.*two swaps/, [swapOf(x, id, 6, revision), swapOf(x, id, 7, revision)]],
        [/101 swaps/, many],
        [/192\.0\.2\.1.*192\.0\.2\.3/, [{ ...swapOf(x, id, 6, revision), next: leaseValue(z, id, 6) }]],
      ];
      for (const [message, swaps] of bad) {
        const asked = client.perform({ kind: 'swap', tenure: id, swaps }, soon());
        await assert.rejects(asked, { name: 'StoreError', code: 'invalid', message });
      }
      const { leases } = await client.read(soon());
      assert.deepEqual([...leases.values()].map(({ term }) => term), [5]);
    }));
  });
}
