import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseEipDocuments } from '../../../src/config/eip-document.ts';
import type { EipDocument } from '../../../src/config/eip-document.ts';
import { expandEips, findOverlaps, mostAddressesTogether, usableEips } from '../../../src/config/eip-set.ts';
import { manifest } from './eips.ts';
import type { ManifestParts } from './eips.ts';

const defaults = {
  announce: 'bind', failbackMs: 1000, burst: { count: 2, intervalMs: 50, growth: 1, refreshMs: 0 },
} as const;

function eips(...parts: ManifestParts[]): readonly EipDocument[] {
  const { documents, problems } = parseEipDocuments('e', parts.map(manifest).join('---\n'));
  assert.deepEqual(problems, []);
  return documents;
}

function overlaps(...addresses: string[]): string[] {
  const documents = eips(...addresses.map((address, index) => ({ name: `e${index}`, address })));
  return findOverlaps(documents).map(({ a, b, range }) => `${a.name} ${b.name} ${range}`);
}

describe('Eips that overlap', () => {
  it('are both named, with the addresses that are in both', () => {
    assert.deepEqual(overlaps('192.0.2.0/28', '192.0.2.8-192.0.2.20'), ['e0 e1 192.0.2.8 to 192.0.2.15']);
    assert.deepEqual(overlaps('192.0.2.5', '192.0.2.5'), ['e0 e1 192.0.2.5']);
    assert.deepEqual(overlaps('2001:db8::/112', '2001:db8::5'), ['e0 e1 2001:db8::5']);
  });

  it('are found inside one that is much wider', () => {
    assert.deepEqual(overlaps('10.0.0.0/24', '10.0.0.1', '10.0.0.200'), ['e0 e1 10.0.0.1', 'e0 e2 10.0.0.200']);
  });

  it('are not seen where there are none', () => {
    assert.deepEqual(overlaps('192.0.2.0/28', '192.0.2.16/28', '2001:db8::1', '0:0:0:1::c000:200'), []);
  });

  it('are found among the disabled too', () => {
    const documents = eips({ name: 'a' }, { name: 'b', more: ['disable: true'] });
    assert.equal(findOverlaps(documents).length, 1);
  });

  it('are found if and only if two blocks have an address in common', () => {
    const range = fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 8 }));
    fc.assert(fc.property(fc.array(range, { minLength: 1, maxLength: 8 }), (ranges) => {
      const found = overlaps(...ranges.map(([from, more]) => `10.0.0.${from}-10.0.0.${from + more}`));
      const expected = ranges.some(([a, n], i) =>
        ranges.some(([b, m], j) => i < j && a <= b + m && b <= a + n));
      assert.equal(found.length > 0, expected);
    }), { numRuns: 60 });
  });
});

describe('the addresses of Eips', () => {
  it('have the settings of their Eip, and the defaults for the rest', () => {
    const expanded = expandEips(eips(
      { name: 'a', address: '192.0.2.1-192.0.2.2', annotations: { 'tenure.io/failback': 'never', 'tenure.io/burst': 'count=7' } },
      { name: 'b', address: '2001:DB8::1', annotations: { 'tenure.io/announce': 'respond' } },
    ), defaults);
    assert.deepEqual([...expanded.keys()], ['192.0.2.1', '192.0.2.2', '2001:db8::1']);
    assert.deepEqual(expanded.get('192.0.2.2'), {
      eip: '192.0.2.2', pool: 'a', interface: { kind: 'name', name: 'eth0' }, mode: 'bind',
      selector: [], failbackMs: null, forceSubnet: false, priority: 0,
      burst: { count: 7, intervalMs: 50, growth: 1, refreshMs: 0 },
    });
    assert.equal(expanded.get('2001:db8::1')?.mode, 'respond');
    assert.equal(expanded.get('2001:db8::1')?.failbackMs, 1000);
  });

  it('leave out those of a disabled Eip', () => {
    assert.equal(expandEips(eips({ more: ['disable: true'] }), defaults).size, 0);
  });
});

describe('Eips from the store', () => {
  const stored = (...parts: ManifestParts[]) =>
    parts.map((part) => ({ name: part.name ?? 'web', text: manifest(part) }));

  it('are used but for those that are wrong, which are named', () => {
    const { documents, faults } = usableEips([
      ...stored({ name: 'a' }), { name: 'b', text: 'nonsense' }, { name: 'c', text: manifest({ name: 'd', address: '10.0.0.1' }) },
    ]);
    assert.deepEqual(documents.map(({ name }) => name), ['a']);
    assert.deepEqual([...faults], [
      ['b', 'eip/b:1: "nonsense" stands where fields were expected.'], ['c', 'eip/c: holds the Eip d.'],
    ]);
  });

  it('lose the later name of two that overlap, on every node alike', () => {
    const all = stored(
      { name: 'c', address: '10.0.0.0/24' }, { name: 'a', address: '10.0.0.5' },
      { name: 'b', address: '10.0.0.6' }, { name: 'd', address: '10.0.0.200' });
    const used = usableEips(all);
    assert.deepEqual(used.documents.map(({ name }) => name), ['a', 'b', 'd']);
    assert.match(used.faults.get('c') ?? '', /^eip\/c: overlaps eip\/[ab] in 10\.0\.0\.[56]\.$/);
    for (const order of [all.toReversed(), [all[2]!, all[0]!, all[3]!, all[1]!]]) {
      assert.deepEqual(usableEips(order), used);
    }
  });

  it('never overlap, whatever is stored', () => {
    const range = fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 10 }));
    fc.assert(fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
      const all = stored(...ranges.map(([from, more], i) => ({ name: `e${i}`, address: `10.0.0.${from}-10.0.0.${from + more}` })));
      const { documents, faults } = usableEips(all);
      assert.deepEqual(findOverlaps(documents), []);
      assert.equal(documents.length + faults.size, all.length);
    }), { numRuns: 60 });
  });

  it('are bounded in number together', () => {
    const parts = Array.from({ length: 6 }, (_, i) => ({ name: `e${i}`, address: `10.${i}.0.0/16` }));
    const { documents, faults } = usableEips(stored(...parts));
    assert.equal(documents.length, mostAddressesTogether / 65_536);
    assert.match(faults.get('e5') ?? '', /all Eips together may have 262144 addresses/);
  });
});
