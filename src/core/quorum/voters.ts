/**
 * Who judges a node: itself and up to four others, by rendezvous hash, spread over zones, so that
 * heartbeat traffic grows with the number of nodes and not with its square. An odd number: a fourth
 * voter would need a third to agree and tolerate no more deaths than three do.
 */
import type { Draft } from '../draft.ts';
import { hash32 } from '../hash.ts';
import type { VoterId } from '../model.ts';
import type { Open } from '../state.ts';
import { isVoter, supportKey, voterKey } from './types.ts';
import type { Judged } from './types.ts';

const mostVoters = 5;
/** A voter that has not supported us for so many F is replaced, if somebody else can be had. */
const muteAfter = 20;

interface Candidate extends VoterId {
  readonly zone: string;
}

type Candidates = ReadonlyMap<string, Candidate>;

/** The voters that this node should ask; empty: too few for a quorum. Keeps those it has. */
export function chooseVoters(
  draft: Draft, open: Open, candidates: Candidates, mute: ReadonlySet<string>,
): readonly VoterId[] {
  const self = open.lease.id.node;
  const own = candidates.get(self);
  if (own === undefined || draft.facts.heartbeat.length === 0) return [];
  // Quorum mode begins with voters that all answer: see `wantedRegime`.
  const answering = open.lease.record.epoch > 0 ? candidates.size : candidates.size - mute.size;
  const wanted = oddUpTo(Math.min(mostVoters, answering));
  if (wanted < 3) return [];
  const stay = keptOf(open, candidates).filter(({ node }) => node !== self && !mute.has(node));
  const chosen = [own, ...stay].slice(0, wanted);
  const others = [...candidates.values()].filter((each) => !isVoter(chosen, each));
  while (chosen.length < wanted) {
    const next = best(self, others.filter((each) => !isVoter(chosen, each)), chosen, mute);
    if (next === null) break;
    chosen.push(next);
  }
  return chosen.map(({ node, boot }) => ({ node, boot }))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}

/** Those that we ask, and whose lease is live, but that have not supported us for a long time. */
export function muteVoters(
  draft: Draft, open: Open, candidates: Candidates,
): ReadonlySet<string> {
  const self = open.lease.id.node;
  return new Set(keptOf(open, candidates)
    .filter((voter) => voter.node !== self && isMute(draft, open.judged, voter))
    .map(({ node }) => node));
}

/** Nodes that could vote, by name. */
export function candidatesOf(draft: Draft): Candidates {
  const candidates = new Map<string, Candidate>();
  for (const [node, { record }] of draft.nodes.value) {
    if (record.boot === 0 || record.heartbeat.length === 0) continue;
    candidates.set(node, { node, boot: record.boot, zone: record.labels.zone ?? '' });
  }
  return candidates;
}

/** Those of them that we ask already. */
function keptOf({ judged }: Open, candidates: Candidates): Candidate[] {
  return judged.intended.flatMap(({ node }) => candidates.get(node) ?? [])
    .filter((each) => isVoter(judged.intended, each));
}

function oddUpTo(count: number): number {
  return count % 2 === 0 ? count - 1 : count;
}

function isMute(draft: Draft, judged: Judged, voter: VoterId): boolean {
  const patience = muteAfter * draft.options.supportMs;
  const asked = judged.askedSince.get(voterKey(voter)) ?? draft.now.boot;
  const supported = [{ epoch: judged.bid }, ...judged.regimes]
    .map(({ epoch }) => judged.support.get(supportKey(voter, epoch)) ?? -Infinity);
  return draft.now.boot - Math.max(asked, ...supported) > patience;
}

/** Those that answer; of them the zones that have fewest voters; then by rendezvous hash. */
function best(
  self: string, others: readonly Candidate[], chosen: readonly Candidate[],
  mute: ReadonlySet<string>,
): Candidate | null {
  let first: Candidate | null = null;
  let least = Infinity;
  for (const each of others) {
    const neighbours = chosen.filter(({ zone }) => zone === each.zone).length;
    // One number for the three, each worth more than all of the next.
    const group = (mute.has(each.node) ? mostVoters : 0) + neighbours;
    const rank = group * 2 ** 32 + hash32(`${self}\n${each.node}`);
    if (rank >= least) continue;
    least = rank;
    first = each;
  }
  return first;
}
