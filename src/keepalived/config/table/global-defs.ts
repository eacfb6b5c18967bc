/** Keywords of global_defs (keepalived/core/global_parser.c). */
import {
  address, choice, filledText, flag, keyword, list, microsecondSeconds, onOff, onOffSince,
  optional, int32, seconds, special, text, uint32, whole, words, fields,
} from './make.ts';
import type { Flag, Keyword, Whole, Words } from './shapes.ts';

const longest = 4294.967295;
const scriptUsage = 'COMMAND [USER [GROUP]]';
const fifoUsage = 'PATH [USER [GROUP]]';

const processes = {
  process_names: keyword(flag, 'Name the processes keepalived_vrrp, keepalived_lvs, keepalived_bfd.'),
  process_name: keyword(text(15), 'Name of the main process.'),
  vrrp_process_name: keyword(text(15), 'Name of the VRRP process.'),
  checker_process_name: keyword(text(15), 'Name of the checker process.', {
    since: '2.2.0', needs: 'LVS',
  }),
  lvs_process_name: keyword(text(15), 'Name of the checker process.', {
    deprecated: { use: 'checker_process_name' }, needs: 'LVS',
  }),
  bfd_process_name: keyword(text(15), 'Name of the BFD process.', { needs: 'BFD' }),
  max_auto_priority: keyword(optional(whole(-1, 99)),
    'Highest real-time priority that keepalived may give itself when it runs late.'),
  min_auto_priority_delay: keyword(whole(1, 10_000_000),
    'Microseconds of lateness from which on it raises its priority.'),
  umask: keyword(special('umask', 'NUMBER, or IRUSR | IWGRP | ...'), 'Mask for files it creates.'),
  random_seed: keyword(whole(0, uint32), 'Seed of $_RANDOM.'),
  startup_script: keyword(special('script', scriptUsage), 'Runs before keepalived starts.', {
    repeat: 'refused',
  }),
  startup_script_timeout: keyword(whole(1, 1000), 'Seconds that startup_script may take.'),
  shutdown_script: keyword(special('script', scriptUsage), 'Runs after keepalived stopped.', {
    repeat: 'refused',
  }),
  shutdown_script_timeout: keyword(whole(1, 1000), 'Seconds that shutdown_script may take.'),
  script_user: keyword(special('user', 'USER [GROUP]'), 'Who runs scripts that name no user.'),
  enable_script_security: keyword(flag,
    'Run no script as root if anyone else can change it; without this, scripts are refused.'),
  data_use_instance: keyword(onOff, 'Put the instance name into the names of dump files.', {
    since: '2.2.3',
  }),
  use_symlink_paths: keyword(onOff, 'Run scripts by the path given, not the one resolved.', {
    since: '2.3.0',
  }),
} as const;

const reloading = {
  reload_check_config: keyword(optional(text()), 'Check the new file before a reload; log here.', {
    since: '2.2.0',
  }),
  reload_time_file: keyword(text(), 'File that holds the time of the next reload.', {
    exact: '2.1.0',
  }),
  reload_repeat: keyword(flag, 'Reload each time reload_time_file changes.'),
  reload_file: keyword(optional(text()), 'File that exists while keepalived reads its files.', {
    since: '2.2.0',
  }),
  include_check: keyword(
    special('include-check', '[+|-] read, match, wildcard_match, brace_match'),
    'Which faults of an include are errors.', { since: '2.2.0' }),
  config_save_dir: keyword(text(), 'Directory in which each configuration read is kept.', {
    since: '2.2.3',
  }),
  tmp_config_directory: keyword(text(), 'Directory for the copy that all processes read.', {
    since: '2.2.0', repeat: 'refused',
  }),
  fifo_write_vrrp_states_on_reload: keyword(flag, 'Write all states to the FIFOs after a reload.', {
    since: '2.2.5',
  }),
  json_version: keyword(whole(1, 2), 'Form of the JSON dump.', { since: '2.2.8', needs: 'JSON' }),
  state_dump_file: keyword(filledText, 'Where signal USR1 writes the state.', {
    since: '2.3.3', exact: '2.3.3',
  }),
  stats_dump_file: keyword(filledText, 'Where signal USR2 writes the statistics.', {
    since: '2.3.3', exact: '2.3.3',
  }),
  json_dump_file: keyword(filledText, 'Where the JSON dump goes.', {
    since: '2.3.3', exact: '2.3.3', needs: 'JSON',
  }),
  iproute_usr_dir: keyword(text(), "Directory of iproute2's own tables.", {
    since: '2.3.2', exact: '2.3.2',
  }),
  iproute_etc_dir: keyword(text(), "Directory of this host's tables for iproute2.", {
    since: '2.3.2', exact: '2.3.2',
  }),
} as const;

