/** Keywords of vrrp_instance (keepalived/vrrp/vrrp_parser.c). */
import {
  address, block, choice, entries, fields, flag, interfaceName, int32, keyword,
  microsecondSeconds, onOff, option, optional, seconds, special, text, uint32, whole,
} from './make.ts';

const scriptUsage = 'COMMAND [USER [GROUP]]';
export const addressUsage = 'ADDRESS[/LENGTH] [dev IF] [scope SCOPE] [brd ADDRESS|+|-] [label LABEL] '
  + '[peer ADDRESS] [home] [-nodad] [mngtmpaddr] [noprefixroute] [autojoin] [no_track] '
  + '[preferred_lft SECONDS|forever]';
export const routeUsage = '[TYPE] DESTINATION [via ADDRESS] [dev IF] [table TABLE] [metric N] ... '
  + '[nexthop via ADDRESS dev IF weight N] ...';
export const ruleUsage = '[from PREFIX] [to PREFIX] table TABLE preference N ...';

/** Lines of a track_... block: the limits of the weight are those that keepalived accepts. */
export function trackLines(limit: number) {
  const usage = 'NAME [weight N [reverse|noreverse]]';
  return entries(special('track', usage, { min: -limit, max: limit }));
}

/** Lines of track_interface, which has no noreverse. */
export const trackInterfaces = entries(special('track', 'IF [weight N [reverse]]', {
  min: -253, max: 253,
}));

const notifyScript = special('script', scriptUsage);

export const notifying = {
  notify_master: keyword(notifyScript, 'Runs on becoming master.', { repeat: 'refused' }),
  notify_backup: keyword(notifyScript, 'Runs on becoming backup.', { repeat: 'refused' }),
  notify_fault: keyword(notifyScript, 'Runs on a fault.', { repeat: 'refused' }),
  notify_stop: keyword(notifyScript, 'Runs when keepalived stops.', { repeat: 'refused' }),
  notify: keyword(notifyScript, 'Runs on every change, told which.', { repeat: 'refused' }),
  smtp_alert: keyword(onOff, 'Mail on every change.'),
  notify_priority_changes: keyword(onOff, 'Notify when the priority changes.'),
} as const;

export const tracking = {
  track_interface: keyword(trackInterfaces, 'Interfaces whose state counts.', { repeat: 'adds' }),
  track_script: keyword(trackLines(253), 'Scripts whose result counts.', { repeat: 'adds' }),
  track_file: keyword(trackLines(254), 'Files whose number counts.', { repeat: 'adds' }),
  track_process: keyword(trackLines(254), 'Processes whose presence counts.', {
    repeat: 'adds', needs: 'TRACK_PROCESS',
  }),
  track_bfd: keyword(trackLines(253), 'BFD sessions whose state counts.', {
    repeat: 'adds', needs: 'BFD',
  }),
} as const;

const election = {
  state: keyword(choice('MASTER', 'BACKUP'), 'State to start in.'),
  interface: keyword(interfaceName(), 'Interface that the instance runs on.'),
  virtual_router_id: keyword(whole(1, 255), 'The VRID, the same on all hosts of the group.'),
  priority: keyword(whole(1, 255), 'Who becomes master; 255 owns the addresses.'),
  advert_int: keyword(seconds(0.01, 255), 'Seconds between advertisements.'),
  version: keyword(whole(2, 3), 'VRRP version.'),
  down_timer_adverts: keyword(whole(1, 100), 'Missed advertisements until takeover.', {
    since: '2.2.3',
  }),
  preempt: keyword(flag, 'Take over from a lower priority; the default.', {
    cancels: ['nopreempt'],
  }),
  nopreempt: keyword(flag, 'Leave a master of lower priority alone.', { cancels: ['preempt'] }),
  preempt_delay: keyword(seconds(0, 1000), 'Wait before taking over from a lower priority.'),
  timer_expired_backup: keyword(optional(whole(1, 254)),
    'Stay backup if the timer ran out because this host was stopped; the priority of the others.',
    { since: '2.2.8' }),
  thread_timer_expired: keyword(optional(whole(1, 254)), 'The same.', {
    since: '2.3.2', deprecated: { use: 'timer_expired_backup', from: '2.3.2' },
  }),
  lower_prio_no_advert: keyword(onOff, 'Do not answer advertisements of lower priority.'),
  higher_prio_send_advert: keyword(onOff, 'Answer advertisements of higher priority.'),
  owner_ignore_adverts: keyword(onOff, 'As address owner, ignore advertisements.', {
    since: '2.3.3',
  }),
  strict_mode: keyword(onOff, 'Refuse what the VRRP RFCs do not allow.'),
  skip_check_adv_addr: keyword(onOff,
    'Do not compare addresses again when the sender is the same.'),
  v3_checksum_as_v2: keyword(onOff, 'Leave the pseudo header out of version 3 checksums.', {
    since: '2.2.8',
  }),
} as const;

