import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import pino from 'pino';
import { ProfileWatch } from '../../../src/agent/profile-watch.ts';
import type { Fit } from '../../../src/liveness/timing/fit.ts';

const fit = (own: Partial<Fit>): Fit => ({
  supportMs: 15, intervalMs: 3, verdict: 'fits', perDay: 0.01, fitMs: 15, cause: 'host', ...own,
});

describe('what a node says of its time of support', () => {
  it('is said once it was the same three times, and not again for a little more', () => {
    const watch = new ProfileWatch(pino({ level: 'silent' }));
    const tight = fit({ verdict: 'tight', perDay: 34.567, fitMs: 50 });
    const looks = [watch.look(null), watch.look(tight), watch.look(tight)];
    assert.deepEqual(looks, [false, false, false]);
    assert.equal(watch.look(tight), true);
    assert.equal(watch.said?.perDay, 35);
    assert.equal(watch.look({ ...tight, perDay: 60 }), false);
    assert.equal(watch.look({ ...tight, perDay: 600 }), true);
  });

  it('is taken back when it fits again', () => {
    const watch = new ProfileWatch(pino({ level: 'silent' }));
    const slow = fit({ verdict: 'slow', supportMs: 3000, fitMs: 300 });
    for (let i = 0; i < 3; i++) watch.look(slow);
    assert.equal(watch.said?.verdict, 'slow');
    const looks = [0, 1, 2].map(() => watch.look(fit({ supportMs: 3000, fitMs: 3000 })));
    assert.deepEqual(looks, [false, false, true]);
    assert.equal(watch.said, null);
  });
});
