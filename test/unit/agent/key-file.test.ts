import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyFile } from '../../../src/agent/key-file.ts';

const one = 'a'.repeat(32);
const two = 'b'.repeat(32);

describe('the keys of heartbeats', () => {
  it('are taken up as the file changes, and kept while it is no good', () => {
    let text: string | null = `${one}\n`;
    const taken: (readonly string[])[] = [];
    const troubles: (string | null)[] = [];
    const file = new KeyFile({
      path: '/key', onKeys: (keys) => { taken.push(keys); },
      onTrouble: (trouble) => { troubles.push(trouble); },
    }, { readFile: () => (text === null ? { kind: 'missing' } : { kind: 'text', text }) });
    file.look();
    file.look();
    text = `${one}\n${two}\n`;
    file.look();
    text = null;
    file.look();
    file.look();
    assert.deepEqual(file.keys, [one, two]);
    text = two;
    file.look();
    assert.deepEqual(taken, [[one], [one, two], [two]]);
    assert.deepEqual(troubles.map((trouble) => trouble === null), [false, true]);
  });
});
