import { cable, ifindexOf, ip, needsRoot, until, writeSysctl } from './net-world.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Interfaces, type InterfacesChange } from '../../src/net/interfaces.ts';
import {
  attribute, encodeMessage, NLM_F_CREATE, NLM_F_EXCL, text,
} from '../../src/net/netlink-message.ts';
import { NetlinkError, NetlinkSocket } from '../../src/net/netlink-socket.ts';
import { mainRoutes, resolveInterface } from '../../src/net/routes.ts';
import { encodeDeleteAddress, encodeNewAddress } from '../../src/net/rtnetlink/address.ts';

const linkNamed = (name: string): Uint8Array => (
  encodeMessage(18, 0, new Uint8Array(16), attribute(3, text(name))));

const address = (ifindex: number, i: number) => ({
  ifindex, address: `10.1.${i >> 8}.${i & 255}`, prefixLength: 32, flags: 0x200, proto: 99,
  validSeconds: 600, preferredSeconds: 0,
});

describe('requests to the kernel', needsRoot, () => {
  function withSocket(use: (socket: NetlinkSocket) => void): void {
    const socket = new NetlinkSocket({ protocol: 'route' });
    try {
      use(socket);
    } finally {
      socket.close();
    }
  }

  it('are answered when the call returns', () => withSocket((socket) => {
    assert.equal(socket.transact(linkNamed('lo')).length, 1);
    assert.ok(socket.dump(encodeMessage(18, 0, new Uint8Array(16))).length >= 1);
  }));

  it('that are refused throw with the errno\'s name, and the kernel\'s words if it has any', () => {
    withSocket((socket) => {
      assert.throws(() => socket.transact(linkNamed('no-such')), { code: 'ENODEV', errno: 19 });
      const tooLong = encodeNewAddress(NLM_F_CREATE, { ...address(1, 1), prefixLength: 33 });
      assert.throws(() => socket.transact(tooLong), (error) => {
        assert.ok(error instanceof NetlinkError);
        assert.deepEqual([error.code, error.extack], ['EINVAL', 'ipv4: Invalid prefix length']);
        assert.equal(error.message,
          'netlink: the kernel answered EINVAL: ipv4: Invalid prefix length');
        return true;
      });
    });
  });

  it('of many in one call say which one was refused', () => withSocket((socket) => {
    const results = socket.transactEach([linkNamed('lo'), linkNamed('x'), linkNamed('lo')], 2);
    assert.deepEqual(results.map((error) => error?.code ?? null), [null, 'ENODEV', null]);
    const both = Uint8Array.of(...linkNamed('lo'), ...linkNamed('x'));
    assert.throws(() => socket.transact(both), { code: 'ENODEV', index: 1 });
  }));

  it('by the thousand, all refused, still give a reason for each', () => withSocket((socket) => {
    ip('link set lo up');
    const all = Array.from({ length: 20_000 }, () => linkNamed('none'));
    const results = socket.transactEach(all);
    assert.equal(results.filter((error) => error?.code === 'ENODEV').length, 20_000);
  }));

  it('that hold no message, or come after close, are refused in plain words', () => {
    const socket = new NetlinkSocket({ protocol: 'route' });
    assert.throws(() => socket.transact(new Uint8Array(20)), /holds no whole message/);
    socket.close();
    assert.throws(() => socket.transact(linkNamed('lo')), /^Error: the netlink socket is closed$/);
  });
});

