/**
 * The tables that the fence is made of, and the messages that make and change them. Pure.
 *
 * `egress`: one table of family netdev, a base chain for each guarded interface: every frame that
 * leaves by it. `arp`: a table of family arp and one of family ip6: what the kernel itself sends.
 */
import type { Family as Version } from '../wire/address.ts';
import { writeMac } from '../wire/ethernet.ts';
import { closeGate, gate, linkKey, type Opening } from './fence-gate.ts';
import {
  chains, claimRules, counters, entryRules, questionRule, refuseRules, ruleMessage,
  type Surroundings,
} from './fence-rules.ts';
import {
  hasVersion, heldKeys, keyOf, keysOf, sameLink, versions, type FenceChange, type FenceLink,
  type FenceState,
} from './fence-state.ts';
import {
  addElements, deleteChain, deleteElements, deleteTable, flushSet, newChain, newCounter, newSet,
  newTable, type SetDefinition, type TableRef,
} from './nftables/messages.ts';
import { NF_ARP_OUT, NF_INET_LOCAL_OUT, NF_NETDEV_EGRESS } from './nftables/numbers.ts';

export type FenceKind = 'egress' | 'arp';

export const tableName = 'tenure';

/**
 * Changed whenever the rules change their meaning. A table of any layout is replaced in one
 * transaction when an agent starts; chain and set `gate` keep their names in all of them, so that
 * an agent can close what an earlier one left before it knows more.
 */
export const layoutVersion = 2;

const tableComment = `Tenure's fence, layout ${layoutVersion}: only the agent claims these `
  + 'addresses, and only while it holds them';

/** Before chains of priority filter (0), which may change marks; the same in each family. */
const priority = -300;

export interface FenceTable {
  readonly ref: TableRef;
  readonly versions: readonly Version[];
}

export const fenceTables: Readonly<Record<FenceKind, readonly FenceTable[]>> = {
  egress: [{ ref: { family: 'netdev', name: tableName }, versions: [4, 6] }],
  arp: [
    { ref: { family: 'arp', name: tableName }, versions: [4] },
    { ref: { family: 'ip6', name: tableName }, versions: [6] },
  ],
};

export interface Layout {
  readonly kind: FenceKind;
  /** SO_MARK of the agent's packet sockets. */
  readonly mark: number;
  /** IP versions that there are rules for: each costs every packet of its protocol a look. */
  readonly versions: readonly Version[];
}

/** IPv4 always, IPv6 where there are such addresses. */
export function neededVersions(managed: FenceState['managed']): Version[] {
  return versions.filter((version) => version === 4 || hasVersion(managed, version));
}

/** The tables that this layout uses, with the versions that each has rules for. */
export function tablesOf(layout: Pick<Layout, 'kind' | 'versions'>): FenceTable[] {
  return fenceTables[layout.kind]
    .map(({ ref, versions: all }) => (
      { ref, versions: all.filter((version) => layout.versions.includes(version)) }))
    .filter(({ versions: used }) => used.length > 0);
}

const refsOf = (layout: Layout): TableRef[] => tablesOf(layout).map(({ ref }) => ref);

/**
 * Makes the tables, in place of those of the same names. `leftovers`: further tables to remove,
 * each of which must be there.
 */
export function install(
  layout: Layout, state: FenceState, opening: Opening | null, leftovers: readonly TableRef[],
): Uint8Array[] {
  const held = heldKeys(state);
  return [
    ...leftovers.map(deleteTable),
    ...tablesOf(layout).flatMap((table) => [
      // Made first, so that there is one to remove.
      newTable(table.ref, tableComment), deleteTable(table.ref), newTable(table.ref, tableComment),
      ...Object.values(counters).map(({ name, comment }) => newCounter(table.ref, name, comment)),
      ...setsOf(layout, table).map((set, index) => newSet(table.ref, set, index + 1)),
      ...table.versions.flatMap((version) => [
        ...addElements(table.ref, `managed${version}`, keysOf(state.managed, version)),
        ...addElements(table.ref, `held${version}`, keysOf(held, version)),
      ]),
      ...innerChains(layout, table),
      ...(layout.kind === 'egress'
        ? state.links.flatMap((link) => deviceChain(layout, table, link))
        : hostChain(layout, table, state.links)),
    ]),
    gate(refsOf(layout), state.links, opening),
  ];
}

/**
 * The same tables from one state, with the links `before`, to the next, which may need no versions
 * that they lack.
 */
export function change(
  layout: Layout, before: readonly FenceLink[], changes: FenceChange, opening: Opening | null,
): Uint8Array[] {
  const { links } = changes;
  const sets = [
    { name: 'held', gone: changes.close, come: changes.open },
    { name: 'managed', gone: changes.unmanage, come: changes.manage },
  ];
  return [
    ...tablesOf(layout).flatMap((table) => [
      ...table.versions.flatMap((version) => sets.flatMap(({ name, gone, come }) => [
        ...deleteElements(table.ref, `${name}${version}`, keysOf(gone, version)),
        ...addElements(table.ref, `${name}${version}`, keysOf(come, version)),
      ])),
      ...(links === null ? [] : changeLinks(layout, table, before, links)),
    ]),
    ...(links === null ? [] : [gate(refsOf(layout), links, opening)]),
  ];
}

