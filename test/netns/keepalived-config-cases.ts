/**
 * One case for each keyword and each edge of what it may hold: a configuration that is right but
 * for, perhaps, one value.
 */
import { globalDefs } from '../../src/keepalived/config/table/global-defs.ts';
import { root } from '../../src/keepalived/config/table/root.ts';
import { shapeFor } from '../../src/keepalived/config/table/shape-for.ts';
import type { Decimal, Keyword, Keywords, Scalar, Shape, Special, Whole } from
  '../../src/keepalived/config/table/shapes.ts';
import { bfdInstance, garpGroup, trackFile, vrrpScript, vrrpSyncGroup, vrrpTrackProcess } from
  '../../src/keepalived/config/table/vrrp.ts';
import { vrrpInstance } from '../../src/keepalived/config/table/vrrp-instance.ts';
import { type Version } from '../../src/keepalived/config/version.ts';

/** A configuration, and which keyword and value it is about. */
export interface Case {
  readonly title: string;
  readonly text: string;
}

/** Keywords that would change the host, or depend on more of it than the namespace. */
const hostKeywords = new Set([
  'config_save_dir', 'net_namespace', 'net_namespace_ipvs', 'tmp_config_directory', 'smtp_server',
  'disable_local_igmp', 'include_check',
]);

function wholeEdges({ min, max }: Pick<Whole, 'min' | 'max'>): string[] {
  const middle = Math.floor((min + max) / 2);
  return [min - 1, min, min + 1, middle, max - 1, max, max + 1].map(String).concat(
    '-1', '0', '1', `+${max}`, '1.0', '0x10', '010', 'x', '""', '" 7"', '7x', '1e1',
    '18446744073709551615', '18446744073709551616', '-18446744073709551615', '4294967296',
    '2147483648', '-2147483649',
  );
}

function decimalEdges({ min, max, digits }: Decimal): string[] {
  const scale = 10 ** digits;
  const edges = [min - 1, min, min + 1, max - 1, max, max + 1].filter((value) => value >= 0)
    .map((value) => (value / scale).toFixed(digits));
  return [...edges, '0', '1', '1.', '.5', '.', '""', '-1', '-0', '+1', '1e0', '1.2.3', 'x', '1x',
    `0.${'0'.repeat(digits)}1`, `1.${'0'.repeat(digits)}`, `1.${'0'.repeat(digits + 1)}`,
    '0.01', '0.5', '2', '40.95', '40.96', '99999999999999999999'];
}

function scalarEdges(shape: Scalar): string[] {
  switch (shape.kind) {
    case 'whole': return wholeEdges(shape);
    case 'decimal': return decimalEdges(shape);
    case 'text': return shape.max === undefined ? ['word', '"two words"', '""']
      : ['a'.repeat(shape.max), 'a'.repeat(shape.max + 1), 'x', '""'];
    case 'choice': return [...shape.of, ...shape.of.map((one) => one.toLowerCase()), 'other', '""'];
    case 'interface': return ['eth0', 'eth1', 'lo', 'nothere', 'a23456789012345', 'a234567890123456'];
    case 'address': return ['192.0.2.9', '192.0.2.9/24', '192.0.2.9-12', '192.0.2', '192.0.2.256',
      '192.0.02.9', '2001:db8::1', '2001:db8::1/64', '::ffff:192.0.2.1', 'fe80::1', 'fe80::1%eth0',
      '224.0.0.18', '239.255.255.255', '240.0.0.0', '223.255.255.255', 'ff02::12', 'ff05::1',
      'ff12::1', 'x', '""', ':', '::'];
    case 'prefix': return ['192.0.2.9/32', '192.0.2.9/33', '192.0.2.9/0', '192.0.2.9/',
      '2001:db8::/128', '2001:db8::/129', 'default', 'all', 'x'];
    case 'routing-name': return ['0', '255', '256', 'main', 'global', 'nothere', '0x10', '-1'];
    case 'either': return [...shape.words, ...scalarEdges(shape.of)];
    case 'pattern': return ['1', 'x', '1/2'];
  }
}

