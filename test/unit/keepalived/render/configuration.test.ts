import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Version } from '../../../../src/keepalived/config/version.ts';
import { write } from '../../../../src/keepalived/config/write/write.ts';
import { configurationFor, refusals } from '../../../../src/keepalived/render/configuration.ts';
import type { InstancePlan } from '../../../../src/keepalived/render/plan.ts';
import { type VipSettings, vipDefaults } from '../../../../src/keepalived/render/settings.ts';

const instances: readonly InstancePlan[] = [
  {
    name: 'vip-web', pool: 'web', interface: 'eth0', family: 4, vrid: 7, priority: 200,
    addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
  },
  {
    name: 'vip-web6', pool: 'web6', interface: 'eth0', family: 6, vrid: 7, priority: 160,
    addresses: ['2001:db8::1'],
  },
];

function render(settings: Partial<VipSettings> = {}, version: Version = [2, 2, 7]): string {
  return write(configurationFor({
    node: 'n1', instances, settings: { ...vipDefaults, ...settings }, version, fifo: '/run/x/fifo',
  }), { version });
}

describe('the configuration of keepalived', () => {
  it('is one instance a pool, version 3, with one address advertised', () => {
    assert.equal(render(), `global_defs {
    router_id n1
    vrrp_notify_fifo /run/x/fifo
    fifo_write_vrrp_states_on_reload
    vrrp_version 3
    vrrp_garp_master_delay 1
    vrrp_garp_master_repeat 3
    vrrp_garp_master_refresh 30
    vrrp_garp_master_refresh_repeat 1
    vrrp_garp_lower_prio_delay 3
    vrrp_garp_lower_prio_repeat 3
}

vrrp_instance vip-web {
    state BACKUP
    interface eth0
    virtual_router_id 7
    priority 200
    advert_int 1
    version 3
    nopreempt
    skip_check_adv_addr
    virtual_ipaddress {
        192.0.2.1/32 dev eth0
    }
    virtual_ipaddress_excluded {
        192.0.2.2/32 dev eth0
        192.0.2.3/32 dev eth0
    }
}

vrrp_instance vip-web6 {
    state BACKUP
    interface eth0
    virtual_router_id 7
    priority 160
    advert_int 1
    version 3
    nopreempt
    skip_check_adv_addr
    virtual_ipaddress {
        2001:db8::1/128 dev eth0
    }
}
`);
  });

  it('is accepted with every setting, by every release that has it', () => {
    const unicast = { source: { 4: '192.0.2.11', 6: '2001:db8::11' },
      nodes: ['192.0.2.11', '192.0.2.12', '2001:db8::11', '2001:db8::12'] } as const;
    const variants: Partial<VipSettings>[] = [
      { advertMs: 10 }, { advertMs: 40_950 }, { missed: 5 }, { failbackS: 0 }, { failbackS: 300 },
      { unicast }, { useVmac: true }, { unicast, useVmac: true }, { trackInterfaces: ['eth1'] },
      { trackScripts: [{ name: 'S', command: '/bin/true', intervalS: 1, timeoutS: 1 }] },
      { trackProcesses: [{ name: 'P', process: 'nginx' }] },
    ];
    for (const version of [[2, 2, 7], [2, 2, 8], [2, 3, 4], [2, 4, 3]] as const) {
      for (const settings of variants) {
        assert.deepEqual(refusals({ ...vipDefaults, ...settings }, version, instances), []);
        render(settings, version);
      }
    }
    render({ hmacKeyFile: '/etc/tenure/vrrp.key' }, [2, 4, 3]);
    render({}, [2, 1, 0]);
  });

  it('names only other nodes as unicast peers, of the family of the instance', () => {
    const text = render({ unicast: { source: { 4: '192.0.2.11' },
      nodes: ['192.0.2.11', '192.0.2.12', '2001:db8::12'] } });
    assert.match(text, /unicast_src_ip 192\.0\.2\.11\n {4}unicast_peer \{\n {8}192\.0\.2\.12\n {4}\}/);
    assert.match(text, /unicast_peer \{\n {8}2001:db8::12\n {4}\}/);
  });

  it('says what a release, or the settings, cannot do, and what would help', () => {
    const say = (settings: Partial<VipSettings>, version: Version = [2, 2, 7]) =>
      refusals({ ...vipDefaults, ...settings }, version, instances).join('\n');
    assert.match(say({ hmacKeyFile: '/k' }), /2\.2\.7 knows no auth_hmac.*2\.4\.0.*auth_pass is no stand-in/);
    assert.match(say({ advertMs: 15 }), /15 ms: give 10 to 40950, in steps of 10/);
    assert.match(say({ missed: 4 }, [2, 2, 2]), /2\.2\.3 or later/);
    assert.match(say({ unicast: { source: { 4: '192.0.2.11' }, nodes: ['192.0.2.11', '::2'] } }),
      /^unicast for IPv4, and no other node/);
  });
});
