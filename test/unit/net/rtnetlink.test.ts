import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concat, decodeMessages, encodeMessage } from '../../../src/net/netlink-message.ts';
import {
  decodeAddress, encodeAddressDump, encodeDeleteAddress, encodeNewAddress, forever, IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE, IFA_F_PERMANENT, readdress,
} from '../../../src/net/rtnetlink/address.ts';
import { decodeLink, encodeLinkDump } from '../../../src/net/rtnetlink/link.ts';
import { decodeRoute, encodeRouteDump } from '../../../src/net/rtnetlink/route.ts';
import { dumped, dumpedBytes } from './fixtures.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('links of a real kernel', () => {
  const links = dumped('links').flatMap((message) => decodeLink(message) ?? []);
  const named = (name: string) => links.find((link) => link.name === name);

  it('are all read, and the end of the dump is none', () => {
    assert.deepEqual(links.map(({ name }) => name), ['lo', 'a1', 'a0', 'b1', 'b0', 'br0']);
    assert.equal(dumped('links').length, 7);
  });

  it('show address, MTU, kind and what they hang on', () => {
    assert.deepEqual(named('a0'), {
      ifindex: 3, name: 'a0', mac: '02:00:00:00:00:a0', permanentMac: '', mtu: 1400, up: true, adminUp: true,
      loopback: false, ethernet: true, kind: 'veth', master: null, lower: 2,
    });
    assert.equal(named('a1')?.master, named('br0')?.ifindex);
    assert.equal(named('br0')?.kind, 'bridge');
  });

  it('are up only with a carrier', () => {
    assert.deepEqual(
      ['a0', 'b0', 'b1'].map((name) => [named(name)?.adminUp, named(name)?.up]),
      [[true, true], [true, false], [false, false]],
    );
  });

  it('tell the loopback from those with a LAN', () => {
    assert.equal(named('lo')?.loopback, true);
    assert.equal(named('lo')?.ethernet, false);
  });

  it('are not taken for gone when a bridge says that a port left it', () => {
    // RTM_DELLINK of family AF_BRIDGE (7), as the kernel sends it for `ip link set a1 nomaster`.
    const payload = dumped('links')[1]!.payload.slice();
    payload[0] = 7;
    assert.equal(decodeLink({ type: 17, flags: 0, seq: 0, pid: 0, payload }), null);
  });
});

describe('an address that is to be put on a link', () => {
  const made = (address: string) => encodeNewAddress(1, {
    ifindex: 3, address, prefixLength: 32, flags: IFA_F_NODAD, proto: 0x54, validSeconds: 600,
    preferredSeconds: 0,
  });

  it('is told to the kernel in the same bytes, whether made afresh or like another', () => {
    fc.assert(fc.property(fc.ipV4(), fc.ipV4(), (one, other) => {
      assert.equal(hex(readdress(made(one), other)), hex(made(other)));
    }));
    assert.equal(hex(readdress(made('2001:db8::1'), 'fd88::2:1')), hex(made('fd88::2:1')));
  });

  it('is never made like one of the other family', () => {
    assert.throws(() => readdress(made('192.0.2.1'), '2001:db8::1'), /2001:db8::1 is no IPv4 address/);
    assert.throws(() => readdress(made('2001:db8::1'), '192.0.2.1'), /192\.0\.2\.1 is no IPv6 address/);
  });
});

describe('addresses of a real kernel', () => {
  const addresses = dumped('addresses').flatMap((message) => decodeAddress(message) ?? []);
  const entry = (address: string) => addresses.find((other) => other.address === address);

  it('are read with prefix, broadcast address, label and flags', () => {
    assert.equal(addresses.length, 10);
    assert.deepEqual(entry('192.0.2.1'), {
      ifindex: 3, family: 4, address: '192.0.2.1', prefixLength: 24, subnetOf: '192.0.2.1',
      broadcast: '192.0.2.255', label: 'a0', flags: IFA_F_PERMANENT, proto: null,
      validSeconds: forever, preferredSeconds: forever,
    });
  });

  it('show lifetimes, and flags beyond the first eight', () => {
    const bound = entry('2001:db8::77');
    assert.deepEqual([bound?.validSeconds, bound?.preferredSeconds], [598, 0]);
    assert.equal((bound?.flags ?? 0) & (IFA_F_NODAD | IFA_F_NOPREFIXROUTE), 0x202);
  });

  it('tell who put them there, where that was said', () => {
    assert.equal(entry('::1')?.proto, 1);
    assert.equal(entry('fe80::ff:fe00:a0')?.proto, 3);
    assert.equal(entry('2001:db8::1')?.proto, null);
  });

  it('of a point-to-point link stand in the subnet of the peer', () => {
    assert.equal(entry('198.51.100.1')?.subnetOf, '198.51.100.2');
  });
});

