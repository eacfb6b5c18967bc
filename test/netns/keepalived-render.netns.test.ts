/** keepalived takes every configuration that is made for it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { write } from '../../src/keepalived/config/write/write.ts';
import { configurationFor, refusals } from '../../src/keepalived/render/configuration.ts';
import { planInstances } from '../../src/keepalived/render/plan.ts';
import { type VipSettings, vipDefaults } from '../../src/keepalived/render/settings.ts';
import { deriveVrids } from '../../src/keepalived/render/vrids.ts';
import { Judge, installedKeepalived } from './keepalived-config-judge.ts';

const build = installedKeepalived();
const sometimes = <T>(value: T, other: T) => fc.constantFrom(value, other, other);

const anySettings: fc.Arbitrary<VipSettings> = fc.record({
  advertMs: fc.integer({ min: 1, max: 4095 }).map((count) => count * 10),
  missed: fc.constantFrom(3, 3, 1, 100),
  failbackS: fc.constantFrom(null, null, 0, 1000),
  unicast: sometimes({
    source: { 4: '192.0.2.1', 6: 'fe80::1' }, nodes: ['192.0.2.1', '192.0.2.2', 'fe80::1', 'fe80::2'],
  }, null),
  useVmac: sometimes(true, false),
  garp: fc.record({
    repeat: fc.integer({ min: 1, max: 50 }), againS: fc.nat(60), refreshS: fc.nat(3600),
  }),
  trackInterfaces: sometimes(['eth1', 'eth2'], []),
  trackScripts: sometimes(
    [{ name: 'check', command: '/usr/bin/true x', intervalS: 2, timeoutS: 1 }], []),
  trackProcesses: sometimes([{ name: 'proc', process: 'nginx' }], []),
  hmacKeyFile: fc.constant(null),
});

/** Pools of one family each, with up to 40 addresses. */
const anyPools = fc.array(fc.tuple(
  fc.boolean(), fc.constantFrom('eth0', 'eth1', 'eth0.1'), fc.integer({ min: 1, max: 40 }),
), { minLength: 1, maxLength: 12 }).map((pools) => pools.flatMap(([isIpv6, device, count], index) =>
  Array.from({ length: count }, (_, at) => ({
    pool: `pool-${index}`, interface: device,
    eip: isIpv6 ? `2001:db8:${index + 1}::${at + 1}` : `198.51.${index}.${at}`,
  }))));

describe('configurations made from Eips', {
  skip: build ? false : 'keepalived is not installed',
}, () => {
  let judge: Judge;
  before(() => { judge = new Judge(build!); });
  after(() => { judge.close(); });

  it('are accepted by keepalived --config-test', async () => {
    await fc.assert(fc.asyncProperty(anyPools, anySettings, async (eips, settings) => {
      const pools = [...new Map(eips.map((eip) => [eip.pool, eip])).values()].map(({ pool, eip }) =>
        ({ pool, family: eip.includes(':') ? 6 as const : 4 as const }));
      const { vrids } = deriveVrids(pools);
      const { instances, findings } = planInstances({ node: 'n1', weight: 1, eips, vrids });
      assert.deepEqual(findings, []);
      assert.deepEqual(refusals(settings, build!.version, instances), []);
      const text = write(configurationFor({
        node: 'n1', instances, settings, version: build!.version, fifo: '/tmp/fifo',
      }), { version: build!.version, facts: judge.facts });
      const { status, output } = await judge.ask(text);
      assert.equal(status, 0, `${output}\n${text}`);
    }), { numRuns: 60 });
  });

  it('are accepted with 255 VRIDs on one interface, and with 1,000 addresses of one', async () => {
    const many = Array.from({ length: 255 }, (_, index) =>
      ({ pool: `p${index}`, interface: 'eth0', eip: `198.51.100.${index}` }));
    const large = Array.from({ length: 1000 }, (_, index) =>
      ({ pool: 'large', interface: 'eth1', eip: `10.0.${index >> 8}.${index & 255}` }));
    for (const eips of [many, large]) {
      const vrids = new Map([...new Set(eips.map(({ pool }) => pool))].map((pool, index) =>
        [pool, index + 1] as const));
      const { instances } = planInstances({ node: 'n1', weight: 1, eips, vrids });
      const text = write(configurationFor({
        node: 'n1', instances, settings: vipDefaults, version: build!.version, fifo: null,
      }), { version: build!.version, facts: judge.facts });
      assert.equal((await judge.ask(text)).status, 0);
    }
  });
});
