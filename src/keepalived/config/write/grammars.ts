/** Values of the grammars of their own, as words. */
import { routeOptions } from '../read/route-grammar.ts';
import { ruleOptions } from '../read/rule-grammar.ts';
import { staticAddress, virtualAddress } from '../read/line-grammars.ts';
import type { Encapsulation, Grammars, NextHop, RouteLine, RuleLine } from
  '../table/grammar-types.ts';
import type { GrammarName } from '../table/shapes.ts';
import { fieldWords, optionWords } from './values.ts';
import { quoteCommand, quoteWord } from './words.ts';

/** Key and value if there is one. */
function pair(key: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [key, quoteWord(String(value))];
}

function given(value: string | undefined): string[] {
  return value === undefined ? [] : [quoteWord(value)];
}

function encapsulationWords(value: Encapsulation): string[] {
  if (value.type === 'mpls') return ['encap', 'mpls', value.labels];
  if (value.type === 'ila') return ['encap', 'ila', value.locator];
  const { type, ...options } = value;
  return ['encap', type, ...Object.entries(options).flatMap(([key, one]) =>
    pair(key, one as string | number | undefined))];
}

function hopWords(hop: NextHop): string[] {
  return [
    'nexthop', ...pair('via', hop.via), ...pair('dev', hop.dev), ...pair('weight', hop.weight),
    ...hop.onlink === true ? ['onlink'] : [],
    ...hop.encap ? encapsulationWords(hop.encap) : [],
    ...pair('realms', hop.realms),
  ];
}

/** keepalived skips the word behind `inet` and `inet6`; written twice it does no harm. */
function familyWords(family: 'inet' | 'inet6' | undefined): string[] {
  return family === undefined ? [] : [family, family];
}

function routeWords(value: RouteLine): string[] {
  const { to, type, family, via, encap, mode, nexthops, track_group: group, ...options } = value;
  return [
    ...familyWords(family), ...given(type), quoteWord(to), ...pair('via', via),
    ...optionWords(routeOptions, options),
    ...encap ? encapsulationWords(encap) : [],
    ...given(mode), ...pair('track_group', group),
    ...(nexthops ?? []).flatMap(hopWords),
  ];
}

function ruleWords(value: RuleLine): string[] {
  const { family, type, goto, track_group: group, ...options } = value;
  return [
    ...familyWords(family), ...optionWords(ruleOptions, options), ...given(type),
    ...pair('goto', goto), ...pair('track_group', group),
  ];
}

/** Functions from a value to the words behind the keyword, or of the line. */
type Writers = { readonly [N in GrammarName]: (value: Grammars[N]) => string[] };

const writers: Writers = {
  address: (value) =>
    fieldWords(value.track_group === undefined ? virtualAddress : staticAddress, value),
  route: routeWords,
  rule: ruleWords,
  track: ({ name, weight, direction }) =>
    [quoteWord(name), ...pair('weight', weight), ...given(direction)],
  weight: ({ weight, reverse }) => [String(weight), ...reverse === true ? ['reverse'] : []],
  vmac: (value) => [
    ...given(value.interface), ...given(value.mac), ...pair('group', value.group),
    ...value.netlink_notify_msg === true ? ['netlink_notify_msg'] : [],
  ],
  ipvlan: (value) => [
    ...given(value.interface), ...given(value.address), ...given(value.mode),
    ...pair('group', value.group),
  ],
  'garp-extra-if': ({ seconds, all }) => [...all === true ? ['all'] : [], String(seconds)],
  script: (value) => value === true ? []
    : [quoteCommand(value.command), ...given(value.user), ...given(value.group)],
  command: (value) => [quoteCommand(value)],
  user: ({ user, group }) => [quoteWord(user), ...given(group)],
  process: ({ path, parameters }) => [path, ...parameters ?? []].map(quoteWord),
  'init-file': ({ value, overwrite }) => [
    ...value === undefined ? [] : [String(value)], ...overwrite === true ? ['overwrite'] : [],
  ],
  umask: (value) => [value],
  'rx-bufs-policy': (value) => [String(value)],
  fifo: ({ path, user, group }) => [quoteWord(path), ...given(user), ...given(group)],
  'lvs-sync-daemon': ({ interface: name, ...options }) =>
    [quoteWord(name), ...Object.entries(options).flatMap(([key, one]) => pair(key, one))],
  'lvs-timeouts': (value) => Object.entries(value).flatMap(([key, one]) => pair(key, one)),
  'include-check': (value) => [...value],
  'dynamic-interfaces': (value) => value === true ? [] : [value],
  'hmac-key': ({ id, key }) => [String(id), quoteWord(key)],
  forwarding: (value) => [...value],
  'server-group-entry': (value) => [...value],
  'status-codes': (value) => [...value],
};

/** The words of a value of a grammar of its own. */
export function grammarWords<N extends GrammarName>(grammar: N, value: Grammars[N]): string[] {
  return writers[grammar](value);
}
