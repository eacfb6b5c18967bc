import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDump } from '../../../../src/keepalived/supervisor/dump.ts';
import { parseNotice } from '../../../../src/keepalived/supervisor/notify.ts';
import { States } from '../../../../src/keepalived/supervisor/states.ts';
import type { SupervisorEvent } from '../../../../src/keepalived/supervisor/types.ts';
import type { InstancePlan } from '../../../../src/keepalived/render/plan.ts';

const plan = (pool: string): InstancePlan => ({
  name: `vip-${pool}`, pool, interface: 'eth0', family: 4, vrid: 1, priority: 150, addresses: [],
});

describe("keepalived's notices", () => {
  it('are read from the lines of its FIFO', () => {
    assert.deepEqual(parseNotice('INSTANCE "vip-a" MASTER 100'), { instance: 'vip-a', state: 'MASTER' });
    assert.deepEqual(parseNotice('INSTANCE "vip-a" STOP 100'), { instance: 'vip-a', state: 'STOP' });
    for (const line of ['GROUP "G" MASTER 0', 'INSTANCE "vip-a" MASTER_RX_LOWER_PRI 100',
      'INSTANCE "vip-a" MASTER_PRIORITY 90', 'INSTANCE vip-a MASTER', '', '\0']) {
      assert.equal(parseNotice(line), null, line);
    }
  });

  it('are read from a dump of either form, once it is whole', () => {
    const one = '[{"data":{"iname":"vip-a","state":2},"stats":{}},{"data":{"iname":"vip-b","state":1}}]';
    const expected = [{ instance: 'vip-a', state: 'MASTER' }, { instance: 'vip-b', state: 'BACKUP' }];
    assert.deepEqual(parseDump(one), expected);
    assert.deepEqual(parseDump(`{"version":2,"vrrp":${one}}`), expected);
    for (let length = 0; length < one.length; length += 1) {
      assert.equal(parseDump(one.slice(0, length)), null);
    }
    assert.deepEqual(parseDump('[{"data":{"iname":5}},null,{"data":{"iname":"x","state":9}}]'), []);
  });
});

describe('states of instances', () => {
  it('are told once for each change, whoever tells first', () => {
    const events: SupervisorEvent[] = [];
    const states = new States((event) => { events.push(event); });
    states.follow([plan('a')]);
    states.set({ instance: 'vip-a', state: 'MASTER' }, 'fifo');
    states.set({ instance: 'vip-a', state: 'MASTER' }, 'dump');
    states.set({ instance: 'stranger', state: 'MASTER' }, 'fifo');
    states.follow([plan('b')]);
    states.set({ instance: 'vip-b', state: 'BACKUP' }, 'dump');
    states.stopped();
    assert.deepEqual(events.map((event) => event.kind === 'state'
      ? `${event.pool} ${event.from} ${event.to} ${event.source}` : event.kind), [
      'a STOP MASTER fifo', 'a MASTER STOP process', 'b STOP BACKUP dump', 'b BACKUP STOP process',
    ]);
  });
});
