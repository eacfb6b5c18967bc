import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { options } from '../../../src/config/options.ts';
import { renderOptionsDoc } from '../../../src/config/options-doc.ts';

describe('docs/options.md', () => {
  it('is what the table of options says; else run src/config/generate-docs.ts', () => {
    const file = new URL('../../../docs/options.md', import.meta.url);
    assert.equal(readFileSync(file, 'utf8'), renderOptionsDoc());
  });

  it('has every option', () => {
    const text = renderOptionsDoc();
    for (const { path, variable } of Object.values(options)) {
      assert.ok(text.includes(`### \`${path}\``) && text.includes(`\`${variable}\``), path);
    }
  });
});
