/**
 * Lines of succession: who takes an address when its holder is deposed or has ended, without asking
 * the store.
 *
 *   holder        names heirs; whoever it strikes out stays *former* until a majority of its voters
 *                 know of the record that says so (lease mode: until it sees that the store does)
 *   heir          inherits with certificates against all before it, if it knows as much of the
 *                 store as those that withdrew, then writes it down; in lease mode once the store
 *                 shows the end of all before it, by the last record from before that end
 *   former heir   strikes itself out on seeing a record that passes it over
 */
import type { Draft } from './draft.ts';
import type { EipPolicy } from './events.ts';
import { inheritBy } from './holdings.ts';
import { placeIn, sameTenure } from './model.ts';
import type { Eip, EipLease, TenureId } from './model.ts';
import type { Pass } from './pass.ts';
import { planSwap } from './plans.ts';
import type { Open } from './state.ts';

/** Takes every address whose line leads to us, by what this step showed of those before us. */
export function inherit(draft: Draft): void {
  const { bereft, open } = draft;
  if (bereft.size === 0 || open === null || draft.stopping) return;
  const concerned = [...draft.lines.value.values()].filter(({ holder, heirs }) => holder !== null
    && (bereft.has(holder.node) || heirs.some(({ node }) => bereft.has(node))));
  const now = open.silent ? 0 : draft.options.looksAtOnce ?? Infinity;
  for (const lease of concerned.slice(0, now)) tryInherit(draft, open, lease);
  draft.postpone(concerned.slice(now).map(({ eip }) => eip), true);
}

/** Whether it was inherited, now or before. */
export function tryInherit(draft: Draft, open: Open, lease: EipLease): boolean {
  const place = placeIn(lease.heirs, open.lease.id);
  if (lease.holder === null || place < 0 || !draft.policies.has(lease.eip)) return false;
  if (draft.held.has(lease.eip)) return true;
  const before = [lease.holder, ...lease.heirs.slice(0, place)].map((id) => lossOf(draft, id));
  const [first] = before;
  if (first === undefined || first === null) return false;
  for (const each of before) {
    if (each === null) return false;
    // It changed a line after what our view has reached: perhaps this one, and we are not in it.
    if (each.floor > draft.revision) return false;
  }
  // Did a majority of the holder's voters know this record, or was it there before the holder's
  // end? If not, another heir might inherit by an older one.
  if (lease.revision > first.relied) return false;
  inheritBy(draft, lease, place);
  return draft.held.has(lease.eip);
}

/**
 * Proof that a tenure claims nothing any more, with the revision that one's view must have reached
 * to act on it, and the latest one that everyone who acts on it knows; null: there is none.
 */
function lossOf(
  draft: Draft, { node, incarnation }: TenureId,
): { readonly floor: number; readonly relied: number } | null {
  const certificate = draft.voting.certificates.get(node);
  if (certificate?.of.incarnation === incarnation) return certificate;
  const end = draft.ends.get(node);
  if (end?.incarnation !== incarnation) return null;
  // What the store had before the end is seen by whoever has seen the end; what it has after it may
  // be a late word of the dead.
  return { floor: end.revision, relied: end.before };
}

/** We inherited: the store must learn of it. */
export function confirm(draft: Draft, open: Open, lease: EipLease): void {
  const { eip } = lease;
  const holding = draft.held.get(eip);
  if (holding?.inherited === null || holding === undefined) return;
  if (!keepsLines(draft, open)) return;
  const me = open.lease.id;
  const clean = lease.revision === holding.inherited.revision;
  const place = placeIn(lease.heirs, me);
  // Others that a changed record names might act on an older one.
  const others = unique([
    ...lease.former,
    ...(clean ? [] : [...lease.heirs, ...holding.inherited.heirs]),
  ]).filter((id) => !sameTenure(id, me));
  draft.enqueue(planSwap(draft, {
    action: 'confirm', lease, eip, holder: me, reason: 'inherited',
    term: Math.max(holding.term, lease.term + 1), since: holding.since,
    heirs: clean ? lease.heirs.slice(place + 1) : [],
    former: others,
  }));
}

function unique(ids: readonly TenureId[]): readonly TenureId[] {
  return ids.filter((id, i) => ids.findIndex((each) => sameTenure(each, id)) === i);
}

/** A record passes us over, and we did not act on an older one: now we never shall. */
export function renounce(draft: Draft, open: Open, lease: EipLease): boolean {
  const me = open.lease.id;
  if (!lease.former.some((id) => sameTenure(id, me))) return false;
  // A live holder whom no voter judges frees us itself, as it need not ask anyone.
  const isUnjudged = draft.options.supportMs === 0;
  if (isUnjudged && lease.holder !== null && !draft.ended(lease.holder)) return false;
  draft.enqueue(planSwap(draft, {
    action: 'renounce', lease, eip: lease.eip, holder: lease.holder, reason: lease.reason,
    term: lease.term, heirs: lease.heirs,
    former: lease.former.filter((id) => !sameTenure(id, me)),
  }));
  return true;
}

/**
 * Who is judged by voters keeps lines while it is; who never is, always: then the store's own order
 * tells what is known.
 */
export function keepsLines({ options }: Draft, { lease: { record } }: Open): boolean {
  return record.epoch > 0 || options.supportMs === 0;
}

