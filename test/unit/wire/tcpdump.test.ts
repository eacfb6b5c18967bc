import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { arpClaims, arpProbe } from '../../../src/wire/arp.ts';
import {
  dadSolicitation, solicitedAdvertisement, unsolicitedAdvertisement,
} from '../../../src/wire/ndp.ts';
import { tcpdumpMissing, tcpdumpOf } from './pcap.ts';

describe('Frames that we write', { skip: tcpdumpMissing }, () => {
  it('are read by tcpdump as what they are meant to be, checksums right', () => {
    const mac = '02:00:00:00:00:0a';
    const asker = { mac: '02:00:00:00:00:0b', address: '2001:db8::11' };
    const answer = solicitedAdvertisement(mac, {
      kind: 'solicitation', source: asker.address, destination: 'ff02::1:ff00:10',
      target: '2001:db8::10', sourceMac: asker.mac,
    }, asker.mac);
    const frames = [
      arpProbe(mac, '192.0.2.10'), ...arpClaims(mac, '192.0.2.10'),
      dadSolicitation(mac, '2001:db8::10'), unsolicitedAdvertisement(mac, '2001:db8::10'), answer,
    ];
    const packets = tcpdumpOf(frames);
    const expected = [
      /^02:00:00:00:00:0a > ff:ff:ff:ff:ff:ff, ethertype ARP.* who-has 192\.0\.2\.10 tell 0\.0\.0\.0,/,
      /^02:00:00:00:00:0a > ff:ff:ff:ff:ff:ff,.* (Announcement 192\.0\.2\.10|who-has 192\.0\.2\.10.* tell 192\.0\.2\.10),/,
      /^02:00:00:00:00:0a > ff:ff:ff:ff:ff:ff,.* Reply 192\.0\.2\.10 is-at 02:00:00:00:00:0a,/,
      /> 33:33:ff:00:00:10,.*\(hlim 255,.* :: > ff02::1:ff00:10: \[icmp6 sum ok\] ICMP6, neighbor solicitation,.* who has 2001:db8::10$/,
      /> 33:33:00:00:00:01,.* 2001:db8::10 > ff02::1: \[icmp6 sum ok\] ICMP6, neighbor advertisement,.* tgt is 2001:db8::10, Flags \[override\] destination link-address option \(2\), length 8 \(1\): 02:00:00:00:00:0a/,
      /> 02:00:00:00:00:0b,.* 2001:db8::10 > 2001:db8::11: \[icmp6 sum ok\] ICMP6, neighbor advertisement,.* Flags \[solicited, override\] destination link-address/,
    ];
    assert.equal(packets.length, expected.length, packets.join('\n'));
    for (const [index, pattern] of expected.entries()) assert.match(packets[index] ?? '', pattern);
  });
});
