import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../../src/config/duration.ts';

const any = { least: 0, most: Number.MAX_SAFE_INTEGER };

describe('durations', () => {
  it('are read with their units', () => {
    const cases = {
      '300ms': 300, '5s': 5000, '2m': 120_000, '1m30s': 90_000, '1h1m1s1ms': 3_661_001, '90s': 90_000,
    };
    for (const [text, value] of Object.entries(cases)) {
      assert.deepEqual(parseDuration(text, any), { value }, text);
    }
  });

  it('are refused without a unit, and the error shows how to write one', () => {
    assert.deepEqual(parseDuration('5', any), { error: '"5" lacks a unit: write 5s or 5ms.' });
  });

  it('are refused where they are none', () => {
    for (const text of ['', 's', '5 s', '-5s', '1.5s', '5S', '30s1m', '5d', '1e3ms', 'never']) {
      const read = parseDuration(text, any);
      assert.ok('error' in read && read.error.startsWith(JSON.stringify(text)), text);
    }
  });

  it('are refused outside their bounds, which the error names', () => {
    const bounds = { least: 2000, most: 300_000 };
    assert.deepEqual(parseDuration('1s', bounds), { error: '"1s" is out of bounds: write 2s to 5m.' });
    assert.ok('error' in parseDuration('301s', bounds));
    assert.deepEqual(parseDuration('5m', bounds), { value: 300_000 });
  });

  it('take a bare 0 where 0 has a meaning, and not elsewhere', () => {
    assert.deepEqual(parseDuration('0', { least: 1000, most: 2000, zero: 'never' }), { value: 0 });
    assert.deepEqual(parseDuration('0s', { least: 1000, most: 2000, zero: 'never' }), { value: 0 });
    assert.ok('error' in parseDuration('0', { least: 1000, most: 2000 }));
  });

  it('read what they wrote', () => {
    fc.assert(fc.property(fc.nat({ max: 3_000_000_000 }), (ms) => {
      assert.deepEqual(parseDuration(formatDuration(ms), any), { value: ms });
    }));
  });

  it('are never thrown over, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      const read = parseDuration(text, { least: 0, most: 1000 });
      assert.ok('error' in read ? read.error.length < 400 : read.value <= 1000);
    }));
  });
});
