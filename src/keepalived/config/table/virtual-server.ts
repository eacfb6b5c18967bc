/**
 * Virtual servers (keepalived/check). They are read, checked and kept, but are no part of the
 * typed model.
 */
import {
  address, block, blocks, choice, entries, flag, int32, keyword, microsecondSeconds, onOff,
  optional, seconds, special, text, uint32, whole, words,
} from './make.ts';
import type { Block, Keywords } from './shapes.ts';

const script = special('script', 'COMMAND [USER [GROUP]]');
const once = { repeat: 'refused' } as const;
const day31 = 2_678_400;
/** Timers without a limit of their own: microseconds in 64 bits. */
const anyTime = seconds(0, 9_007_199_254);
const someTime = seconds(0.000001, 9_007_199_254);
const connectTime = seconds(0.000001, 4294.967295);
const forwarding = special('forwarding', 'NAT, DR or TUN [type ipip|gue|gre] [port N] [csum]');

/** What all checkers have. */
const connection = {
  connect_ip: keyword(address(), 'Address to check instead.'),
  connect_port: keyword(whole(1, 65535), 'Port to check instead.'),
  bindto: keyword(address(), 'Source address.'),
  bind_if: keyword(text(15), 'Interface.'),
  bind_port: keyword(whole(1, 65535), 'Source port.'),
  connect_timeout: keyword(connectTime, 'Seconds to wait.'),
  fwmark: keyword(whole(0, uint32), 'Mark of the packets.'),
} as const;
const repeating = {
  alpha: keyword(onOff, 'Count as down until checked.'),
  retry: keyword(whole(0, uint32), 'Failures in a row that are forgiven.'),
  delay_before_retry: keyword(anyTime, 'Seconds before the next try.'),
  warmup: keyword(anyTime, 'Longest random wait before the first check.'),
  delay_loop: keyword(someTime, 'Seconds between checks.'),
  log_all_failures: keyword(onOff, 'Log each failure.'),
} as const;
const checker = { ...connection, ...repeating } as const;

const url = block({
  path: keyword(text(), 'Path to fetch.'),
  digest: keyword(text(), 'MD5 of the page.'),
  status_code: keyword(special('status-codes', 'CODE or CODE-CODE ...', { min: 100, max: 599 }),
    'Answers that count as success.'),
  virtualhost: keyword(text(), 'Host header.'),
  regex: keyword(words(text(), 0), 'What the page has to match.', { needs: 'REGEX' }),
  regex_no_match: keyword(flag, 'What it must not match.', { needs: 'REGEX' }),
  regex_options: keyword(words(text()), 'Options of the expression.', { needs: 'REGEX' }),
  regex_stack: keyword(words(whole(0, uint32)), 'Its stack.', { needs: 'REGEX' }),
  regex_min_offset: keyword(whole(0, uint32), 'Where to start.', { needs: 'REGEX' }),
  regex_max_offset: keyword(whole(0, uint32), 'Where to stop.', { needs: 'REGEX' }),
  tls_compliant: keyword(flag, 'Insist on a clean end of the session.', { since: '2.2.8' }),
} as const);

const http = blocks({
  ...checker,
  nb_get_retry: keyword(whole(0, uint32), 'The same as retry.', {
    deprecated: { use: 'retry', from: '2.1.0' },
  }),
  virtualhost: keyword(text(), 'Host header.'),
  http_protocol: keyword(choice('1.0', '1.1', '1.0C', '1.0c'), 'HTTP version.'),
  fast_recovery: keyword(onOff, 'Count as up on the first success.'),
  enable_sni: keyword(onOff, 'Send the name in the TLS hello.'),
  url: keyword(url, 'A page to fetch.', { repeat: 'adds' }),
  tls_compliant: keyword(onOff, 'Insist on a clean end of the session.', { since: '2.2.8' }),
} as const);

