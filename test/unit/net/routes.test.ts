import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveInterface, subnetCheck, type LinkTable } from '../../../src/net/routes.ts';
import { decodeAddress } from '../../../src/net/rtnetlink/address.ts';
import { decodeLink, type LinkInfo } from '../../../src/net/rtnetlink/link.ts';
import { decodeRoute, type Nexthop, type Route } from '../../../src/net/rtnetlink/route.ts';
import { dumped } from './fixtures.ts';

const links = dumped('links').flatMap((message) => decodeLink(message) ?? []);
const routes = [...dumped('routes-4'), ...dumped('routes-6')].flatMap((m) => decodeRoute(m) ?? []);

const addresses = dumped('addresses').flatMap((m) => decodeAddress(m) ?? []);

function table(list: readonly LinkInfo[]): LinkTable {
  return {
    list: () => list,
    byName: (name) => list.find((link) => link.name === name) ?? null,
    byIndex: (ifindex) => list.find((link) => link.ifindex === ifindex) ?? null,
    addresses: (ifindex) => addresses.filter((entry) => entry.ifindex === ifindex),
  };
}

function resolve(spec: string, withRoutes: readonly Route[] = routes): string {
  const result = resolveInterface(
    spec, table(links), (family) => withRoutes.filter((route) => route.family === family));
  return 'error' in result ? result.error : result.name;
}

const route = (destination: string, prefixLength: number, more: Partial<Route> = {}): Route => ({
  family: 4, destination, prefixLength, table: 254, type: 'unicast', protocol: 3, metric: 0,
  nexthops: [{ ifindex: 3, gateway: null, weight: 1, dead: false }], ...more,
});
const via = (ifindex: number, dead = false, weight = 1): Nexthop => (
  { ifindex, gateway: null, weight, dead });

describe('an interface by its name', () => {
  it('is found', () => assert.equal(resolve('a0'), 'a0'));

  it('that is not there is refused with those that are', () => {
    assert.equal(resolve('eth7'),
      'There is no interface "eth7" on this host: it has a0, a1, b0, b1, br0.');
  });

  it('is refused for the loopback and for a port of a bridge', () => {
    assert.match(resolve('lo'), /^lo is the loopback interface/);
    assert.equal(resolve('a1'), 'a1 is a port of br0, which takes its frames: name br0.');
  });
});

