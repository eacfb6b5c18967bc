/** Encapsulation of routes (parse_encap in keepalived's vrrp_iproute.c). */
import type { Encapsulation } from '../table/grammar-types.ts';
import { address, choice, option, pattern, routingName, whole } from '../table/make.ts';
import type { Cursor } from './context.ts';
import { readOption } from './fields.ts';
import { readScalar } from './scalars.ts';

const ipOptions = {
  id: option(pattern('uint64')),
  dst: option(address({ family: 4, lax: false })),
  src: option(address({ family: 4, lax: false })),
  tos: option(routingName('rt_dsfield', 255)),
  ttl: option(whole(0, 255)),
  flags: option(whole(0, 65_535)),
};

const ip6Options = {
  id: option(pattern('uint64')),
  dst: option(address({ family: 6, lax: false })),
  src: option(address({ family: 6, lax: false })),
  tc: option(routingName('rt_dsfield', 255)),
  hoplimit: option(whole(0, 255)),
  flags: option(whole(0, 65_535)),
};

/** Reads what stands behind `encap`. */
export function readEncapsulation(cursor: Cursor): Encapsulation | undefined {
  const word = cursor.need('the type of encapsulation');
  const type = word && readScalar(choice('ip', 'ip6', 'mpls', 'ila'), word, cursor);
  if (type === undefined) return undefined;
  if (type === 'mpls' || type === 'ila') {
    const given = cursor.need(type === 'mpls' ? 'the labels' : 'the locator');
    const value = given && readScalar(pattern(type), given, cursor);
    if (value === undefined) return undefined;
    return type === 'mpls' ? { type, labels: String(value) } : { type, locator: String(value) };
  }
  const value: Record<string, unknown> = { type };
  while (readOption(type === 'ip' ? ipOptions : ip6Options, cursor, value));
  if (value.dst === undefined && value.id === undefined) {
    return cursor.error(word, {
      code: 'incomplete', message: `${cursor.keyword}: encap ${type} needs dst or id`,
    });
  }
  return value as unknown as Encapsulation;
}