const notifying = {
  router_id: keyword(text(), "This host's name in mails and SNMP."),
  notification_email_from: keyword(text(), 'Sender of mails.', { exact: '2.3.0' }),
  notification_email: keyword(list(text()), 'Whom to mail.', { repeat: 'adds' }),
  smtp_server: keyword(fields({ host: text(), port: optional(whole(1, 65535)) }, {}),
    'Where to deliver mails.'),
  smtp_helo_name: keyword(optional(text()), 'Name to give in HELO.'),
  smtp_connect_timeout: keyword(whole(1, microsecondSeconds), 'Seconds to wait for it.'),
  smtp_alert: keyword(onOff, 'Mail by default when a state changes.'),
  smtp_alert_vrrp: keyword(onOff, 'The same for VRRP alone.'),
  smtp_alert_checker: keyword(onOff, 'The same for checkers alone.', { needs: 'LVS' }),
  no_email_faults: keyword(flag, 'Do not mail about fault states.'),
  no_checker_emails: keyword(onOff, 'Do not mail about checkers.', { needs: 'LVS' }),
  checker_log_all_failures: keyword(onOff, 'Log each failure of a checker.', { needs: 'LVS' }),
  rs_init_notifies: keyword(onOff, 'Notify of the first state of real servers.', { needs: 'LVS' }),
  notify_fifo: keyword(special('fifo', fifoUsage), 'FIFO to which all state changes are written.', {
    repeat: 'refused',
  }),
  notify_fifo_script: keyword(special('script', scriptUsage), 'Program that reads notify_fifo.', {
    repeat: 'refused',
  }),
  vrrp_notify_fifo: keyword(special('fifo', fifoUsage), 'FIFO for VRRP state changes.', {
    repeat: 'refused',
  }),
  vrrp_notify_fifo_script: keyword(special('script', scriptUsage), 'Program that reads it.', {
    repeat: 'refused',
  }),
  lvs_notify_fifo: keyword(special('fifo', fifoUsage), 'FIFO for changes of servers.', {
    repeat: 'refused', needs: 'LVS',
  }),
  lvs_notify_fifo_script: keyword(special('script', scriptUsage), 'Program that reads it.', {
    repeat: 'refused', needs: 'LVS',
  }),
  vrrp_notify_priority_changes: keyword(onOff, 'Notify when a priority changes.'),
  snmp_socket: keyword(text(4095), 'Where the SNMP master agent listens.', {
    exact: '2.1.0', repeat: 'refused', needs: 'SNMP',
  }),
  enable_traps: keyword(flag, 'Send SNMP traps.', { needs: 'SNMP' }),
  enable_snmp_vrrp: keyword(flag, "Serve keepalived's own VRRP MIB.", { needs: 'SNMP_VRRP' }),
  enable_snmp_keepalived: keyword(flag, 'The same.', {
    deprecated: { use: 'enable_snmp_vrrp' }, needs: 'SNMP_VRRP',
  }),
  enable_snmp_rfc: keyword(flag, 'Serve the MIBs of RFC 2787 and RFC 6527.', {
    needs: 'SNMP_RFC',
  }),
  enable_snmp_rfcv2: keyword(flag, 'Serve the MIB of RFC 2787.', { needs: 'SNMP_RFCV2' }),
  enable_snmp_rfcv3: keyword(flag, 'Serve the MIB of RFC 6527.', { needs: 'SNMP_RFCV3' }),
  enable_snmp_checker: keyword(flag, 'Serve the MIB of the checkers.', { needs: 'SNMP_CHECKER' }),
  snmp_vs_stats_update_interval: keyword(seconds(0.001, 30), 'Age of virtual server statistics.', {
    since: '2.3.0', needs: 'SNMP_CHECKER',
  }),
  snmp_rs_stats_update_interval: keyword(seconds(0.001, 30), 'Age of real server statistics.', {
    since: '2.3.0', needs: 'SNMP_CHECKER',
  }),
  enable_dbus: keyword(flag, 'Serve D-Bus.', { needs: 'DBUS' }),
  dbus_service_name: keyword(text(), 'Name on the bus.', { needs: 'DBUS' }),
  dbus_no_interface_name: keyword(text(), 'Stands for the interface of an instance without one.', {
    since: '2.3.0', needs: 'DBUS',
  }),
} as const;

