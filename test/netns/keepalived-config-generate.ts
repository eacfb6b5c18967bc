/**
 * Random configurations of VRRP. Most parts go together; one of them, if any, is odd: it holds
 * values just outside their range, keywords that contradict each other, or plain nonsense.
 */
import fc from 'fast-check';

/**
 * The same configurations each time, so that whether a change passes is not a matter of luck; other
 * ones, and more of them, with KEEPALIVED_SEED=N KEEPALIVED_RUNS=N.
 */
export const draws = (usual: number): { readonly seed: number; readonly numRuns: number } => ({
  seed: Number(process.env.KEEPALIVED_SEED ?? 1),
  numRuns: Number(process.env.KEEPALIVED_RUNS ?? usual),
});

type Texts = fc.Arbitrary<string>;
type Family = 4 | 6;

const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const none = fc.constant('');

const lines = (...parts: readonly Texts[]): Texts =>
  fc.tuple(...parts).map((all) => all.filter((one) => one !== '').join('\n'));

/** A line that is there with a chance of one in `rarity`. */
const maybe = (line: Texts, rarity: number): Texts =>
  fc.oneof({ arbitrary: none, weight: rarity - 1 }, { arbitrary: line, weight: 1 });

const block = (keyword: string, rows: fc.Arbitrary<readonly string[]>): Texts =>
  rows.map((all) => `${keyword} {\n${all.join('\n')}\n}`);

const some = (line: Texts, most: number) => fc.array(line, { minLength: 1, maxLength: most });

const host4 = fc.integer({ min: 2, max: 60 }).map((low) => `192.0.2.${low}`);
const host6 = fc.integer({ min: 2, max: 60 }).map((low) => `2001:db8::${low.toString(16)}`);
const link6 = fc.integer({ min: 2, max: 60 }).map((low) => `fe80::${low.toString(16)}`);
const hostOf = (family: Family) => family === 4 ? host4 : fc.oneof(link6, host6);
const otherHost = (family: Family) => hostOf(family === 4 ? 6 : 4);

/** Generators that stick to what goes together, or do not. */
class Maker {
  readonly #isOdd: boolean;

  constructor(isOdd: boolean) {
    this.#isOdd = isOdd;
  }

