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
/** A voter that has not supported us for so many F is mute: another is asked, if there is one. */
const muteAfter = 20;
/** And it is not asked again for so many F. */
const shunnedFor = 2000;

interface Candidate extends VoterId {
  readonly zone: string;
}

type Candidates = ReadonlyMap<string, Candidate>;

/** The voters that this node should ask; empty: too few answer. Keeps those it has. */
export function chooseVoters(
  draft: Draft, open: Open, candidates: Candidates, shunned: ReadonlyMap<string, number>,
): readonly VoterId[] {
  const self = open.lease.id.node;
  const own = candidates.get(self);
  if (own === undefined || draft.facts.heartbeat.length === 0) return [];
  const answering = [...candidates.values()].filter((each) => !shunned.has(voterKey(each)));
  const wanted = oddUpTo(Math.min(mostVoters, answering.length));
  if (wanted < 3) return [];
  const { intended } = open.judged;
  const stay = answering.filter((each) => each.node !== self && isVoter(intended, each));
  const chosen = [own, ...stay].slice(0, wanted);
  while (chosen.length < wanted) {
    const next = best(self, answering.filter((each) => !isVoter(chosen, each)), chosen);
    if (next === null) break;
    chosen.push(next);
  }
  return chosen.map(({ node, boot }) => ({ node, boot }))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}

/** Those that we ask, and whose lease is live, but that have not supported us for a long time. */
export function muteVoters(
  draft: Draft, { lease, judged }: Open, candidates: Candidates,
): readonly VoterId[] {
  return judged.intended.filter((voter) => voter.node !== lease.id.node
    && candidates.get(voter.node)?.boot === voter.boot && isMute(draft, judged, voter));
}

/** Voters not to be asked, by key, with until when: those that were mute, until they answer. */
export function shun(
  { now, options }: Draft, { shunned: before, intended }: Judged, mute: readonly VoterId[],
): ReadonlyMap<string, number> {
  if (before.size === 0 && mute.length === 0) return before;
  const answer = intended.filter((voter) => !isVoter(mute, voter)).map(voterKey);
  const kept = [...before].filter(([key, until]) => until > now.boot && !answer.includes(key));
  const shunned = new Map(kept);
  const more = mute.map(voterKey).filter((key) => !shunned.has(key));
  // As it mostly is: the state stays the same.
  if (kept.length === before.size && more.length === 0) return before;
  for (const key of more) shunned.set(key, now.boot + shunnedFor * options.supportMs);
  return shunned;
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

/** The zones that have fewest voters; of those by rendezvous hash. */
function best(
  self: string, others: readonly Candidate[], chosen: readonly Candidate[],
): Candidate | null {
  let first: Candidate | null = null;
  let least = Infinity;
  for (const each of others) {
    const neighbours = chosen.filter(({ zone }) => zone === each.zone).length;
    // One number for the two: the first is worth more than all of the second.
    const rank = neighbours * 2 ** 32 + hash32(`${self}\n${each.node}`);
    if (rank >= least) continue;
    least = rank;
    first = each;
  }
  return first;
}
