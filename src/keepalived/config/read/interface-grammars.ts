/** Grammars of keywords that make interfaces, and of IPVS. */
import { interfaceFacts } from '../host.ts';
import type { Word } from '../lines/line.ts';
import type { Grammars } from '../table/grammar-types.ts';
import {
  address, choice, fields, interfaceName, option, routingName, text, uint32, whole,
} from '../table/make.ts';
import type { Special } from '../table/shapes.ts';
import { isAtLeast } from '../version.ts';
import { prefixParts } from './addresses.ts';
import type { Cursor } from './context.ts';
import { readFields } from './fields.ts';
import { readScalar, refuse } from './scalars.ts';
import { ignoreRest } from './script-grammars.ts';

/** Whether a MAC address will do for a virtual interface; the last byte may be left to the VRID. */
function macProblem(text: string): string | undefined {
  const bytes = text.split(':');
  const short = bytes.length === 5 || (bytes.length === 6 && bytes[5] === '');
  const counted = bytes.slice(0, short ? 5 : 6);
  if (counted.length < 5 || /[^0-9a-fA-F:]/.test(text)
    || !counted.every((byte) => /^[0-9a-fA-F]{1,2}$/.test(byte))) return 'is no MAC address';
  const [first = 0, ...others] = counted.map((byte) => parseInt(byte, 16));
  if ((first & 1) === 1) return 'is a multicast address';
  const standard = [first, ...others.slice(0, 3)].join() === [0, 0, 0x5e, 0].join()
    && (others[3] === 1 || others[3] === 2);
  return standard ? 'is the address that VRRP uses anyway' : undefined;
}

/** Why a text is no name for a new interface. */
function nameProblem(text: string, cursor: Cursor): string | undefined {
  const valid = text !== '' && text.length <= 15 && text !== '.' && text !== '..'
    && !/[/:\s]/.test(text);
  if (!valid) return 'is no valid interface name';
  const existing = interfaceFacts(cursor.context.facts, text);
  return existing && existing.virtual !== true
    ? 'is the name of an interface that keepalived did not make' : undefined;
}

/** Reads `group GROUP` and takes the word `name` away: both came with 2.3.0. */
function readNamed(word: Word, cursor: Cursor, value: { group?: string }): Word | undefined {
  if (!isAtLeast(cursor.context.version, '2.3.0')) return word;
  if (word.text === 'group') {
    const given = cursor.need('the interface group');
    const group = given && readScalar(routingName('group', 2_147_483_647), given, cursor);
    if (typeof group === 'string') value.group = group;
    return undefined;
  }
  return word.text === 'name' ? cursor.need('the name of the interface') : word;
}

type Changeable<T> = { -readonly [K in keyof T]: T[K] };

/** `[IF] [MAC]`, in any order (vrrp_vmac_handler). */
export function readVmac(cursor: Cursor): Grammars['vmac'] {
  const { version } = cursor.context;
  const value: Changeable<Grammars['vmac']> = {};
  // Up to 2.2.8 two words count, up to 2.2.4 one, however many there are.
  const most = isAtLeast(version, '2.3.0') ? Infinity : isAtLeast(version, '2.2.5') ? 2 : 1;
  for (let count = 0; count < most && cursor.peek(); count += 1) {
    const first = cursor.next();
    if (first?.text === 'netlink_notify_msg' && isAtLeast(version, '2.3.0')) {
      value.netlink_notify_msg = true;
      continue;
    }
    const word = first && readNamed(first, cursor, value);
    if (!word) continue;
    const key = isAtLeast(version, '2.2.5') && word.text.includes(':') ? 'mac' : 'interface';
    const problem = value[key] !== undefined ? 'is one too many'
      : key === 'mac' ? macProblem(word.text) : nameProblem(word.text, cursor);
    if (problem === undefined) value[key] = word.text;
    else refuse(cursor, word, 'not-allowed', problem, 'one interface name and one MAC address');
  }
  ignoreRest(cursor);
  return value;
}

