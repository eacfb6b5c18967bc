import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Reporter } from '../../../src/agent/reporter.ts';
import type { News } from '../../../src/agent/wire/messages.ts';
import { createLogger } from '../../../src/observe/logging.ts';
import { createMetrics } from '../../../src/observe/metrics.ts';

function setUp() {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ level: 'info', format: 'json' }, {
    write: (text) => { lines.push(JSON.parse(text) as Record<string, unknown>); },
    isTerminal: false, colours: false,
  });
  const metrics = createMetrics(() => { throw new Error('nothing is read here'); });
  const reporter = new Reporter({ log, metrics, now: () => 0 });
  const say = (...all: readonly News[]) => {
    reporter.news(all);
    return lines.splice(0).map(({ level: _, time: __, ...line }) => line);
  };
  return say;
}

function took(eip: string, term: number, from: string | null = 'n1'): News {
  return { kind: 'fact', at: 0, fact: { kind: 'took', eip, term, reason: 'drain', from } };
}

describe('the log of moves', () => {
  it('has a line for each of a few addresses', () => {
    const say = setUp();
    assert.deepEqual(say(took('10.0.0.1', 2), took('10.0.0.2', 3, null)), [
      { eip: '10.0.0.1', term: 2, reason: 'drain', from: 'n1', msg: 'took the address' },
      { eip: '10.0.0.2', term: 3, reason: 'drain', from: null, msg: 'took the address' },
    ]);
  });

  it('has one for many that move at once, which names them all', () => {
    const say = setUp();
    const many = Array.from({ length: 9 }, (_, i) => took(`10.0.0.${String(i)}`, i + 1));
    const [line, another, ...others] = say(...many, took('10.0.1.1', 5, 'n2'));
    assert.deepEqual(others, []);
    assert.deepEqual([line?.count, line?.from, line?.msg], [9, 'n1', 'took addresses']);
    assert.deepEqual(line?.terms, Object.fromEntries(many.map((_, i) => [`10.0.0.${String(i)}`, i + 1])));
    assert.equal(another?.eip, '10.0.1.1');
  });

  it('keeps moves before the end of the tenure that they were of', () => {
    const say = setUp();
    const ended: News = {
      kind: 'fact', at: 0,
      fact: { kind: 'tenure-ended', tenure: { node: 'n2', incarnation: 4 }, why: 'closed' },
    };
    const said = say(took('10.0.0.1', 2), ended, took('10.0.0.1', 3)).map(({ msg }) => msg);
    assert.deepEqual(said, ['took the address', 'the tenure has ended', 'took the address']);
  });
});
