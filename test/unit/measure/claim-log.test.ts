import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arpAnswer, arpClaims, arpProbe, decodeArp, encodeArp } from '../../../src/wire/arp.ts';
import { dadSolicitation, encodeNeighbour, unsolicitedAdvertisement } from '../../../src/wire/ndp.ts';
import { ClaimLog, readClaim } from '../../../src/measure/claim-log.ts';

const mac = '02:88:00:00:00:0b';
const other = '02:88:00:00:00:0c';

describe('A frame on the LAN', () => {
  it('claims an address if it is an answer, or is told unasked in either form', () => {
    const probe = decodeArp(arpProbe(other, '10.88.1.1'));
    assert.ok(!('drop' in probe));
    assert.deepEqual(readClaim(arpAnswer(mac, probe, other)), { address: '10.88.1.1', kind: 'reply', mac });
    for (const frame of arpClaims(mac, '10.88.1.1')) {
      assert.deepEqual(readClaim(frame), { address: '10.88.1.1', kind: 'gratuitous', mac });
    }
  });

  it('claims an address if it asks for another with that address as its sender', () => {
    const question = encodeArp({ source: mac, destination: 'ff:ff:ff:ff:ff:ff' }, {
      operation: 'request', senderMac: mac, senderAddress: '10.88.1.1',
      targetMac: '00:00:00:00:00:00', targetAddress: '10.88.0.201',
    });
    assert.deepEqual(readClaim(question), { address: '10.88.1.1', kind: 'request', mac });
  });

  it('claims the MAC address that it says, not the one it comes from', () => {
    const frame = encodeArp({ source: other, destination: 'ff:ff:ff:ff:ff:ff' }, {
      operation: 'reply', senderMac: mac, senderAddress: '10.88.1.1',
      targetMac: other, targetAddress: '10.88.0.201',
    });
    assert.equal(readClaim(frame)?.mac, mac);
  });

  it('is a claim in IPv6 too: advertisements, and solicitations from the address', () => {
    const advertisement = unsolicitedAdvertisement(mac, 'fd88::1:1');
    assert.deepEqual(readClaim(advertisement), { address: 'fd88::1:1', kind: 'gratuitous', mac });
    const solicitation = encodeNeighbour({ source: mac, destination: '33:33:ff:00:02:01' }, {
      kind: 'solicitation', source: 'fd88::1:1', destination: 'ff02::1:ff00:201',
      target: 'fd88::201', sourceMac: mac,
    });
    assert.deepEqual(readClaim(solicitation), { address: 'fd88::1:1', kind: 'request', mac });
  });

  it('is a probe, and no claim, if it asks whether anyone has the address', () => {
    assert.equal(readClaim(arpProbe(mac, '10.88.1.1'))?.kind, 'probe');
    assert.equal(readClaim(dadSolicitation(mac, 'fd88::1:1'))?.kind, 'probe');
  });

  it('is nothing if it is cut short', () => {
    const [frame] = arpClaims(mac, '10.88.1.1');
    assert.equal(readClaim(frame.subarray(0, 30)), null);
    assert.equal(readClaim(new Uint8Array(0)), null);
  });
});

describe('A log of claims', () => {
  const address = '10.88.1.1';
  const filled = (...claims: readonly [host: number, at: number][]): ClaimLog => {
    const log = new ClaimLog(['n1', 'n2', 'n3']);
    for (const [host, at] of claims) log.add(address, host, at, 'reply', mac);
    return log;
  };

  it('shows a clean change of owner as two runs without overlap', () => {
    const log = filled([0, 10], [0, 20], [1, 30], [1, 40]);
    assert.deepEqual(log.runs(address), [
      { host: 'n1', first: 10, last: 20, claims: 2 }, { host: 'n2', first: 30, last: 40, claims: 2 },
    ]);
    assert.deepEqual(log.overlaps(address), []);
  });

  it('counts what the old holder claims after the new one has spoken, and for how long', () => {
    const log = filled([0, 10], [1, 30], [0, 31], [1, 32], [0, 45], [1, 50]);
    assert.deepEqual(log.overlaps(address), [
      { address, host: 'n1', newHolder: 'n2', ms: 15, claims: 2 },
    ]);
  });

  it('counts a single late claim that nobody answers any more', () => {
    assert.equal(filled([0, 10], [1, 30], [0, 90]).overlaps(address)[0]?.claims, 1);
  });

  it('puts claims in order by their time, not by when they were read', () => {
    const log = filled([1, 30], [0, 20], [0, 10]);
    assert.deepEqual(log.overlaps(address), []);
    assert.deepEqual([...log.select(address)].map(({ at }) => at), [10, 20, 30]);
  });

  it('looks at the asked time only', () => {
    const log = filled([0, 10], [1, 20], [0, 30], [1, 40]);
    assert.deepEqual(log.overlaps(address, { since: 15, until: 25 }), []);
    assert.deepEqual([...log.select(address, { host: 'n2', since: 20, until: 40 })].length, 2);
  });

  it('gives the first claim of each address by each host', () => {
    assert.deepEqual(filled([0, 10], [1, 20], [0, 30], [1, 40]).firsts({ since: 15 }), [
      { address, host: 'n2', at: 20 }, { address, host: 'n1', at: 30 },
    ]);
  });

  it('leaves probes out of claims, and gives them when asked', () => {
    const log = new ClaimLog(['n1']);
    log.add(address, 0, 10, 'probe', mac);
    assert.deepEqual(log.runs(address), []);
    assert.equal([...log.select(address, {}, true)].length, 1);
  });

  it('counts what it has no room for', () => {
    const log = new ClaimLog(['n1'], 100);
    for (let at = 0; at < 150; at += 1) log.add(address, 0, at, 'reply', mac);
    assert.equal(log.size, 100);
    assert.equal(log.overflow, 50);
  });
});