const specials: Readonly<Record<string, readonly string[]>> = {
  address: [
    '192.0.2.7', '192.0.2.7/24', '192.0.2.7/33', '192.0.2.7/24 dev eth1', '192.0.2.7 dev nothere',
    '192.0.2.7 dev', '192.0.2.7 dev eth0 dev eth1', '192.0.2.7 scope link', '192.0.2.7 scope 256',
    '192.0.2.7 scope nothere', '192.0.2.7/24 brd +', '192.0.2.7/24 broadcast -', '192.0.2.7/31 brd +',
    '192.0.2.7/24 brd 192.0.2.255', '192.0.2.7/24 brd x', '192.0.2.7 label a23456789012345',
    '192.0.2.7 label a234567890123456', '192.0.2.7 peer 192.0.2.8', '192.0.2.7/24 peer 192.0.2.8',
    '192.0.2.7 peer 192.0.2.8/24', '192.0.2.7 peer 2001:db8::1', '192.0.2.7 peer x',
    '192.0.2.7 peer 192.0.2.8 peer 192.0.2.9', '192.0.2.7/24 peer', '192.0.2.7 home -nodad',
    '192.0.2.7 mngtmpaddr noprefixroute autojoin no_track', '192.0.2.7 preferred_lft 0',
    '192.0.2.7 preferred_lft forever', '192.0.2.7 preferred_lft 4294967295',
    '192.0.2.7 preferred_lft 4294967296', '192.0.2.7 preferred_lft', '192.0.2.7 use_vmac',
    '192.0.2.7 track_group G', '192.0.2.7 nonsense', 'x', '192.0.2.7 peer 192.0.2.8 brd +',
    '192.0.2.7 scope 0', '192.0.2.7 scope global', '192.0.2.7 label ""',
  ],
  track: [],
  weight: [],
  vmac: ['', 'vrrp.1', 'eth1', 'a23456789012345', 'a234567890123456', '02:00:00:00:00:01',
    '02:00:00:00:00', '02:00:00:00:00:', '02:00:00:00', '01:00:00:00:00:01', '00:00:5e:00:01:07',
    '00:00:5e:00:03:07', '2:0:0:0:0:1', '2:0:0:0:0:1:7', '2:0:0:0:0:111', 'x:y', 'a/b',
    'vrrp.1 02:00:00:00:00:01', '02:00:00:00:00:01 vrrp.1', 'a b', 'vrrp.1 2:0:0:0:0:1 c', '.', '..'],
  ipvlan: ['', 'ipv.1', '192.0.2.9', '192.0.2.9/24 bridge', 'ipv.1 192.0.2.9 private',
    '192.0.2.9 vepa vepa', '192.0.2.9 192.0.2.10', '192.0.2.9 a b', '2001:db8::1', 'eth1 192.0.2.9'],
  'garp-extra-if': ['', 'all', 'all 5', '5 all', '0', '1', '86400', '86401', 'x', '-1', '5 6'],
  script: ['/usr/bin/true', '"/usr/bin/true a"', '/usr/bin/true root', '/usr/bin/true root root',
    '/usr/bin/true nobody', '/usr/bin/true nothere', '/usr/bin/true root nothere', '/nothere', '',
    '"/usr/bin/true \'a b\' c"', '"/usr/bin/true \'a"', "'/usr/bin/true a' root",
    '/usr/bin/tr\\x75e', '/bin/true', '/usr/bin/true root root root', '""'],
  command: ['/usr/bin/true', '"/usr/bin/true a"', '/usr/bin/true a', '/nothere', '', '/bin/true',
    '"/usr/bin/true \'a"', '""', '</etc/passwd', '"< /etc/passwd"', '/usr/bin', '/usr/bin/./true'],
  user: ['root', 'nobody', 'nothere', 'root root', 'root nothere', ''],
  process: ['sshd', 'sshd -D', '"sshd -D"', ''],
  'init-file': ['', '5', '-254', '254', '255', '-255', 'overwrite', '3 overwrite', 'x', '5x', '-'],
  umask: ['0', '022', '0777', '01000', '18', '511', '512', '08', '0x1ff', '0x200', 'IRUSR',
    'IRUSR|IWGRP', 'IRUSR | IWGRP', 'IRUSR |', '| IRUSR', 'IRUSR IWGRP', 'irusr', '', '1 2', 'x'],
  'rx-bufs-policy': ['MTU', 'mtu', 'ADVERT', 'MTU ADVERT', 'MTU MTU', '5', '5 6', '5 MTU', 'MTU 5',
    'x', '', '4294967296', '-1'],
  fifo: ['/tmp/fifo', '/tmp/fifo root', '/tmp/fifo root root', '/tmp/fifo nothere', ''],
  'lvs-sync-daemon': ['eth0', 'eth0 inst V', 'eth0 V', 'eth0 V 5', 'eth0 V id 5', 'eth0 id 256',
    'eth0 id', 'eth0 maxlen 0', 'eth0 maxlen 65507', 'eth0 maxlen 65508', 'eth0 port 0',
    'eth0 port 65535', 'eth0 port 65536', 'eth0 ttl 0', 'eth0 ttl 255', 'eth0 ttl 256',
    'eth0 group 224.0.0.1', 'eth0 group 192.0.2.1', 'eth0 group ff05::1', 'eth0 group x', '',
    'a23456789012345', 'a234567890123456', 'eth0 inst V inst W', 'eth0 inst'],
  'lvs-timeouts': ['', 'tcp', 'tcp 5', 'tcp 5 tcpfin 6 udp 7', 'tcp 2678400', 'tcp 2678401',
    'udp -1', 'x 5', 'tcp 5 udp'],
  'dynamic-interfaces': ['', 'allow_if_changes', 'x'],
  route: [], rule: [],
};

