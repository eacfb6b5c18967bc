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
  return new Self(loaded.config, { place: 'n1', machine: undefined, version: '0', fenceReason: null });
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

  it('tells who does not answer its heartbeats, until they do or it asks anew', () => {
    const node = self();
    assert.equal(node.noteFact({ kind: 'mute', voters: ['n2', 'n3'] }), true);
    assert.match(node.facts.findings[0]?.text ?? '', /^n2 and n3 do not answer the heartbeats of n1, though their leases are live/);
    assert.equal(node.noteFact({ kind: 'mute', voters: ['n3'] }), true);
    assert.equal(node.facts.findings.length, 1);
    assert.match(node.facts.findings[0]?.text ?? '', /^n3 does not answer the heartbeats of n1, though its lease is live/);
    const ended = { kind: 'tenure-ended', tenure: { node: 'n1', incarnation: 1 }, why: 'expired' } as const;
    assert.equal(node.noteFact(ended), true);
    assert.deepEqual(node.facts.findings, []);
    assert.equal(node.noteFact(ended), false, 'there was nothing to take back');
  });

  it('says how slow the store is when that has become another matter, or along with other news', () => {
    const node = self();
    const said = (ms: number): number | null => {
      node.noteLatency(ms);
      return node.facts.storeLatencyMs;
    };
    assert.deepEqual([2, 7, 40, 55, 90].map(said), [2, 2, 40, 40, 40]);
    assert.equal(said(120), 120);
    assert.equal(said(3), 3);
    assert.equal(said(9), 3);
    node.takeLatency();
    assert.equal(node.facts.storeLatencyMs, 9);
  });
});