describe('the table of interfaces', needsRoot, () => {
  interface World {
    readonly interfaces: Interfaces;
    readonly changes: InterfacesChange[];
  }

  async function follow(use: (world: World) => Promise<void>, receiveBuffer?: number) {
    const interfaces = new Interfaces(receiveBuffer === undefined ? {} : { receiveBuffer });
    const changes: InterfacesChange[] = [];
    interfaces.onChange((change) => { changes.push(change); });
    try {
      await use({ interfaces, changes });
    } finally {
      interfaces.close();
    }
  }

  const upOf = ({ interfaces }: World, name: string) => interfaces.byName(name)?.up;

  it('follows links down and up, and that their cable is pulled', async () => {
    const wire = cable();
    await follow(async (world) => {
      assert.equal(upOf(world, wire.a), true);
      ip(`link set ${wire.b} down`);
      await until('no carrier', () => upOf(world, wire.a) === false);
      assert.equal(world.interfaces.byName(wire.a)?.adminUp, true);
      ip(`link set ${wire.b} up`);
      await until('a carrier', () => upOf(world, wire.a) === true);
      ip(`link set ${wire.a} down`);
      await until('down', () => world.interfaces.byName(wire.a)?.adminUp === false);
    });
    wire.remove();
  });

  it('follows names, MAC addresses and MTUs', async () => {
    const wire = cable();
    await follow(async ({ interfaces, changes }) => {
      const index = ifindexOf(wire.a);
      ip(`link set ${wire.a} mtu 1300`);
      ip(`link set ${wire.a} address 02:00:00:00:00:77`);
      ip(`link set ${wire.a} down`);
      ip(`link set ${wire.a} name renamed0`);
      await until('the new name', () => interfaces.byName('renamed0'));
      assert.equal(interfaces.byName(wire.a), null);
      const { mtu, mac } = interfaces.byIndex(index)!;
      assert.deepEqual([mtu, mac], [1300, '02:00:00:00:00:77']);
      const names = changes.flatMap(({ links }) => links)
        .filter(({ before, after }) => before?.name !== after?.name);
      assert.deepEqual(names.map(({ before, after }) => [before?.name, after?.name]),
        [[wire.a, 'renamed0']]);
    });
    ip('link del renamed0');
  });

  it('tells a link that was deleted and made again from one that changed', async () => {
    const wire = cable();
    await follow(async ({ interfaces, changes }) => {
      const index = ifindexOf(wire.a);
      ip(`addr add 10.1.2.3/24 dev ${wire.a}`);
      await until('the address', () => interfaces.addresses(index).length === 1);
      changes.splice(0);
      ip(`link del ${wire.a}`);
      ip(`link add ${wire.a} index ${index} type veth peer name ${wire.b}`);
      await until('the new one', () => changes.some(({ links }) => (
        links.some(({ before, after }) => before === null && after?.ifindex === index))));
      const gone = changes.flatMap(({ links }) => links)
        .filter(({ before, after }) => before?.ifindex === index && after === null);
      assert.equal(gone.length, 1);
      assert.deepEqual(interfaces.addresses(index), [], 'its addresses went with it');
      assert.equal(interfaces.byName(wire.a)?.up, false);
    });
    wire.remove();
  });

  it('does not lose a link that leaves a bridge', async () => {
    const wire = cable();
    ip('link add br9 type bridge');
    ip(`link set ${wire.a} master br9`);
    await follow(async ({ interfaces, changes }) => {
      assert.equal(interfaces.byName(wire.a)?.master, ifindexOf('br9'));
      ip(`link set ${wire.a} nomaster`);
      await until('no master', () => interfaces.byName(wire.a)?.master === null);
      ip(`link set ${wire.a} mtu 1400`);
      await until('a later event', () => interfaces.byName(wire.a)?.mtu === 1400);
      assert.ok(!changes.some(({ links }) => links.some(({ after }) => after === null)));
    });
    ip('link del br9');
    wire.remove();
  });

  it('follows addresses, and is not stirred by a lifetime that is renewed', async () => {
    const wire = cable();
    await follow(async ({ interfaces, changes }) => {
      const index = ifindexOf(wire.a);
      ip(`addr add 10.1.2.3/24 dev ${wire.a} valid_lft 600 preferred_lft 600`);
      await until('the address', () => interfaces.addresses(index).length === 1);
      changes.splice(0);
      ip(`addr replace 10.1.2.3/24 dev ${wire.a} valid_lft 900 preferred_lft 900`);
      await until('the new lifetime', () => interfaces.addresses(index)[0]!.validSeconds > 600);
      const told = () => changes;
      assert.equal(told().length, 0);
      ip(`addr del 10.1.2.3/24 dev ${wire.a}`);
      await until('none', () => interfaces.addresses(index).length === 0);
      assert.ok(told().some(({ addresses }) => addresses.has(index)));
    });
    wire.remove();
  });

  it('is read anew when events were lost, and then shows what is', async () => {
    const wire = cable();
    await follow(async ({ interfaces, changes }) => {
      const index = ifindexOf(wire.a);
      const socket = new NetlinkSocket({ protocol: 'route' });
      // All in one turn of the event loop: more events than the receive buffer holds.
      const add = (i: number) => encodeNewAddress(NLM_F_CREATE | NLM_F_EXCL, address(index, i));
      socket.transactEach(Array.from({ length: 300 }, (_, i) => add(i)));
      socket.transactEach([5, 6].map((i) => encodeDeleteAddress(address(index, i))));
      ip(`link set ${wire.b} down`);
      await until('298 addresses', () => interfaces.addresses(index).length === 298);
      await until('no carrier', () => interfaces.byName(wire.a)?.up === false);
      assert.ok(interfaces.overruns > 0, 'events were lost');
      assert.ok(changes.some(({ addresses }) => addresses.has(index)));
      ip(`link set ${wire.b} up`);
      await until('events go on', () => interfaces.byName(wire.a)?.up === true);
      socket.close();
    }, 2048);
    wire.remove();
  });
});