describe('can_reach', () => {
  it('takes the interface of the subnet, or of the default route', () => {
    assert.equal(resolve('can_reach:192.0.2.9'), 'a0');
    assert.equal(resolve('can_reach:198.51.100.2'), 'br0');
    assert.equal(resolve('can_reach:8.8.8.8'), 'a0');
    assert.equal(resolve('can_reach:2001:db8::5'), 'a0');
    assert.equal(resolve('can_reach:2001:db8:1::5'), 'a0');
  });

  it('takes the interface of an address that this host has itself, and not lo', () => {
    assert.equal(resolve('can_reach:192.0.2.1'), 'a0');
    assert.equal(resolve('can_reach:192.0.2.77'), 'a0');
    assert.equal(resolve('can_reach:2001:db8::77'), 'a0');
  });

  it('ignores the route of its own that IPv6 gives an address bound on this host', () => {
    const bound = '2001:db8::77';
    const own = route(bound, 128, { family: 6, nexthops: [via(1)] });
    assert.equal(resolve(`can_reach:${bound}`, [...routes, own]), 'a0');
    const stranger = route('2001:db8::78', 128, { family: 6, nexthops: [via(6)] });
    assert.equal(resolve('can_reach:2001:db8::78', [...routes, stranger]), 'br0');
  });

  it('takes the longest prefix, then what is alive, then the lowest metric', () => {
    assert.equal(resolve('can_reach:10.1.2.3', [
      route('10.0.0.0', 8, { nexthops: [via(3)] }), route('10.1.0.0', 16, { nexthops: [via(6)] }),
    ]), 'br0');
    assert.equal(resolve('can_reach:10.1.2.3', [
      route('10.1.0.0', 16, { metric: 50, nexthops: [via(6)] }),
      route('10.1.0.0', 16, { metric: 100, nexthops: [via(3)] }),
    ]), 'br0');
    assert.equal(resolve('can_reach:10.1.2.3', [
      route('10.1.0.0', 16, { metric: 50, nexthops: [via(5, true)] }),
      route('10.1.0.0', 16, { metric: 100, nexthops: [via(3)] }),
    ]), 'a0');
  });

  it('stays in its LAN while the link there is down', () => {
    assert.equal(resolve('can_reach:10.9.1.1'), 'b0');
  });

  it('takes of several next hops a live one, and of those the heaviest', () => {
    assert.equal(resolve('can_reach:203.0.113.9'), 'br0');
    const nexthops = [via(6, true, 9), via(3, false, 1), via(5, true, 9)];
    assert.equal(resolve('can_reach:10.1.2.3', [route('10.1.0.0', 16, { nexthops })]), 'a0');
  });

  it('says what is wrong where no interface comes of it', () => {
    assert.equal(resolve('can_reach:10.66.1.1'),
      'can_reach:10.66.1.1: the route to 10.66.0.0/16 says blackhole: '
      + 'name the interface, or an address that can be reached.');
    assert.equal(resolve('can_reach:10.1.1.1', []),
      'can_reach:10.1.1.1: no route of the main table leads there: add one, or name the interface.');
    assert.match(resolve('can_reach:10.1.1.1', [route('10.0.0.0', 8, {
      nexthops: [{ ifindex: null, gateway: null, weight: 1, dead: false }],
    })]), /names no interface of this host/);
    assert.match(resolve('can_reach:127.0.0.1', [route('127.0.0.0', 8, { nexthops: [via(1)] })]),
      /leads to lo, which is the loopback interface/);
    for (const text of ['', 'host', '10.0.0.0/8', 'fe80::1%eth0', '10.0.0.256']) {
      assert.match(resolve(`can_reach:${text}`), /^can_reach: "/, text);
    }
  });
});

describe('the subnet of an address', () => {
  const on = (ifindex: number) => addresses.filter((entry) => entry.ifindex === ifindex);

  it('is that of the interface which holds it', () => {
    assert.deepEqual(subnetCheck('192.0.2.9', on(3)), { subnet: '192.0.2.0/24', role: 'host' });
    assert.deepEqual(subnetCheck('2001:db8::9', on(3)), { subnet: '2001:db8::/64', role: 'host' });
    assert.equal(subnetCheck('198.51.100.9', on(3)), null);
    assert.equal(subnetCheck('nonsense', on(3)), null);
  });

  it('is not the address itself, bound there as a single one', () => {
    assert.deepEqual(subnetCheck('192.0.2.77', on(3)), { subnet: '192.0.2.0/24', role: 'host' });
    const alone = on(3).filter((entry) => entry.prefixLength === 32);
    assert.equal(subnetCheck('192.0.2.77', alone), null);
  });

  it('has a first and a last address that are no hosts', () => {
    assert.equal(subnetCheck('192.0.2.0', on(3))?.role, 'network');
    assert.equal(subnetCheck('192.0.2.255', on(3))?.role, 'broadcast');
    assert.equal(subnetCheck('2001:db8::', on(3))?.role, 'network');
    assert.equal(subnetCheck('2001:db8::ffff:ffff:ffff:ffff', on(3))?.role, 'host');
  });

  it('of two addresses has two hosts', () => {
    const [entry] = on(3).filter(({ family }) => family === 4);
    assert.ok(entry);
    const pair = [{ ...entry, prefixLength: 31, subnetOf: '192.0.2.4', broadcast: null }];
    assert.deepEqual(subnetCheck('192.0.2.4', pair), { subnet: '192.0.2.4/31', role: 'host' });
    assert.deepEqual(subnetCheck('192.0.2.5', pair), { subnet: '192.0.2.4/31', role: 'host' });
  });

  it('is the smallest that holds it, and may have a broadcast address of its own', () => {
    const [entry] = on(3).filter(({ family }) => family === 4);
    assert.ok(entry);
    const both = [
      { ...entry, prefixLength: 16, broadcast: '192.0.3.3' },
      { ...entry, prefixLength: 28, subnetOf: '192.0.2.1' },
    ];
    assert.equal(subnetCheck('192.0.2.9', both)?.subnet, '192.0.2.0/28');
    assert.equal(subnetCheck('192.0.3.3', both)?.role, 'broadcast');
  });
});