function changeLinks(
  layout: Layout, table: FenceTable, before: readonly FenceLink[], links: readonly FenceLink[],
): Uint8Array[] {
  if (layout.kind === 'arp') {
    return [flushSet(table.ref, 'links'), ...addElements(table.ref, 'links', links.map(linkKey))];
  }
  const lacking = (from: readonly FenceLink[], these: readonly FenceLink[]): FenceLink[] => (
    from.filter((link) => !these.some((other) => sameLink(link, other))));
  return [
    ...lacking(before, links).flatMap(({ name }) => [
      // Some kernels remove a device's chain with it: made first, so that there is one to remove.
      newChain(table.ref, chainOf(name), null), deleteChain(table.ref, chainOf(name)),
    ]),
    ...lacking(links, before).flatMap((link) => deviceChain(layout, table, link)),
  ];
}

/** Closes the gate of a table that an earlier run left. */
export function closing(table: TableRef): Uint8Array[] {
  return closeGate(table);
}

function setsOf({ kind }: Layout, table: FenceTable): SetDefinition[] {
  const set = (
    name: string, keyType: SetDefinition['keyType'], comment: string,
  ): SetDefinition => ({ name, keyType, comment, timeouts: name === 'gate' });
  return [
    ...table.versions.flatMap((version) => {
      const keyType = version === 4 ? 'ipv4_addr' : 'ipv6_addr';
      return [
        set(`managed${version}`, keyType, 'addresses that Tenure may announce here'),
        set(`held${version}`, keyType, 'those of them that this node holds now'),
      ];
    }),
    set('gate', 'iface_index', 'interfaces where claims may leave, until the node lease ends'),
    ...(kind === 'arp' ? [set('links', 'iface_index', 'interfaces that are guarded')] : []),
  ];
}

function surroundings({ kind, mark }: Layout): Surroundings {
  return { inDevice: kind === 'egress', mark };
}

function innerChains(layout: Layout, table: FenceTable): Uint8Array[] {
  const where = surroundings(layout);
  const claims = [
    ...table.versions.map((version) => (version === 4 ? chains.arp : chains.nd)),
    ...(where.inDevice ? [chains.odd] : []),
  ];
  return [
    ...[chains.refuse, chains.gate, ...claims].map(({ name, comment }) => (
      newChain(table.ref, name, comment))),
    ...refuseRules(where).map((rule) => ruleMessage(table.ref, rule)),
    ...table.versions.flatMap((version) => claimRules(where, version))
      .map((rule) => ruleMessage(table.ref, rule)),
  ];
}

function entries(layout: Layout, table: FenceTable, chain: string, links?: string): Uint8Array[] {
  return entryRules(surroundings(layout), chain, table.versions, links)
    .map((rule) => ruleMessage(table.ref, rule));
}

/** As in a frame. */
function macBytes(mac: string): Uint8Array {
  const bytes = new Uint8Array(6);
  writeMac(bytes, 0, mac);
  return bytes;
}

function deviceChain(layout: Layout, table: FenceTable, link: FenceLink): Uint8Array[] {
  const { name, own4 = null, own6 = null } = link;
  const chain = chainOf(name);
  const hook = { number: NF_NETDEV_EGRESS, priority, device: name };
  const comment = 'all that leaves by this interface';
  const questions = table.versions.flatMap((version) => {
    const own = version === 4 ? own4 : own6;
    if (own === null) return [];
    const name = { address: keyOf(own.address), mac: macBytes(own.mac) };
    return [questionRule(surroundings(layout), chain, version, name)];
  });
  return [
    newChain(table.ref, chain, comment, hook),
    ...questions.map((rule) => ruleMessage(table.ref, rule)), ...entries(layout, table, chain),
  ];
}

function hostChain(
  layout: Layout, table: FenceTable, links: readonly FenceLink[],
): Uint8Array[] {
  const number = table.ref.family === 'arp' ? NF_ARP_OUT : NF_INET_LOCAL_OUT;
  return [
    ...addElements(table.ref, 'links', links.map(linkKey)),
    newChain(table.ref, 'output', 'what this host itself sends', { number, priority }),
    ...entries(layout, table, 'output', 'links'),
  ];
}

/**
 * The base chain of an interface: `on-eth0`. Characters that `nft` could not read in a name are
 * given by their code behind a slash, which no interface name has.
 */
export function chainOf(link: string): string {
  const safe = link.replace(/[^A-Za-z0-9_.-]/gu, (character) => (
    `/${(character.codePointAt(0) ?? 0).toString(16)}`
  ));
  return `on-${safe}`;
}
