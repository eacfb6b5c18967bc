import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { keywordsDoc } from '../../../../src/keepalived/config/keywords-doc.ts';
import { parseBuild } from '../../../../src/keepalived/config/build.ts';
import { parseVersion } from '../../../../src/keepalived/config/version.ts';

describe('the list of keywords', () => {
  it('is as the table says: run generate-docs.ts after a change', () => {
    const url = new URL('../../../../src/keepalived/config/KEYWORDS.md', import.meta.url);
    assert.equal(readFileSync(url, 'utf8'), keywordsDoc());
  });
});

describe('what keepalived says of itself', () => {
  it('tells the release, however a package spells it', () => {
    for (const text of ['2.2.7', 'v2.2.7', '1:2.2.7-1+b2', 'Keepalived v2.2.7 (01/16,2022)']) {
      assert.deepEqual(parseVersion(text), [2, 2, 7], text);
    }
    assert.equal(parseVersion('2.2'), undefined);
  });

  it('tells what was built in', () => {
    const build = parseBuild('Keepalived v2.2.7 (01/16,2022)\n\nConfig options:  NFTABLES LVS VRRP_AUTH '
      + 'VRRP_VMAC JSON BFD LIBIPSET_DYNAMIC SNMP_RFCV2\n\nSystem options:  VSYSLOG NO_LINKBEAT\n');
    assert.deepEqual(build?.version, [2, 2, 7]);
    for (const feature of ['NFTABLES', 'FIREWALL', 'IPSET', 'SNMP', 'TRACK_PROCESS'] as const) {
      assert.ok(build.features.has(feature), feature);
    }
    assert.ok(!build.features.has('LINKBEAT'), 'LINKBEAT');
    assert.equal(parseBuild('command not found'), undefined);
  });
});
