import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { ownAddress } from '../../../src/net/own-address.ts';
import {
  forever, IFA_F_DEPRECATED, IFA_F_PERMANENT, IFA_F_TENTATIVE, type InterfaceAddress,
} from '../../../src/net/rtnetlink/address.ts';

function on(block: string, flags = IFA_F_PERMANENT): InterfaceAddress {
  const [address = '', length = ''] = block.split('/');
  return {
    ifindex: 2, family: address.includes(':') ? 6 : 4, address, prefixLength: Number(length),
    subnetOf: address, broadcast: null, label: null, flags, proto: null,
    validSeconds: forever, preferredSeconds: forever,
  };
}

const managed = (...addresses: string[]) => (
  (address: string): boolean => addresses.includes(address));
const none = managed();

describe('the address in whose name a host asks', () => {
  it('is the first of its IP version that has a subnet', () => {
    const there = [on('192.0.2.10/32'), on('fd00::5/64'), on('192.0.2.1/24'), on('192.0.2.2/24')];
    assert.equal(ownAddress(there, 4, none), '192.0.2.1');
    assert.equal(ownAddress(there, 6, none), 'fd00::5');
  });

  it('is link-local in IPv6, where there is one', () => {
    assert.equal(ownAddress([on('fd00::5/64'), on('fe80::1/64')], 6, none), 'fe80::1');
  });

  it('is none that is managed, or not in use', () => {
    const there = [
      on('192.0.2.9/24'), on('fe80::9/64', IFA_F_TENTATIVE), on('fd00::9/64', IFA_F_DEPRECATED),
    ];
    assert.equal(ownAddress(there, 4, managed('192.0.2.9')), null);
    assert.equal(ownAddress(there, 6, none), null);
  });
});