const vrrp = {
  vrrp_version: keyword(whole(2, 3), 'VRRP version of instances that set none.'),
  vrrp_strict: keyword(onOffSince('2.3.0'), 'Refuse what the VRRP RFCs do not allow.'),
  vrrp_mcast_group4: keyword(address(), 'Group for IPv4 advertisements.', {
    later: [{ since: '2.2.5', shape: address({ family: 4, multicast: 'any' }) }],
  }),
  vrrp_mcast_group6: keyword(address(), 'Group for IPv6 advertisements.', {
    later: [{ since: '2.2.5', shape: address({ family: 6, multicast: 'link' }) }],
  }),
  vrrp_garp_master_delay: keyword(whole(0, microsecondSeconds),
    'Seconds until the second burst of gratuitous ARP.'),
  vrrp_garp_master_repeat: keyword(whole(1, uint32), 'Messages in a burst.'),
  vrrp_garp_master_refresh: keyword(whole(0, uint32), 'Seconds between refreshes; 0 for none.'),
  vrrp_garp_master_refresh_repeat: keyword(whole(1, uint32), 'Messages in a refresh.'),
  vrrp_garp_lower_prio_delay: keyword(whole(0, microsecondSeconds),
    'Seconds until the burst after an advertisement of lower priority.'),
  vrrp_garp_lower_prio_repeat: keyword(whole(0, int32), 'Messages in it.'),
  vrrp_garp_interval: keyword(seconds(0.000001, microsecondSeconds),
    'Pause between gratuitous ARPs.', {
      later: [{ since: '2.2.3', shape: seconds(0.000001, longest) }],
    }),
  vrrp_gna_interval: keyword(seconds(0.000001, microsecondSeconds),
    'Pause between neighbour advertisements.', {
      later: [{ since: '2.2.3', shape: seconds(0.000001, longest) }],
    }),
  vrrp_min_garp: keyword(onOff, 'One gratuitous ARP and no more.'),
  vrrp_garp_extra_if: keyword(special('garp-extra-if', '[all] SECONDS', { min: 1, max: 86400 }),
    'Gratuitous ARP on other interfaces as well.', { since: '2.2.3', needs: 'VRRP_VMAC' }),
  vrrp_vmac_garp_intvl: keyword(special('garp-extra-if', '[all] SECONDS', { min: 1, max: 86400 }),
    'The same.', {
      since: '2.2.0', deprecated: { use: 'vrrp_garp_extra_if', from: '2.2.3' }, needs: 'VRRP_VMAC',
    }),
  vrrp_down_timer_adverts: keyword(whole(1, 100), 'Missed advertisements until takeover.', {
    since: '2.2.3',
  }),
  vrrp_startup_delay: keyword(seconds(0.001, microsecondSeconds), 'Wait before VRRP starts.', {
    later: [{ since: '2.2.3', shape: seconds(0.001, longest) }],
  }),
  vrrp_delay_after_boot: keyword(seconds(0.001, longest), 'Wait since boot before VRRP starts.', {
    since: '2.4.0',
  }),
  vrrp_lower_prio_no_advert: keyword(onOff, 'Do not answer advertisements of lower priority.'),
  vrrp_higher_prio_send_advert: keyword(onOff, 'Answer advertisements of higher priority.'),
  vrrp_owner_ignore_adverts: keyword(onOff, 'An address owner ignores advertisements.', {
    since: '2.3.3',
  }),
  vrrp_check_unicast_src: keyword(flag, 'Accept unicast from configured peers alone.'),
  vrrp_skip_check_adv_addr: keyword(onOffSince('2.3.0'),
    'Do not compare addresses again when the sender is the same.'),
  v3_checksum_as_v2: keyword(flag, 'Leave the pseudo header out of version 3 checksums.', {
    since: '2.2.8',
  }),
  log_unknown_vrids: keyword(flag, 'Log VRIDs that nobody here uses.'),
  vmac_prefix: keyword(text(), 'Prefix of the names of VMAC interfaces.', {
    since: '2.2.0', repeat: 'refused', needs: 'VRRP_VMAC',
  }),
  vmac_addr_prefix: keyword(text(), 'The same for those of use_vmac_addr.', {
    since: '2.2.0', repeat: 'refused', needs: 'VRRP_VMAC',
  }),
  dynamic_interfaces: keyword(special('dynamic-interfaces', '[allow_if_changes]'),
    'Interfaces may come later, and go.'),
  default_interface: keyword(text(), 'Interface of static addresses without one.'),
  disable_local_igmp: keyword(flag, 'Send no IGMP for link-local groups.', { since: '2.2.0' }),
  vrrp_rx_bufs_policy: keyword(special('rx-bufs-policy', 'MTU, ADVERT, or a number of bytes'),
    'Size of receive buffers.'),
  vrrp_rx_bufs_multiplier: keyword(whole(1, uint32), 'Factor on vrrp_rx_bufs_policy.', {
    exact: '2.1.0',
  }),
  vrrp_iptables: keyword(words(text(27), 0), 'iptables chains in which to block addresses.', {
    repeat: 'refused', needs: 'IPTABLES',
  }),
  vrrp_ipsets: keyword(words(text(30), 0), 'ipsets that hold them.', { needs: 'IPSET' }),
  nftables: keyword(optional(text(255)), 'nftables table in which to block addresses.', {
    repeat: 'refused', needs: 'NFTABLES',
  }),
  nftables_priority: keyword(whole(-2_147_483_648, int32), 'Priority of its chains.', {
    needs: 'NFTABLES',
  }),
  nftables_ifindex: keyword(flag, 'Name interfaces by index.', { needs: 'NFTABLES' }),
  nftables_counters: keyword(flag, 'Count in its rules.', { needs: 'NFTABLES' }),
} as const;

