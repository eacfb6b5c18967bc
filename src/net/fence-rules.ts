/**
 * The rules of the fence: what makes a claim of a managed address pass or not. The same in each
 * table that the fence is made of; docs/decisions/0001-fence.md has the reasons.
 *
 *     claim of a managed address ── held? (an answer: and with our mark?) ── chain gate ── accept
 *                     └── else ── chain refuse: counted by who sent it, dropped
 *
 * What a frame is, the kernel takes from its sender: a packet socket bound to another protocol can
 * send ARP that `meta protocol` does not know for ARP. Neither the kernel nor the agent does that;
 * what claims a managed address in such a frame is refused in any case.
 *
 * Each rule names the protocol again that the rule leading to it has tested: the `nft` tool needs
 * it to print fields by their names.
 */
import type { Family } from '../wire/address.ts';
import { be16, be64, littleEndian, u16, u32, u8 } from './netlink-message.ts';
import * as nft from './nftables/expressions.ts';
import type { Expression } from './nftables/expressions.ts';
import { newRule, type TableRef } from './nftables/messages.ts';

/** A rule and where it stands. */
export interface Rule {
  readonly chain: string;
  readonly expressions: readonly Expression[];
  readonly comment?: string;
}

export const chains = {
  arp: { name: 'arp_claims', comment: 'sender = the address that an ARP packet claims' },
  nd: { name: 'nd_claims', comment: 'addresses that neighbour discovery claims' },
  odd: { name: 'misdeclared', comment: 'claims from sockets that say to send another protocol' },
  gate: { name: 'gate', comment: 'one rule while the node lease lasts, by the wall clock too' },
  refuse: { name: 'refuse', comment: 'every claim that may not pass' },
} as const;

export const counters = {
  kernel: { name: 'kernel_dropped', comment: 'claims that the agent did not make' },
  agent: { name: 'agent_dropped', comment: 'claims of the agent, not held or too late' },
} as const;

/** `ether type` and `meta protocol` values, in network order. */
const protocolArp = be16(0x0806);
const protocolIp6 = be16(0x86dd);
const icmp6 = u8(58);
const ethernetDevice = 1;
/** RFC 826 ar$op; RFC 4861 4.3, 4.4 types. */
const arpRequest = 1;
const arpReply = 2;
const neighbourSolicitation = 135;
const neighbourAdvertisement = 136;

/** `inDevice`: the rule runs where packets of every protocol pass (family netdev). */
export interface Surroundings {
  readonly inDevice: boolean;
  readonly mark: number;
}

const host32 = (value: number): Uint8Array => u32(value, littleEndian);

function isArp({ inDevice }: Surroundings): Expression[] {
  return inDevice ? [nft.meta('protocol'), nft.compare(protocolArp)] : [];
}

function isIp6({ inDevice }: Surroundings): Expression[] {
  return inDevice ? [nft.meta('protocol'), nft.compare(protocolIp6)] : [];
}

/** EtherType as it stands in the frame. That it has one (ARPHRD_ETHER) `nft` wants said first. */
const frameType = (protocol: Uint8Array): Expression[] => [
  nft.meta('iiftype'), nft.compare(u16(ethernetDevice, littleEndian)),
  nft.payload('link', 12, 2), nft.compare(protocol),
];
const isIcmp6 = (): Expression[] => [nft.meta('l4proto'), nft.compare(icmp6)];
const hasMark = ({ mark }: Surroundings): Expression[] => (
  [nft.meta('mark'), nft.compare(host32(mark))]
);

const frameFrom = (mac: Uint8Array): Expression[] => [
  nft.meta('iiftype'), nft.compare(u16(ethernetDevice, littleEndian)),
  nft.payload('link', 6, 6), nft.compare(mac),
];

/** ARP for Ethernet and IPv4 (RFC 826): operation at 6, sender's MAC at 8 and address at 14. */
const arpOperation = (operation: number): Expression[] => (
  [nft.payload('network', 6, 2), nft.compare(be16(operation))]
);
const arpSenderMac = (mac: Uint8Array): Expression[] => (
  [nft.payload('network', 8, 6), nft.compare(mac)]
);
const arpSender = (set: string): Expression[] => [nft.payload('network', 14, 4), nft.lookup(set)];

/**
 * ICMPv6 type at 0, target at 8 (RFC 4861 4.4), from where the kernel found the transport header:
 * behind extension headers, if there are any.
 */
const icmp6Type = (type: number): Expression[] => (
  [...isIcmp6(), nft.payload('transport', 0, 1), nft.compare(u8(type))]
);
const target = (set: string): Expression[] => [nft.payload('transport', 8, 16), nft.lookup(set)];
const source = (where: Surroundings, set: string): Expression[] => (
  [...isIp6(where), nft.payload('network', 8, 16), nft.lookup(set)]
);

/**
 * A question that the kernel asks from a managed address claims that address, and of a gate that
 * is shut for a moment it would be dropped, and come again a second later. So it leaves in the
 * host's own name: `own`, an address of the host on that interface. Not so what is only passed on,
 * as by a bridge: its sender's MAC is another.
 */
