import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProbeLog } from '../../../src/measure/probe-log.ts';

/** One packet a ms, answered 0.5 ms later by whom `holder` says; null: not at all. */
function played(from: number, to: number, holder: (at: number) => string | null): ProbeLog {
  const log = new ProbeLog(4096);
  for (let at = from; at < to; at += 1) {
    const number = log.send(at);
    const node = holder(at);
    if (node !== null) log.answer(number, at + 0.5, node);
  }
  return log;
}

describe('What a client saw', () => {
  it('is no silence at all while every packet is answered', () => {
    const report = played(0, 1000, () => 'n1').report(0, 1000, 5);
    assert.deepEqual(report.silences, []);
    assert.equal(report.lost, 0);
    assert.equal(report.sent, 1000);
    assert.deepEqual(report.answeredBy, { n1: 1000 });
    assert.equal(report.longestSilenceMs, 1);
  });

  it('is a gap from the last answer of one node to the first of the next', () => {
    const log = played(0, 1000, (at) => (at < 400 ? 'n1' : at < 430 ? null : 'n2'));
    const { silences, lost, longestSilenceMs, answeredBy } = log.report(0, 1000, 5);
    assert.deepEqual(silences, [
      { from: 399.5, to: 430.5, ms: 31, lost: 30, before: 'n1', after: 'n2', ownStallMs: 0 },
    ]);
    assert.equal(lost, 30);
    assert.equal(longestSilenceMs, 31);
    assert.deepEqual(answeredBy, { n1: 400, n2: 570 });
  });

  it('counts a silence that began before the time asked for from its beginning', () => {
    const log = played(0, 1000, (at) => (at < 400 || at >= 600 ? 'n1' : null));
    assert.equal(log.report(500, 1000, 5).silences[0]?.from, 399.5);
  });

  it('has a silence that has not ended', () => {
    const log = played(0, 1000, (at) => (at < 900 ? 'n1' : null));
    const [silence] = log.report(0, 1000, 5).silences;
    assert.deepEqual(silence, {
      from: 899.5, to: 1000, ms: 100.5, lost: 100, before: 'n1', after: null, ownStallMs: 0,
    });
  });

  it('is a silence from the beginning if nobody ever answers', () => {
    const report = played(0, 100, () => null).report(0, 100, 5);
    assert.deepEqual(report.silences, [
      { from: 0, to: 100, ms: 100, lost: 100, before: null, after: null, ownStallMs: 0 },
    ]);
    assert.equal(report.last, null);
  });

  it('tells of the time in which the client itself stood still', () => {
    const log = played(0, 100, () => 'n1');
    log.stall(99, 130);
    log.answer(log.send(130), 130.5, 'n1');
    const report = log.report(0, 140, 5);
    assert.equal(report.silences[0]?.ownStallMs, 30.5);
    assert.equal(report.longestOwnStallMs, 31);
  });

  it('counts a second answer to one packet as a duplicate', () => {
    const log = played(0, 10, () => 'n1');
    log.answer(5, 6, 'n2');
    const report = log.report(0, 10, 5);
    assert.equal(report.duplicates, 1);
    assert.deepEqual(report.answeredBy, { n1: 10 });
  });

  it('remembers the latest packets only', () => {
    const report = played(0, 10_000, () => 'n1').report(0, 10_000, 5);
    assert.equal(report.sent, 4096);
    assert.equal(report.lost, 0);
  });

  it('takes no notice of answers to packets that were never sent', () => {
    const log = played(0, 10, () => 'n1');
    log.answer(99, 5, 'n1');
    assert.equal(log.report(0, 10, 5).answered, 10);
  });
});
