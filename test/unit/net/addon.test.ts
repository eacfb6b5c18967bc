import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { complete, loadAddon, type Addon } from '../../../src/net/addon.ts';

describe('the native part', () => {
  it('has all that it is used for', () => {
    assert.equal(complete(loadAddon()), loadAddon());
  });

  it('is refused where it was built from older sources', () => {
    const older = new Map(Object.entries(loadAddon()));
    older.delete('startCanary');
    assert.throws(() => complete(Object.fromEntries(older) as unknown as Addon),
      /built for another version of Tenure, and has no startCanary$/);
  });
});
