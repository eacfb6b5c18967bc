import { cable, ifindexOf, ip, needsRoot, until, writeSysctl, type Cable } from './net-world.ts';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Binder, Groups } from '../../src/announce/ports.ts';
import { addressProtocol, AddressBinder } from '../../src/net/binder.ts';
import { SolicitedNodeGroups } from '../../src/net/groups.ts';
import { NLM_F_CREATE } from '../../src/net/netlink-message.ts';
import { NetlinkSocket } from '../../src/net/netlink-socket.ts';
import {
  decodeAddress, encodeAddressDump, encodeNewAddress, IFA_F_DEPRECATED, IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE, IFA_F_TENTATIVE, type InterfaceAddress,
} from '../../src/net/rtnetlink/address.ts';

interface Link {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
}

let wire: Cable;
let link: Link;
let kernel: NetlinkSocket;

function begin(): void {
  wire = cable({ ipv6: true });
  link = { ifindex: ifindexOf(wire.a), name: wire.a, mac: '', mtu: 1500, up: true };
  kernel = new NetlinkSocket({ protocol: 'route' });
}

function end(): void {
  kernel.close();
  wire.remove();
}

/** What is on the link, link-local addresses apart. */
function present(): InterfaceAddress[] {
  return kernel.dump(encodeAddressDump(0, link.ifindex))
    .flatMap((message) => decodeAddress(message) ?? [])
    .filter(({ address }) => !address.startsWith('fe80'));
}

const texts = (): string[] => present().map((entry) => `${entry.address}/${entry.prefixLength}`);
const shown = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
/** Local routes of the binder. */
const standIns = (): string[] => shown('route', 'show', 'table', 'local', 'proto', '84')
  .split('\n').filter((line) => line !== '');
const on = (eip: string) => ({ eip, link });

