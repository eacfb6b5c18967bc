import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readFile } from '../../../src/config/read-file.ts';

describe('a file that someone named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-test-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, bytes: string | Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  it('is read as text', () => {
    assert.deepEqual(readFile(file('a', 'grüß\n')), { kind: 'text', text: 'grüß\n' });
  });

  it('may be missing', () => {
    assert.deepEqual(readFile(join(folder, 'none')), { kind: 'missing' });
    assert.deepEqual(readFile(join(file('b', ''), 'below')), { kind: 'missing' });
  });

  it('is refused where it is a directory, no text, or huge', () => {
    assert.deepEqual(readFile(folder), { kind: 'unreadable', why: 'is a directory: name a file.' });
    assert.deepEqual(readFile(file('c', Uint8Array.of(0xff, 0xfe))), { kind: 'unreadable', why: 'is not text in UTF-8.' });
    const huge = file('d', '');
    truncateSync(huge, 20_000_000);
    assert.deepEqual(readFile(huge), { kind: 'unreadable', why: 'is larger than 16 MiB.' });
    assert.equal(readFile('a\0b').kind, 'unreadable');
  });
});
