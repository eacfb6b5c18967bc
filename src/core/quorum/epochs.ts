/**
 * The judged side: asking for support, and writing down in the node lease who judges us.
 *
 *   lease mode --a majority supports epoch 1, CAS--> quorum mode --voters change, or one withdrew:
 *   a majority supports the next epoch, CAS--> ... --deposed, or unsupported--> another tenure
 *
 * From the moment the CAS is sent until its outcome is known, both records are obeyed; afterwards
 * the epoch left behind binds until a majority of its voters released it.
 */
import type { Draft } from '../draft.ts';
import type { NodeLease, VoterId } from '../model.ts';
import type { Open } from '../state.ts';
import { isStrained } from './strain.ts';
import { isDeposed, supportDeadline, supportedByAllUntil, supportedUntil } from './support.ts';
import {
  isVoter, sameRegime, sameVoters, supportKey, voterKey, withdrawalsFrom,
} from './types.ts';
import type { Judged, LeftEpoch, Regime } from './types.ts';
import { candidatesOf, chooseVoters, muteVoters, shun } from './voters.ts';

/** Without support for so many F of running, a tenure is given up. */
const givenUpAfter = 3;

/** Whether this tenure is over by its voters' word, or for want of it. */
export function whyOver(draft: Draft, open: Open): 'deposed' | 'unsupported' | null {
  const [regime] = open.judged.regimes;
  if (regime === undefined || regime.epoch === 0) return null;
  if (isDeposed(draft, open)) return 'deposed';
  const limit = givenUpAfter * draft.options.supportMs;
  return open.judged.unsupportedMs > limit ? 'unsupported' : null;
}

/** Counts the time that we ran, and were not stopped, without support. Called at each heartbeat. */
export function countUnsupported(draft: Draft, ranMs: number): void {
  const { open, now } = draft;
  if (open === null) return;
  const without = supportDeadline(open) <= now.boot;
  const unsupportedMs = without ? open.judged.unsupportedMs + ranMs : 0;
  if (unsupportedMs === open.judged.unsupportedMs) return;
  draft.phase = { ...open, judged: { ...open.judged, unsupportedMs } };
}

/** The store answered so short a time ago, ms, that it can be counted on. */
const freshMs = 1000;

/** Decides whom to ask for support, and for which epoch. Called at each heartbeat. */
export function bid(draft: Draft): void {
  const { open } = draft;
  if (open === null || !draft.listed) return;
  if (open.lease.record.epoch === 0 && isStrained(draft)) return;
  const candidates = candidatesOf(draft);
  const mute = muteVoters(draft, open, candidates);
  const shunned = shun(draft, open.judged, mute);
  const chosen = chooseVoters(draft, open, candidates, shunned);
  // Too few are left: those that we have may still be a majority.
  const intended = chosen.length === 0 ? open.judged.intended : chosen;
  noteMute(draft, open, shunned, mute.filter((voter) => isVoter(intended, voter)));
  ask(draft, intended);
}

/** Told of are those that nobody could replace. */
function noteMute(
  draft: Draft, open: Open, shunned: ReadonlyMap<string, number>, asked: readonly VoterId[],
): void {
  const mute = asked.map(({ node }) => node);
  const told = mute.join() === open.judged.mute.join();
  if (told && shunned === open.judged.shunned) return;
  draft.phase = { ...open, judged: { ...open.judged, shunned, mute } };
  if (!told) draft.tell({ kind: 'mute', voters: mute });
}

function ask(draft: Draft, intended: readonly VoterId[]): void {
  const { open, now } = draft;
  if (open === null) return;
  const { judged, lease } = open;
  const asked = { epoch: judged.bid, voters: intended };
  const taken = [...judged.regimes, ...judged.left]
    .some((each) => each.epoch >= asked.epoch && !sameRegime(each, asked));
  const highest = Math.max(...[...judged.regimes, ...judged.left].map(({ epoch }) => epoch));
  const next = Math.max(taken ? highest + 1 : judged.bid, contested(draft, open, intended) + 1);
  if (sameVoters(intended, judged.intended) && next === judged.bid) return;
  if (next > judged.bid && lease.record.epoch > 0 && now.boot - open.answeredAt > freshMs) {
    // The epoch that we are in is supported for as long as we ask for it, and leaving it takes the
    // store: not before the store has shown that it is there.
    if (open.renewal === null) draft.phase = { ...open, renewAt: Math.min(open.renewAt, now.boot) };
    return;
  }
  const askedSince = new Map(intended.map((voter) => {
    const key = voterKey(voter);
    return [key, judged.askedSince.get(key) ?? draft.now.boot];
  }));
  draft.phase = { ...open, judged: { ...judged, intended, bid: next, askedSince } };
}

/** The latest epoch of our tenure that one of `voters` withdrew from: they support later ones. */
function contested({ voting }: Draft, { lease: { id } }: Open, voters: readonly VoterId[]): number {
  const theirs = withdrawalsFrom(voting, id).filter(({ voter }) => isVoter(voters, voter));
  return Math.max(0, ...theirs.map(({ epoch }) => epoch));
}

/**
 * The record that our node lease should show now; null: as it is. Lease mode is left only once all
 * voters support us: with a bare majority one more death would silence everyone for the hold, where
 * in lease mode it costs a lease.
 */
export function wantedRegime(draft: Draft, open: Open): Regime | null {
  const { judged, lease } = open;
  const next: Regime = { epoch: judged.bid, voters: judged.intended };
  if (next.voters.length === 0 || sameRegime(next, lease.record)) return null;
  if (next.epoch <= lease.record.epoch) return null;
  const supported = lease.record.epoch === 0 ? supportedByAllUntil : supportedUntil;
  const until = supported(judged, next, lease.id.node);
  return until > draft.now.boot + draft.options.supportMs / 3 ? next : null;
}

/** Another regime was asked for: until its fate is known, it binds as well. */
export function mayBeInForce(judged: Judged, regime: Regime): Judged {
  if (judged.regimes.some((each) => sameRegime(each, regime))) return judged;
  return { ...judged, regimes: [...judged.regimes, regime] };
}

/**
 * The store shows our lease: whatever else was asked for by compare-and-swap is void. Every epoch
 * that we leave goes on binding us until it is released.
 */
export function settleRegime(judged: Judged, before: NodeLease, after: NodeLease): Judged {
  const regime: Regime = { epoch: after.record.epoch, voters: after.record.voters };
  const old: Regime = { epoch: before.record.epoch, voters: before.record.voters };
  const leaves = old.epoch > 0 && old.epoch !== regime.epoch;
  const left: readonly LeftEpoch[] = leaves
    ? [...judged.left, { ...old, released: new Set<string>() }] : judged.left;
  const settled = judged.regimes.length === 1 && judged.regimes[0] !== undefined
    && sameRegime(judged.regimes[0], regime);
  if (settled && !leaves) return judged;
  return prune({ ...judged, regimes: [regime], left });
}

/** Support of epochs that nothing depends on any more. */
function prune(judged: Judged): Judged {
  const asked: Regime = { epoch: judged.bid, voters: judged.intended };
  const keys = new Set([...judged.regimes, ...judged.left, asked]
    .flatMap(({ epoch, voters }) => voters.map((voter) => supportKey(voter, epoch))));
  const keep = (map: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
    new Map([...map].filter(([key]) => keys.has(key)));
  return { ...judged, support: keep(judged.support), acks: keep(judged.acks) };
}