/** The holder's care of its line, while it knows which record is in force. */
export function keepLine(
  draft: Draft, open: Open, pass: Pass, lease: EipLease, policy: EipPolicy,
): void {
  if (!mayChangeLines(draft, open, lease)) return;
  const calm = calmAt(draft, lease.eip);
  if (draft.now.boot < calm) return draft.lookAgain(lease.eip, calm);
  const live = lease.heirs.filter((id) => !draft.ended(id));
  const former = lease.former.filter((id) => !draft.ended(id));
  const freed = isFreed(draft, open, lease) ? [] : former;
  const wanted = wantedLine(draft, pass, lease.eip, policy, live, freed.length === 0);
  const struck = live.filter((id) => !wanted.some((each) => sameTenure(each, id)));
  const next = [...freed, ...struck];
  if (sameList(wanted, lease.heirs) && sameList(next, lease.former)) return;
  writeLine(draft, lease, wanted, next);
}

/** Replaces the line by one that begins with `first`: the way to hand over to whom one likes. */
export function strikeOut(draft: Draft, open: Open, lease: EipLease, first: TenureId | null): void {
  if (!mayChangeLines(draft, open, lease)) return;
  if (lease.former.length > 0 && !isFreed(draft, open, lease)) return freeEnded(draft, lease);
  const heirs = first === null ? [] : [first];
  const struck = lease.heirs.filter((id) => !draft.ended(id) && !sameTenure(id, first));
  writeLine(draft, lease, heirs, struck);
}

function freeEnded(draft: Draft, lease: EipLease): void {
  const former = lease.former.filter((id) => !draft.ended(id));
  if (former.length < lease.former.length) writeLine(draft, lease, lease.heirs, former);
}

function mayChangeLines(draft: Draft, open: Open, lease: EipLease): boolean {
  return keepsLines(draft, open) && open.judged.regimes.length === 1
    && draft.held.get(lease.eip)?.term === lease.term;
}

/** Where a takeover takes a lease anyway, lines wait until the moves under way are over. */
function calmAt({ options, held }: Draft, eip: Eip): number {
  return options.supportMs > 0 ? 0 : (held.get(eip)?.takenAt ?? 0) + options.patienceMs;
}

/**
 * Whether nobody can act on a record before this one, which made its former heirs former: most of
 * our voters know it; or there are none, and it was there before the end of our tenure.
 */
export function isFreed(draft: Draft, open: Open, lease: EipLease): boolean {
  const { judged, lease: { record } } = open;
  if (record.epoch === 0) return keepsLines(draft, open);
  return judged.left.length === 0 && lease.revision <= judged.relied;
}

/**
 * The heirs that the line should have. Those it has stay, as long as they are fit and the first of
 * them would not get more than its share.
 */
function wantedLine(
  draft: Draft, pass: Pass, eip: Eip, policy: EipPolicy, live: readonly TenureId[],
  mayStrike: boolean,
): readonly TenureId[] {
  const { heirs: count } = draft.options;
  const fit = mayStrike ? live.filter((id) => pass.isHeir(eip, policy, id)) : live;
  const stay = mayStrike ? fromWhoHasRoom(pass, eip, policy, fit) : fit;
  if (stay.length >= count) return stay;
  const more = pass.heirs(eip, policy).filter(({ node }) => !fit.some((id) => id.node === node));
  // Who is struck out for having much comes back at the end, once nobody acts on the old record.
  const length = stay.length === fit.length ? count : Math.max(1, stay.length);
  const line = [...stay, ...more].slice(0, length);
  const [first] = line;
  const isNew = first !== undefined && !sameTenure(first, live[0] ?? null);
  if (isNew) pass.heirAllocator.give(first.node);
  return line;
}

/** Without those at the head who would get more than their share, if somebody else has room. */
function fromWhoHasRoom(
  pass: Pass, eip: Eip, policy: EipPolicy, line: readonly TenureId[],
): readonly TenureId[] {
  const [first] = line;
  if (first === undefined) return line;
  const excess = pass.heirExcess(eip, policy);
  const isFull = ({ node }: TenureId): boolean => (excess.get(node) ?? 0) >= 0;
  if ((excess.get(first.node) ?? 0) <= 0 || ![...excess.values()].some((over) => over < 0)) {
    return line;
  }
  const from = line.findIndex((id) => !isFull(id));
  pass.heirAllocator.take(first.node);
  return from < 0 ? [] : line.slice(from);
}

function writeLine(
  draft: Draft, lease: EipLease, heirs: readonly TenureId[], former: readonly TenureId[],
): void {
  const gone = [...lease.heirs, ...lease.former].filter((id) => draft.ended(id));
  draft.enqueue(planSwap(draft, {
    action: 'line', lease, eip: lease.eip, holder: lease.holder, reason: lease.reason,
    term: lease.term, heirs, former, ended: unique(gone),
  }));
}

function sameList(a: readonly TenureId[], b: readonly TenureId[]): boolean {
  return a.length === b.length && a.every((id, i) => sameTenure(id, b[i] ?? null));
}

/** What a change of a line was, for people. */
export function lineChange(before: EipLease, after: EipLease): 'appointed' | 'struck' | 'freed' {
  if (after.former.length > before.former.length) return 'struck';
  return after.former.length < before.former.length ? 'freed' : 'appointed';
}