export function questionRule(
  where: Surroundings, chain: string, version: Family,
  own: { readonly address: Uint8Array; readonly mac: Uint8Array },
): Rule {
  const inOwnName = [
    nft.meta('mark'), nft.compare(host32(where.mark), 'neq'), nft.immediate(own.address),
  ];
  return {
    chain,
    expressions: version === 4
      ? [
        ...isArp(where), ...arpOperation(arpRequest), ...arpSenderMac(own.mac),
        ...arpSender('managed4'), ...inOwnName, nft.writePayload('network', 14, 4),
      ]
      : [
        ...frameFrom(own.mac), ...icmp6Type(neighbourSolicitation), ...source(where, 'managed6'),
        ...inOwnName, nft.writePayload('network', 8, 16, true),
      ],
    comment: "the kernel's questions, in the host's own name",
  };
}

/** What becomes of claims of one IP version. */
export function claimRules(where: Surroundings, version: Family): Rule[] {
  return [
    ...declaredRules(where, version), ...(where.inDevice ? misdeclaredRules(version) : []),
  ];
}

function declaredRules(where: Surroundings, version: Family): Rule[] {
  const open = nft.jump(chains.gate.name);
  const closed = nft.goTo(chains.refuse.name);
  if (version === 4) {
    const chain = chains.arp.name;
    const held = [...isArp(where), ...arpSender('held4')];
    return [
      { chain, expressions: [...held, ...arpOperation(arpRequest), open], comment: 'questions, also those of local programs' },
      { chain, expressions: [...held, ...arpOperation(arpReply), ...hasMark(where), open], comment: 'answers: the agent only' },
      { chain, expressions: [...isArp(where), ...arpSender('managed4'), closed] },
    ];
  }
  const chain = chains.nd.name;
  const question = icmp6Type(neighbourSolicitation);
  const answer = icmp6Type(neighbourAdvertisement);
  return [
    { chain, expressions: [...question, ...source(where, 'held6'), open], comment: 'questions, also those of local programs' },
    { chain, expressions: [...answer, ...target('held6'), ...hasMark(where), open], comment: 'answers: the agent only' },
    { chain, expressions: [...question, ...source(where, 'managed6'), closed] },
    { chain, expressions: [...answer, ...target('managed6'), closed] },
  ];
}

/** Claims that are not declared as what they are: only where frames of every protocol pass. */
function misdeclaredRules(version: Family): Rule[] {
  const chain = chains.odd.name;
  const refused = nft.goTo(chains.refuse.name);
  if (version === 4) {
    return [{ chain, expressions: [...frameType(protocolArp), ...arpSender('managed4'), refused] }];
  }
  // By the source: of targets there is no notation, and `nft` could not read its own listing back.
  const expressions = [
    ...frameType(protocolIp6), nft.payload('network', 6, 1), nft.compare(icmp6),
    nft.payload('network', 8, 16), nft.lookup('managed6'), refused,
  ];
  return [{ chain, expressions }];
}

export function refuseRules(where: Surroundings): Rule[] {
  const chain = chains.refuse.name;
  return [
    { chain, expressions: [...hasMark(where), nft.count(counters.agent.name), nft.drop()] },
    { chain, expressions: [nft.count(counters.kernel.name), nft.drop()] },
  ];
}

/** Leads claims from a base chain to their rules; with `links`, on these interfaces only. */
export function entryRules(
  where: Surroundings, chain: string, versions: readonly Family[], links?: string,
): Rule[] {
  const guarded = links === undefined ? [] : [nft.meta('oif'), nft.lookup(links)];
  const declared = versions.map((version) => (version === 4
    ? [...guarded, ...isArp(where), nft.goTo(chains.arp.name)]
    : [...guarded, ...isIp6(where), ...isIcmp6(), nft.goTo(chains.nd.name)]));
  const misdeclared = versions.map((version) => {
    const protocol = version === 4 ? protocolArp : protocolIp6;
    return [
      nft.meta('protocol'), nft.compare(protocol, 'neq'), ...frameType(protocol),
      nft.goTo(chains.odd.name),
    ];
  });
  // What one protocol is declared as may be the other.
  return [...(where.inDevice ? misdeclared : []), ...declared]
    .map((expressions) => ({ chain, expressions }));
}

/**
 * The one rule of the gate: interfaces in the set `gate`, whose elements expire, and only before
 * `deadline`, wall-clock ns. Either alone would do but for the faults of its clock: docs/decisions.
 */
export function gateRule(deadline: bigint): Rule {
  return {
    chain: chains.gate.name,
    expressions: [
      nft.meta('oif'), nft.lookup('gate'),
      nft.meta('time'), nft.toNetworkOrder64(), nft.compare(be64(deadline), 'lt'),
      nft.accept(),
    ],
  };
}

export function ruleMessage(table: TableRef, { chain, expressions, comment }: Rule): Uint8Array {
  return newRule(table, chain, expressions, comment);
}
