import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Self } from '../../../src/agent/self.ts';
import { loadConfig } from '../../../src/config/load.ts';

function self(): Self {
  const loaded = loadConfig({
    flags: {}, env: {}, hostName: 'n1',
    readFile: () => ({ kind: 'text', text: 'store: {etcd: {endpoints: ["http://10.0.0.5:2379"]}}' }),
  });
  assert.ok('config' in loaded);
  return new Self(loaded.config, { place: 'n1', version: '0', fenceReason: null });
}

describe('what a node says of itself', () => {
  it('tells that it waits with quorum mode, and for how long, until it is in quorum mode', () => {
    const node = self();
    assert.equal(node.noteFact({ kind: 'strained', losses: 3, ms: 2000 }), true);
    assert.match(node.facts.findings.map(({ text }) => text).join('\n'),
      /^n1 lost its tenure .* judged by its lease alone for 2 s/);
    assert.equal(node.noteFact({ kind: 'quorum', epoch: 0, voters: [] }), false);
    assert.equal(node.facts.findings.length, 1, 'it is in lease mode still');
    const voters = [{ node: 'n1', boot: 7 }];
    assert.equal(node.noteFact({ kind: 'quorum', epoch: 1, voters }), true);
    assert.deepEqual(node.facts.findings, []);
  });
});
