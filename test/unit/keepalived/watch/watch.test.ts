import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { VrrpWatch } from '../../../../src/keepalived/watch/watch.ts';
import type { VrrpPacket } from '../../../../src/wire/vrrp/frame.ts';

const expected = {
  pool: 'web', interface: 'eth0', family: 4, vrid: 7, intervalMs: 100, address: '192.0.2.1',
} as const;

function packet(source: string, change: Partial<VrrpPacket> = {}): VrrpPacket {
  return {
    version: 3, vrid: 7, priority: 150, intervalMs: 100, addresses: ['192.0.2.1'], authentication: 0,
    pseudoHeader: true, trailer: 0, source, destination: '224.0.0.18', ttl: 255, ...change,
  };
}

const [a, b] = ['192.0.2.11', '192.0.2.12'];

function watching(): VrrpWatch {
  const watch = new VrrpWatch();
  watch.expect([expected]);
  return watch;
}

const codes = (watch: VrrpWatch, now: number) => watch.findings(now).map(({ code }) => code);

describe('the watch on VRRP', () => {
  it('knows the master by its advertisements, and that it is gone by their absence', () => {
    const watch = watching();
    assert.deepEqual(watch.masters(0), [{ pool: 'web', vrid: 7, master: null }]);
    watch.hear('eth0', packet(a), 0);
    assert.deepEqual(watch.masters(300)[0]?.master, { source: a });
    assert.equal(watch.masters(401)[0]?.master, null);
    watch.hear('eth0', packet(a), 500);
    watch.hear('eth0', packet(a, { priority: 0 }), 550);
    assert.equal(watch.masters(551)[0]?.master, null);
    watch.own('web', true);
    assert.deepEqual(watch.masters(551)[0]?.master, { self: true });
  });

  it('knows a rival: who says the same of our own router, once we have been its master for a moment', () => {
    const watch = watching();
    assert.equal(watch.rival('eth0', packet(a), 0), null);
    watch.own('web', true, 1000);
    // The last word of the master that we relieve may cross our first.
    assert.equal(watch.rival('eth0', packet(a), 1150), null);
    assert.equal(watch.rival('eth0', packet(a), 1200), 'web');
    for (const change of [{ priority: 0 }, { vrid: 8 }, { addresses: ['192.0.2.9'] }, { version: 2 as const },
      { intervalMs: 300 }]) {
      assert.equal(watch.rival('eth0', packet(a, change), 2000), null, JSON.stringify(change));
    }
    assert.equal(watch.rival('eth1', packet(a), 2000), null);
    watch.own('web', false);
    assert.equal(watch.rival('eth0', packet(a), 3000), null);
  });

  it('tells of two masters that speak in turns', () => {
    const watch = watching();
    for (let at = 0; at < 1000; at += 100) {
      watch.hear('eth0', packet(a), at);
      watch.hear('eth0', packet(b), at + 40);
    }
    const [finding] = watch.findings(1000);
    assert.equal(finding?.code, 'vip-second-master');
    assert.match(finding.text, /^192\.0\.2\.11 and 192\.0\.2\.12 are masters of VRID 7 at once/);
    assert.deepEqual(codes(watch, 40_000), []);
  });

  it('tells of a master beside this node', () => {
    const watch = watching();
    watch.own('web', true);
    for (let at = 0; at < 500; at += 100) watch.hear('eth0', packet(b), at);
    assert.match(watch.findings(500)[0]?.text ?? '', /^this node and 192\.0\.2\.12 are masters/);
  });

  it('does not take a takeover for two masters, even if the old one is heard once more', () => {
    const watch = watching();
    for (let at = 0; at < 500; at += 100) watch.hear('eth0', packet(a), at);
    watch.hear('eth0', packet(b), 500);
    watch.hear('eth0', packet(a), 505);
    for (let at = 600; at < 1500; at += 100) watch.hear('eth0', packet(b), at);
    assert.deepEqual(codes(watch, 1500), []);
    assert.deepEqual(watch.masters(1500)[0]?.master, { source: b });
  });

  it('tells of strangers on our VRID, of another version, and of another interval', () => {
    const cases: [Partial<VrrpPacket>, string][] = [
      [{ addresses: ['192.0.2.99'] }, 'vip-vrid-stranger'],
      [{ addresses: [] }, 'vip-vrid-stranger'],
      [{ version: 2 }, 'vip-version'],
      [{ intervalMs: 1000 }, 'vip-interval'],
    ];
    for (const [change, code] of cases) {
      const watch = watching();
      watch.hear('eth0', packet(b, change), 0);
      assert.deepEqual(codes(watch, 1), [code]);
      assert.deepEqual(codes(watch, 60_000), []);
    }
  });

  it('knows which VRIDs others use, of the same family and interface', () => {
    const watch = watching();
    watch.hear('eth0', packet(b, { vrid: 9 }), 0);
    watch.hear('eth0', packet(b), 0);
    watch.hear('eth0', packet('fe80::1', { vrid: 7 }), 0);
    assert.deepEqual([...watch.foreign(1000)].sort(), ['7/6', '9/4']);
    watch.forget(1_000_000);
    assert.deepEqual([...watch.foreign(1_000_000)], []);
  });

  it('keeps a bounded memory, whoever speaks', () => {
    const watch = watching();
    fc.assert(fc.property(fc.nat(255), fc.nat(255), fc.nat(1000), (x, y, at) => {
      watch.hear('eth0', packet(`10.0.${x}.${y}`), at);
    }), { numRuns: 500 });
    assert.ok((watch.drops.get('too-many-speakers') ?? 0) > 0, 'counted');
    assert.ok(watch.findings(1000).length < 20, 'few findings');
  });
});
