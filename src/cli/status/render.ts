/** `tenure status` as people read it: what is wrong, then who holds what, then the nodes. */
import { age, count, table } from '../output.ts';
import type { Column } from '../output.ts';
import { latencyText, whyMoved } from './model.ts';
import type { AddressStatus, NodeStatus, Problem, Status } from './model.ts';
import { routerColumns, routersText } from './vrrp.ts';

export interface RenderOptions {
  readonly now: number;
  readonly format: 'table' | 'wide';
  readonly colours: boolean;
  /** Addresses shown; the rest is counted. */
  readonly most: number;
}

export function renderStatus(status: Status, options: RenderOptions): string {
  const { addresses, nodes, routers } = status;
  const vrrp = routers.length === 0 ? ''
    : `\n${table(routerColumns, routers, options.format, options.colours)}`;
  if (status.store.kind === 'none') return `${verdict(status, options)}${vrrp}`;
  const shown = addresses.slice(0, options.most);
  const rest = addresses.length - shown.length;
  return [
    verdict(status, options),
    `\n${table(addressColumns(options.now), shown, options.format, options.colours)}`,
    vrrp,
    rest > 0 ? `… and ${String(rest)} more (-n ${String(addresses.length)} shows all)\n` : '',
    `\n${table(nodeColumns(options.now), nodes, options.format, options.colours)}`,
  ].join('');
}

function verdict(status: Status, { colours }: RenderOptions): string {
  const { problems, addresses, nodes, routers, store } = status;
  const held = addresses.filter(({ holder }) => holder !== null).length;
  const more = routers.length === 0 ? '' : `; ${routersText(routers)}`;
  const summary = store.kind === 'none'
    ? `${routersText(routers)}, as seen by ${nodes[0]?.node ?? 'this node'}, without a store\n`
    : `${String(held)} of ${count(addresses.length, 'address', 'addresses')} held, by `
      + `${count(nodes.length, 'node', 'nodes')}${more}; store: ${store.kind} ${store.version}\n`;
  const hints = status.hints.map((text) => `${text}\n`).join('');
  if (problems.length === 0) return `All is well: ${summary}${hints}`;
  const of = (severity: Problem['severity']): string => problems
    .filter((problem) => problem.severity === severity)
    .map((problem) => sentence(problem, colours)).join('');
  return `${of('error')}${of('warning')}${summary}${hints}`;
}

function sentence({ severity, text }: Problem, colours: boolean): string {
  const mark = severity === 'error' ? 'ERROR' : 'WARNING';
  const shown = colours ? `\u001b[${severity === 'error' ? '31' : '33'}m${mark}\u001b[39m` : mark;
  return `${shown}  ${text}\n`;
}

function addressColumns(now: number): readonly Column<AddressStatus>[] {
  return [
    { title: 'ADDRESS', of: ({ address }) => address },
    { title: 'HOLDER', of: ({ holder }) => holder ?? 'nobody' },
    { title: 'TERM', of: ({ term }) => term },
    { title: 'SINCE', of: ({ since }) => (since === null ? '-' : age(now - since)) },
    { title: 'WHY', of: whyMoved },
    { title: 'NEXT', of: ({ next, line }) => (line.length > 0 ? line.join(', ') : next ?? '-') },
    { title: 'MODE', of: ({ mode }) => mode },
    { title: 'EIP', of: ({ eip }) => eip },
    { title: 'INCARNATION', of: ({ incarnation }) => incarnation ?? '-', wide: true },
  ];
}

function nodeColumns(now: number): readonly Column<NodeStatus>[] {
  return [
    { title: 'NODE', of: ({ node }) => node },
    { title: 'STATE', of: ({ state }) => state },
    { title: 'ADDRESSES', of: ({ addresses }) => addresses },
    { title: 'JUDGED BY', of: ({ mode, voters }) => (mode === 'quorum' ? voters.join(', ') : mode) },
    { title: 'LINK', of: ({ link }) => link ?? 'ok' },
    { title: 'STORE', of: ({ storeLatencyMs }) => latencyText(storeLatencyMs) },
    { title: 'UP', of: ({ startedAt }) => age(now - startedAt) },
    { title: 'WEIGHT', of: ({ weight }) => weight, wide: true },
    { title: 'INCARNATION', of: ({ incarnation }) => incarnation, wide: true },
    { title: 'EPOCH', of: ({ epoch }) => epoch, wide: true },
    { title: 'HOST', of: ({ host }) => host, wide: true },
    { title: 'VERSION', of: ({ version }) => version, wide: true },
  ];
}
