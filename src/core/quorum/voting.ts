/** The voter's side: promises of support, their lapse, and what others withdrew. */
import type { Draft } from '../draft.ts';
import type { Heartbeat, Obituary, Withdrawal } from '../heartbeat.ts';
import type { NodeLease, TenureId } from '../model.ts';
import { onEcho } from './support.ts';
import { majority, reportKey, votesAgainst, withEntry, withdrawnEpoch } from './types.ts';
import type { Certificate, Support } from './types.ts';

/** A view that lags behind for so long, ms, makes its node no good heir: it could not inherit. */
const behindForMs = 5000;

/** A heartbeat of another agent. What it says holds whenever it comes, and however often. */
export function onHeard(draft: Draft, heartbeat: Heartbeat): void {
  const { node, incarnation, boot, reached } = heartbeat;
  const { voting, now, options } = draft;
  if (node === options.node || options.supportMs === 0) return;
  const last = voting.peers.get(node);
  // From before what we heard last: its promises and its bids are forgotten, or over.
  if (last !== undefined && (incarnation < last.incarnation || boot < last.boot)) return;
  const known = Math.max(reached, last?.reached ?? 0);
  const lags = known < (draft.open?.judged.floor ?? 0);
  const behindSince = lags ? last?.behindSince ?? now.boot : null;
  const behind = behindSince !== null && now.boot - behindSince > behindForMs;
  if (behind !== (last?.behind ?? false)) draft.touchAll();
  const peer = { incarnation, boot, heardAt: now.boot, reached: known, behindSince, behind };
  draft.voting = { ...voting, peers: withEntry(voting.peers, node, peer) };
  promise(draft, heartbeat);
  onEcho(draft, heartbeat);
  for (const withdrawal of heartbeat.withdrawals) note(draft, withdrawal);
}

/**
 * "I will not withdraw from you until ...". Promising to an epoch without having withdrawn the
 * earlier ones releases those; a withdrawal is for ever.
 */
function promise(draft: Draft, heartbeat: Heartbeat): void {
  const { node, incarnation, epoch, sentAt, supportMs, floor, relied } = heartbeat;
  const { voting, now, options } = draft;
  if (epoch <= withdrawnEpoch(voting, { node, incarnation }) || supportMs <= 0) return;
  const until = now.boot + supportMs * (1 + 2 * options.clockRateError);
  const last = voting.promises.get(node);
  const same = incarnation === last?.incarnation;
  const later = last === undefined || incarnation > last.incarnation
    || (same && epoch > last.epoch);
  const fresher = same && epoch === last.epoch && sentAt > last.sentAt;
  const known = voting.floors.get(node);
  const floors = known?.incarnation === incarnation
    ? { incarnation, floor: Math.max(known.floor, floor), relied: Math.max(known.relied, relied) }
    : { incarnation, floor, relied };
  const promises = later || fresher
    ? withEntry<string, Support>(voting.promises, node, {
      incarnation, epoch, sentAt, supportMs, until: later ? until : Math.max(until, last.until),
    })
    : voting.promises;
  draft.voting = { ...voting, promises, floors: withEntry(voting.floors, node, floors) };
}

/** Withdraws from whoever was silent for too long. Only in ticks: what has arrived was heard. */
export function judge(draft: Draft): void {
  const { now, options, voting } = draft;
  if (now.boot - voting.startedAt < options.supportMs * (1 + 2 * options.clockRateError)) return;
  for (const [node, given] of voting.promises) {
    if (now.boot <= given.until) continue;
    const of = { node, incarnation: given.incarnation };
    if (withdrawnEpoch(draft.voting, of) >= given.epoch) continue;
    if (draft.listed && draft.ended(of)) forgetPromise(draft, node);
    else withdraw(draft, of, given.epoch);
  }
}

function forgetPromise(draft: Draft, node: string): void {
  const promises = new Map(draft.voting.promises);
  promises.delete(node);
  draft.voting = { ...draft.voting, promises };
}

function withdraw(draft: Draft, of: TenureId, epoch: number): void {
  const { voting, boot, options } = draft;
  const known = voting.floors.get(of.node);
  const { floor, relied } = known?.incarnation === of.incarnation ? known : { floor: 0, relied: 0 };
  const withdrawal: Withdrawal = { voter: { node: options.node, boot }, of, epoch, floor, relied };
  draft.voting = {
    ...voting, withdrawn: withEntry(voting.withdrawn, of.node, withdrawal), tellAll: newsToldTimes,
    heartbeatAt: draft.now.boot,
  };
  draft.tell({ kind: 'withdrew', of, epoch });
  note(draft, withdrawal);
}