function specialEdges(shape: Special): readonly string[] {
  const { grammar, min = 0, max = 0 } = shape;
  if (grammar === 'weight') {
    return ['', ...wholeEdges({ min, max }), `${max} reverse`, `${min} noreverse`, `${max} reverse x`];
  }
  return specials[grammar] ?? [];
}

/** Texts to put behind a keyword of this shape, on the same line. */
export function edgesOf(shape: Shape): readonly string[] {
  switch (shape.kind) {
    case 'flag': return ['', 'extra', 'off'];
    case 'switch': return ['', 'on', 'off', 'true', 'false', 'yes', 'no', 'ON', '1', '""', 'on off'];
    case 'optional': return ['', ...scalarEdges(shape.of)];
    case 'words': {
      const edges = scalarEdges(shape.of);
      return ['', ...edges, `${edges[1] ?? ''} ${edges[2] ?? ''}`];
    }
    case 'special': return specialEdges(shape);
    case 'list': case 'entries': case 'block': case 'opaque': case 'fields': return [];
    case 'whole': case 'decimal': case 'text': case 'choice': case 'interface': case 'address':
    case 'prefix': case 'routing-name': case 'either': case 'pattern': {
      const edges = scalarEdges(shape);
      return ['', ...edges, `${edges[1] ?? ''} extra`];
    }
  }
}

/** Lines to put between the braces of a keyword of this shape. */
export function rowsOf(keyword: string, shape: Shape): readonly string[] {
  if (shape.kind === 'list') {
    return ['', 'V', 'V W', ...(shape.of.kind === 'interface' ? scalarEdges(shape.of) : [])];
  }
  if (shape.kind !== 'entries') return [];
  if (shape.of.kind === 'special' && shape.of.grammar === 'track') {
    const limits = { min: shape.of.min ?? 0, max: shape.of.max ?? 0 };
    const name = { track_interface: 'eth1', track_script: 'S', track_file: 'F', track_process: 'P',
      track_bfd: 'B' }[keyword] ?? 'x';
    // With a file that is not defined, 2.2.7 reads freed memory: it crashes, or never ends.
    const odd = keyword === 'track_file' ? [] : ['nothere'];
    return [...odd, name, `${name} weight`, `${name} weigh 5`, `${name} weight 5 reverse`,
      `${name} weight 5 noreverse`, `${name} weight 5 x`, `${name} weight 5 reverse x`,
      ...wholeEdges(limits).map((value) => `${name} weight ${value}`)];
  }
  if (shape.of.kind === 'special') return specials[shape.of.grammar] ?? [];
  const [first] = Object.values(shape.of.positional);
  const heads = first ? scalarEdges(first.kind === 'optional' ? first.of : first) : [];
  const options = Object.entries(shape.of.options).flatMap(([name, { shape: inner }]) =>
    (inner.kind === 'flag' || inner.kind === 'lockable' ? [''] : scalarEdges(inner))
      .map((value) => `${heads[0] ?? ''} ${name} ${value}`));
  const more = Object.values(shape.of.positional).slice(1).flatMap((scalar) =>
    (scalar.kind === 'optional' ? scalarEdges(scalar.of) : []).map((value) => `${heads[0] ?? ''} ${value}`));
  return [...heads, ...options, ...more, `${heads[0] ?? ''} x`, `${heads[0] ?? ''} 1 2 3`];
}

/** What instances below refer to, and what makes scripts allowed. */
export const preamble = `global_defs {
    enable_script_security
    script_user root
}
vrrp_script S {
    script /usr/bin/true
}
track_file F {
    file /tmp/track
    weight 0
}
vrrp_track_process P {
    process sshd
}
bfd_instance B {
    neighbor_ip 192.0.2.200
}
track_group G {
    group {
        V
    }
}
`;