const network = {
  vrf: keyword(interfaceName(), 'VRF of an instance without interface.', {
    since: '2.2.5', needs: 'VRF',
  }),
  use_vmac: keyword(special('vmac', '[IF] [MAC]'), 'Use a virtual MAC address.', {
    needs: 'VRRP_VMAC',
  }),
  use_vmac_addr: keyword(flag, 'Use one for addresses on other interfaces too.', {
    since: '2.2.0', needs: 'VRRP_VMAC',
  }),
  vmac_xmit_base: keyword(flag, 'Send advertisements from the real interface.', {
    needs: 'VRRP_VMAC',
  }),
  use_ipvlan: keyword(special('ipvlan', '[IF] [ADDRESS[/LENGTH]] [bridge|private|vepa]'),
    'Use an ipvlan interface.', { needs: 'VRRP_IPVLAN', repeat: 'refused' }),
  native_ipv6: keyword(flag, 'An instance for IPv6, before any address says so.'),
  mcast_src_ip: keyword(address(), 'Source of multicast advertisements.'),
  mcast_dst_ip: keyword(address({ multicast: 'link' }), 'Group of the advertisements.', {
    since: '2.2.5',
  }),
  unicast_src_ip: keyword(address(), 'Source of unicast advertisements.'),
  track_src_ip: keyword(flag, 'Go to fault when the source address is gone.'),
  unicast_peer: keyword(
    entries(fields({ address: address() }, {
      min_ttl: option(whole(0, 255)),
      max_ttl: option(whole(0, 255)),
    })),
    'Peers to send to instead of a group.', { repeat: 'adds' }),
  unicast_ttl: keyword(whole(0, 255), 'TTL of unicast advertisements.'),
  unicast_fault_no_peer: keyword(flag, 'Go to fault when there are no peers.', {
    since: '2.2.5',
  }),
  check_unicast_src: keyword(flag, 'Accept unicast from the peers alone.'),
  old_unicast_checksum: keyword(optional(choice('never')), 'Checksum of keepalived before 1.3.6.', {
    needs: 'OLD_CHKSUM_COMPAT',
  }),
  dont_track_primary: keyword(flag, 'Ignore the state of the interface.'),
  linkbeat_use_polling: keyword(flag, 'Poll the link.', {
    deprecated: { use: 'linkbeat_interfaces', from: '2.1.0' }, needs: 'LINKBEAT',
  }),
  kernel_rx_buf_size: keyword(whole(0, uint32), 'Size of the receive buffer in bytes.', {
    exact: '2.1.0',
  }),
  lvs_sync_daemon_interface: keyword(text(), 'Interface of the IPVS sync daemon.', {
    deprecated: { use: 'lvs_sync_daemon in global_defs', from: '2.1.0' }, needs: 'LVS',
  }),
  debug: keyword(whole(0, 4), 'Has no effect.'),
} as const;

