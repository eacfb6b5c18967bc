/** Grammars of lines in value blocks, but for routes and rules. */
import type { AddressLine, TrackLine } from '../table/grammar-types.ts';
import {
  address, choice, either, fields, flag, interfaceName, option, prefix, routingName, text, uint32,
  whole,
} from '../table/make.ts';
import type { Options, Special } from '../table/shapes.ts';
import type { Cursor } from './context.ts';
import { readFields } from './fields.ts';
import { readSigned } from './numbers.ts';
import { readScalar, refuse } from './scalars.ts';

const labelLength = 15;

/** Options of an address. */
export const addressOptions = {
  dev: option(interfaceName(), { once: true }),
  scope: option(routingName('rt_scopes', 255)),
  brd: option(either(['+', '-'], address({ family: 4, lax: false })), { aliases: ['broadcast'] }),
  label: option(text(labelLength)),
  peer: option(address({ lax: false }), { once: true }),
  home: option(flag),
  '-nodad': option(flag),
  mngtmpaddr: option(flag),
  noprefixroute: option(flag),
  autojoin: option(flag),
  no_track: option(flag),
  preferred_lft: option(either(['forever'], whole(0, uint32))),
} as const satisfies Options;

/** A line of virtual_ipaddress or virtual_ipaddress_excluded. */
export const virtualAddress = fields({ address: prefix() }, {
  ...addressOptions, use_vmac: option(flag, { since: '2.2.0' }),
});

/** A line of static_ipaddress. */
export const staticAddress = fields({ address: prefix() }, {
  ...addressOptions, track_group: option(text(), { once: true }),
});

/** Either of them (alloc_ipaddress). */
export function readAddressLine(cursor: Cursor): AddressLine | undefined {
  const shape = cursor.keyword === 'static_ipaddress' ? staticAddress : virtualAddress;
  return readFields(shape, cursor) as AddressLine | undefined;
}

/** A line of a track_... block: `NAME [weight N [reverse|noreverse]]`. */
export function readTrackLine(shape: Special, cursor: Cursor): TrackLine | undefined {
  const name = cursor.need('the name');
  if (!name) return undefined;
  const isInterface = cursor.keyword === 'track_interface';
  if (isInterface) readScalar(interfaceName(), name, cursor);
  const keyword = cursor.next();
  if (!keyword) return { name: name.text };
  if (keyword.text !== 'weight') {
    return refuse(cursor, keyword, 'unknown-option', 'is not known here', shape.usage);
  }
  const word = cursor.need('the weight');
  const weight = word && readScalar(whole(shape.min ?? 0, shape.max ?? 0), word, cursor);
  const direction = cursor.next();
  const directions = choice('reverse', ...(isInterface ? [] : ['noreverse'] as const));
  const way = direction && readScalar(directions, direction, cursor);
  for (const extra of cursor.rest()) {
    cursor.warn(extra, {
      code: 'ignored', message: `${cursor.keyword}: keepalived ignores "${extra.text}" here`,
    });
  }
  // A direction says nothing without a weight, and cannot be written without one.
  if (typeof weight !== 'number') return { name: name.text };
  const direct = way === 'reverse' || way === 'noreverse';
  return { name: name.text, weight, ...(direct ? { direction: way } : {}) };
}

/** `ADDRESS[-LAST|/LENGTH] [PORT]` or `fwmark N [inet|inet6]` (alloc_vsg_entry). */
export function readServerGroupEntry(cursor: Cursor): readonly string[] | undefined {
  const first = cursor.need('an address or fwmark');
  if (!first) return undefined;
  if (first.text === 'fwmark') {
    const mark = cursor.need('the mark');
    const family = cursor.next();
    if (mark) readScalar(whole(0, uint32), mark, cursor);
    if (family) readScalar(choice('inet', 'inet6'), family, cursor);
  } else {
    readScalar(address(), first, cursor);
    const port = cursor.next();
    if (port && !/^0*$/.test(port.text)) readScalar(whole(1, 65535), port, cursor);
  }
  cursor.rest();
  return cursor.words.map((word) => word.text);
}

/** Codes and ranges of codes of HTTP answers. */
export function readStatusCodes(shape: Special, cursor: Cursor): readonly string[] {
  for (const word of cursor.rest()) {
    const [first = '', last = first] = word.text.split('-');
    const [low, high] = [readSigned(first), readSigned(last)];
    const fits = low.ok && high.ok && low.value <= high.value
      && low.value >= BigInt(shape.min ?? 0) && high.value <= BigInt(shape.max ?? 0);
    if (!fits) {
      refuse(cursor, word, 'out-of-range', 'is no code or range of codes', `${shape.min ?? 0} to ${shape.max ?? 0}`);
    }
  }
  return cursor.words.map((word) => word.text);
}