describe('binding addresses', needsRoot, () => {
  let binder: AddressBinder;
  const troubles: string[] = [];

  beforeEach(() => {
    begin();
    troubles.splice(0);
    binder = new AddressBinder({ onTrouble: (text) => { troubles.push(text); } });
  });
  afterEach(() => {
    binder.close();
    end();
  });

  it('gives many at once a local route first, and puts them on the interface when it is calm', async () => {
    const eips = Array.from({ length: 200 }, (_, i) => `10.77.1.${i + 1}`);
    for (let at = 0; at < eips.length; at += 40) {
      const outcomes = binder.bind(eips.slice(at, at + 40).map(on));
      assert.ok(outcomes.every((outcome) => outcome === null));
    }
    assert.equal(texts().length, 80, 'the first ones are on the interface');
    assert.equal(standIns().length, 120, 'the others have a route');
    assert.match(shown('route', 'get', '10.77.1.200'), /^local 10\.77\.1\.200 dev lo/);
    assert.deepEqual(binder.leftovers(), []);
    binder.unbind(eips.slice(-10).map(on));
    await until('all are on the interface', () => texts().length === 190);
    assert.deepEqual(standIns(), [], 'and routes of ours are gone');
    assert.match(shown('route', 'get', '10.77.1.100'), /^local 10\.77\.1\.100 dev lo/);
    binder.unbind(eips.map(on));
    assert.deepEqual(texts(), []);
    assert.deepEqual(troubles, []);
  });

  it('takes away a route that an earlier run had no time to replace', () => {
    const eips = Array.from({ length: 120 }, (_, i) => `10.77.1.${i + 1}`);
    binder.bind(eips.slice(0, 100).map(on));
    binder.bind(eips.slice(100).map(on));
    binder.close();
    binder = new AddressBinder({ onTrouble: (text) => { troubles.push(text); } });
    assert.equal(binder.leftovers().length, 120);
    assert.deepEqual(binder.bind([on('10.77.1.120')]), [null]);
    assert.equal(standIns().length, 19, 'bound by itself it needs none');
    binder.unbind(eips.map(on));
    assert.deepEqual([...texts(), ...standIns()], []);
    assert.deepEqual(troubles, []);
  });

  it('is what the announcer asks for', () => {
    const port: Binder = binder;
    assert.ok(port);
  });

  it('puts single addresses there, at once usable, never a source, with an end', () => {
    assert.deepEqual(binder.bind([on('192.0.2.7'), on('2001:db8::7')]), [null, null]);
    assert.deepEqual(texts(), ['192.0.2.7/32', '2001:db8::7/128']);
    for (const entry of present()) {
      assert.equal(entry.proto, addressProtocol);
      assert.ok(entry.validSeconds > 590 && entry.validSeconds <= 600);
      assert.equal(entry.preferredSeconds, 0);
      assert.equal(entry.flags & IFA_F_NOPREFIXROUTE, IFA_F_NOPREFIXROUTE);
      assert.equal(entry.flags & IFA_F_TENTATIVE, 0);
    }
    const v6 = present().find(({ family }) => family === 6)!;
    assert.equal(v6.flags & (IFA_F_NODAD | IFA_F_DEPRECATED), IFA_F_NODAD | IFA_F_DEPRECATED);
    const routes = execFileSync('ip', ['-6', 'route', 'show', 'dev', wire.a], { encoding: 'utf8' });
    assert.ok(!routes.includes('2001:db8::7'), 'no route of its own');
    binder.unbind([on('192.0.2.7'), on('2001:db8::7')]);
    assert.deepEqual(texts(), []);
    assert.deepEqual(troubles, []);
  });

  it('again, or of what is not there, changes nothing', () => {
    binder.bind([on('192.0.2.7')]);
    assert.deepEqual(binder.bind([on('192.0.2.7'), on('192.0.2.7')]), [null, null]);
    assert.deepEqual(texts(), ['192.0.2.7/32']);
    binder.unbind([on('192.0.2.7'), on('192.0.2.7'), on('192.0.2.8')]);
    binder.unbind([]);
    assert.deepEqual(binder.bind([]), []);
    assert.deepEqual([texts(), troubles], [[], []]);
  });

  it('leaves alone what someone else put there, whatever its form', () => {
    ip(`addr add 192.0.2.1/32 dev ${wire.a}`);
    ip(`addr add 192.0.2.2/24 dev ${wire.a}`);
    ip(`addr add 2001:db8::1/128 dev ${wire.a} nodad`);
    ip(`addr add 2001:db8::2/64 dev ${wire.a} nodad valid_lft 500 preferred_lft 0`);
    const before = present();
    const all = ['192.0.2.1', '2001:db8::1', '2001:db8::2'].map(on);
    assert.deepEqual(binder.bind(all), [null, null, null]);
    binder.refresh();
    binder.unbind([...all, on('192.0.2.2')]);
    const plain = (entries: InterfaceAddress[]) => entries.map((entry) => (
      { ...entry, validSeconds: Math.ceil(entry.validSeconds / 100) }));
    assert.deepEqual(plain(present()), plain(before));
    assert.deepEqual(binder.leftovers(), []);
  });

  it('leaves alone what someone else put there after ours was removed', () => {
    binder.bind([on('192.0.2.7')]);
    ip(`addr del 192.0.2.7/32 dev ${wire.a}`);
    ip(`addr add 192.0.2.7/32 dev ${wire.a}`);
    binder.refresh();
    binder.unbind([on('192.0.2.7')]);
    assert.deepEqual(present().map(({ validSeconds }) => validSeconds), [0xffffffff]);
  });

  it('knows after a restart what the earlier run left, takes it over and removes it', () => {
    binder.bind([on('192.0.2.7'), on('192.0.2.8'), on('2001:db8::7')]);
    ip(`addr add 192.0.2.9/32 dev ${wire.a} valid_lft 600 preferred_lft 0 noprefixroute`);
    const next = new AddressBinder();
    assert.deepEqual(next.leftovers(), [
      { eip: '192.0.2.7', ifindex: link.ifindex }, { eip: '192.0.2.8', ifindex: link.ifindex },
      { eip: '2001:db8::7', ifindex: link.ifindex },
    ]);
    assert.deepEqual(next.bind([on('192.0.2.7')]), [null]);
    assert.deepEqual(next.leftovers().map(({ eip }) => eip), ['192.0.2.8', '2001:db8::7']);
    next.unbind([on('192.0.2.7'), on('192.0.2.8'), on('2001:db8::7')]);
    assert.deepEqual(texts(), ['192.0.2.9/32']);
    next.close();
  });

  it('on a kernel without address protocols goes by what only the agent makes', () => {
    const old = new AddressBinder({ kernelRelease: '5.15.0-91-generic' });
    // As such a kernel shows it: without the protocol.
    kernel.transact(encodeNewAddress(NLM_F_CREATE, {
      ifindex: link.ifindex, address: '192.0.2.7', prefixLength: 32, proto: 0,
      flags: IFA_F_NODAD | IFA_F_NOPREFIXROUTE, validSeconds: 600, preferredSeconds: 0,
    }));
    ip(`addr add 192.0.2.8/32 dev ${wire.a} valid_lft 600 preferred_lft 600`);
    ip(`addr add 192.0.2.9/32 dev ${wire.a} noprefixroute`);
    assert.deepEqual(old.leftovers().map(({ eip }) => eip), ['192.0.2.7']);
    assert.deepEqual(binder.leftovers(), [], 'but not where the protocol would be there');
    old.unbind(['192.0.2.7', '192.0.2.8', '192.0.2.9'].map(on));
    assert.deepEqual(texts(), ['192.0.2.8/32', '192.0.2.9/32']);
    old.close();
  });

  it('brings back, on refresh, what was removed behind its back', () => {
    binder.bind([on('192.0.2.7'), on('2001:db8::7')]);
    ip(`link set ${wire.a} down`);
    assert.deepEqual(texts(), ['192.0.2.7/32'], 'the kernel drops IPv6 addresses of a downed link');
    ip(`link set ${wire.a} up`);
    ip(`addr del 192.0.2.7/32 dev ${wire.a}`);
    binder.refresh();
    assert.deepEqual(texts(), ['192.0.2.7/32', '2001:db8::7/128']);
  });

  it('sets the end of each anew on refresh', async () => {
    binder.bind([on('192.0.2.7'), on('2001:db8::7')]);
    const least = () => Math.min(...present().map(({ validSeconds }) => validSeconds));
    await until('seconds to pass', () => least() < 597);
    binder.refresh();
    assert.ok(least() >= 598);
  });

  it('of a thousand addresses takes a moment, and all are there, refreshed and removed', async () => {
    const all = Array.from({ length: 1000 }, (_, i) => on(`10.0.${i >> 8}.${i & 255}`));
    assert.ok(binder.bind(all).every((error) => error === null));
    assert.equal(texts().length, 1000);
    await until('time to pass', () => present().every(({ validSeconds }) => validSeconds < 597));
    binder.refresh();
    await until('all to be renewed', () => (
      present().every(({ validSeconds }) => validSeconds > 597)));
    binder.unbind(all);
    assert.deepEqual([texts(), troubles], [[], []]);
  });

  it('says for each what is in the way, and still binds the others', () => {
    const gone = { ...link, ifindex: 99999, name: 'eth9' };
    writeSysctl(`net/ipv6/conf/${wire.b}/disable_ipv6`, '1');
    const without6 = { ...link, ifindex: ifindexOf(wire.b), name: wire.b };
    const results = binder.bind([
      { eip: '192.0.2.7', link: gone }, { eip: '2001:db8::7', link: without6 },
      on('192.0.2.300'), on('192.0.2.8'),
    ]);
    assert.deepEqual(results, [
      '192.0.2.7 cannot be put on eth9: the interface is gone.',
      `2001:db8::7 cannot be put on ${wire.b}: IPv6 is switched off there; `
        + `sysctl net.ipv6.conf.${wire.b}.disable_ipv6=0 switches it on.`,
      '"192.0.2.300" is not an IPv4 address: write four numbers from 0 to 255.',
      null,
    ]);
    binder.unbind([{ eip: '192.0.2.7', link: gone }]);
    assert.deepEqual(troubles, []);
  });
});