describe('can_reach on this host', needsRoot, () => {
  it('leads to the LAN also for an address that is bound here, in both families', () => {
    const wire = cable({ ipv6: true });
    ip('link set lo up');
    ip(`addr add 192.0.2.1/24 dev ${wire.a}`);
    ip(`addr add 192.0.2.50/32 dev ${wire.a}`);
    ip('addr add 192.0.2.60/32 dev lo');
    ip(`addr add 2001:db8::1/64 dev ${wire.a} nodad`);
    ip('addr add 2001:db8::50/128 dev lo nodad');
    ip(`route add 198.51.100.0/24 nexthop via 192.0.2.7 nexthop via 192.0.2.8`);
    const interfaces = new Interfaces();
    const socket = new NetlinkSocket({ protocol: 'route' });
    const resolve = (spec: string): string => {
      const found = resolveInterface(spec, interfaces, (family) => mainRoutes(socket, family));
      return 'error' in found ? found.error : found.name;
    };
    try {
      for (const target of [
        '192.0.2.1', '192.0.2.50', '192.0.2.60', '192.0.2.99', '198.51.100.9',
        '2001:db8::1', '2001:db8::50', '2001:db8::99',
      ]) assert.equal(resolve(`can_reach:${target}`), wire.a, target);
      assert.match(resolve('can_reach:203.0.113.1'), /no route of the main table leads there/);
      assert.match(resolve('can_reach:2001:db8:9::1'), /no route of the main table leads there/);
      ip('route add prohibit 203.0.113.0/24');
      assert.match(resolve('can_reach:203.0.113.1'), /203\.0\.113\.0\/24 says prohibit/);
      ip(`link set ${wire.b} down`);
      assert.equal(resolve('can_reach:192.0.2.50'), wire.a, 'also while its cable is out');
    } finally {
      socket.close();
      interfaces.close();
      wire.remove();
      ip('addr flush dev lo');
      ip('route flush table main');
    }
  });

  it('finds no route, rather than failing, where IPv6 is switched off', () => {
    writeSysctl('net/ipv6/conf/all/disable_ipv6', '1');
    const socket = new NetlinkSocket({ protocol: 'route' });
    try {
      assert.deepEqual(mainRoutes(socket, 6), []);
    } finally {
      socket.close();
      writeSysctl('net/ipv6/conf/all/disable_ipv6', '0');
    }
  });
});