const checkers = {
  HTTP_GET: keyword(http, 'Check by HTTP.', { repeat: 'adds' }),
  SSL_GET: keyword(http, 'Check by HTTPS.', { repeat: 'adds' }),
  TCP_CHECK: keyword(blocks({ ...checker } as const), 'Check by connecting.', { repeat: 'adds' }),
  UDP_CHECK: keyword(blocks({
    ...checker,
    payload: keyword(words(text()), 'What to send, in hexadecimal.', { since: '2.2.0' }),
    require_reply: keyword(words(text(), 0), 'What to expect, in hexadecimal.'),
    min_reply_length: keyword(whole(0, 65535), 'Shortest answer.', { since: '2.2.0' }),
    max_reply_length: keyword(whole(0, 65535), 'Longest answer.', { since: '2.2.0' }),
  } as const), 'Check by a datagram.', { repeat: 'adds' }),
  SMTP_CHECK: keyword(blocks({
    ...checker,
    helo_name: keyword(text(), 'Name to give in HELO.'),
    host: keyword(block({ ...checker } as const), 'A host to check instead.', {
      repeat: 'adds',
    }),
  } as const), 'Check by SMTP.', { repeat: 'adds' }),
  MISC_CHECK: keyword(blocks({
    ...repeating,
    misc_path: keyword(special('command', 'COMMAND, in quotes if it has arguments'),
      'Program that checks.'),
    misc_timeout: keyword(whole(0, microsecondSeconds), 'Seconds it may take.'),
    misc_dynamic: keyword(flag, 'Its exit code sets the weight.'),
    user: keyword(special('user', 'USER [GROUP]'), 'Who runs it.'),
  } as const), 'Check by a program.', { repeat: 'adds' }),
  DNS_CHECK: keyword(blocks({
    ...checker,
    type: keyword(text(), 'Type of the record.'),
    name: keyword(text(), 'Name to look up.'),
  } as const), 'Check by a query.', { repeat: 'adds' }),
  PING_CHECK: keyword(blocks({ ...checker } as const), 'Check by an echo.', { repeat: 'adds' }),
  BFD_CHECK: keyword(blocks({
    alpha: keyword(onOff, 'Count as down until checked.'),
    name: keyword(text(31), 'Name of the BFD instance.'),
  } as const), 'Check by BFD.', { repeat: 'adds', needs: 'BFD' }),
  FILE_CHECK: keyword(blocks({
    alpha: keyword(onOff, 'Count as down until checked.'),
    track_file: keyword(text(), 'Name of the track_file.'),
    weight: keyword(special('weight', 'N [reverse]', { min: -int32, max: int32 }),
      'Factor on its number.'),
  } as const), 'Check by a file.', { repeat: 'adds' }),
} as const;

const realServer = {
  ...checkers,
  weight: keyword(whole(0, int32), 'Its share.'),
  lvs_method: keyword(forwarding, 'How packets get there.'),
  uthreshold: keyword(whole(0, uint32), 'Most connections.'),
  lthreshold: keyword(whole(0, uint32), 'Connections from which on it gets more again.'),
  inhibit_on_failure: keyword(onOff, 'Set the weight to 0 instead of removing it.'),
  notify_up: keyword(script, 'Runs when it comes up.', once),
  notify_down: keyword(script, 'Runs when it goes down.', once),
  alpha: keyword(onOff, 'Count as down until checked.'),
  retry: keyword(whole(1, uint32), 'Failures in a row that are forgiven.'),
  delay_before_retry: keyword(anyTime, 'Seconds before the next try.'),
  warmup: keyword(anyTime, 'Longest random wait before the first check.'),
  connect_timeout: keyword(connectTime, 'Seconds to wait.'),
  delay_loop: keyword(someTime, 'Seconds between checks.'),
  smtp_alert: keyword(onOff, 'Mail on changes.'),
  virtualhost: keyword(text(), 'Host header.'),
  snmp_name: keyword(text(), 'Name in SNMP.', { since: '2.2.3', exact: '2.2.3' }),
} as const;

