/** The other blocks of VRRP, and BFD (vrrp_parser.c, track_file.c, bfd_parser.c). */
import {
  address, blocks, choice, entries, fields, flag, interfaceName, int32, keyword, list,
  microsecondSeconds, milliseconds, named, onOff, optional, seconds, special, text, whole,
} from './make.ts';
import { notifying, tracking } from './vrrp-instance.ts';

export const vrrpSyncGroup = {
  group: keyword(list(text()), 'Names of the instances that change state together.', {
    repeat: 'refused',
  }),
  ...tracking,
  ...notifying,
  sync_group_tracking_weight: keyword(flag, 'Let members have weights of their own.'),
  global_tracking: keyword(flag, 'The same.', {
    deprecated: { use: 'track_... blocks on the group', from: '2.1.0' },
  }),
} as const;

export const vrrpScript = {
  script: keyword(special('command', 'COMMAND, in quotes if it has arguments'),
    'Succeeds while all is well.'),
  interval: keyword(whole(1, microsecondSeconds), 'Seconds between runs.', {
    later: [{ since: '2.3.2', shape: seconds(0.001, microsecondSeconds, 3) }],
  }),
  timeout: keyword(whole(1, microsecondSeconds), 'Seconds that a run may take.', {
    later: [{ since: '2.3.2', shape: seconds(0.001, microsecondSeconds, 3) }],
  }),
  weight: keyword(special('weight', 'N [reverse]', { min: -253, max: 253 }),
    'Change of the priority; 0 for a fault.'),
  rise: keyword(whole(1, int32), 'Successes until it counts as up.'),
  fall: keyword(whole(1, int32), 'Failures until it counts as down.'),
  user: keyword(special('user', 'USER [GROUP]'), 'Who runs it.'),
  init_fail: keyword(flag, 'Count it as failed until it succeeded.'),
} as const;

const processDelay = seconds(0.000001, 3600);

export const vrrpTrackProcess = {
  process: keyword(special('process', 'NAME [PARAMETER ...]'), 'The process.', {
    repeat: 'refused',
  }),
  param_match: keyword(optional(choice('initial', 'partial')), 'How parameters are compared.'),
  weight: keyword(special('weight', 'N [reverse]', { min: -254, max: 254 }),
    'Change of the priority; 0 for a fault.'),
  quorum: keyword(whole(1, 65535), 'Fewest processes that must run.'),
  quorum_max: keyword(whole(0, 65535), 'Most processes that may run.'),
  delay: keyword(processDelay, 'Wait before a change counts.'),
  terminate_delay: keyword(processDelay, 'The same for the end of a process.'),
  fork_delay: keyword(processDelay, 'The same for the start of one.'),
  full_command: keyword(flag, 'Compare the whole command line.'),
} as const;

export const trackFile = {
  file: keyword(text(), 'The file.', { repeat: 'refused' }),
  weight: keyword(special('weight', 'N [reverse]', { min: -254, max: 254 }),
    "Factor on the file's number; 0 for a fault unless the number is 0."),
  init_file: keyword(special('init-file', '[N] [overwrite]', { min: -254, max: 254 }),
    'Create the file with this number.'),
} as const;

export const trackGroup = {
  group: keyword(list(text()), 'Names of the instances that static items follow.', {
    repeat: 'refused',
  }),
} as const;

const groupInterval = seconds(0, 2147);
const longerInterval = {
  later: [
    { since: '2.2.3', shape: seconds(0, 2147.483647) },
    { since: '2.3.2', shape: seconds(0, 4294.967295) },
  ],
} as const;

export const garpGroup = blocks({
  garp_interval: keyword(groupInterval, 'Pause between gratuitous ARPs.', longerInterval),
  gna_interval: keyword(groupInterval, 'Pause between neighbour advertisements.', longerInterval),
  interface: keyword(interfaceName(), 'An interface it applies to.'),
  interfaces: keyword(list(interfaceName()), 'Interfaces that share the pause.', {
    repeat: 'adds',
  }),
} as const);

export const interfaceUpDownDelays = entries({
  ...fields({
    interface: interfaceName(),
    down: optional(seconds(0, 255)),
    up: optional(seconds(0, 255)),
  }, {}),
  lenient: true,
} as const);

export const linkbeatInterfaces = entries(fields({
  interface: interfaceName(),
  method: optional(choice('MII', 'ETHTOOL', 'IOCTL')),
}, {}));

const since220 = (min: number, max: number) =>
  ({ later: [{ since: '2.2.0', shape: milliseconds(min, max) }] }) as const;
/** The most milliseconds whose microseconds fit into 32 bits. */
const longest = 4_294_967;

export const bfdInstance = named('name', {
  neighbor_ip: keyword(address(), 'The other end.'),
  neighbour_ip: keyword(address(), 'The same.'),
  source_ip: keyword(address(), 'Our end.'),
  min_rx: keyword(whole(1, longest), 'Milliseconds between packets we can take.',
    since220(1, longest)),
  min_tx: keyword(whole(1, longest), 'Milliseconds between packets we want to send.',
    since220(1, longest)),
  idle_tx: keyword(whole(1000, longest), 'Milliseconds between packets while down.',
    since220(1000, longest)),
  multiplier: keyword(whole(1, 255), 'Missed packets until down.'),
  passive: keyword(flag, 'Do not send before we hear the other end.'),
  ttl: keyword(whole(1, 255), 'TTL of our packets.'),
  hoplimit: keyword(whole(1, 255), 'The same.'),
  max_hops: keyword(whole(-1, 255), 'Hops that a packet may have made.'),
  multihop: keyword(onOff, 'Use the port for multihop sessions.', { since: '2.2.8' }),
  weight: keyword(special('weight', 'N [reverse]', { min: -253, max: 253 }),
    'Change of the priority; 0 for a fault.'),
  vrrp: keyword(flag, 'Tell VRRP alone.'),
  checker: keyword(flag, 'Tell the checkers alone.'),
} as const, 31);
