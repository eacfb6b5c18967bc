import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { closest, didYouMean, enumerate } from '../../../src/config/suggest.ts';

describe('did you mean', () => {
  const known = ['address', 'interface', 'protocol', 'priority', 'namespaceSelector'];

  it('finds a misspelt word', () => {
    for (const [typed, meant] of Object.entries({
      adress: 'address', interfcae: 'interface', Protocol: 'protocol', 'namespace-selector': 'namespaceSelector',
    })) assert.equal(closest(typed, known), meant, typed);
  });

  it('names what is known when nothing is near', () => {
    assert.equal(didYouMean('colour', ['a', 'b', 'c']), 'known are a, b and c');
    assert.equal(didYouMean('x', []), 'none is known here');
  });

  it('guesses no word for one much too long', () => {
    assert.equal(closest('address'.repeat(1000), known), null);
  });

  it('guesses only among what is known', () => {
    fc.assert(fc.property(fc.string(), (word) => {
      const guess = closest(word, known);
      assert.ok(guess === null || known.includes(guess));
    }));
  });

  it('joins words as people do', () => {
    assert.deepEqual([[], ['a'], ['a', 'b']].map(enumerate), ['', 'a', 'a and b']);
  });
});
