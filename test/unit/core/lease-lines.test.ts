import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EipLease, TenureId, ViewChange } from '../../../src/core/model.ts';
import { Kit, policies } from './kit.ts';

const eip = '10.0.0.1';

/** A core that knows of `eip`, held by `holder` with these heirs, of whom it is `a`. */
function cluster(heirs: readonly ('a' | 'c')[]) {
  const kit = new Kit();
  kit.send({ kind: 'policies', policies: policies(eip) });
  kit.send({ kind: 'tick' });
  kit.settle();
  const holder = kit.join('b');
  const c = kit.join('c');
  kit.watch();
  // What `a` claimed meanwhile is overwritten: the scene begins here.
  const ids = { a: kit.state.phase.kind === 'open' ? kit.state.phase.lease.id : holder, c };
  let revision = kit.store.revision;
  const tell = (change: Partial<ViewChange>): void => {
    revision += 1;
    kit.send({
      kind: 'view',
      change: { revision, reset: false, nodes: [], leases: [], drains: [], moves: [], ...change },
    });
  };
  const record = (line: readonly TenureId[], former: readonly TenureId[] = []): EipLease => ({
    eip, holder, term: 7, heirs: line, former, since: 0, reason: 'takeover', moves: [],
    revision: revision + 1,
  });
  tell({ leases: [{ eip, lease: record(heirs.map((name) => ids[name])) }] });
  kit.transcript();
  return { kit, tell, record, ids };
}

/** Announcements of the address, which say more than how the store is told of them. */
function announced(said: readonly string[]): readonly string[] {
  return said.filter((line) => line.startsWith('announce'));
}

describe('a line of succession where nobody has voters', () => {
  it('is followed at once when the store shows the end of the holder', () => {
    const { kit, tell } = cluster(['a', 'c']);
    tell({ nodes: [{ node: 'b', lease: null }] });
    const said = kit.transcript();
    assert.deepEqual(announced(said), [`announce ${eip}#8`]);
    assert.ok(said.indexOf(`announce ${eip}#8`) < said.lastIndexOf('request swap'), 'and then written down');
  });

  it('keeps the second heir waiting while the first lives, and no longer', () => {
    const { kit, tell } = cluster(['c', 'a']);
    tell({ nodes: [{ node: 'b', lease: null }] });
    assert.deepEqual(announced(kit.transcript()), []);
    tell({ nodes: [{ node: 'c', lease: null }] });
    assert.deepEqual(announced(kit.transcript()), [`announce ${eip}#9`]);
  });

  it('is not followed by a record that may be a late word of the dead', () => {
    const { kit, tell, record, ids } = cluster(['c']);
    tell({
      nodes: [{ node: 'b', lease: null }], leases: [{ eip, lease: record([ids.a], [ids.c]) }],
    });
    assert.deepEqual(announced(kit.transcript()), []);
    // Nor claimed through the store, before who may have inherited by the record before it.
    kit.pass(2000);
    assert.deepEqual(kit.transcript().filter((line) => line === 'request swap'), []);
  });

  it('is spread over those who join later, and then left alone', () => {
    const kit = new Kit();
    const eips = Array.from({ length: 30 }, (_, i) => `10.0.0.${String(i + 1)}`);
    kit.send({ kind: 'policies', policies: policies(...eips) });
    const rest = (): void => {
      for (let i = 0; i < 6; i++) {
        kit.pass(500);
        kit.settle();
      }
    };
    const firsts = (): Record<string, number> => {
      const count: Record<string, number> = {};
      for (const each of eips) {
        const first = kit.lease(each)?.heirs[0]?.node ?? 'nobody';
        count[first] = (count[first] ?? 0) + 1;
      }
      return count;
    };
    rest();
    for (const [node, expected] of [['b', { b: 30 }], ['c', { b: 19, c: 11 }]] as const) {
      kit.join(node);
      rest();
      assert.deepEqual(firsts(), expected);
    }
    assert.ok(eips.every((each) => kit.lease(each)?.heirs.length === 2), 'each has a second one too');
    const before = kit.store.revision;
    rest();
    const written = kit.store.changesSince(before).leases;
    assert.deepEqual(written, []);
  });

  it('comes to rest where the store takes a few changes at a time', () => {
    const kit = new Kit({ swapsInFlight: 2, swapsPerRequest: 5 });
    const eips = Array.from({ length: 400 }, (_, i) => `10.0.${String(i >> 8)}.${String(i & 255)}`);
    kit.send({ kind: 'policies', policies: policies(...eips) });
    let requests = 0;
    const rest = (turns: number): void => {
      for (let i = 0; i < turns; i++) {
        kit.pass(20);
        for (const [id, { kind }] of [...kit.waiting]) {
          if (kind === 'swap') requests += 1;
          kit.answer(id, kit.apply(id));
        }
        kit.watch();
      }
    };
    rest(200);
    for (const node of ['b', 'c']) kit.join(node);
    rest(500);
    for (const node of ['b', 'c']) kit.store.setDrain(node, true);
    rest(500);
    requests = 0;
    // The second comes back while the lines that the first is to lead are being written.
    kit.store.setDrain('b', false);
    rest(20);
    kit.store.setDrain('c', false);
    rest(1000);
    assert.ok(requests < 3 * 400 / 5, `${String(requests)} requests`);
    assert.ok(eips.every((each) => kit.lease(each)?.heirs.length === 2), 'each has two heirs');
    const count = eips.filter((each) => kit.lease(each)?.heirs[0]?.node === 'b').length;
    assert.ok(count >= 150 && count <= 250, `b is the first heir of ${String(count)}`);
  });

  it('is not followed after an end that nobody saw come about', () => {
    const { kit, tell, record, ids } = cluster([]);
    // Named by a tenure that ended between two looks: whether the line was its last is not known.
    tell({ leases: [{ eip, lease: { ...record([ids.a]), holder: { node: 'd', incarnation: 4 } } }] });
    assert.deepEqual(announced(kit.transcript()), []);
  });
});
