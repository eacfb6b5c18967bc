import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostNetwork } from '../../../src/agent/fitness.ts';
import { heartbeatPlaces } from '../../../src/agent/heartbeat-places.ts';
import { defaultBurst } from '../../../src/config/burst.ts';
import type { EipSettings } from '../../../src/config/eip-set.ts';
import type { InterfaceAddress } from '../../../src/net/rtnetlink/address.ts';
import type { LinkInfo } from '../../../src/net/rtnetlink/link.ts';
import type { Route } from '../../../src/net/rtnetlink/route.ts';

const settings = {
  keyFile: '/key', port: 9477, addresses: [], intervalMs: 60, supportMs: 300, observeMs: 600_000,
};

function link(ifindex: number, name: string): LinkInfo {
  return {
    ifindex, name, mac: '02:00:00:00:00:01', permanentMac: '', mtu: 1500, up: true, adminUp: true, loopback: false,
    ethernet: true, kind: null, master: null, lower: null,
  };
}

function address(ifindex: number, text: string): InterfaceAddress {
  const [host = '', length = ''] = text.split('/');
  return {
    ifindex, family: host.includes(':') ? 6 : 4, address: host, prefixLength: Number(length),
  } as unknown as InterfaceAddress;
}

const addresses = [
  address(2, '10.0.0.50/32'), address(2, '10.0.0.9/24'), address(2, '2001:db8::9/64'),
  address(3, 'fe80::3/64'), address(3, '2001:db8:3::9/64'), address(4, '192.168.7.9/24'),
];

function host(routes: readonly Route[] = []): HostNetwork {
  const links = [link(2, 'eth0'), link(3, 'eth1'), link(4, 'mgmt')];
  return {
    list: () => links,
    byName: (name) => links.find((one) => one.name === name) ?? null,
    byIndex: (ifindex) => links.find((one) => one.ifindex === ifindex) ?? null,
    addresses: (ifindex) => addresses.filter((one) => one.ifindex === ifindex),
    routes: (family) => routes.filter((route) => route.family === family),
  };
}

function eips(...pools: readonly (readonly [eip: string, on: string])[]) {
  return new Map(pools.map(([eip, on]): [string, EipSettings] => [eip, {
    eip, pool: on, interface: { kind: 'name', name: on }, mode: 'bind', burst: defaultBurst,
    selector: [], failbackMs: null, forceSubnet: false, priority: 0,
  } as unknown as EipSettings]));
}

const defaultRoute = {
  family: 4, destination: '0.0.0.0', prefixLength: 0, type: 'unicast', metric: 0,
  nexthops: [{ ifindex: 4, gateway: '192.168.7.1', dead: false, weight: 1 }],
} as unknown as Route;

describe('the addresses of heartbeats', () => {
  it('are on the networks of the Eips: one each, never an EIP nor one of the link alone', () => {
    const all = eips(['10.0.0.50', 'eth0'], ['2001:db8:3::50', 'eth1']);
    const { endpoints, judged, networks, findings } = heartbeatPlaces(
      settings, all, host([defaultRoute]));
    assert.deepEqual(endpoints, ['10.0.0.9:9477', '[2001:db8:3::9]:9477']);
    assert.deepEqual([judged, findings], [endpoints, []]);
    assert.deepEqual([...networks.values()], [
      { link: 'eth0', pools: ['eth0'] }, { link: 'eth1', pools: ['eth1'] },
    ]);
  });

  it('are where the default route leads while there is no Eip', () => {
    const { endpoints } = heartbeatPlaces(settings, new Map(), host([defaultRoute]));
    assert.deepEqual(endpoints, ['192.168.7.9:9477']);
  });

  it('are those of the networks that are named, or as they are named', () => {
    const named = { ...settings, addresses: ['192.168.0.0/16', '192.0.2.1'] };
    assert.deepEqual(heartbeatPlaces(named, eips(['10.0.0.50', 'eth0']), host()).endpoints,
      ['192.168.7.9:9477', '192.0.2.1:9477']);
  });

  it('judge nodes by the networks of the Eips alone, if some of those named are', () => {
    const named = { ...settings, addresses: ['192.168.0.0/16', '10.0.0.0/24'] };
    const judgedWith = (all: ReturnType<typeof eips>) => heartbeatPlaces(named, all, host()).judged;
    assert.deepEqual(judgedWith(eips(['10.0.0.50', 'eth0'])), ['10.0.0.9:9477']);
    assert.deepEqual(judgedWith(eips(['2001:db8:3::50', 'eth1'])), ['192.168.7.9:9477', '10.0.0.9:9477']);
  });

  it('are missed by name', () => {
    const named = { ...settings, addresses: ['172.16.0.0/12'] };
    const { endpoints, findings } = heartbeatPlaces(named, new Map(), host());
    assert.deepEqual(endpoints, []);
    assert.match(findings[0]?.text ?? '', /no address in 172\.16\.0\.0\/12 \(heartbeat\.addresses\)/);
    assert.equal(heartbeatPlaces(settings, new Map(), host()).findings.length, 1);
  });
});
