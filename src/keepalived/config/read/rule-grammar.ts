/** Lines of virtual_rules and static_rules (alloc_rule in keepalived's vrrp_iprule.c). */
import type { Word } from '../lines/line.ts';
import type { RuleLine } from '../table/grammar-types.ts';
import {
  flag, int32, interfaceName, option, pattern, prefix, routingName, text, uint32, whole,
} from '../table/make.ts';
import type { Options } from '../table/shapes.ts';
import type { Cursor } from './context.ts';
import { findOption, readOption } from './fields.ts';
import { looseNumber } from './numbers.ts';
import { FamilyTracker, anywhere, keepalivedProtocol, prefixFamily } from './route-grammar.ts';
import { readScalar, refuse } from './scalars.ts';

export const ruleOptions = {
  not: option(flag),
  from: option(prefix(...anywhere)),
  to: option(prefix(...anywhere)),
  tos: option(routingName('rt_dsfield', 255), { aliases: ['dsfield'] }),
  fwmark: option(pattern('fwmark')),
  iif: option(interfaceName(), { aliases: ['dev'] }),
  oif: option(interfaceName()),
  'tunnel-id': option(pattern('uint64')),
  uidrange: option(pattern('uid-range')),
  ipproto: option(pattern('ip-protocol')),
  sport: option(pattern('port-range')),
  dport: option(pattern('port-range')),
  protocol: option(whole(0, 255)),
  preference: option(whole(0, uint32, 0), { aliases: ['order', 'priority'] }),
  table: option(routingName('rt_tables', uint32), { aliases: ['lookup'] }),
  l3mdev: option(flag),
  suppress_prefixlength: option(whole(0, int32), { aliases: ['sup_pl'] }),
  suppress_ifgroup: option(routingName('group', int32), { aliases: ['sup_group'] }),
  realms: option(pattern('realms')),
  no_track: option(flag),
} as const satisfies Options;

const staticRuleOptions = {
  ...ruleOptions, track_group: option(text(), { once: true }),
} as const satisfies Options;

const actions = ['nop', 'blackhole', 'unreachable', 'prohibit'];
const numberedActions = [6, 7, 8];

/** `[type] nop|blackhole|unreachable|prohibit|goto N`; false if the cursor stands at none. */
function readAction(cursor: Cursor, value: Record<string, unknown>): void {
  let word = cursor.next();
  if (word?.text === 'type') word = cursor.need('the type of rule');
  if (!word) return;
  if (word.text === 'goto') {
    const target = cursor.need('the preference of the rule to go to');
    const goto = target && readScalar(whole(0, uint32), target, cursor);
    if (goto !== undefined) value.goto = goto;
    return;
  }
  const number = looseNumber(word.text);
  if (actions.includes(word.text)
    || (number !== undefined && numberedActions.includes(number))) value.type = word.text;
  else refuse(cursor, word, 'unknown-option', 'is not known here', Object.keys(ruleOptions).join(', '));
}

const actionKeys = ['table', 'l3mdev', 'goto', 'type'];

/** Reads a whole line. */
export function readRuleLine(cursor: Cursor): RuleLine | undefined {
  const value: Record<string, unknown> = {};
  const families = new FamilyTracker(cursor);
  const options = cursor.keyword === 'static_rules' ? staticRuleOptions : ruleOptions;
  let given = 0;
  for (let word = cursor.peek(); word; word = cursor.peek()) {
    const family = families.readKeyword(word);
    if (family) {
      value.family = family;
      continue;
    }
    const key = findOption(options, word.text);
    if (key === undefined || !readOption(options, cursor, value)) readAction(cursor, value);
    given += Number(key === undefined || actionKeys.includes(key));
    settle(key, value, word, families);
  }
  if (given > 1) {
    cursor.error(cursor.words[0], {
      code: 'conflict', allowed: 'one of them',
      message: `${cursor.keyword}: a rule has one of table, l3mdev, goto, nop, blackhole, `
        + 'unreachable and prohibit',
    });
  }
  checkAction(cursor, value);
  checkTracking(cursor, value);
  // A line of which nothing could be read is nothing that could be written.
  return Object.keys(value).length === 0 ? undefined : value;
}

function settle(
  key: string | undefined, value: Record<string, unknown>, word: Word, families: FamilyTracker,
): void {
  if (key === 'realms') families.settle(4, word);
  const end: unknown = key === 'from' || key === 'to' ? value[key] : undefined;
  if (typeof end === 'string') families.take(prefixFamily(end), word);
}

function checkAction(cursor: Cursor, value: Readonly<Record<string, unknown>>): void {
  const say = (message: string) =>
    cursor.error(cursor.words[0], { code: 'incomplete', message: `${cursor.keyword}: ${message}` });
  const { table, l3mdev, goto, type, preference } = value;
  const looksUp = table !== undefined || l3mdev !== undefined;
  if (!looksUp && goto === undefined && type === undefined) {
    say('the rule does nothing; give a table, goto, blackhole, unreachable, prohibit or nop');
  }
  if (looseNumber(String(table)) === 0) say('table 0 may not be used in a rule');
  if (!looksUp && ['realms', 'suppress_prefixlength', 'suppress_ifgroup']
    .some((key) => value[key] !== undefined)) {
    say('realms and suppress_... need a table');
  }
  if (preference === undefined) {
    say('the rule has no preference, so keepalived would choose one; give preference N');
  } else if (goto !== undefined && Number(preference) >= Number(goto)) {
    say(`goto ${Number(goto)} is not behind the rule's own preference ${Number(preference)}`);
  }
}

function checkTracking(cursor: Cursor, value: Readonly<Record<string, unknown>>): void {
  const { no_track: untracked, track_group: group, iif } = value;
  const protocol = typeof value.protocol === 'number' ? value.protocol : keepalivedProtocol;
  if (untracked !== true && protocol !== keepalivedProtocol) {
    cursor.error(cursor.words[0], {
      code: 'conflict', value: String(protocol),
      message: `${cursor.keyword}: a rule with protocol ${protocol} cannot be watched; `
        + `add no_track, or leave the protocol at ${keepalivedProtocol}`,
    });
  }
  if (group !== undefined && iif === undefined) {
    cursor.error(cursor.words[0], {
      code: 'incomplete', message: `${cursor.keyword}: track_group needs iif`,
    });
  }
}