describe('solicited-node groups', needsRoot, () => {
  let groups: SolicitedNodeGroups;
  const troubles: string[] = [];

  beforeEach(() => {
    begin();
    troubles.splice(0);
    groups = new SolicitedNodeGroups({ onTrouble: (text) => { troubles.push(text); } });
  });
  afterEach(() => {
    groups.close();
    end();
  });

  /** Groups of our addresses that the kernel has joined on the link. */
  function joined(): string[] {
    return readFileSync('/proc/net/igmp6', 'utf8').split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, name, group]) => name === wire.a && group?.startsWith('ff0200000000000000000001ffee'))
      .map(([, , group = '']) => group.slice(-8)).sort();
  }

  it('are joined while an address needs them, counting those that share one', () => {
    const port: Groups = groups;
    port.join('2001:db8::ee:1', link);
    port.join('2001:db8::ee:1', link);
    port.join('2001:db8:5::ee:1', link);
    port.join('2001:db8::ee:2', link);
    port.join('192.0.2.1', link);
    assert.deepEqual(joined(), ['ffee0001', 'ffee0002']);
    port.leave('2001:db8::ee:1', link);
    port.leave('2001:db8::ee:1', link);
    assert.deepEqual(joined(), ['ffee0001', 'ffee0002'], 'another address shares it');
    port.leave('2001:db8:5::ee:1', link);
    assert.deepEqual(joined(), ['ffee0002']);
    groups.close();
    assert.deepEqual([joined(), groups.errors], [[], 0]);
  });

  it('are joined by the thousand, more than one socket may hold', () => {
    const eips = Array.from({ length: 3000 }, (_, i) => `2001:db8::ee:${(i + 1).toString(16)}`);
    for (const eip of eips) groups.join(eip, link);
    assert.equal(joined().length, 3000);
    for (const eip of eips) groups.leave(eip, link);
    assert.deepEqual([joined(), groups.size, groups.errors, troubles], [[], 0, 0, []]);
  });

  it('that the kernel refuses are counted and told, and asked for again', () => {
    const gone = { ifindex: 99999, name: 'eth9' };
    groups.join('2001:db8::ee:1', gone);
    assert.equal(groups.errors, 1);
    assert.match(troubles[0] ?? '', /of 2001:db8::ee:1 cannot be joined on eth9 \(ENODEV\)/);
    groups.join('2001:db8::ee:1', gone);
    assert.equal(groups.errors, 2);
    groups.leave('2001:db8::ee:1', gone);
    assert.equal(groups.size, 0);
  });

  it('of a link that was deleted are left without complaint', () => {
    groups.join('2001:db8::ee:1', link);
    ip(`link del ${wire.a}`);
    groups.leave('2001:db8::ee:1', link);
    assert.deepEqual([groups.size, groups.errors], [0, 0]);
  });
});
