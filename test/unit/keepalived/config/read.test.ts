import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatFinding } from '../../../../src/keepalived/config/finding.ts';
import type { InterfaceFacts } from '../../../../src/keepalived/config/host.ts';
import { read } from '../../../../src/keepalived/config/read/read.ts';
import type { Version } from '../../../../src/keepalived/config/version.ts';
import { mutatedText, specimen } from '../../../netns/keepalived-config-mutate.ts';

const old: Version = [2, 2, 7];

/** A whole instance with more lines, which start on line 5. */
function instance(...lines: readonly string[]): string {
  const body = ['interface eth0', 'virtual_router_id 7', 'virtual_ipaddress { 192.0.2.1 }', ...lines];
  return `vrrp_instance V {\n${body.join('\n')}\n}\n`;
}

function said(text: string, version: Version = old): string[] {
  return read(text, { version }).findings.map((finding) => formatFinding(finding)
    .replace('keepalived.conf:', ''));
}

describe('reading keepalived.conf', () => {
  it('gives each keyword its value, typed', () => {
    const { configuration, accepted } = read(specimen, { version: old });
    assert.ok(accepted, 'accepted');
    assert.deepEqual(configuration.vrrp_script,
      [{ name: 'S', script: "/usr/bin/true a 'b c'", interval: 2 }]);
    const [v, w] = configuration.vrrp_instance ?? [];
    assert.deepEqual([v?.name, v?.priority, v?.advert_int, w?.virtual_router_id], ['V', 100, 1, 8]);
    assert.deepEqual(v?.virtual_ipaddress,
      [{ address: '192.0.2.100/24', dev: 'eth1' }, { address: '192.0.2.101' }]);
  });

  it('remembers where each part stood', () => {
    const { configuration, positions } = read(specimen, { file: 'k.conf', version: old });
    const [v] = configuration.vrrp_instance ?? [];
    assert.ok(v?.virtual_ipaddress?.[1], 'two addresses');
    assert.deepEqual(positions.of(v), { file: 'k.conf', line: 25, column: 1 });
    assert.deepEqual(positions.of(v, 'priority'), { file: 'k.conf', line: 29, column: 5 });
    assert.deepEqual(positions.of(v.virtual_ipaddress[1]), { file: 'k.conf', line: 33, column: 9 });
  });

  it('keeps keywords that it does not know, with their blocks, and reports them', () => {
    const text = `nonsense 5 {\n  a b\n  c { d }\n}\n${instance('advert_itn 1')}`;
    const { configuration } = read(text, { version: old });
    assert.deepEqual(configuration.other, [{
      words: ['nonsense', '5'],
      block: [{ words: ['a', 'b'] }, { words: ['c'], block: [{ words: ['d'] }] }],
    }]);
    assert.deepEqual(configuration.vrrp_instance?.[0]?.other, [{ words: ['advert_itn', '1'] }]);
    assert.deepEqual(said(text), [
      '1:1: error: "nonsense" is not a keyword here',
      '9:1: error: "advert_itn" is not a keyword here; did you mean "advert_int"?',
    ]);
  });

  const faults: readonly (readonly [string, RegExp])[] = [
    ['priority 256', /^5:10: error: priority: .*256.*1 to 255/],
    ['advert_int 0.5', /^5:1\d?: error: .*advert_int.*0\.5.*whole seconds/s],
    ['version 3\nadvert_int 41', /^6:1\d?: error: .*advert_int.*41.*40\.95/s],
    ['advert_int 1.0000001', /^5:12: error: advert_int: .*6 decimal places/],
    ['state master', /^5:7: error: state: .*master.*MASTER or BACKUP/],
    ['virtual_ipaddress { 2001:db8::1 }', /2001:db8::1 is IPv6, but the instance is for IPv4/],
    ['auth_pass x', /it belongs in authentication/],
    ['track_script { S }', /vrrp_script S is not defined/],
    ['down_timer_adverts 101', /1 to 100/],
    ['nopreempt\npreempt_delay 5', /preempt_delay/],
    ['timer_expired_backup', /keepalived 2\.2\.7 does not know "timer_expired_backup".* 2\.2\.8/],
    ['auth_hmac { }', /2\.4\.0/],
    ['unicast_peer { }', /unicast/],
    ['garp_master_delay 1.5', /^5:19: .*garp_master_delay/],
  ];
  for (const [line, expected] of faults) {
    it(`says what is wrong with ${line.replace(/\s+/g, ' ')}`, () => {
      const findings = said(instance(line));
      assert.ok(findings.some((finding) => expected.test(finding)), findings.join('\n') || 'nothing');
    });
  }

  it('refuses a VRID that is taken on the interface, and only there', () => {
    const two = (more: string) => said(`${instance()}vrrp_instance W {\nvirtual_router_id 7\n`
      + `${more}\nvirtual_ipaddress { 192.0.2.2 }\n}\n`);
    assert.match(two('interface eth0').join(), /it has the VRID 7 of vrrp_instance V/);
    assert.deepEqual(two('interface eth1'), []);
  });

  it('asks of the host only what it is told about it', () => {
    const text = instance('track_interface { eth7 }');
    assert.deepEqual(said(text), []);
    const interfaces = new Map<string, InterfaceFacts>([['eth0', {}]]);
    const { findings } = read(text, { version: old, facts: { interfaces } });
    assert.match(findings.map((one) => one.message).join(), /eth7/);
    assert.deepEqual(findings.map((one) => one.severity), ['error']);
  });

  it('counts how many addresses an advertisement holds', () => {
    const many = (count: number) => said(instance('virtual_ipaddress {',
      ...Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}`), '}'));
    assert.deepEqual(many(254), []);
    assert.match(many(255).join(), /256 addresses do not fit.*virtual_ipaddress_excluded/);
  });

  it('never throws because of what is written', () => {
    fc.assert(fc.property(fc.oneof(mutatedText, fc.string({ unit: 'binary' })), (text) => {
      const { findings, accepted } = read(text, { version: old });
      assert.equal(accepted, findings.every(({ severity }) => severity !== 'error'));
    }), { numRuns: 500 });
  });

  it('writes what a terminal would obey in a form that it does not', () => {
    const [finding] = said(instance('priority \u001b[31m'));
    assert.match(finding ?? '', /\\u\{1b\}\[31m/);
  });
});
