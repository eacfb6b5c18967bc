/**
 * Texts that are almost right: a configuration to which something happened that an editor or a
 * template does, or that the preprocessor makes of it.
 */
import fc from 'fast-check';

/** A configuration with a little of everything, on 40 lines. */
export const specimen = `global_defs {
    enable_script_security
    script_user root
    router_id here # a comment
}

! another comment
vrrp_script S {
    script "/usr/bin/true a 'b c'"
    interval 2
}

track_file F {
    file "/tmp/some file"
    weight 0
}

vrrp_sync_group G {
    group {
        V
        W
    }
}

vrrp_instance V {
    state BACKUP
    interface eth0
    virtual_router_id 7
    priority 100
    advert_int 1
    virtual_ipaddress {
        192.0.2.100/24 dev eth1
        192.0.2.101
    }
    track_file { F }
}

vrrp_instance W {
    interface eth1
    virtual_router_id 8
    virtual_ipaddress { 192.0.2.102 }
}
`;

/** What may be put in, at the start of a line, at its end, or in its middle. */
const pieces = [
  '{', '}', '"', '#', '!', '\\', '\\#', '\\!', ' ', '\t', '\n', '\r', ';', '"x"', '"{"', "'", '$', '@',
  '@node1 ', '@^node1 ', '@node2 ', '@^node2 ', '@', '@node1', '$A', '${A}', '$B', '${_INSTANCE}',
  '$_HASH', '${_BANG}x', '~', '~SEQ(i, 2) ', 'include /nothere', 'includem /nothere',
  'include ', 'nonsense', 'nonsense {\n}', 'priority', 'priority 300', 'state', 'group', 'use_vmac',
];

const definitions = [
  '$A=5\n', '$A=', '$A = 5\n', '$A=vrrp_version 3\n', '$B=$A\n', '$B=\\\n  priority 50 \\\n  nopreempt\n\n',
  '$B=state BACKUP \\\n   advert_int 2\n', '$1=x\n', '$A=#x\n', '$A="x y"\n',
  '~SEQ(i, 1, 3) $X$i=5\n', '~SEQ(i 1)\n', '~SEQ(i, 1, 0, 5) x\n', '~SEQ(i, 5, 1) $Y=$i\n',
  '~LST(a, b, c) $Z=$a\n', '~LST({a, b}, {1, 2}, {3}) $Z=${a}${b}\n', '~LST(a) x\n', '~LST({a}, {1, 2}) x\n',
  '~SEQ(i, 30, 32) vrrp_instance X${i} { interface eth2; virtual_router_id ${i} }\n',
  '~SEQ(i, 30, 32) vrrp_instance X$i {\n', '~SEQx(i, 9, 11) $H=$i\n', '~SEQx(i, -1, 1) $H=$i\n',
  '@node1 $A=1\n', '@node2 $A=1\n', '$A=1 # comment\n', '$A=a\\#b\n',
];

interface Change {
  readonly kind: 'insert' | 'delete-line' | 'double-line' | 'delete-char' | 'define' | 'join';
  readonly line: number;
  readonly place: number;
  readonly piece: string;
  readonly definition: string;
}

function apply(text: string, change: Change): string {
  const lines = text.split('\n');
  const index = change.line % lines.length;
  const line = lines[index] ?? '';
  const at = change.place % (line.length + 1);
  switch (change.kind) {
    case 'insert':
      lines[index] = line.slice(0, at) + change.piece + line.slice(at);
      break;
    case 'delete-line':
      lines.splice(index, 1);
      break;
    case 'double-line':
      lines.splice(index, 0, line);
      break;
    case 'delete-char':
      lines[index] = line.slice(0, at) + line.slice(at + 1);
      break;
    case 'join':
      lines.splice(index, 2, `${line} ${lines[index + 1] ?? ''}`);
      break;
    case 'define': {
      const [first = '', ...rest] = change.definition.split('\n');
      lines.splice(index, 0, first, ...rest.slice(0, -1));
      break;
    }
  }
  return lines.join('\n');
}

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('insert', 'insert', 'insert', 'delete-line', 'double-line', 'delete-char',
    'define', 'join'),
  line: fc.nat({ max: 60 }),
  // The ends of a line are where most happens.
  place: fc.oneof(fc.constantFrom(0, 4), fc.nat({ max: 40 })),
  piece: fc.constantFrom(...pieces),
  definition: fc.constantFrom(...definitions),
});

/** The specimen with one to three changes. */
export const mutatedText: fc.Arbitrary<string> = fc.array(change, { minLength: 1, maxLength: 3 })
  .map((changes) => changes.reduce(apply, specimen));
