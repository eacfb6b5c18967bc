/** Whom leases name, what that makes of priorities, and where a node lets a lease go. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { LeaseLines } from '../../../src/agent/vip/lease-lines.ts';
import { Referee, type RefereeInput } from '../../../src/agent/vip/referee.ts';
import { parseEipDocuments } from '../../../src/config/eip-document.ts';
import type { EipLease, NodeLease, ViewChange } from '../../../src/core/model.ts';
import type { InstancePlan } from '../../../src/keepalived/render/plan.ts';
import {
  levelOf, refereedPriorityOf, type LeaseLine,
} from '../../../src/keepalived/render/priority.ts';
import type { VrrpState } from '../../../src/keepalived/supervisor/types.ts';

const eip = '10.88.1.1';

function change(
  nodes: Readonly<Record<string, number | null>>, lease: Partial<EipLease> | null, reset = false,
): ViewChange {
  return {
    revision: 1, reset, drains: [], moves: [],
    nodes: Object.entries(nodes).map(([node, incarnation]) => ({
      node, lease: incarnation === null ? null : { id: { node, incarnation } } as NodeLease,
    })),
    leases: lease === null ? [] : [{ eip, lease: { heirs: [], term: 1, ...lease } as EipLease }],
  };
}

const held = (node: string, incarnation = 1) => ({ holder: { node, incarnation } });

describe('whom the lease of a virtual router names', () => {
  it('is its holder, and then its heirs', () => {
    const lines = new LeaseLines();
    assert.equal(lines.of(eip), null);
    lines.apply(change({ a: 1, b: 1 }, {
      ...held('a'), heirs: [{ node: 'b', incarnation: 1 }], term: 7,
    }, true));
    assert.deepEqual(lines.of(eip), { line: ['a', 'b'], term: 7 });
  });

  it('stays who it was while it names nobody that is alive', () => {
    const lines = new LeaseLines();
    lines.apply(change({ a: 1, b: 1 }, held('a'), true));
    lines.apply(change({ a: null }, { holder: null, term: 2 }));
    assert.deepEqual(lines.of(eip)?.line, ['a']);
    lines.apply(change({ a: 2 }, { ...held('a', 1), term: 2 }));
    assert.equal(lines.of(eip)?.term, 1);
    lines.apply(change({}, { ...held('b'), term: 3 }));
    assert.deepEqual(lines.of(eip)?.line, ['b']);
  });

  it('is nobody to an agent that has seen only a holder that is dead', () => {
    const lines = new LeaseLines();
    lines.apply(change({ a: 2 }, held('a', 1), true));
    assert.equal(lines.of(eip), null);
  });
});

describe('the priority of a refereed virtual router', () => {
  const lease = (term: number): LeaseLine => ({ line: ['a', 'b', 'c'], term });

  it('has the holder before its heirs, these in order, and all others behind', () => {
    for (const term of [1, 49, 99, 100, 12345]) {
      const [a = 0, b = 0, c = 0] = ['a', 'b', 'c'].map((node) => levelOf(node, lease(term))!);
      assert.ok(a - b >= 10 && b - c >= 10 && a <= 254, `${a} ${b} ${c}`);
      for (const node of ['x', 'y', 'z']) {
        assert.equal(levelOf(node, lease(term)), null);
        assert.ok(refereedPriorityOf(node, 'web', 1) < c, 'below those that the lease names');
      }
    }
    assert.equal(refereedPriorityOf('x', 'web', 0), 1);
  });

  it('of a later holder is higher than that of the one before, which may not know', () => {
    assert.ok(levelOf('a', lease(8))! > levelOf('a', lease(7))!, 'one term later');
  });
});

const instance: InstancePlan = {
  name: 'vip-web', pool: 'web', interface: 'eth0', family: 4, vrid: 51, priority: 120,
  addresses: [eip], refereed: true,
};

const { documents } = parseEipDocuments('web.yaml', `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: {name: web, annotations: {tenure.io/referee: lease}}
spec: {address: "${eip}", interface: eth0, protocol: vip}
`);

function input(state: VrrpState | null, instances = [instance]): RefereeInput {
  return {
    documents, instances, findings: [],
    states: new Map(state === null ? [] : [['web', state]]),
  };
}

describe('a node with the lease as referee', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tenure-referee-'));
  const lease: { now: LeaseLine | null } = { now: null };
  const make = (at = dir) =>
    new Referee({ node: 'a', dir: at, advertMs: 100, line: () => lease.now });

  it('writes how far its priority is from where the lease has it', () => {
    try {
      const referee = make();
      const text = () => readFileSync(join(dir, 'vip-web.referee'), 'utf8');
      referee.heed([instance]);
      assert.equal(text(), '0\n');
      lease.now = { line: ['a', 'b'], term: 3 };
      referee.heed([instance]);
      assert.equal(text(), '33\n');
      lease.now = { line: ['b'], term: 4 };
      referee.heed([instance]);
      assert.equal(text(), '0\n');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('says so where that cannot be written', () => {
    const referee = make('/dev/null/nowhere');
    referee.heed([instance]);
    assert.match(referee.findings(input('BACKUP'), 0)[0]?.text ?? '', /does not follow its lease: ENOTDIR/);
  });

  it('lets the lease go while keepalived does not run, and until it has run for a while', () => {
    const referee = make();
    assert.deepEqual(referee.unable(input(null), 0), { web: 'keepalived does not run' });
    assert.deepEqual(referee.unable(input('BACKUP'), 0), {});
    referee.changed('web', 'BACKUP', 'STOP', 1_000);
    assert.match(referee.unable(input('STOP'), 1_000).web ?? '', /does not run/);
    assert.match(referee.unable(input('MASTER'), 5_000).web ?? '', /since a moment/);
    assert.deepEqual(referee.unable(input('MASTER'), 12_000), {});
    assert.match(referee.unable(input('MASTER', []), 12_000).web ?? '', /does not keep it here/);
  });

  it('tells of a lease and a master that differ for long', () => {
    const referee = make();
    lease.now = { line: ['b'], term: 4 };
    assert.deepEqual(referee.findings(input('MASTER'), 0), []);
    assert.match(referee.findings(input('MASTER'), 11_000)[0]?.text ?? '', /the lease is b's/);
    lease.now = { line: ['a'], term: 5 };
    assert.deepEqual(referee.findings(input('MASTER'), 11_500), []);
    assert.deepEqual(referee.findings(input('BACKUP'), 12_000), []);
    assert.match(referee.findings(input('BACKUP'), 23_000)[0]?.text ?? '', /is not master of VRID 51/);
  });
});
