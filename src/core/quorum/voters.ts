/**
 * Who judges a node: itself and up to four others, by rendezvous hash, spread over zones, so that
 * heartbeat traffic grows with the number of nodes and not with its square. An odd number: a fourth
 * voter would need a third to agree and tolerate no more deaths than three do.
 */
import type { Draft } from '../draft.ts';
import { hash32 } from '../hash.ts';
import type { VoterId } from '../model.ts';
import type { Open } from '../state.ts';
import { sameVoter, voterKey } from './types.ts';
import type { Judged } from './types.ts';

const mostVoters = 5;
/** A voter that has not answered for so many F is replaced, if somebody else can be had. */
const muteAfter = 20;

interface Candidate extends VoterId {
  readonly zone: string;
}

/** The voters that this node should ask; empty: too few for a quorum. Keeps those it has. */
export function chooseVoters(draft: Draft, open: Open): readonly VoterId[] {
  const self = open.lease.id.node;
  const candidates = new Map<string, Candidate>();
  for (const [node, { record }] of draft.nodes.value) {
    if (record.boot === 0 || record.heartbeat.length === 0) continue;
    candidates.set(node, { node, boot: record.boot, zone: record.labels.zone ?? '' });
  }
  const own = candidates.get(self);
  if (own === undefined || draft.facts.heartbeat.length === 0) return [];
  const wanted = oddUpTo(Math.min(mostVoters, candidates.size));
  if (wanted < 3) return [];
  const kept = open.judged.intended
    .flatMap((voter) => candidates.get(voter.node) ?? [])
    .filter((each) => open.judged.intended.some((voter) => sameVoter(voter, each)));
  const mute = new Set(kept.filter((voter) => isMute(draft, open.judged, voter)).map(({ node }) => node));
  const chosen = [own, ...kept.filter(({ node }) => node !== self && !mute.has(node))].slice(0, wanted);
  const others = [...candidates.values()].filter(({ node }) => !chosen.some((each) => each.node === node));
  while (chosen.length < wanted && others.length > 0) {
    const next = pick(self, others, chosen, mute);
    chosen.push(next);
    others.splice(others.indexOf(next), 1);
  }
  return chosen.map(({ node, boot }) => ({ node, boot }))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}

function oddUpTo(count: number): number {
  return count % 2 === 0 ? count - 1 : count;
}

function isMute(draft: Draft, judged: Judged, voter: VoterId): boolean {
  const patience = muteAfter * draft.options.supportMs;
  const asked = judged.askedSince.get(voterKey(voter)) ?? draft.now.boot;
  const heard = draft.voting.peers.get(voter.node)?.heardAt ?? -Infinity;
  return draft.now.boot - Math.max(asked, heard) > patience;
}

/** Those that answer first; then zones that have fewest voters; then by rendezvous hash. */
function pick(
  self: string, others: readonly Candidate[], chosen: readonly Candidate[],
  mute: ReadonlySet<string>,
): Candidate {
  const rank = (each: Candidate): readonly number[] => [
    mute.has(each.node) ? 1 : 0,
    chosen.filter(({ zone }) => zone === each.zone).length,
    hash32(`${self}\n${each.node}`),
  ];
  const [first] = others
    .map((each) => ({ each, key: rank(each) }))
    .sort((a, b) => compare(a.key, b.key));
  return first!.each;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return 0;
}
