import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EipLeaseValue, Finding, TenureId } from '../../../../src/core/model.ts';
import { readObject, writeObject } from '../../../../src/store/kubernetes/lease-object.ts';
import type { LeaseBody, LeaseObject } from '../../../../src/store/kubernetes/lease-object.ts';
import { writeDrain, writeEip, writeMove } from '../../../../src/store/kubernetes/eip-object.ts';
import { Ledger } from '../../../../src/store/kubernetes/ledger.ts';
import type { Action } from '../../../../src/store/kubernetes/ledger.ts';
import { writeEndedNode, writeLiveNode } from '../../../../src/store/kubernetes/node-object.ts';
import { unknownRecord } from '../../../../src/store/node-record.ts';

const eip = '192.0.2.1';
const a: TenureId = { node: 'a', incarnation: 7 };
const b: TenureId = { node: 'b', incarnation: 3 };
const ttlMs = 5000;
const longestTtlMs = 300_000;

interface Annotated {
  readonly metadata: { readonly annotations: Record<string, string> };
}

interface Held {
  readonly spec: { holderIdentity: string };
}

function object(
  body: LeaseBody, revision: number, edit: (json: never) => void = () => undefined,
): LeaseObject {
  const json = writeObject(body, 'x') as { metadata: object };
  Object.assign(json.metadata, { resourceVersion: String(revision) });
  edit(json as never);
  return readObject(JSON.parse(JSON.stringify(json)));
}

function live(id: TenureId, revision: number, recordRevision: number | null = null): LeaseObject {
  return object(writeLiveNode({
    id, record: unknownRecord, recordRevision, ttlMs, openedAt: 1, renewedAt: revision,
  }), revision);
}

function ended(id: TenureId, revision: number): LeaseObject {
  return object(writeEndedNode(id, 'closed', 0), revision);
}

function value(holder: TenureId | null, term: number): EipLeaseValue {
  return { eip, holder, term, since: 5, reason: 'claimed', heirs: [], former: [], moves: [] };
}

function held(holder: TenureId | null, term: number, revision: number): LeaseObject {
  return object(writeEip(value(holder, term)), revision);
}

function ledgerOf(findings: Finding[] = []): Ledger {
  return new Ledger({
    longestTtlMs, collectMs: 3_600_000, random: () => 0.5,
    report: (finding) => findings.push(finding),
  });
}

function set(ledger: Ledger, one: LeaseObject, now: number): void {
  ledger.apply([{ kind: 'set', object: one }], now);
}

function deleted(ledger: Ledger, name: string, revision: number, now: number): void {
  ledger.apply([{ kind: 'deleted', name, revision }], now);
}

function kinds(actions: readonly Action[]): string[] {
  return actions.map(({ kind }) => kind);
}

