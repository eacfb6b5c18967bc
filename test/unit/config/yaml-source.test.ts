import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { readYaml, toPlain } from '../../../src/config/yaml-source.ts';

describe('YAML with lines', () => {
  it('gives each document with its line and its own text', () => {
    const text = '# first\na: 1\n---\n\n# second\nb: 2 # two\n...\n---\n# none\n';
    const { documents, faults } = readYaml(text);
    assert.deepEqual(faults, []);
    assert.deepEqual(documents.map((one) => [one.line, one.text, toPlain(one.root)]), [
      [2, '# first\na: 1\n', { a: 1 }],
      [6, '\n# second\nb: 2 # two\n', { b: 2 }],
    ]);
  });

  it('reads JSON, with tabs too', () => {
    const [document] = readYaml('{\n\t"a": [1, true, null, "x"]\n}').documents;
    assert.deepEqual(toPlain(document!.root), { a: [1, true, null, 'x'] });
  });

  it('keeps numbers as they were written', () => {
    const [document] = readYaml('a: 007').documents;
    const { root } = document!;
    const value = root.kind === 'map' ? root.entries[0]?.value : undefined;
    assert.equal(value?.kind === 'scalar' ? value.text : null, '007');
  });

  it('resolves aliases', () => {
    const [document] = readYaml('a: &x [1]\nb: *x').documents;
    assert.deepEqual(toPlain(document!.root), { a: [1], b: [1] });
  });

  it('refuses aliases that explode, soon', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i += 1) {
      lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`);
    }
    const started = performance.now();
    const { faults } = readYaml(lines.join('\n'));
    assert.match(faults[0]?.text ?? '', /aliases that stand for too many values/);
    assert.ok(performance.now() - started < 5000);
  });

  it('refuses an alias of itself', () => {
    assert.ok(readYaml('&a [*a]').faults.length > 0);
  });

  it('refuses what is nested too deeply', () => {
    assert.match(readYaml(`${'['.repeat(40)}${']'.repeat(40)}`).faults[0]?.text ?? '', /nested/);
    assert.ok(readYaml('['.repeat(100_000)).faults.length > 0);
    assert.ok(readYaml('- '.repeat(20_000)).faults.length > 0);
  });

  it('refuses a key twice, a tag, and YAML 1.1, each with its line', () => {
    assert.deepEqual(readYaml('a: 1\na: 2').faults, [{ line: 2, text: 'is a key that this map has already.' }]);
    assert.match(readYaml('a: 1\nb: !x 2').faults[0]?.text ?? '', /tag/);
    assert.match(readYaml('%YAML 1.1\n---\na: no').faults[0]?.text ?? '', /YAML 1\.1/);
  });

  it('quotes nothing of a file that it cannot read: there may be secrets in it', () => {
    for (const text of ['password: "hunter2" hunter3', 'password: hunter2: hunter3', 'a: [hunter2', 'x: {hunter2: *hunter2}', '"hunter2']) {
      const { faults } = readYaml(text);
      assert.ok(faults.length > 0, text);
      assert.doesNotMatch(JSON.stringify(faults), /hunter/, text);
    }
  });

  it('quotes nothing of a secret, however it breaks the file', () => {
    const around = fc.stringMatching(/^[-a:[\]{}&*!|>'"%#@`\\\n\t ,?]{0,8}$/);
    fc.assert(fc.property(around, around, around, (before, after, key) => {
      const { faults } = readYaml(`${key}password: ${before}hunter2${after}`);
      assert.doesNotMatch(JSON.stringify(faults), /hunter/);
    }), { numRuns: 3000 });
  });

  it('makes no prototype of a key', () => {
    const [document] = readYaml('__proto__: {x: 1}').documents;
    const plain = toPlain(document!.root) as Record<string, unknown>;
    assert.equal(Object.getPrototypeOf(plain), Object.prototype);
    assert.deepEqual(Object.keys(plain), ['__proto__']);
  });

  it('reads the values that JSON has', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const { documents, faults } = readYaml(JSON.stringify(value));
      assert.deepEqual(faults, []);
      const [document] = documents;
      if (document !== undefined) {
        const wanted: unknown = parse(JSON.stringify(value));
        assert.equal(JSON.stringify(toPlain(document.root)), JSON.stringify(wanted));
      }
    }));
  });

  it('never throws', () => {
    const noise = fc.oneof(
      fc.string({ unit: 'binary' }), fc.stringMatching(/^[-a:[\]{}&*!|>'"%#\n ,?]{0,60}$/));
    fc.assert(fc.property(noise, (text) => {
      for (const { line } of readYaml(text).faults) assert.ok(line >= 1);
    }), { numRuns: 1000 });
  });
});
