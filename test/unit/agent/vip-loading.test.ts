import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Loading } from '../../../src/agent/vip/loading.ts';
import type { InstancePlan } from '../../../src/keepalived/render/plan.ts';

function web(...addresses: string[]): InstancePlan {
  return {
    name: 'vip-web', pool: 'web', interface: 'eth0', family: 4, vrid: 51, priority: 100, addresses,
  };
}

const before = web('10.0.0.1', '10.0.0.2');
const after = web('10.0.0.2', '10.0.0.3');

/** What is loaded of `after` where another is heard to advertise `heard`. */
function loadedOf(next: InstancePlan, heard: string | null, isMaster = false): InstancePlan {
  const loading = new Loading();
  const look = {
    isMaster: () => isMaster,
    advertised: () => heard === null ? null : { source: '10.0.0.9', address: heard },
  };
  loading.take([before], look, 0);
  return loading.take([next], look, 1_000)[0]!;
}

describe('another advertised address', () => {
  it('waits on a backup for the master, and on the master for nobody', () => {
    assert.equal(loadedOf(after, '10.0.0.1'), before);
    assert.equal(loadedOf(after, '10.0.0.2'), after, 'the master has it');
    assert.equal(loadedOf(after, null), after, 'there is no master');
    assert.equal(loadedOf(after, '10.0.0.1', true), after, 'a second one beside this master');
  });

  it('makes nothing else wait', () => {
    const more = web('10.0.0.1', '10.0.0.2', '10.0.0.3');
    assert.equal(loadedOf(more, '10.0.0.1'), more);
    const elsewhere = { ...after, vrid: 52 };
    assert.equal(loadedOf(elsewhere, '10.0.0.1'), elsewhere);
  });

  it('is said to wait after ten seconds, until it is loaded', () => {
    const loading = new Loading();
    let heard = '10.0.0.1';
    const look = {
      isMaster: () => false, advertised: () => ({ source: '10.0.0.9', address: heard }),
    };
    loading.take([before], look, 0);
    for (const now of [1_000, 10_000]) {
      loading.take([after], look, now);
      assert.deepEqual(loading.findings(now), []);
    }
    const [said] = loading.findings(11_000);
    assert.match(said?.text ?? '', /^web begins with 10\.0\.0\.2 here, and 10\.0\.0\.9, which is master/);
    heard = '10.0.0.2';
    assert.deepEqual(loading.take([after], look, 12_000), [after]);
    assert.deepEqual(loading.findings(12_000), []);
  });
});