describe('a node lease in the ledger', () => {
  it('ends a TTL after this agent saw it change last, by its own clock alone', () => {
    const ledger = ledgerOf();
    ledger.replace([live(a, 10)], 10, 1000);
    set(ledger, live(a, 12, 10), 4000);
    assert.equal(ledger.due(4000 + ttlMs - 1).actions.length, 0);
    const { actions } = ledger.due(4000 + ttlMs + 500);
    assert.deepEqual(actions, [{ kind: 'end-node', id: a, revision: 12, confirm: true }]);
    assert.equal(ledger.nodes.isEnded(a), false, 'not before the store says so');
  });

  it('is waited for anew when the agent was blind in between', () => {
    const ledger = ledgerOf();
    ledger.replace([live(a, 10)], 10, 1000);
    ledger.nodes.restart(5000);
    assert.equal(ledger.due(1000 + ttlMs + 500).actions.length, 0);
    assert.equal(ledger.due(5000 + ttlMs + 500).actions.length, 1);
  });

  it('renewed is no change of the view', () => {
    const ledger = ledgerOf();
    ledger.replace([live(a, 10)], 10, 0);
    ledger.takeSnapshot(0);
    set(ledger, live(a, 12, 10), 100);
    assert.equal(ledger.takeChange(100), null);
    set(ledger, live(a, 14, 10), 700);
    assert.deepEqual(ledger.takeChange(700), {
      revision: 14, reset: false, nodes: [], leases: [], drains: [], moves: [],
    });
  });

  it('that has ended never lives again, whatever its object says later', () => {
    const ledger = ledgerOf();
    ledger.replace([ended(a, 10)], 10, 0);
    assert.ok(ledger.nodes.isEnded(a));
    set(ledger, live(a, 12), 100);
    assert.equal(ledger.nodes.live('a'), null);
    assert.deepEqual(ledger.due(100).actions, [
      { kind: 'end-node', id: a, revision: 12, confirm: false },
    ]);
    deleted(ledger, 'node-a', 13, 200);
    assert.ok(ledger.nodes.isEnded(a));
    const next = { node: 'a', incarnation: 14 };
    set(ledger, live(next, 15), 300);
    assert.deepEqual(ledger.nodes.live('a')?.id, next);
  });

  it('that is replaced has ended', () => {
    const ledger = ledgerOf();
    ledger.replace([live(a, 10)], 10, 0);
    const next = { node: 'a', incarnation: 10 };
    set(ledger, live(next, 11), 0);
    assert.ok(ledger.nodes.isEnded(a));
    assert.equal(ledger.nodes.isEnded(next), false);
  });

  it('that was deleted stays live until its time is over, and is then ended in the store', () => {
    const findings: Finding[] = [];
    const ledger = ledgerOf(findings);
    ledger.replace([live(a, 10)], 10, 0);
    deleted(ledger, 'node-a', 11, 1000);
    assert.deepEqual(ledger.nodes.live('a')?.id, a);
    assert.deepEqual(findings.map(({ code, subject }) => [code, subject]), [['lease-deleted', 'a']]);
    assert.deepEqual(ledger.due(ttlMs + 500).actions, [
      { kind: 'end-node', id: a, revision: null, confirm: true },
    ]);
  });

  it('of our own is put right at once', () => {
    const ledger = ledgerOf();
    ledger.nodes.self = a;
    ledger.replace([live(a, 10)], 10, 0);
    deleted(ledger, 'node-a', 11, 0);
    assert.deepEqual(ledger.due(0).actions, [{ kind: 'restore-self', id: a }]);
    set(ledger, live(a, 12, 10), 0);
    assert.deepEqual(ledger.due(0).actions, []);
  });

  it('that is missing counts as live for the longest time if an address is held by it', () => {
    const ledger = ledgerOf();
    ledger.replace([held(a, 1, 9)], 10, 0);
    assert.deepEqual(ledger.nodes.live('a')?.id, a);
    assert.deepEqual(ledger.view().nodes.get('a')?.record, unknownRecord);
    assert.equal(ledger.due(longestTtlMs - 1).actions.length, 0);
    assert.deepEqual(ledger.due(longestTtlMs + 500).actions, [
      { kind: 'end-node', id: a, revision: null, confirm: true },
    ]);
  });

  it('that is missing is known again when its node writes it anew', () => {
    const ledger = ledgerOf();
    ledger.replace([held(a, 1, 9)], 10, 0);
    set(ledger, live(a, 11, 5), 0);
    assert.equal(ledger.nodes.live('a')?.revision, 5);
    assert.equal(ledger.due(ttlMs + 500).actions.length, 1);
  });

  it('changed by hand says nothing: what was known stays', () => {
    const findings: Finding[] = [];
    const ledger = ledgerOf(findings);
    ledger.replace([live(a, 10)], 10, 0);
    const forged = object(writeEndedNode(a, 'x', 0), 11, (json: Annotated) => {
      json.metadata.annotations['tenure.io/seal'] = 'forged';
    });
    set(ledger, forged, 100);
    assert.equal(ledger.nodes.isEnded(a), false);
    assert.deepEqual(kinds(ledger.due(ttlMs + 500).actions), ['end-node']);
    assert.equal(findings[0]?.code, 'lease-edited');
  });

  it('that ended is removed once no address names it, after a while', () => {
    const ledger = ledgerOf();
    ledger.replace([ended(a, 8), held(a, 1, 9)], 10, 0);
    assert.deepEqual(ledger.due(3_600_000).actions, []);
    set(ledger, held(b, 2, 11), 3_600_000);
    assert.deepEqual(ledger.due(8_000_000).actions.filter(({ kind }) => kind === 'collect-node'), [
      { kind: 'collect-node', node: 'a', revision: 8 },
    ]);
  });
});

