import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type InstancePlan, type VipEip, planInstances } from
  '../../../../src/keepalived/render/plan.ts';
import { nextStep } from '../../../../src/keepalived/render/steps.ts';

const eip = (pool: string, address: string, device = 'eth0'): VipEip =>
  ({ pool, eip: address, interface: device });

const base = { node: 'n1', weight: 1, vrids: new Map([['a', 7], ['b', 8], ['c', 7]]) };

describe('instances', () => {
  it('hold all addresses of a pool, the lowest advertised', () => {
    const { instances, findings } = planInstances({ ...base, eips: [
      eip('b', '2001:db8::2'), eip('a', '192.0.2.10'), eip('a', '192.0.2.9'), eip('b', '2001:db8::1'),
    ] });
    assert.deepEqual(findings, []);
    const shown = instances.map(({ name, vrid, family, addresses }) =>
      [name, vrid, family, ...addresses]);
    assert.deepEqual(shown, [
      ['vip-a', 7, 4, '192.0.2.9', '192.0.2.10'], ['vip-b', 8, 6, '2001:db8::1', '2001:db8::2'],
    ]);
  });

  it('are left out, and said, where a pool is on two interfaces or of two families', () => {
    const { instances, findings } = planInstances({ ...base, eips: [
      eip('a', '192.0.2.1', 'eth0'), eip('a', '192.0.2.2', 'eth1'), eip('b', '192.0.2.3'), eip('b', '::5'),
    ] });
    assert.deepEqual(instances, []);
    assert.match(findings[0]?.text ?? '', /addresses of a are on eth0 and eth1/);
    assert.match(findings[1]?.text ?? '', /of 2 families/);
  });

  it('never share a VRID on an interface', () => {
    const eips = [eip('a', '192.0.2.1'), eip('c', '192.0.2.2')];
    const { instances, findings } = planInstances({ ...base, eips });
    assert.deepEqual(instances.map(({ pool }) => pool), ['a']);
    assert.match(findings[0]?.text ?? '', /c has VRID 7 on eth0, as a has/);
    assert.equal(planInstances({ ...base, eips: [eip('a', '192.0.2.1'), eip('c', '::5')] })
      .instances.length, 2);
  });

  it('have a priority of those who stand for them, unless one was set by hand', () => {
    const nodes = ['n1', 'n2', 'n3'];
    const prioritiesOf = (priority?: number) => nodes.map((node) => {
      const others = nodes.map((name) => ({ name, weight: 1 }));
      return planInstances({
        ...base, node, eips: [eip('a', '192.0.2.1')], priority,
        field: (pool, family) => pool === 'a' && family === 4 ? { own: node, others } : null,
      }).instances[0]?.priority ?? 0;
    });
    const [low = 0, middle = 0, high = 0] = prioritiesOf().sort((a, b) => a - b);
    assert.ok(middle - low >= 10 && high - middle >= 10, `${low} ${middle} ${high}`);
    assert.deepEqual(prioritiesOf(77), [77, 77, 77]);
  });
});

describe('steps of reloading', () => {
  const plan = (pool: string, vrid: number, addresses: readonly string[]): InstancePlan => ({
    name: `vip-${pool}`, pool, interface: 'eth0', family: 4, vrid, priority: 150, addresses,
  });
  const addresses = Array.from({ length: 12 }, (_, index) => `192.0.2.${index + 1}`);
  /** Each address in one pool, or in none. */
  const anyPlans = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 12, maxLength: 12 })
    .map((pools) => ['a', 'b', 'c'].flatMap((pool, index) => {
      const own = addresses.filter((_, at) => pools[at] === pool);
      return own.length === 0 ? [] : [plan(pool, index + 1, own)];
    }));

  const where = (plans: readonly InstancePlan[]) => new Map(plans.flatMap((one) =>
    one.addresses.map((address) => [address, one.vrid] as const)));

  it('end at what is wanted, never move an address in one, and change few in each', () => {
    fc.assert(fc.property(anyPlans, anyPlans, fc.integer({ min: 1, max: 8 }), (from, to, most) => {
      let current: readonly InstancePlan[] = from;
      for (let step = 0; current !== to; step += 1) {
        assert.ok(step < 40, 'it does not end');
        const next = nextStep(current, to, most);
        const [before, after] = [where(current), where(next)];
        const all = new Set([...before.keys(), ...after.keys()]);
        const changed = [...all].filter((address) => before.get(address) !== after.get(address));
        assert.ok(changed.length <= most, `${changed.length} changes`);
        for (const address of changed) {
          assert.ok(!before.has(address) || !after.has(address), `${address} moved`);
        }
        // What both have stays all the way.
        for (const [address, vrid] of where(to)) {
          if (where(from).get(address) === vrid) assert.equal(after.get(address), vrid);
        }
        current = next;
      }
    }), { numRuns: 300 });
  });

  it('are one where little changes', () => {
    const from = [plan('a', 1, addresses)];
    const to = [plan('a', 1, addresses.slice(1)), plan('b', 2, ['192.0.2.99'])];
    assert.equal(nextStep(from, to, 100), to);
  });
});
