/** Shapes in words, for messages and documentation. */
import { formatDecimal } from './read/numbers.ts';
import { patterns } from './read/patterns.ts';
import type { Fields, Scalar, Shape } from './table/shapes.ts';

const routingNames: Readonly<Record<string, string>> = {
  rt_tables: 'a routing table',
  rt_dsfield: 'a DS field',
  rt_protos: 'a routing protocol',
  rt_scopes: 'a scope',
  rt_realms: 'a realm',
  group: 'an interface group',
};

const multicast = { any: 'multicast ', link: 'link-local multicast ' };

/** What a scalar may be: `1 to 255`, `MASTER or BACKUP`. */
export function describeScalar(shape: Scalar): string {
  switch (shape.kind) {
    case 'whole': return `${shape.min} to ${shape.max}`;
    case 'decimal': {
      const [min, max] = [shape.min, shape.max].map((limit) =>
        formatDecimal(BigInt(limit), shape.digits));
      const places = shape.digits === 1 ? 'place' : 'places';
      return `${min} to ${max}, with at most ${shape.digits} decimal ${places}`;
    }
    case 'text':
      return shape.max !== undefined ? `at most ${shape.max} characters`
        : shape.filled ? 'a word that is not empty' : 'a word';
    case 'choice': return joinWords(shape.of, 'or');
    case 'interface': return 'an interface, at most 15 characters';
    case 'address': {
      const kind = shape.multicast === undefined ? '' : multicast[shape.multicast];
      return `an IP${shape.family === undefined ? '' : `v${shape.family}`} ${kind}address`;
    }
    case 'prefix': return joinWords([...shape.words, 'an address with or without length'], 'or');
    case 'pattern': return patterns[shape.pattern].usage;
    case 'either': return joinWords([...shape.words, describeScalar(shape.of)], 'or');
    case 'routing-name': return `${routingNames[shape.table] ?? 'a name'} or its number`;
  }
}

/** `a, b or c`. */
export function joinWords(words: readonly string[], last: 'or' | 'and'): string {
  return words.length < 2 ? words.join('')
    : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1) ?? ''}`;
}

function describeFields(shape: Fields): string {
  const positional = Object.entries(shape.positional).map(([name, scalar]) =>
    scalar.kind === 'optional' ? `[${name.toUpperCase()}]` : name.toUpperCase());
  const options = Object.keys(shape.options).map((name) => `[${name} ...]`);
  return [...positional, ...options].join(' ');
}

/** What may stand behind a keyword. */
export function describeShape(shape: Shape): string {
  switch (shape.kind) {
    case 'flag': return 'nothing';
    case 'switch':
      return shape.since === undefined ? 'on or off; alone it means on'
        : `nothing; from ${shape.since} on also on or off`;
    case 'optional': return `nothing, or ${describeScalar(shape.of)}`;
    case 'words': return `${shape.min === 0 ? 'any number' : 'one or more'} of: ${describeScalar(shape.of)}`;
    case 'list': return `{ ... }: any number of: ${describeScalar(shape.of)}`;
    case 'fields': return describeFields(shape);
    case 'special': return shape.usage;
    case 'entries': return `{ ... }, one a line: ${describeShape(shape.of)}`;
    case 'block': return 'a block';
    case 'opaque': return describeShape(shape.of);
    case 'whole': case 'decimal': case 'text': case 'choice': case 'interface': case 'address':
    case 'prefix': case 'routing-name': case 'either': case 'pattern':
      return describeScalar(shape);
  }
}