describe('the lease of an address in the ledger', () => {
  it('that was deleted stays in force, and is written again: by its holder at once', () => {
    for (const [self, due] of [[a, 0], [b, 600]] as const) {
      const ledger = ledgerOf();
      ledger.nodes.self = self;
      ledger.replace([live(a, 7), live(b, 8), held(a, 4, 9)], 10, 0);
      ledger.takeSnapshot(0);
      deleted(ledger, 'eip-192.0.2.1', 11, 0);
      assert.equal(ledger.takeChange(0), null);
      assert.deepEqual(ledger.view().leases.get(eip)?.holder, a);
      assert.deepEqual(ledger.due(due - 1).actions, []);
      assert.deepEqual(ledger.due(due).actions, [
        { kind: 'restore-eip', eip, revision: null, lease: { ...value(a, 4), revision: 9 } },
      ]);
      set(ledger, held(a, 4, 12), 700);
      assert.deepEqual(ledger.takeChange(700)?.leases.map(({ lease }) => lease?.revision), [12]);
      assert.deepEqual(ledger.due(700).actions, []);
    }
  });

  it('that nobody holds may be deleted', () => {
    const ledger = ledgerOf();
    ledger.replace([held(null, 4, 9)], 10, 0);
    ledger.takeSnapshot(0);
    deleted(ledger, 'eip-192.0.2.1', 11, 0);
    assert.deepEqual(ledger.takeChange(0)?.leases, [{ eip, lease: null }]);
    assert.deepEqual(ledger.due(1e9).actions, []);
  });

  it('whose term went back is put right, as is one missing from a new list', () => {
    const ledger = ledgerOf();
    ledger.replace([live(a, 7), held(a, 4, 9)], 10, 0);
    set(ledger, held(b, 3, 11), 0);
    assert.equal(ledger.eips.lease(eip)?.term, 4);
    assert.deepEqual(kinds(ledger.due(1000).actions), ['restore-eip']);
    ledger.replace([live(a, 7)], 20, 2000);
    assert.equal(ledger.eips.lease(eip)?.term, 4);
    const restored = ledger.due(4000).actions.filter(({ kind }) => kind === 'restore-eip');
    assert.deepEqual(restored.map((action) => 'revision' in action && action.revision), [null]);
  });

  it('that was unreadable from the first is nobody\'s, after the longest time', () => {
    const ledger = ledgerOf();
    const broken = object(writeEip(value(a, 4)), 9, (json: Held) => {
      json.spec.holderIdentity = 'c/9';
    });
    ledger.replace([broken], 10, 0);
    assert.equal(ledger.view().leases.size, 0);
    assert.deepEqual(ledger.due(longestTtlMs - 1).actions, []);
    const [action] = ledger.due(longestTtlMs + 1).actions;
    assert.ok(action?.kind === 'restore-eip');
    assert.deepEqual([action.revision, action.lease.holder, action.lease.term], [9, null, 5]);
  });

  it('of another version of Tenure is refused by name', () => {
    const body = writeEip(value(a, 4));
    const later = { ...body, annotations: { ...body.annotations } };
    const ledger = ledgerOf();
    // Sealed as that version would have.
    const sealed = object(later, 9);
    const one = { ...sealed, annotations: { ...sealed.annotations, schema: '2' } };
    assert.throws(() => ledger.replace([one], 10, 0), {
      code: 'schema', message: /eip-192\.0\.2\.1.*tenure\.io\/schema is "2", not 1/, fix: /later version/,
    });
  });
});

describe('the ledger', () => {
  it('forgets all it knew when the store went back', () => {
    const ledger = ledgerOf();
    ledger.replace([live(a, 10), held(a, 4, 12)], 20, 0);
    ledger.replace([ended(a, 3)], 5, 0);
    assert.deepEqual(ledger.snapshot(), {
      revision: 5, reset: true, nodes: [], leases: [], drains: [], moves: [],
    });
  });

  it('tells of drains and moves, and forgets a move after a minute', () => {
    const ledger = ledgerOf();
    ledger.replace([], 1, 0);
    ledger.takeSnapshot(0);
    set(ledger, object(writeDrain('a', 0), 2), 0);
    set(ledger, object(writeMove({ eip, to: 'b', at: 77 }), 3), 0);
    assert.deepEqual(ledger.takeChange(0), {
      revision: 3, reset: false, nodes: [], leases: [],
      drains: [{ node: 'a', drained: true }], moves: [{ eip, move: { eip, to: 'b', at: 77 } }],
    });
    assert.deepEqual(ledger.due(59_999).actions, []);
    assert.deepEqual(ledger.due(60_000).actions, [{ kind: 'forget-move', eip, revision: 3 }]);
    deleted(ledger, 'drain-a', 4, 0);
    assert.deepEqual(ledger.takeChange(0)?.drains, [{ node: 'a', drained: false }]);
  });
});
