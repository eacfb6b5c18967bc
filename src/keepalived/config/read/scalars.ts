/** One word by its shape. */
import { Buffer } from 'node:buffer';
import { describeScalar, joinWords } from '../describe.ts';
import type { FindingCode } from '../finding.ts';
import { interfaceFacts } from '../host.ts';
import type { Word } from '../lines/line.ts';
import type { Address, Decimal, InterfaceName, Prefix, RoutingName, Scalar, Whole } from
  '../table/shapes.ts';
import { addressFamily, bareAddress, isMulticast } from './addresses.ts';
import type { Cursor } from './context.ts';
import { type NumberResult, looseNumber, readDecimal, readSigned, readUnsigned } from
  './numbers.ts';
import { patterns } from './patterns.ts';

const numberProblems = {
  'not-a-number': 'is not a number',
  negative: 'is negative',
  'too-precise': 'has too many decimal places',
};

/** keepalived's interface names hold at most this many bytes. */
export const maxInterfaceName = 15;

/** Complains about a word that its shape does not allow. */
export function refuse(
  cursor: Cursor, word: Word, code: FindingCode, problem: string, allowed: string,
): undefined {
  return cursor.error(word, {
    code, allowed, message: `${cursor.keyword}: "${word.text}" ${problem}; it may be ${allowed}`,
  });
}

function readNumber(shape: Whole | Decimal, word: Word, cursor: Cursor): number | undefined {
  const allowed = describeScalar(shape);
  const result: NumberResult = shape.kind === 'decimal' ? readDecimal(word.text, shape.digits)
    : shape.min < 0 ? readSigned(word.text) : readUnsigned(word.text, shape.base);
  if (!result.ok) {
    const code = result.problem === 'not-a-number' ? 'not-a-number' : 'out-of-range';
    return refuse(cursor, word, code, numberProblems[result.problem], allowed);
  }
  if (result.value < BigInt(shape.min) || result.value > BigInt(shape.max)) {
    return refuse(cursor, word, 'out-of-range', 'is out of range', allowed);
  }
  const value = Number(result.value);
  return shape.kind === 'decimal' ? value / 10 ** shape.digits : value;
}

function readInterface(shape: InterfaceName, word: Word, cursor: Cursor): string | undefined {
  const { facts, dynamic } = cursor.context;
  if (Buffer.byteLength(word.text) > maxInterfaceName) {
    return refuse(cursor, word, 'too-long', 'is too long', describeScalar(shape));
  }
  const existing = interfaceFacts(facts, word.text);
  const problem = shape.need === 'new'
    ? existing && existing.virtual !== true && `the interface "${word.text}" exists already`
    : shape.need !== 'named' && facts.interfaces && !existing && (!dynamic || shape.need === 'vrf')
      ? `this host has no interface "${word.text}"`
      : shape.need === 'vrf' && existing?.vrf === false && `"${word.text}" is no VRF`;
  if (typeof problem === 'string') {
    cursor.error(word, { code: 'host', message: `${cursor.keyword}: ${problem}` });
  }
  return word.text;
}

function readAddress(shape: Address, word: Word, cursor: Cursor): string | undefined {
  const text = shape.lax ? bareAddress(word.text) : word.text;
  const allowed = describeScalar(shape);
  const family = addressFamily(text);
  if (family === undefined) {
    return refuse(cursor, word, 'not-an-address', 'is not an address', allowed);
  }
  if (shape.family !== undefined && family !== shape.family) {
    return refuse(cursor, word, 'not-allowed', `is IPv${family}`, allowed);
  }
  if (shape.multicast !== undefined && !isMulticast(text, shape.multicast)) {
    return refuse(cursor, word, 'not-allowed', 'is not such a multicast address', allowed);
  }
  return word.text;
}

/** `ADDRESS[/LENGTH]` (parse_ipaddress). */
function readPrefix(shape: Prefix, word: Word, cursor: Cursor): string | undefined {
  if (shape.words.includes(word.text)) return word.text;
  const slash = word.text.indexOf('/');
  const address = slash < 0 ? word.text : word.text.slice(0, slash);
  const family = addressFamily(address);
  if (family === undefined) {
    return refuse(cursor, word, 'not-an-address', 'is not an address', describeScalar(shape));
  }
  if (slash < 0) return word.text;
  const most = family === 4 ? 32 : 128;
  const length = readUnsigned(word.text.slice(slash + 1));
  if (!length.ok || length.value > BigInt(most)) {
    return refuse(cursor, word, 'out-of-range', 'has no valid prefix length', `0 to ${most}`);
  }
  return word.text;
}

/** Names that keepalived knows without a file of iproute2. */
const builtInNames: Readonly<Record<string, readonly string[]>> = {
  rt_tables: ['default', 'main', 'local'],
  rt_protos: ['none', 'redirect', 'kernel', 'boot', 'static', 'gated', 'ra', 'mrt', 'zebra',
    'bird', 'babel', 'dnrouted', 'xorp', 'ntk', 'dhcp'],
  rt_scopes: ['global', 'nowhere', 'host', 'link', 'site'],
};

function readRoutingName(shape: RoutingName, word: Word, cursor: Cursor): string | undefined {
  const number = looseNumber(word.text);
  const known = cursor.context.facts.routingNames?.[shape.table];
  const fits = number === undefined
    ? builtInNames[shape.table]?.includes(word.text) === true || !known || known.has(word.text)
    : number <= shape.max;
  return fits ? word.text
    : refuse(cursor, word, 'not-allowed', 'is not known here', describeScalar(shape));
}

/** Reads one word; undefined, with a complaint, if it does not fit. */
export function readScalar(
  shape: Scalar, word: Word, cursor: Cursor,
): string | number | undefined {
  switch (shape.kind) {
    case 'whole': case 'decimal': return readNumber(shape, word, cursor);
    case 'text':
      if (shape.filled && word.text === '') {
        return refuse(cursor, word, 'missing-value', 'is empty', describeScalar(shape));
      }
      return shape.max !== undefined && Buffer.byteLength(word.text) > shape.max
        ? refuse(cursor, word, 'too-long', 'is too long', describeScalar(shape)) : word.text;
    case 'choice': {
      const text = shape.anyCase === true ? word.text.toUpperCase() : word.text;
      return shape.of.includes(text) ? text
        : refuse(cursor, word, 'not-allowed', 'is not known', joinWords(shape.of, 'or'));
    }
    case 'interface': return readInterface(shape, word, cursor);
    case 'address': return readAddress(shape, word, cursor);
    case 'prefix': return readPrefix(shape, word, cursor);
    case 'pattern':
      return patterns[shape.pattern].fits(word.text, cursor.context.facts) ? word.text
        : refuse(cursor, word, 'not-allowed', 'does not fit', describeScalar(shape));
    case 'either':
      return shape.words.includes(word.text) ? word.text : readScalar(shape.of, word, cursor);
    case 'routing-name': return readRoutingName(shape, word, cursor);
  }
}