describe('routes of a real kernel', () => {
  const routes = (family: '4' | '6') => (
    dumped(`routes-${family}`).flatMap((m) => decodeRoute(m) ?? []));
  const to = (destination: string) => (
    [...routes('4'), ...routes('6')].find((route) => route.destination === destination));

  it('show gateway, interface and metric', () => {
    assert.deepEqual(to('0.0.0.0'), {
      family: 4, destination: '0.0.0.0', prefixLength: 0, table: 254, type: 'unicast',
      protocol: 3, metric: 100,
      nexthops: [{ ifindex: 3, gateway: '192.0.2.254', weight: 1, dead: false }],
    });
    assert.deepEqual(to('::')?.nexthops, [
      { ifindex: 3, gateway: '2001:db8::fe', weight: 1, dead: false },
    ]);
  });

  it('show each of several next hops, with its weight', () => {
    assert.deepEqual(to('203.0.113.0')?.nexthops, [
      { ifindex: 3, gateway: '192.0.2.250', weight: 1, dead: false },
      { ifindex: 6, gateway: '198.51.100.2', weight: 3, dead: false },
    ]);
    assert.deepEqual(to('2001:db8:1::')?.nexthops.map(({ weight }) => weight), [1, 2]);
  });

  it('show that a next hop has no carrier', () => {
    assert.deepEqual(to('10.9.0.0')?.nexthops, [
      { ifindex: 5, gateway: null, weight: 1, dead: true },
    ]);
  });

  it('that refuse have no next hop', () => {
    assert.deepEqual([to('10.66.0.0')?.type, to('10.66.0.0')?.nexthops], ['blackhole', []]);
    assert.equal(to('10.67.0.0')?.type, 'unreachable');
  });

  it('by a next-hop object lead where the object leads', () => {
    assert.deepEqual(to('10.11.0.0')?.nexthops, [
      { ifindex: 3, gateway: '192.0.2.252', weight: 1, dead: false },
    ]);
  });
});

describe('requests', () => {
  it('to add an address carry flags, lifetimes and protocol', () => {
    const message = encodeNewAddress(0x600, {
      ifindex: 3, address: '192.0.2.77', prefixLength: 32, flags: 0x202, proto: 0x54,
      validSeconds: 600, preferredSeconds: 0,
    });
    assert.equal(hex(message), [
      '4c000000', '1400', '0006', '00000000', '00000000',
      '02200200', '03000000',
      '08000200', 'c000024d', '08000100', 'c000024d', '08000800', '02020000',
      '14000600', '00000000', '58020000', '00000000', '00000000',
      '05000b00', '54000000',
    ].join(''));
    const decoded = decodeMessages(message).map((m) => decodeAddress(m))[0] ?? null;
    assert.equal(decoded?.address, '192.0.2.77');
    assert.deepEqual([decoded.flags, decoded.proto, decoded.validSeconds], [0x202, 0x54, 600]);
  });

  it('to remove an address name link, address and length', () => {
    const message = encodeDeleteAddress({ ifindex: 9, address: '2001:db8::77', prefixLength: 128 });
    assert.equal(hex(message.subarray(4, 8)), '15000000');
    assert.equal(hex(message.subarray(16, 24)), '0a80000009000000');
  });

  it('with a text that is no address are refused', () => {
    const entry = { ifindex: 1, address: 'x', prefixLength: 32 };
    assert.throws(() => encodeDeleteAddress(entry), TypeError);
  });

  it('for dumps name what they want', () => {
    assert.equal(hex(encodeRouteDump(4, 254).subarray(16)), '02000000fe00000000000000');
    assert.equal(hex(encodeAddressDump(6, 5).subarray(16)), '0a00000005000000');
    assert.equal(encodeLinkDump().length, 40);
  });
});

describe('messages that are cut or damaged', () => {
  it('are read as far as they go, or as nothing', () => {
    for (const name of ['links', 'addresses', 'routes-4', 'routes-6']) {
      const real = dumpedBytes(name);
      fc.assert(fc.property(
        fc.nat(real.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
          const damaged = real.slice();
          damaged[at] = value;
          for (const message of decodeMessages(damaged)) {
            decodeLink(message);
            decodeAddress(message);
            decodeRoute(message);
          }
        }), { numRuns: 300 });
    }
  });

  it('of arbitrary content never make decoding throw', () => {
    fc.assert(fc.property(
      fc.constantFrom(16, 17, 20, 21, 24), fc.constantFrom(0, 2, 10),
      fc.uint8Array({ maxLength: 80 }),
      (type, family, rest) => {
        const payload = concat([Uint8Array.of(family), rest]);
        const [message] = decodeMessages(encodeMessage(type, 0, payload));
        assert.ok(message);
        decodeLink(message);
        decodeAddress(message);
        decodeRoute(message);
      },
    ));
  });
});
