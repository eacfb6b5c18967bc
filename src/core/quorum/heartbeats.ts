/** The beat: what is due at each, and what goes to whom. */
import type { Draft } from '../draft.ts';
import { maxWithdrawals } from '../heartbeat.ts';
import type { Echo, Withdrawal } from '../heartbeat.ts';
import { bid, countUnsupported, whyOver } from './epochs.ts';
import { settleFloor } from './support.ts';
import { takesPart, withdrawnEpoch } from './types.ts';
import { excuseOwnLateness, judge } from './voting.ts';

/** News that may have been lost is told again, to each node once in so many beats, */
const reminderBeats = 10;
/** or more seldom, where there are many: to no more than so many nodes in one beat. */
const mostReminded = 4;
/** A beat that is later than so many intervals means that we were stopped, not merely delayed. */
const lateBeats = 2;

/** Called in every tick, after all that arrived was heard. Says why our tenure is over, if so. */
export function beat(draft: Draft): 'deposed' | 'unsupported' | null {
  const { now, options } = draft;
  if (!takesPart(draft)) return null;
  const { beatenAt, heartbeatAt } = draft.voting;
  const lateMs = now.boot - heartbeatAt;
  if (lateMs > lateBeats * options.heartbeatMs) excuseOwnLateness(draft, lateMs);
  judge(draft);
  if (now.boot < draft.voting.heartbeatAt) return null;
  countUnsupported(draft, Math.min(now.boot - beatenAt, lateBeats * options.heartbeatMs));
  settleFloor(draft);
  const over = draft.open === null ? null : whyOver(draft, draft.open);
  if (over !== null) return over;
  bid(draft);
  sendAll(draft);
  return null;
}

/** A heartbeat to everyone who is to have one now. */
export function sendAll(draft: Draft): void {
  const { voting, now, options } = draft;
  const withdrawals = newest(draft, voting.beats);
  const judges = new Set(asked(draft));
  const partners = targets(draft, judges);
  for (const node of partners) send(draft, node, judges.has(node), withdrawals);
  if (voting.tellAll === 0 && hasNews(draft)) remindSome(draft, partners);
  draft.voting = {
    ...draft.voting, beatenAt: now.boot, heartbeatAt: now.boot + options.heartbeatMs,
    tellAll: Math.max(0, voting.tellAll - 1), beats: voting.beats + 1,
  };
}

/** Those that judge us or are to, those that we judge, and, when there is news, everyone. */
function targets(draft: Draft, judges: ReadonlySet<string>): ReadonlySet<string> {
  const { voting, options } = draft;
  const nodes = new Set(judges);
  for (const [node, { incarnation, epoch }] of voting.promises) {
    if (withdrawnEpoch(draft.voting, { node, incarnation }) < epoch) nodes.add(node);
  }
  if (voting.tellAll > 0) {
    for (const node of known(draft)) nodes.add(node);
  }
  nodes.delete(options.node);
  return nodes;
}

function known({ nodes, voting, options: { node } }: Draft): ReadonlySet<string> {
  const all = new Set([...nodes.value.keys(), ...voting.peers.keys()]);
  all.delete(node);
  return all;
}

/** A few of those that hear nothing of us otherwise; whoever's turn it is hears the next part. */
function remindSome(draft: Draft, partners: ReadonlySet<string>): void {
  const { beats } = draft.voting;
  const others = [...known(draft)].filter((node) => !partners.has(node));
  const round = Math.max(reminderBeats, Math.ceil(others.length / mostReminded));
  const withdrawals = newest(draft, Math.floor(beats / round));
  for (let i = beats % round; i < others.length; i += round) {
    send(draft, others[i] ?? '', false, withdrawals);
  }
}

/** Whom we ask for support, and those whose release of an epoch we wait for. */
function asked(draft: Draft): readonly string[] {
  const { open } = draft;
  if (open === null) return [];
  const { intended, regimes, left } = open.judged;
  const binding = [...regimes, ...left].flatMap(({ voters }) => voters);
  return [...intended, ...binding].map(({ node }) => node);
}

function send(
  draft: Draft, to: string, judges: boolean, withdrawals: readonly Withdrawal[],
): void {
  const { open, boot, options, now } = draft;
  const judged = open?.judged;
  draft.heartbeat(to, {
    node: options.node,
    incarnation: open?.lease.id.incarnation ?? draft.lastIncarnation,
    boot,
    epoch: judged !== undefined && judges ? judged.bid : 0,
    supportMs: options.supportMs,
    sentAt: now.boot,
    floor: judged?.floor ?? 0,
    relied: judged?.relied ?? 0,
    reached: draft.revision,
    echo: echoFor(draft, to),
    withdrawals,
  });
}

function echoFor(draft: Draft, node: string): Echo | null {
  const given = draft.voting.promises.get(node);
  if (given === undefined) return null;
  const { incarnation, epoch, sentAt } = given;
  const withdrawn = withdrawnEpoch(draft.voting, { node, incarnation });
  if (withdrawn >= epoch) return null;
  const floors = draft.voting.floors.get(node);
  const floor = floors?.incarnation === incarnation ? floors.floor : 0;
  return { incarnation, epoch, sentAt, withdrawn, floor };
}

/** Withdrawals from tenures that have not ended, ours first; in turns, where there are many. */
function newest(draft: Draft, beats: number): readonly Withdrawal[] {
  const all: Withdrawal[] = [];
  for (const [node, reports] of draft.voting.reports) {
    for (const withdrawal of reports.values()) {
      if (isNews(draft, node, withdrawal)) all.push(withdrawal);
    }
  }
  if (all.length <= maxWithdrawals) return all;
  const own = all.filter(({ voter }) => voter.node === draft.options.node);
  const others = all.filter(({ voter }) => voter.node !== draft.options.node);
  const first = turn(own, maxWithdrawals / 2, beats);
  return [...first, ...turn(others, maxWithdrawals - first.length, beats)];
}

function turn(all: readonly Withdrawal[], count: number, beats: number): readonly Withdrawal[] {
  if (all.length <= count) return all;
  const start = (beats * count) % all.length;
  return [...all.slice(start), ...all.slice(0, start)].slice(0, count);
}

function isNews(draft: Draft, node: string, { of }: Withdrawal): boolean {
  const lease = draft.nodes.get(node);
  return !draft.listed || (lease !== undefined && lease.id.incarnation <= of.incarnation);
}

function hasNews(draft: Draft): boolean {
  for (const [node, reports] of draft.voting.reports) {
    for (const withdrawal of reports.values()) if (isNews(draft, node, withdrawal)) return true;
  }
  return false;
}