  /** The usual, or, where things may be odd, now and then the other. */
  #mostly(usual: Texts, odd: Texts, weight = 4): Texts {
    return this.#isOdd
      ? fc.oneof({ arbitrary: usual, weight }, { arbitrary: odd, weight: 1 }) : usual;
  }

  #number(min: number, max: number): Texts {
    return this.#mostly(fc.oneof(fc.integer({ min, max }), pick(min, max)).map(String),
      pick(min - 1, max + 1).map(String), 2);
  }

  #interface(): Texts {
    return this.#mostly(pick('eth0', 'eth1', 'eth2', 'eth3', 'eth0.1'), pick('lo', 'nothere'), 12);
  }

  #address(family: Family): Texts {
    const options = fc.oneof(
      this.#interface().map((name) => `dev ${name}`),
      pick('home', '-nodad', 'noprefixroute', 'no_track', 'autojoin', 'mngtmpaddr'),
      pick('preferred_lft 0', 'preferred_lft forever', 'preferred_lft 60'),
      family === 4 ? this.#mostly(
        pick('scope link', 'scope global', 'scope 7', 'label eth0:1', 'brd 192.0.2.255'),
        pick('scope 256', 'scope here', 'label a234567890123456', 'brd +', 'brd fe80::1',
          'peer 192.0.2.77', 'peer fe80::7', 'peer 192.0.2.77/24'),
      ) : this.#mostly(pick('home', 'scope 0'),
        pick('scope link', 'label x', 'brd +', 'peer fe80::7', 'peer 192.0.2.7')),
      ...this.#isOdd ? [pick('use_vmac', 'nonsense', 'dev', 'track_group G', 'dev eth0 dev eth1')] : [],
    );
    const lengths = family === 4 ? ['', '', '/24', '/32', '/0'] : ['', '', '/64', '/128'];
    return fc.tuple(
      this.#mostly(hostOf(family), otherHost(family), 15),
      this.#mostly(pick(...lengths), pick('/33', '/129', '/', '/31', '/-1'), 10),
      maybe(options.map((option) => ` ${option}`), 3),
    ).map((parts) => parts.join(''));
  }

  #tracked(name: Texts): Texts {
    const weight = this.#mostly(
      fc.integer({ min: -253, max: 253 }).map((value) => `weight ${value}`),
      pick('weight 254', 'weight -254', 'weight 255', 'weight', 'weight x', 'weigh 5'), 3,
    );
    const way = this.#mostly(pick('', '', ' reverse'), pick(' noreverse', ' sideways'));
    return fc.tuple(name, maybe(fc.tuple(weight, way).map((parts) => ` ${parts.join('')}`), 2))
      .map((parts) => parts.join(''));
  }

  #trackBlock(): Texts {
    // With a file that is not defined, 2.2.7 reads freed memory: it crashes, or never ends.
    const one = (keyword: string, ...names: readonly string[]) => block(keyword, some(
      this.#tracked(this.#mostly(pick(...names),
        pick(keyword === 'track_file' ? 'F0' : 'nothere'), 12)),
      this.#isOdd ? 2 : 1));
    return fc.oneof(
      one('track_interface', 'eth2', 'eth3'), one('track_script', 'S0', 'S1'),
      one('track_file', 'F0', 'F1'), one('track_process', 'P0'), one('track_bfd', 'B0'),
    );
  }

  /** A line of virtual_routes or static_routes. */
  route(): Texts {
    const good = fc.oneof(
      host4.map((address) => `via ${address}`), host4.map((address) => `src ${address}`),
      pick('table 100', 'table main', 'scope link', 'metric 5', 'priority 4', 'dsfield 4', 'onlink'),
      pick('mtu 1400', 'mtu lock 1400', 'hoplimit 255', 'advmss 1 window 2', 'rtt 200ms', 'rtt 0.2s'),
      pick('rtt lock 5s', 'rto_min 120000', 'protocol 18', 'tos 0x10', 'realms 5', 'realms 5/6'),
      pick('features ecn', 'quickack 1', 'congctl bbr', 'congctl lock bbr', 'append', 'prepend'),
      pick('ttl-propagate enabled', 'fastopen_no_cookie 1', 'encap ip id 5 dst 192.0.2.9',
        'encap mpls 100/200', 'encap ila 1:2:3:4', 'encap ip6 id 1 dst fe80::1'),
    );
    const bad = fc.oneof(
      pick('via inet 192.0.2.9', 'via inet6 fe80::9', 'via fe80::9', 'via', 'gw 192.0.2.9'),
      pick('table nothere', 'scope 300', 'metric -1', 'mtu lock', 'hoplimit 256', 'rtt 121s'),
      pick('rtt 1e3', 'rttvar 1.5', 'rto_min 120001', 'protocol static', 'protocol 300', 'tos 256'),
      pick('realms 256', 'features x', 'quickack 2', 'pref low', 'pref 256', 'expires 60'),
      pick('ttl-propagate x', 'encap ip tos 1', 'encap mpls x', 'encap ip6 hoplimit 256', 'encap x'),
      pick('encap', 'from 2001:db8::/32', 'from 192.0.2.0/24', 'as to 192.0.2.1', 'or 192.0.2.1'),
      pick('nonsense', 'track_group G', 'vrf eth0', 'preference 4294967296', 'protocol 0x12'),
    );
    const head = this.#mostly(
      pick('192.0.2.0/24', 'default', 'to 192.0.2.9', 'blackhole 192.0.2.9', 'unicast all', '6 any',
        'inet inet default'),
      pick('inet6 default', 'inet6 inet6 default', '2001:db8::/32', '192.0.2.0/33', 'x', '',
        'to blackhole 192.0.2.1', 'default6', 'inet inet6 default'),
    );
    const hops = some(this.#mostly(
      pick('via 192.0.2.9', 'dev eth0', 'weight 1', 'weight 256', 'onlink', 'realms 3',
        'encap mpls 3', 'nexthop'),
      pick('via inet6 fe80::9', 'weight 257', 'weight 0', 'nonsense', 'as to', 'via'),
    ), 3).map((parts) => `no_track nexthop ${parts.join(' ')}`);
    const tail = this.#mostly(fc.oneof(pick('dev eth0', 'dev eth1', 'no_track'), hops), none, 8);
    return fc.tuple(head, fc.array(this.#mostly(good, bad, 2), { maxLength: 2 }), tail)
      .map(([first, options, last]) => [first, ...options, last].join(' ').trim())
      // What two encapsulations do is not defined: keepalived may crash.
      .filter((line) => line.split('encap').length <= 2);
  }

  /** A line of virtual_rules or static_rules. */
  rule(): Texts {
    const good = fc.oneof(
      pick('from 192.0.2.0/24', 'to 192.0.2.0/24', 'not', 'tos 4', 'fwmark 5', 'fwmark 0x10/0xff'),
      pick('iif eth0', 'dev eth1', 'oif lo', 'tunnel-id 5', 'uidrange 1-2', 'ipproto tcp'),
      pick('ipproto 127', 'sport 80-90', 'dport 1-99999', 'protocol 18', 'no_track', 'inet inet'),
    );
    const bad = fc.oneof(
      pick('from 2001:db8::/32', 'from default', 'to all', 'from x', 'dsfield 256', 'fwmark -1'),
      pick('fwmark 4294967296', 'fwmark 5/', 'fwmark 5/x', 'oif nothere', 'tunnel-id -1', 'uidrange 1'),
      pick('ipproto 128', 'ipproto x', 'sport 80', 'protocol 5', 'protocol 256', 'sup_pl -1'),
      pick('suppress_ifgroup 0', 'suppress_ifgroup x', 'realms 5', 'realms x', 'track_group G'),
      pick('inet6', 'inet6 inet6', 'x', 'suppress_prefixlength 5'),
    );
    const action = this.#mostly(
      pick('table 100', 'lookup main', 'l3mdev', 'goto 30000', 'nop', 'blackhole', 'type prohibit', '7'),
      pick('table 0', 'table x', 'type unicast', 'goto', 'goto 1', '', 'table 1 nop', '9'),
    );
    const tail = this.#mostly(pick('preference 100', 'priority 0x10', 'order 5'),
      pick('', 'preference -1', 'preference 4294967296', 'preference 40000', 'preference 08'));
    return fc.tuple(fc.array(this.#mostly(good, bad, 2), { maxLength: 2 }), action, tail)
      .map(([options, what, last]) => [...options, what, last].join(' ').trim());
  }

  #unicast(family: Family): Texts {
    const ttl = this.#mostly(pick(' min_ttl 5', ' max_ttl 255', ' min_ttl 9 max_ttl 9'),
      pick(' min_ttl 9 max_ttl 8', ' min_ttl', ' max_ttl 256', ' x 5', ' x'));
    const peer = fc.tuple(this.#mostly(hostOf(family), otherHost(family), 15), maybe(ttl, 4))
      .map((parts) => parts.join(''));
    return lines(
      maybe(hostOf(family).map((address) => `unicast_src_ip ${address}`), 2),
      block('unicast_peer', fc.array(peer, { minLength: this.#isOdd ? 0 : 1, maxLength: 3 })),
      maybe(this.#number(0, 255).map((value) => `unicast_ttl ${value}`), 6),
      maybe(this.#mostly(pick('check_unicast_src', 'old_unicast_checksum never'),
        pick('unicast_fault_no_peer', 'old_unicast_checksum x')), 5),
    );
  }

  /** Lines of an instance beside those that each has. */
  #extra(isUnicast: boolean): Texts {
    const good = fc.oneof(
      pick('nopreempt', 'preempt_delay 5', 'nopreempt\npreempt', 'dont_track_primary', 'track_src_ip'),
      pick('accept', 'no_accept', 'skip_check_adv_addr off', 'smtp_alert', 'debug 4', 'strict_mode off'),
      pick('lower_prio_no_advert', 'higher_prio_send_advert', 'notify /usr/bin/true', 'notify_deleted'),
      pick('notify_master "/usr/bin/true a b"', 'notify_backup /nothere', 'kernel_rx_buf_size 5'),
      pick('notify_stop /usr/bin/true nothere', 'notify_fault ""', 'garp_lower_prio_delay 0'),
      pick(isUnicast ? 'use_vmac\nvmac_xmit_base' : 'use_vmac', isUnicast ? '' : 'use_vmac vrrp.9',
        'use_vmac_addr', 'promote_secondaries'),
      this.#number(0, 4294).map((value) => `garp_master_delay ${value}`),
      this.#number(1, 4294967295).map((value) => `garp_master_repeat ${value}`),
      this.#number(0, 2147483647).map((value) => `garp_lower_prio_repeat ${value}`),
      this.#number(1, 100).map((value) => `down_timer_adverts ${value}`),
      this.#trackBlock(), this.#trackBlock(),
      block('virtual_routes', some(this.route(), 2)), block('virtual_rules', some(this.rule(), 2)),
    );
    const bad = fc.oneof(
      pick('nopreempt\npreempt_delay 5', 'preempt_delay 1001', 'debug 5', 'smtp_alert x'),
      pick('strict_mode', 'strict_mode on', 'strict_mode maybe', 'native_ipv6', 'version 4'),
      pick('authentication {\nauth_type PASS\nauth_pass secret\n}', 'authentication {\nauth_type PASS\n}',
        'authentication {\nauth_type AH\nauth_pass x\n}', 'authentication {\nauth_pass secret\n}',
        'authentication {\nauth_type PASS\nauth_pass secretsec\n}'),
      pick('mcast_src_ip 192.0.2.3', 'mcast_src_ip fe80::3', 'mcast_dst_ip 224.0.0.99',
        'mcast_dst_ip ff02::99', 'mcast_dst_ip ff05::99', 'mcast_dst_ip 192.0.2.3', 'vrf eth1'),
      pick('use_vmac', 'use_vmac 02:00:00:00:00:01', 'use_vmac\nvmac_xmit_base', 'vmac_xmit_base',
        'use_vmac\npromote_secondaries', 'use_ipvlan', 'use_ipvlan ipv.1 192.0.2.9',
        'use_ipvlan 2001:db8::1 private', 'use_vmac vrrp.9 vrrp.8'),
      pick('nonsense', 'virtual_router_id 9', 'interface eth1', 'state MASTER\nstate BACKUP', 'priority'),
      pick('notify /usr/bin/true\nnotify /usr/bin/true', 'strict_mode\npriority 255', 'strict_mode\nversion 3'),
    );
    return this.#mostly(good, bad, 1);
  }

  /** One instance. Clean ones have a VRID of their own. */
  instance(index: number): Texts {
    const { odd, even } = { odd: this.#isOdd, even: !this.#isOdd };
    const shape = fc.record({
      family: pick<Family>(4, 4, 6), isUnicast: fc.boolean(), version: pick(0, 0, 2, 3),
    });
    return shape.chain(({ family, isUnicast, version }) => {
      const is3 = version === 3 || (version === 0 && family === 6);
      const interval = is3 ? pick('1', '0.01', '0.5', '40.95', '2.00') : pick('1', '2', '255', '10.0');
      const oddInterval = pick('40.96', '0.005', '0.015', '1.5', '256', '0', '0.009', '1.000001', '0.5');
      return lines(
        fc.constant(version === 0 ? '' : `version ${version}`),
        this.#mostly(pick('state BACKUP', 'state BACKUP', ''), pick('state MASTER', 'state OTHER'), 3),
        this.#mostly(this.#interface().map((name) => `interface ${name}`), none, 20),
        even ? fc.constant(`virtual_router_id ${index + 1}`)
          : this.#mostly(pick(`virtual_router_id ${index + 1}`, 'virtual_router_id 1'),
            pick('', 'virtual_router_id 0', 'virtual_router_id 256'), 10),
        maybe(this.#mostly(pick('priority 100', 'priority 1', 'priority 254'),
          pick('priority 0', 'priority 255', 'priority 256')), 2),
        maybe(this.#mostly(interval, oddInterval).map((value) => `advert_int ${value}`), 3),
        isUnicast ? this.#unicast(family) : none,
        this.#mostly(block('virtual_ipaddress', some(this.#address(family), 3)), none, 20),
        maybe(block('virtual_ipaddress_excluded',
          some(fc.oneof(this.#address(4), this.#address(6)), 2)), 5),
        maybe(this.#extra(isUnicast), 2),
        odd ? maybe(this.#extra(isUnicast), 2) : none,
      );
    }).map((body) => `vrrp_instance V${index} {\n${body}\n}`);
  }

  syncGroup(): Texts {
    return fc.tuple(
      this.#mostly(pick('V0 V1', 'V1 V0', 'V0\nV1'), pick('V0', '', 'V0 V9', 'V0 V0', 'V1 V0 V1'), 3),
      maybe(this.#trackBlock(), 3),
      maybe(this.#mostly(pick('sync_group_tracking_weight', 'smtp_alert', 'notify /usr/bin/true'),
        pick('global_tracking', 'notify_priority_changes maybe', 'nonsense')), 2),
    ).map(([members, ...more]) => ['vrrp_sync_group G {', `group {\n${members}\n}`,
      ...more.filter((one) => one !== ''), '}'].join('\n'));
  }

  globals(): Texts {
    return lines(
      this.#mostly(fc.constant('enable_script_security\nscript_user root'),
        pick('script_user root', 'enable_script_security', 'script_user nothere'), 8),
      maybe(this.#mostly(pick('dynamic_interfaces', 'vrrp_garp_master_delay 5', 'router_id here',
        'vrrp_mcast_group4 224.0.0.99', 'notification_email {\na@b c@d\n}', 'vmac_prefix x',
        'vrrp_skip_check_adv_addr', 'vrrp_version 2'),
      pick('vrrp_strict', 'vrrp_version 3', 'vrrp_version 4', 'vrrp_down_timer_adverts 4',
        'vrrp_mcast_group6 ff05::1', 'vrrp_higher_prio_send_advert maybe', 'nonsense 5',
        'vrrp_down_timer_adverts 101'), 1), 2),
    ).map((body) => `global_defs {\n${body}\n}`);
  }

  /** What instances track, and everything else of the top level. */
  items(): Texts {
    return lines(
      this.#mostly(
        pick('vrrp_script S0 {\nscript /usr/bin/true\ninterval 2\nweight 5\n}',
          'vrrp_script S0 {\nscript "/usr/bin/true a"\nweight -5 reverse\nrise 2\nfall 2\n}'),
        pick('', 'vrrp_script S0 {\n}', 'vrrp_script S0 {\nscript /nothere\n}',
          'vrrp_script S0 {\nscript /usr/bin/true\ninterval 0\n}')),
      fc.constant('vrrp_script S1 {\nscript /usr/bin/true\n}'),
      pick('track_file F0 {\nfile /tmp/f0\n}', 'track_file F0 {\nfile /tmp/f0\nweight 0\n}',
        'vrrp_track_file F0 {\nfile /tmp/f0\nweight 5\ninit_file 5\n}'),
      fc.constant('track_file F1 {\nfile /tmp/f1\nweight 0\n}'),
      this.#mostly(pick('vrrp_track_process P0 {\nprocess sshd\n}',
        'vrrp_track_process P0 {\nprocess sshd\nquorum 2\nquorum_max 3\nweight 5\n}'),
      pick('vrrp_track_process P0 {\nprocess sshd -D\nquorum_max 3\nquorum 4\n}',
        'vrrp_track_process P0 {\nquorum 2\n}', 'vrrp_track_process P0 {\nprocess x\nquorum_max 0\n}')),
      pick('bfd_instance B0 {\nneighbor_ip 192.0.2.99\n}',
        'bfd_instance B0 {\nneighbor_ip fe80::9\nmax_hops 64\nweight 3\n}',
        'bfd_instance B0 {\nneighbor_ip 192.0.2.99\nsource_ip 192.0.2.98\nmin_rx 10.5\n}'),
      maybe(this.#mostly(pick('bfd_instance B1 {\nneighbor_ip 192.0.2.97\n}'),
        pick('bfd_instance B1 {\nneighbor_ip 192.0.2.99\n}',
          'bfd_instance B0 {\nneighbor_ip 192.0.2.97\n}',
          'bfd_instance B1 {\nneighbor_ip fe80::8\nmax_hops 65\n}',
          'bfd_instance B1 {\nneighbor_ip fe80::8\nsource_ip 192.0.2.1\n}'), 1), 4),
      fc.constant('track_group G {\ngroup {\nV0\n}\n}'),
      maybe(block('static_ipaddress', some(this.#address(4), 2)), 5),
      maybe(block('static_routes', some(this.route(), 2)), 5),
      maybe(block('static_rules', some(this.rule(), 2)), 5),
      maybe(this.#mostly(
        pick('garp_group {\ngarp_interval 0.1\ninterface eth0\n}',
          'interface_up_down_delays {\neth0 1 2\n}', 'linkbeat_interfaces {\neth0 MII\n}'),
        pick('garp_group {\ninterface eth0\n}', 'interface_up_down_delays {\neth0 256\n}',
          'linkbeat_interfaces {\neth0 X\n}',
          'garp_group {\ngna_interval 1\ninterfaces {\neth0 eth1\n}\n}\n'
          + 'garp_group {\ngarp_interval 1\ninterface eth1\n}'), 1), 5),
    );
  }
}

const clean = new Maker(false);
const odd = new Maker(true);

/** A whole configuration; at most one of its parts is odd. */
export const configurationText: Texts = fc.tuple(
  fc.integer({ min: 1, max: 3 }), fc.integer({ min: -4, max: 5 }), fc.boolean(),
).chain(([count, fault, isGrouped]) => {
  const maker = (part: number) => part === fault ? odd : clean;
  const instances = Array.from({ length: count }, (_, index) => maker(3 + index).instance(index));
  return lines(
    maker(0).globals(), maker(1).items(),
    isGrouped && count > 1 ? maker(2).syncGroup() : none, ...instances,
  );
}).map((text) => `${text}\n`);