const lvs = {
  lvs_timeouts: keyword(special('lvs-timeouts', '[tcp S] [tcpfin S] [udp S]', { max: 2_678_400 }),
    'Timeouts of IPVS connections.', { needs: 'LVS' }),
  lvs_flush: keyword(flag, 'Remove all virtual servers at start.', { needs: 'LVS' }),
  lvs_flush_on_stop: keyword(optional(choice('VS')), 'Remove virtual servers at stop.', {
    since: '2.2.0', needs: 'LVS',
  }),
  lvs_flush_onstop: keyword(optional(choice('VS')), 'The same.', {
    deprecated: { use: 'lvs_flush_on_stop' }, needs: 'LVS',
  }),
  lvs_sync_daemon: keyword(special('lvs-sync-daemon',
    'INTERFACE [inst INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]'),
  'Synchronise IPVS connections.', { needs: 'LVS', repeat: 'refused' }),
  nftables_ipvs: keyword(optional(text(255)), 'nftables table for IPVS marks.', {
    since: '2.2.2', repeat: 'refused', needs: 'NFTABLES',
  }),
  nftables_ipvs_priority: keyword(whole(-2_147_483_648, int32), 'Priority of its chains.', {
    since: '2.2.2', needs: 'NFTABLES',
  }),
  nftables_ipvs_start_fwmark: keyword(whole(1, uint32), 'First mark to use.', {
    since: '2.2.2', needs: 'NFTABLES',
  }),
} as const;

