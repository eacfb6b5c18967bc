import assert from 'node:assert/strict';
import { it } from 'node:test';
import { rehearse } from '../../../src/agent/wire/rehearsal.ts';

it('a rehearsal moves all of its addresses to either node, as a drain would', () => {
  const ends = rehearse().map((held) => held.join(' and '));
  assert.deepEqual(ends, ['256 and 0', '0 and 256', '256 and 0']);
});
