import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assessFitness } from '../../../src/agent/fitness.ts';
import type { HostNetwork } from '../../../src/agent/fitness.ts';
import { defaultBurst } from '../../../src/config/burst.ts';
import type { EipSettings } from '../../../src/config/eip-set.ts';
import type { InterfaceAddress } from '../../../src/net/rtnetlink/address.ts';
import type { LinkInfo } from '../../../src/net/rtnetlink/link.ts';

const eth0: LinkInfo = {
  ifindex: 2, name: 'eth0', mac: '02:00:00:00:00:01', permanentMac: '', mtu: 1500, up: true, adminUp: true,
  loopback: false, ethernet: true, kind: null, master: null, lower: null,
};

const subnet = {
  ifindex: 2, family: 4, address: '10.0.0.9', prefixLength: 24, subnetOf: '10.0.0.0',
  broadcast: '10.0.0.255', label: 'eth0', flags: 0, proto: null,
} as unknown as InterfaceAddress;

function host(link: LinkInfo = eth0): HostNetwork {
  return {
    list: () => [link],
    byName: (name) => (name === link.name ? link : null),
    byIndex: (ifindex) => (ifindex === link.ifindex ? link : null),
    addresses: () => [subnet],
    routes: () => [],
  };
}

function eips(pool: string, on: string, ...addresses: readonly string[]): Map<string, EipSettings> {
  return new Map(addresses.map((eip) => [eip, {
    eip, pool, interface: { kind: 'name', name: on }, mode: 'bind', selector: [], failbackMs: null,
    burst: defaultBurst, forceSubnet: false, priority: 0,
  }]));
}

describe('what a host can announce', () => {
  it('is every address inside a subnet of its interface', () => {
    const { settings, unable, findings } = assessFitness(eips('web', 'eth0', '10.0.0.20'), host());
    assert.equal(settings.get('10.0.0.20')?.link.name, 'eth0');
    assert.deepEqual(unable, {});
    assert.deepEqual(findings, []);
  });

  it('is nothing of an Eip whose interface is not there, and it says which there are', () => {
    const { settings, unable } = assessFitness(eips('web', 'eth7', '10.0.0.20'), host());
    assert.equal(settings.size, 0);
    assert.match(unable.web!, /no interface "eth7".*eth0/);
  });

  it('is nothing while the link is down, but is configured for when it comes up', () => {
    const down = host({ ...eth0, up: false });
    const { settings, unable } = assessFitness(eips('web', 'eth0', '10.0.0.20'), down);
    assert.equal(settings.size, 1);
    assert.equal(unable.web, 'eth0 is down');
  });

  it('leaves out network and broadcast addresses alone, by name', () => {
    const all = eips('web', 'eth0', '10.0.0.0', '10.0.0.1', '10.0.0.255');
    const { unable, findings } = assessFitness(all, host());
    assert.deepEqual(Object.keys(unable), ['10.0.0.0', '10.0.0.255']);
    assert.match(unable['10.0.0.255']!, /broadcast address of 10\.0\.0\.0\/24/);
    assert.equal(findings.length, 1);
  });

  it('refuses a whole Eip outside the subnet with what would do', () => {
    const { unable } = assessFitness(eips('web', 'eth0', '192.0.2.1', '192.0.2.2'), host());
    assert.match(unable.web!, /in no subnet of eth0, which has 10\.0\.0\.9\/24.*force-subnet/);
  });
});