const addresses = {
  virtual_ipaddress: keyword(entries(special('address', `${addressUsage} [use_vmac]`)),
    'Addresses that move with the master, all of one family.', { repeat: 'adds' }),
  virtual_ipaddress_excluded: keyword(entries(special('address', `${addressUsage} [use_vmac]`)),
    'More of them, of any family, which are not advertised.', { repeat: 'adds' }),
  no_virtual_ipaddress: keyword(flag, 'The instance has no address.', { since: '2.2.8' }),
  promote_secondaries: keyword(flag, 'Keep other addresses of a subnet when the first goes.'),
  virtual_routes: keyword(entries(special('route', routeUsage)), 'Routes that move with it.', {
    repeat: 'adds',
  }),
  virtual_rules: keyword(entries(special('rule', ruleUsage)), 'Routing rules that move with it.', {
    repeat: 'adds',
  }),
  accept: keyword(flag, 'Take packets for the addresses although not their owner.', {
    cancels: ['no_accept'],
  }),
  no_accept: keyword(flag, 'Drop packets for the addresses unless their owner.', {
    cancels: ['accept'], needs: 'FIREWALL',
  }),
} as const;

const garp = {
  garp_master_delay: keyword(whole(0, microsecondSeconds),
    'Seconds until the second burst of gratuitous ARP.'),
  garp_master_repeat: keyword(whole(1, uint32), 'Messages in a burst.'),
  garp_master_refresh: keyword(whole(0, uint32), 'Seconds between refreshes; 0 for none.'),
  garp_master_refresh_repeat: keyword(whole(1, uint32), 'Messages in a refresh.'),
  garp_lower_prio_delay: keyword(whole(0, microsecondSeconds),
    'Seconds until the burst after an advertisement of lower priority.'),
  garp_lower_prio_repeat: keyword(whole(0, int32), 'Messages in it.'),
  garp_extra_if: keyword(special('garp-extra-if', '[all] SECONDS', { min: 0, max: 86400 }),
    'Gratuitous ARP on other interfaces as well.', { since: '2.2.3', needs: 'VRRP_VMAC' }),
  vmac_garp_intvl: keyword(special('garp-extra-if', '[all] SECONDS', { min: 0, max: 86400 }),
    'The same.', {
      since: '2.2.0', deprecated: { use: 'garp_extra_if', from: '2.2.3' }, needs: 'VRRP_VMAC',
    }),
} as const;

const authentication = {
  authentication: keyword(block({
    auth_type: keyword(choice('PASS', 'AH'), 'PASS sends the password readable to all.'),
    auth_pass: keyword(text(8), 'The password.'),
  } as const), 'Authentication of VRRP version 2, which version 3 has dropped.', {
    needs: 'VRRP_AUTH',
  }),
  auth_hmac: keyword(block({
    key: keyword(special('hmac-key', 'ID, then 32 to 64 characters, hex:DIGITS or file:PATH'),
      'A shared key.', { repeat: 'adds' }),
    active_key: keyword(whole(1, 255), 'Key to sign with.'),
    time_window: keyword(whole(1, 300), 'Seconds by which clocks may differ.'),
    anti_replay: keyword(choice('time', 'monotonic'), 'What tells a replay.'),
    mode: keyword(choice('enforce', 'permissive'), 'Whether to refuse what is not signed.', {
      later: [{ since: '2.4.2', shape: choice('enforce', 'permissive', 'receive-only') }],
    }),
  } as const), 'Authentication by HMAC-SHA256.', { since: '2.4.0', needs: 'VRRP_AUTH' }),
} as const;

export const vrrpInstance = {
  ...election,
  ...network,
  ...authentication,
  ...addresses,
  ...tracking,
  ...garp,
  ...notifying,
  notify_deleted: keyword(special('script', `[${scriptUsage}]`),
    'Runs when a reload removes the instance, instead of notify_fault.', { repeat: 'refused' }),
  notify_master_rx_lower_pri: keyword(notifyScript,
    'Runs when a master hears a lower priority.', { repeat: 'refused' }),
} as const;