const schedulers = choice('rr', 'wrr', 'lc', 'wlc', 'lblc', 'sh', 'mh', 'dh', 'fo', 'ovf',
  'lblcr', 'sed', 'nq', 'twos');

/** A block with a server's address behind its keyword. */
function server<const K extends Keywords>(keywords: K): Block<K, 'address', true> {
  return { kind: 'block', keywords, header: 'address', many: true };
}

export const virtualServer = server({
  ip_family: keyword(choice('inet', 'inet6'), 'Family, for marks.'),
  retry: keyword(whole(1, uint32), 'Failures in a row that are forgiven.'),
  delay_before_retry: keyword(anyTime, 'Seconds before the next try.'),
  warmup: keyword(anyTime, 'Longest random wait before the first check.'),
  connect_timeout: keyword(connectTime, 'Seconds to wait.'),
  delay_loop: keyword(someTime, 'Seconds between checks.'),
  inhibit_on_failure: keyword(flag, 'Set weights to 0 instead of removing servers.'),
  lb_algo: keyword(schedulers, 'Scheduler.'),
  lvs_sched: keyword(schedulers, 'The same.'),
  hashed: keyword(flag, 'Flag of the scheduler.'),
  ops: keyword(flag, 'Schedule each datagram on its own.'),
  'flag-1': keyword(flag, 'Flag of the scheduler.'),
  'flag-2': keyword(flag, 'Flag of the scheduler.'),
  'flag-3': keyword(flag, 'Flag of the scheduler.'),
  'sh-port': keyword(flag, 'Flag of the scheduler sh.'),
  'sh-fallback': keyword(flag, 'Flag of the scheduler sh.'),
  'mh-port': keyword(flag, 'Flag of the scheduler mh.'),
  'mh-fallback': keyword(flag, 'Flag of the scheduler mh.'),
  lb_kind: keyword(forwarding, 'How packets get to the servers.'),
  lvs_method: keyword(forwarding, 'The same.'),
  persistence_engine: keyword(text(15), 'Persistence engine.'),
  persistence_timeout: keyword(optional(whole(1, day31)), 'Seconds that a client keeps its server.'),
  persistence_granularity: keyword(text(), 'Netmask of clients that count as one.'),
  protocol: keyword({ ...choice('TCP', 'UDP', 'SCTP'), anyCase: true }, 'Protocol.'),
  ha_suspend: keyword(flag, 'Check only while the address is here.'),
  smtp_alert: keyword(onOff, 'Mail on changes.'),
  virtualhost: keyword(text(), 'Host header.'),
  snmp_name: keyword(text(), 'Name in SNMP.', { since: '2.2.3', exact: '2.2.3' }),
  alpha: keyword(flag, 'Servers count as down until checked.'),
  omega: keyword(flag, 'Notify of servers at the end.'),
  quorum_up: keyword(script, 'Runs when there are enough servers.', once),
  quorum_down: keyword(script, 'Runs when there are not.', once),
  quorum: keyword(whole(1, uint32), 'Least total weight.'),
  hysteresis: keyword(whole(0, uint32), 'Distance between enough and not enough.'),
  weight: keyword(whole(1, int32), 'Weight of servers that set none.'),
  sorry_server: keyword(words(text()), 'Server for when there is none.'),
  sorry_server_inhibit: keyword(flag, 'Set its weight to 0 instead of removing it.'),
  sorry_server_lvs_method: keyword(forwarding, 'How packets get there.'),
  real_server: keyword(server(realServer), 'A server.', { repeat: 'adds' }),
} as const);

export const virtualServerGroup = entries(
  special('server-group-entry', 'ADDRESS[-LAST|/LENGTH] [PORT], or fwmark N [inet|inet6]'));

export const ssl = block({
  password: keyword(text(), 'Password of the key.'),
  ca: keyword(text(), 'File of the authorities.'),
  certificate: keyword(text(), 'File of our certificate.'),
  key: keyword(text(), 'File of our key.'),
} as const);