/** News goes to everyone so often, in a row. */
const newsToldTimes = 3;

/**
 * We were late ourselves, for so long: perhaps the whole host was, and those that we judge with it.
 * They get that time back, so that nobody is deposed for having been stopped along with us.
 */
export function excuseOwnLateness(draft: Draft, lateMs: number): void {
  const { voting, now, options } = draft;
  const until = now.boot + Math.min(lateMs, options.supportMs);
  const promises = [...voting.promises].map(([node, given]) =>
    [node, given.until < until ? { ...given, until } : given] as const);
  draft.voting = { ...voting, promises: new Map(promises) };
}

/** A supervisor says that its agent is dead. True: others are to hear of it. */
export function onDied(draft: Draft, { node, boot, incarnation }: Obituary): boolean {
  if (boot > (draft.voting.over.get(node)?.boot ?? 0)) {
    const over = withEntry(draft.voting.over, node, { boot, at: draft.now.boot });
    draft.voting = { ...draft.voting, over };
  }
  const { voting } = draft;
  const given = voting.promises.get(node);
  if (given === undefined || given.incarnation > incarnation) return false;
  if (voting.peers.get(node)?.boot !== boot) return false;
  const of = { node, incarnation: given.incarnation };
  if (withdrawnEpoch(draft.voting, of) >= given.epoch) return false;
  withdraw(draft, of, given.epoch);
  return true;
}

/** Remembers a withdrawal, ours or another's; from whomever, it may be our voter later. */
function note(draft: Draft, withdrawal: Withdrawal): void {
  const { of } = withdrawal;
  const { voting } = draft;
  const lease = draft.nodes.get(of.node);
  if (lease !== undefined && isOver(lease, withdrawal)) return;
  const known = voting.reports.get(of.node) ?? new Map<string, Withdrawal>();
  const key = reportKey(withdrawal);
  // A voter says it once; what is passed on are copies.
  if (known.has(key)) return;
  const reports = withEntry(voting.reports, of.node, withEntry(known, key, withdrawal));
  draft.voting = { ...voting, reports };
  certify(draft, of.node);
}

/** Of a tenure, or an epoch, before the one that the lease shows. */
function isOver({ id, record }: NodeLease, { of, epoch }: Withdrawal): boolean {
  if (of.incarnation !== id.incarnation) return of.incarnation < id.incarnation;
  return epoch < record.epoch;
}

/** Looks at a node's withdrawals by what our view shows of it now. */
export function certify(draft: Draft, node: string): void {
  if (node === draft.options.node) return;
  const { certificates } = draft.voting;
  const lease = draft.nodes.get(node);
  const next = lease === undefined ? null : certificateOf(draft, lease);
  const before = certificates.get(node) ?? null;
  if (JSON.stringify(before) === JSON.stringify(next)) return;
  const changed = new Map(certificates);
  if (next === null) changed.delete(node);
  else changed.set(node, next);
  draft.voting = { ...draft.voting, certificates: changed };
  if (next === null) return;
  if (before?.epoch !== next.epoch || before.of.incarnation !== next.of.incarnation) {
    draft.tell({ kind: 'deposed', of: next.of, epoch: next.epoch });
  }
  draft.bereft.add(node);
}

function certificateOf(draft: Draft, { id, record }: NodeLease): Certificate | null {
  if (record.epoch === 0) return null;
  const votes = votesAgainst(draft.voting, id, record);
  if (votes.length < majority(record.voters)) return null;
  return {
    of: id, epoch: record.epoch,
    floor: Math.max(...votes.map(({ floor }) => floor)),
    relied: Math.max(...votes.map(({ relied }) => relied)),
  };
}

/** The view shows another lease of `node`: what was withdrawn from earlier ones is of no use. */
export function forgetReports(draft: Draft, node: string): void {
  const { voting } = draft;
  const lease = draft.nodes.get(node);
  const reports = voting.reports.get(node);
  if (reports !== undefined && lease !== undefined) {
    const kept = [...reports].filter(([, withdrawal]) => !isOver(lease, withdrawal));
    if (kept.length < reports.size) {
      draft.voting = { ...voting, reports: withEntry(voting.reports, node, new Map(kept)) };
    }
  }
  certify(draft, node);
}
