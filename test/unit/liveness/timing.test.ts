import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lateness } from '../../../src/liveness/timing/lateness.ts';
import { TimingMeter } from '../../../src/liveness/timing/meter.ts';
import type { Fit } from '../../../src/liveness/timing/fit.ts';

const voters = ['a', 'b', 'c'].map((node) => ({ node, boot: 1 }));

interface Beat {
  /** How late our own beat is, ms. */
  readonly own?: number;
  /** How late each other's heartbeat is on its way, ms; null: it is lost. */
  readonly b?: number | null;
  readonly c?: number | null;
  /** Everything on this host stops for so long, ms. */
  readonly all?: number;
}

/** Three nodes, as `a` sees them; `at` says what goes wrong with the n-th beat. */
function observe(
  timing: { readonly supportMs: number; readonly intervalMs: number }, beats: number,
  at: (n: number) => Beat, observeMs = 60_000,
): Fit | null {
  const meter = new TimingMeter({ ...timing, node: 'a', clockRateError: 0.01, observeMs });
  meter.judgedBy(voters);
  const events: { readonly at: number; readonly run: () => void }[] = [];
  let due = 1000;
  let others = 1000;
  const stops: [from: number, to: number][] = [];
  for (let n = 0; n < beats; n++) {
    const { own = 0, b = 0, c = 0, all = 0 } = at(n);
    // A little noise, as everywhere.
    const noise = 0.3 + 0.5 * ((n * 7919) % 97) / 97;
    const [dueAt, woken] = [due, due + noise + own + all];
    if (own + all > 0) stops.push([dueAt, woken]);
    events.push({ at: woken, run: () => { meter.woken(dueAt, woken); } });
    [b, c].forEach((late, i) => {
      if (late === null) return;
      const sent = others + (i + 1) * timing.intervalMs / 4 + all;
      let heard = sent + late + noise;
      // What comes while we are stopped is read when we wake.
      for (const [from, to] of stops) if (heard >= from && heard <= to) heard = to + 0.01;
      events.push({ at: heard, run: () => { meter.heard(i === 0 ? 'b' : 'c', 1, sent, heard, 0); } });
    });
    due = woken + timing.intervalMs;
    others += timing.intervalMs + noise + all;
  }
  for (const { run } of events.sort((one, other) => one.at - other.at)) run();
  return meter.readings().fit;
}

const fast = { supportMs: 15, intervalMs: 3 };
const lan = { supportMs: 300, intervalMs: 60 };
const wan = { supportMs: 3000, intervalMs: 500 };

describe('the meter of timing', () => {
  it('says nothing before it has observed for long enough', () => {
    assert.equal(observe(lan, 500, () => ({})), null);
    assert.ok(observe(lan, 1500, () => ({})) !== null, 'a minute and a half is enough');
  });

  it('finds that a profile fits where hardly anything is late', () => {
    const fit = observe(fast, 30_000, () => ({}))!;
    assert.equal(fit.verdict, 'fits');
    assert.ok(fit.perDay < 0.1, `${String(fit.perDay)} a day`);
  });

  it('finds wan needlessly slow on a quiet network, and says what would do', () => {
    const fit = observe(wan, 2000, () => ({}))!;
    assert.equal(fit.verdict, 'slow');
    assert.ok(fit.fitMs >= 15 && fit.fitMs <= 300, `${String(fit.fitMs)} ms`);
  });

  it('does not call wan slow where delays of a second are met', () => {
    const fit = observe(wan, 2000, (n) => (n % 400 === 200 ? { b: 900 } : {}))!;
    assert.equal(fit.verdict, 'fits');
  });

  it('finds a support too tight for a host whose timers are late, and says by how much', () => {
    const fit = observe(fast, 30_000, (n) => (n % 3000 === 1500 ? { own: 40 } : {}))!;
    assert.equal(fit.verdict, 'tight');
    assert.equal(fit.cause, 'host');
    assert.ok(fit.fitMs >= 50, `${String(fit.fitMs)} ms`);
    // Ten in 100 s.
    assert.ok(fit.perDay > 4000 && fit.perDay < 20_000, `${String(fit.perDay)} a day`);
  });

  it('takes the lateness of one voter of two for no danger, that of both for one', () => {
    const one = observe(lan, 3000, (n) => (n % 200 === 100 ? { b: 500 } : {}))!;
    assert.equal(one.verdict, 'fits');
    const both = observe(lan, 3000, (n) => (n % 200 === 100 ? { b: 500, c: 500 } : {}))!;
    assert.equal(both.verdict, 'tight');
    assert.equal(both.cause, 'network');
    assert.ok(both.fitMs >= 500, `${String(both.fitMs)} ms`);
  });

  it('takes a stop of the whole host, voters and all, for no danger', () => {
    const fit = observe(fast, 30_000, (n) => (n % 3000 === 1500 ? { all: 100 } : {}))!;
    assert.equal(fit.verdict, 'fits');
  });

  it('does not judge by a single delay, which may be chance', () => {
    const fit = observe(lan, 3000, (n) => (n === 1000 ? { b: 500, c: 500 } : {}))!;
    assert.equal(fit.verdict, 'fits');
  });

  it('takes a silence of ten seconds for a fault, and not for bad timing', () => {
    const fit = observe(lan, 3000, (n) => (n === 1000 ? { b: 11_000, c: 11_000 } : {}))!;
    assert.notEqual(fit.verdict, 'tight');
  });
});

describe('lateness', () => {
  it('is counted where it was met, and extrapolated by the tail beyond', () => {
    const pareto = new Lateness();
    // P(X > x) = (1 / x)^2 from 1 ms on.
    const count = 20_000;
    for (let i = 0; i < count; i++) pareto.add(((i + 0.5) / count) ** -0.5);
    const met = pareto.expectedAbove(10);
    assert.ok(met > 150 && met < 280, `${String(met)} met, of 200`);
    const beyond = pareto.expectedAbove(1000);
    assert.ok(beyond > 0.004 && beyond < 0.1, `${String(beyond)} expected, of 0.02`);
  });

  it('keeps quantiles within a bucket, and the longest', () => {
    const late = new Lateness();
    for (let i = 1; i <= 1000; i++) late.add(i / 10);
    assert.ok(Math.abs(late.quantile(0.99) - 99) < 12, String(late.quantile(0.99)));
    assert.equal(late.longest, 100);
    assert.equal(late.total, 1000);
  });

  it('fades until nothing is left', () => {
    const late = new Lateness();
    late.add(500);
    for (let i = 0; i < 6; i++) late.fade();
    assert.deepEqual([late.total, late.longest], [0, 0]);
  });
});