/** `[IF] [ADDRESS[/LENGTH]] [bridge|private|vepa]`, in any order (vrrp_ipvlan_handler). */
export function readIpvlan(cursor: Cursor): Grammars['ipvlan'] {
  const value: Changeable<Grammars['ipvlan']> = {};
  for (let first = cursor.next(); first; first = cursor.next()) {
    const word = readNamed(first, cursor, value);
    if (!word) continue;
    const { text: given } = word;
    const parts = prefixParts(given);
    const isMode = given === 'bridge' || given === 'private' || given === 'vepa';
    const isAddress = parts !== undefined && parts.length <= (parts.family === 4 ? 32 : 128);
    const key = isMode ? 'mode' : isAddress ? 'address' : 'interface';
    if (value[key] !== undefined) {
      refuse(cursor, word, 'duplicate', 'is one too many', 'one interface, address and mode');
    } else if (isMode) value.mode = given;
    else if (isAddress) value.address = given;
    else if (readScalar(interfaceName('new'), word, cursor) !== undefined) value.interface = given;
  }
  return value;
}

const ttl = whole(1, 255);
const syncDaemon = fields({ interface: text(15) }, {
  inst: option(text(), { once: true }),
  id: option(whole(0, 255)),
  maxlen: option(whole(1, 65_507)),
  port: option(whole(1, 65_535)),
  ttl: option(ttl),
  group: option(address({ multicast: 'any' })),
});
const timeouts = (max: number) => fields({}, {
  tcp: option(whole(0, max)), tcpfin: option(whole(0, max)), udp: option(whole(0, max)),
});

/** `INTERFACE [inst INSTANCE] [id N] ...`; an instance may also stand without `inst`. */
export function readSyncDaemon(cursor: Cursor): Grammars['lvs-sync-daemon'] | undefined {
  const [, second] = cursor.words;
  const bare = second && !['inst', ...Object.keys(syncDaemon.options)].includes(second.text);
  if (!bare) return readFields(syncDaemon, cursor) as Grammars['lvs-sync-daemon'] | undefined;
  const name = cursor.need('the interface');
  const inst = cursor.next();
  const options = readFields(fields({}, syncDaemon.options), cursor);
  const read = name && readScalar(text(15), name, cursor);
  return read === undefined || !options ? undefined
    : { ...options, interface: String(read), inst: inst?.text ?? '' };
}

/** `tcp S tcpfin S udp S`, at least one of them. */
export function readTimeouts(shape: Special, cursor: Cursor): Grammars['lvs-timeouts'] | undefined {
  if (cursor.words.length < 2) {
    return cursor.error(cursor.words[0], {
      code: 'missing-value', allowed: shape.usage,
      message: `${cursor.keyword}: it needs tcp, tcpfin or udp, and its seconds`,
    });
  }
  return readFields(timeouts(shape.max ?? uint32), cursor);
}

const tunnelTypes = choice('ipip', 'gue', 'gre');

/** `NAT`, `DR` or `TUN [type ...] [port N] [csum ...]` (svr_forwarding_handler). */
export function readForwarding(cursor: Cursor): readonly string[] | undefined {
  const method = cursor.need('NAT, DR or TUN');
  if (!method || readScalar(choice('NAT', 'DR', 'TUN'), method, cursor) === undefined) {
    return undefined;
  }
  let type = 'ipip';
  let port = false;
  for (let word = cursor.next(); word; word = cursor.next()) {
    if (word.text === 'type') {
      const given = cursor.need('the type of tunnel');
      type = String((given && readScalar(tunnelTypes, given, cursor)) ?? type);
    } else if (word.text === 'port') {
      const given = cursor.need('the port');
      if (given) readScalar(whole(1, 65_535), given, cursor);
      port = true;
    } else readScalar(choice('nocsum', 'csum', 'remcsum'), word, cursor);
  }
  if ((type === 'gue') !== port) {
    refuse(cursor, method, 'conflict', 'needs a port for gue tunnels, and for them alone', 'type gue port N');
  }
  return cursor.words.map((word) => word.text);
}
