import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GapEvent, MoveEvent, ProbeSummary } from '../../../src/measure/events.ts';
import { htmlReport } from '../../../src/measure/report/html.ts';
import type { Recording } from '../../../src/measure/report/recorder.ts';
import { ticks } from '../../../src/measure/report/svg.ts';

const [a, b] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b'];
const probe: ProbeSummary = {
  probe: 'icmp', rate: 1000, timestamps: 'kernel', sent: 3000, answered: 2970, lost: 30,
  duplicates: 0, gaps: 1, longestGapMs: 31.5, roundTripMs: { p50: 0.1, p99: 0.3 },
  answeredBy: { [a]: 1000, [b]: 1970 }, refusals: {},
};
const move: MoveEvent = {
  event: 'move', at: 1000, from: a, to: b, by: 'claim', pauseMs: null, late: { claims: 2, ms: 40 },
  open: false, gaps: [{ probe: 'icmp', from: 970, to: 1001.5, ms: 31.5, lost: 30, ownStallMs: 0 }],
};
const gap: GapEvent = {
  event: 'gap', probe: 'icmp', from: 970, to: 1001.5, ms: 31.5, lost: 30, before: a, after: b,
  ownStallMs: 0,
};
const recording: Recording = {
  start: {
    event: 'start', at: 0, address: '192.0.2.1', interface: 'e<th>&0', watchesClaims: true, notes: [],
    probes: [],
  },
  summary: {
    event: 'summary', at: 3000, address: '192.0.2.1', durationMs: 3000, holder: b, moves: 1,
    lateClaims: 2, claims: { [a]: 2, [b]: 4 }, missed: 0, longestOwnStallMs: 0, probes: [probe],
  },
  moves: [move], gaps: [gap], left: 0,
  claims: [{ at: 1000, mac: b }, { at: 1040, mac: a }],
  closeUps: [{
    move, from: 940, to: 1060, claims: [{ at: 1000, mac: b }, { at: 1040, mac: a }],
    probes: [{
      probe: 'icmp', answers: [{ at: 970, mac: a }, { at: 1001.5, mac: b }], lost: [{ at: 980, mac: null }],
    }],
  }],
};

describe('A report', () => {
  it('shows the move, its gap and the claims by two, as drawings and as numbers', () => {
    const html = htmlReport(recording);
    assert.equal(html.match(/<svg /g)?.length, 2);
    assert.match(html, /31\.5 ms/);
    assert.match(html, /2 claims in 40 ms/);
    assert.doesNotMatch(html, /NaN|undefined|Infinity/);
  });

  it('shows names as they are, whatever characters they have', () => {
    const html = htmlReport(recording);
    assert.match(html, /e&lt;th&gt;&amp;0/);
    assert.doesNotMatch(html, /e<th>/);
  });

  it('encloses its close-ups as a Vega-Lite specification with the data', () => {
    const [, text = ''] = /href="data:application\/json;base64,([^"]+)"/.exec(htmlReport(recording)) ?? [];
    const spec = JSON.parse(Buffer.from(text, 'base64').toString()) as {
      readonly $schema: string; readonly data: { readonly values: readonly unknown[] };
    };
    assert.match(spec.$schema, /vega-lite/);
    assert.equal(spec.data.values.length, 5);
  });

  it('has round numbers on its axes', () => {
    assert.deepEqual(ticks(-0.3, 1.05, 5), [0, 0.5, 1]);
    assert.deepEqual(ticks(0, 0, 5), [0]);
  });
});
