import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import pino from 'pino';
import { ProfileWatch } from '../../../src/agent/profile-watch.ts';
import type { Fit } from '../../../src/liveness/timing/fit.ts';

const fit = (own: Partial<Fit>): Fit => ({
  supportMs: 15, intervalMs: 3, verdict: 'fits', perDay: 0.01, fitMs: 15, cause: 'host', ...own,
});

const minute = 60_000;

function start(): { readonly watch: ProfileWatch; readonly pass: (ms: number) => void } {
  let now = 0;
  const watch = new ProfileWatch(pino({ level: 'silent' }), () => now);
  return { watch, pass: (ms) => { now += ms; } };
}

describe('what a node says of its time of support', () => {
  it('is said once it was the same three times, and not again for a little more', () => {
    const { watch, pass } = start();
    const tight = fit({ verdict: 'tight', perDay: 34.567, fitMs: 50 });
    const looks = [watch.look(null), watch.look(tight), watch.look(tight)];
    assert.deepEqual(looks, [false, false, false]);
    assert.equal(watch.look(tight), true);
    assert.equal(watch.said?.perDay, 35);
    pass(31 * minute);
    assert.equal(watch.look({ ...tight, perDay: 60 }), false);
    assert.equal(watch.look({ ...tight, perDay: 600 }), true);
    assert.equal(watch.look({ ...tight, perDay: 6000 }), false, 'not a moment later');
  });

  it('is taken back when it fits again, and has stood for half an hour', () => {
    const { watch, pass } = start();
    const slow = fit({ verdict: 'slow', supportMs: 3000, fitMs: 300 });
    for (let i = 0; i < 3; i++) watch.look(slow);
    assert.equal(watch.said?.verdict, 'slow');
    const fits = fit({ supportMs: 3000, fitMs: 3000 });
    assert.deepEqual([0, 1, 2].map(() => watch.look(fits)), [false, false, false]);
    pass(31 * minute);
    assert.equal(watch.look(fits), true);
    assert.equal(watch.said, null);
  });

  it('is said at once when it has become too tight', () => {
    const { watch } = start();
    for (let i = 0; i < 3; i++) watch.look(fit({ verdict: 'slow', fitMs: 1 }));
    const tight = fit({ verdict: 'tight', perDay: 100, fitMs: 50 });
    assert.deepEqual([0, 1, 2].map(() => watch.look(tight)), [false, false, true]);
    assert.equal(watch.said?.verdict, 'tight');
  });
});