const instanceLines = [
  'interface eth0', 'virtual_router_id 7', 'state BACKUP', 'virtual_ipaddress { 192.0.2.100 }',
];

/** An instance with more lines; lines that say the same keyword as one of them replace it. */
export function instanceWith(name: string, lines: readonly string[], keyword = ''): string {
  const base = instanceLines.filter((line) => !line.startsWith(`${keyword} `));
  const body = [...base, ...lines].map((line) => `    ${line}\n`).join('');
  return `vrrp_instance ${name} {\n${body}}\n`;
}

/** Where a block of keywords stands, so that one of them can be put to the test. */
interface Place {
  readonly keywords: Keywords;
  readonly wrap: (line: string, keyword: string) => string;
}

const without = (lines: readonly string[], keyword: string) =>
  lines.filter((line) => !line.startsWith(`${keyword} `)).map((line) => `    ${line}\n`).join('');

const places: Readonly<Record<string, Place>> = {
  global_defs: {
    keywords: globalDefs,
    wrap: (line, keyword) => {
      const defs = preamble.replace('    script_user root\n', keyword === 'script_user' ? '' : '    script_user root\n')
        .replace('    enable_script_security\n', `    enable_script_security\n    ${line}\n`);
      return `${defs}${instanceWith('V', [])}`;
    },
  },
  vrrp_instance: {
    keywords: vrrpInstance,
    wrap: (line, keyword) => `${preamble}${instanceWith('V', [line], keyword)}`,
  },
  authentication: {
    keywords: vrrpInstance.authentication.shape.keywords,
    wrap: (line, keyword) => `${preamble}${instanceWith('V', [
      'authentication {', ...['auth_type PASS', 'auth_pass secret']
        .filter((one) => !one.startsWith(`${keyword} `)), line, '}'])}`,
  },
  vrrp_sync_group: {
    keywords: vrrpSyncGroup,
    wrap: (line, keyword) =>
      `${preamble}vrrp_sync_group X {\n${without(['group { V W }'], keyword)}    ${line}\n}\n`
      + `${instanceWith('V', [])}${instanceWith('W', ['virtual_router_id 8'], 'virtual_router_id')}`,
  },
  vrrp_script: {
    keywords: vrrpScript,
    wrap: (line, keyword) => `${preamble}vrrp_script T {\n${without(['script /usr/bin/true'], keyword)}`
      + `    ${line}\n}\n${instanceWith('V', [])}`,
  },
  vrrp_track_process: {
    keywords: vrrpTrackProcess,
    wrap: (line, keyword) => `vrrp_track_process T {\n${without(['process sshd'], keyword)}`
      + `    ${line}\n}\n${instanceWith('V', [])}`,
  },
  track_file: {
    keywords: trackFile,
    wrap: (line, keyword) => `track_file T {\n${without(['file /tmp/track'], keyword)}`
      + `    ${line}\n}\n${instanceWith('V', [])}`,
  },
  bfd_instance: {
    keywords: bfdInstance.keywords,
    wrap: (line, keyword) => `bfd_instance T {\n${without(['neighbor_ip 192.0.2.9'],
      keyword === 'neighbour_ip' ? 'neighbor_ip' : keyword)}    ${line}\n}\n${instanceWith('V', [])}`,
  },
  garp_group: {
    keywords: garpGroup.keywords,
    wrap: (line, keyword) => `garp_group {\n${without(['garp_interval 0.1', 'interface eth2'], keyword)}`
      + `    ${line}\n}\n${instanceWith('V', [])}`,
  },
  root: {
    keywords: root,
    wrap: (line) => `${preamble}${line}\n${instanceWith('V', [])}`,
  },
};

function linesFor(keyword: string, entry: Keyword, version: Version): string[] {
  const shape = shapeFor(entry, version);
  const rows = rowsOf(keyword, shape).map((row) => `${keyword} {\n        ${row}\n    }`);
  return [...edgesOf(shape).map((edge) => `${keyword} ${edge}`.trimEnd()), ...rows];
}

/** All cases for a version. */
export function edgeCases(version: Version): Case[] {
  return Object.entries(places).flatMap(([place, { keywords, wrap }]) =>
    Object.entries(keywords).filter(([keyword]) => !hostKeywords.has(keyword))
      .flatMap(([keyword, entry]) => linesFor(keyword, entry, version).map((line) => ({
        title: `${place}: ${line.replace(/\s+/g, ' ')}`,
        text: wrap(line, keyword),
      }))));
}
