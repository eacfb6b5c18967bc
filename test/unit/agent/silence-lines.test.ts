import assert from 'node:assert/strict';
import { beforeEach, describe, it, mock, afterEach } from 'node:test';
import { SilenceLines } from '../../../src/agent/silence-lines.ts';

describe('the log of lapses', () => {
  let lines: SilenceLines;
  let said: string[];
  let now: number;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    said = [];
    now = 0;
    const write = (fields: unknown, text: string): void => {
      said.push(`${text.replace(/.*: /, '')} ${JSON.stringify(fields)}`);
    };
    lines = new SilenceLines({ error: write, warn: write } as never);
  });
  afterEach(() => { mock.timers.reset(); });

  const pass = (ms: number): void => {
    now += ms;
    mock.timers.tick(ms);
  };
  const lapse = (ms: number): void => {
    lines.silenced(3, 'support', now);
    pass(ms);
    lines.resumed(3, now);
  };
  const taken = (): string[] => said.splice(0);

  it('says one as it begins, and when it is over', () => {
    lines.silenced(3, 'lease', now);
    assert.deepEqual(taken(), ['all addresses are silent here {"eips":3}']);
    pass(40);
    lines.resumed(3, now);
    assert.deepEqual(taken(), ['addresses are announced again {"eips":3,"ms":40}']);
  });

  it('says many short ones together, every ten seconds, until there are none', () => {
    lapse(5);
    taken();
    for (let i = 0; i < 9; i += 1) {
      pass(1000);
      lapse(7);
    }
    assert.deepEqual(taken(), []);
    pass(2000);
    assert.deepEqual(taken(), ['all addresses were silent here more times, for a moment each {"times":9,"ms":63}']);
    pass(500);
    lapse(5);
    assert.deepEqual(taken(), []);
    pass(10_000);
    assert.match(taken().join(), /"times":1/);
    pass(30_000);
    assert.deepEqual(taken(), []);
    lapse(5);
    assert.equal(taken().length, 2, 'after a calm the next is said at once');
  });

  it('says a long one while it lasts, whatever came before', () => {
    lapse(5);
    taken();
    pass(500);
    lines.silenced(3, 'lease', now);
    pass(999);
    assert.deepEqual(taken(), []);
    pass(1);
    assert.deepEqual(taken(), ['all addresses are silent here {"eips":3}']);
    pass(3000);
    lines.resumed(3, now);
    assert.deepEqual(taken(), ['addresses are announced again {"eips":3,"ms":4000}']);
  });

  it('says nothing of a lapse that ended with its tenure', () => {
    lapse(5);
    taken();
    lines.silenced(3, 'support', now);
    pass(20);
    lines.ended(now);
    pass(5000);
    assert.deepEqual(taken(), []);
  });
});
