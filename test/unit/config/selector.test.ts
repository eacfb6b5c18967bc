import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { matchesSelector } from '../../../src/core/selector.ts';
import type { SelectorTerm } from '../../../src/core/selector.ts';
import { formatSelector, parseSelector } from '../../../src/config/selector.ts';

function matches(text: string, labels: Record<string, string>): boolean {
  const parsed = parseSelector(text);
  assert.ok('value' in parsed, 'error' in parsed ? parsed.error : '');
  return matchesSelector(parsed.value, labels);
}

describe('a node selector', () => {
  it('matches as in Kubernetes', () => {
    const labels = { rack: 'r1', zone: 'a', 'example.com/disk': 'ssd', empty: '' };
    const cases: Record<string, boolean> = {
      'rack=r1': true, 'rack==r1': true, 'rack = r1': true, 'rack=r2': false, 'row=1': false,
      'rack!=r2': true, 'rack!=r1': false, 'row!=1': true,
      'zone in (a, b)': true, 'zone in (b,c)': false, 'row in (a)': false,
      'zone notin (b)': true, 'zone notin (a,b)': false, 'row notin (a)': true,
      rack: true, row: false, '!row': true, '! row': true, '!rack': false,
      'example.com/disk=ssd': true, 'empty=': true, 'empty in (,x)': true, 'rack=': false,
      'rack=r1,zone in (a,b),!row': true, 'rack=r1, zone=b': false,
    };
    for (const [text, wanted] of Object.entries(cases)) {
      assert.equal(matches(text, labels), wanted, text);
    }
  });

  it('sees labels alone, and nothing that every object has', () => {
    assert.equal(matches('constructor', {}), false);
    assert.equal(matches('!toString', {}), true);
    assert.equal(matches('toString=x', { toString: 'x' }), true);
  });

  it('without terms matches every node', () => {
    assert.equal(matchesSelector([], {}), true);
    assert.equal(formatSelector([]), '*');
  });

  it('is refused with the term that is wrong', () => {
    const cases: Record<string, RegExp> = {
      '': /empty selector/, '  ': /empty selector/, 'a=b,': /comma too many/, ',a': /comma too many/,
      'rack in r1': /"rack in r1"/, 'rack in (r1': /"rack in \(r1"/, 'rack inn (r1)': /"rack inn/,
      'size>4': /"size>4" compares/, 'a=b=c': /"a=b=c"/, '=b': /"=b"/, '!': /"!"/, 'a b': /"a b"/,
      '-a=b': /"-a" is not a label/, 'a=b c': /"a=b c"/, 'a=-b': /"-b" is not a label value/,
      'A_.com/x=1': /"A_.com\/x" has no valid prefix/, '/x': /no valid prefix/, 'x/': /not a label/,
      [`a=${'b'.repeat(64)}`]: /63 characters/, 'a=(b)': /not a term/, '(a)': /not a term/,
    };
    for (const [text, why] of Object.entries(cases)) {
      const parsed = parseSelector(text);
      assert.ok('error' in parsed, text);
      assert.match(parsed.error, why, text);
    }
  });

  const word = fc.stringMatching(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,10}[A-Za-z0-9])?$/);
  const values = fc.array(word, { minLength: 1, maxLength: 4 });
  const term: fc.Arbitrary<SelectorTerm> = fc.oneof(
    fc.record({ kind: fc.constantFrom('in', 'not-in'), key: word, values }, { noNullPrototype: true }),
    fc.record({ kind: fc.constantFrom('exists', 'absent'), key: word }, { noNullPrototype: true }),
  );

  it('reads what it wrote', () => {
    fc.assert(fc.property(fc.array(term, { minLength: 1, maxLength: 5 }), (selector) => {
      assert.deepEqual(parseSelector(formatSelector(selector)), { value: selector });
    }));
  });

  it('is never thrown over, whatever the text', () => {
    const noise = fc.oneof(
      fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-c=!,() in]{0,40}$/));
    fc.assert(fc.property(noise, (text) => {
      const parsed = parseSelector(text);
      assert.ok('value' in parsed || parsed.error.includes('"'));
    }));
  });

  it('is read in time that does not explode with its length', () => {
    const started = performance.now();
    for (const text of [`${'a'.repeat(4000)}!`, `a in (${' '.repeat(4000)}`, `a${' '.repeat(4000)}=`, 'a,'.repeat(2000)]) {
      parseSelector(text);
    }
    assert.ok(performance.now() - started < 2000);
  });
});