/** Scheduling of one of the processes. */
function scheduling<const P extends 'vrrp' | 'checker' | 'bfd'>(process: P) {
  const needs = process === 'bfd' ? { needs: 'BFD' as const }
    : process === 'checker' ? { needs: 'LVS' as const } : {};
  const limit = whole(1, uint32);
  return {
    [`${process}_priority`]: keyword(whole(-20, 19), 'Its nice value.', needs),
    [`${process}_no_swap`]: keyword(flag, 'Keep it in memory.', needs),
    [`${process}_rt_priority`]: keyword(whole(1, 99), 'Its real-time priority.', needs),
    [`${process}_cpu_affinity`]: keyword(words(whole(0, 1023)), 'CPUs it may run on.', needs),
    [`${process}_rlimit_rttime`]: keyword(limit, 'Microseconds it may run without a pause.', needs),
    [`${process}_rlimit_rtime`]: keyword(limit, 'The same.', {
      ...needs, deprecated: { use: `${process}_rlimit_rttime` },
    }),
  } as Scheduling<P>;
}

type Scheduling<P extends string> = Readonly<
  & Record<`${P}_priority` | `${P}_rt_priority` | `${P}_rlimit_rttime` | `${P}_rlimit_rtime`,
    Keyword<Whole>>
  & Record<`${P}_no_swap`, Keyword<Flag>>
  & Record<`${P}_cpu_affinity`, Keyword<Words<Whole>>>
>;

const buffer = whole(0, uint32);
const buffers = {
  vrrp_netlink_cmd_rcv_bufs: keyword(buffer, 'Receive buffer for commands.'),
  vrrp_netlink_cmd_rcv_bufs_force: keyword(onOff, "Beyond the system's limit."),
  vrrp_netlink_monitor_rcv_bufs: keyword(buffer, 'Receive buffer for events.'),
  vrrp_netlink_monitor_rcv_bufs_force: keyword(onOff, "Beyond the system's limit."),
  process_monitor_rcv_bufs: keyword(buffer, 'Receive buffer for process events.', {
    needs: 'TRACK_PROCESS',
  }),
  process_monitor_rcv_bufs_force: keyword(onOff, "Beyond the system's limit.", {
    needs: 'TRACK_PROCESS',
  }),
  lvs_netlink_cmd_rcv_bufs: keyword(buffer, 'The same for checkers.', { needs: 'LVS' }),
  lvs_netlink_cmd_rcv_bufs_force: keyword(onOff, 'The same for checkers.', { needs: 'LVS' }),
  lvs_netlink_monitor_rcv_bufs: keyword(buffer, 'The same for checkers.', { needs: 'LVS' }),
  lvs_netlink_monitor_rcv_bufs_force: keyword(onOff, 'The same for checkers.', { needs: 'LVS' }),
} as const;

export const globalDefs = {
  ...notifying,
  ...processes,
  ...reloading,
  ...vrrp,
  ...lvs,
  ...scheduling('vrrp'),
  ...scheduling('checker'),
  ...scheduling('bfd'),
  ...buffers,
} as const;
