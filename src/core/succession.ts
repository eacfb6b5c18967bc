/**
 * Lines of succession: who takes an address when its holder is deposed, without asking the store.
 *
 *   holder        names heirs; whoever it strikes out stays *former* until a majority of its voters
 *                 know of the record that says so
 *   heir          inherits with certificates against all before it, if it knows as much of the
 *                 store as those that withdrew, then writes it down
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

/** Takes every address whose line leads to us, by the certificates that are new in this step. */
export function inherit(draft: Draft): void {
  const { certified, open } = draft;
  if (certified.size === 0 || open === null || open.silent || draft.stopping) return;
  for (const lease of draft.lines.value.values()) {
    if (lease.holder === null) continue;
    const concerned = certified.has(lease.holder.node)
      || lease.heirs.some(({ node }) => certified.has(node));
    if (concerned) tryInherit(draft, open, lease);
  }
}

/** Whether it was inherited, now or before. */
export function tryInherit(draft: Draft, open: Open, lease: EipLease): boolean {
  const place = placeIn(lease.heirs, open.lease.id);
  if (lease.holder === null || place < 0 || !draft.policies.has(lease.eip)) return false;
  if (draft.held.has(lease.eip)) return true;
  const before = [lease.holder, ...lease.heirs.slice(0, place)].map((id) => certificate(draft, id));
  const [first] = before;
  if (first === undefined || first === null) return false;
  for (const each of before) {
    if (each === null) return false;
    // It changed a line after what our view has reached: perhaps this one, and we are not in it.
    if (each.floor > draft.revision) return false;
  }
  // Did a majority of the holder's voters know this record? If not, another heir might inherit by
  // an older one.
  if (lease.revision > first.relied) return false;
  inheritBy(draft, lease, place);
  return draft.held.has(lease.eip);
}

function certificate(draft: Draft, { node, incarnation }: TenureId) {
  const known = draft.voting.certificates.get(node);
  return known?.of.incarnation === incarnation ? known : null;
}

/** We inherited: the store must learn of it. */
export function confirm(draft: Draft, open: Open, lease: EipLease): void {
  const { eip } = lease;
  const holding = draft.held.get(eip);
  if (holding?.inherited === null || holding === undefined) return;
  if (open.lease.record.epoch === 0) return;
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
  draft.enqueue(planSwap(draft, {
    action: 'renounce', lease, eip: lease.eip, holder: lease.holder, reason: lease.reason,
    term: lease.term, heirs: lease.heirs,
    former: lease.former.filter((id) => !sameTenure(id, me)),
  }));
  return true;
}

/** The holder's care of its line: in quorum mode, while it knows which record is in force. */
export function keepLine(
  draft: Draft, open: Open, pass: Pass, lease: EipLease, policy: EipPolicy,
): void {
  if (!mayChangeLines(draft, open, lease)) return;
  const live = lease.heirs.filter((id) => !draft.ended(id));
  const former = lease.former.filter((id) => !draft.ended(id));
  const freed = isFreed(open, lease) ? [] : former;
  const wanted = wantedLine(draft, pass, lease.eip, policy, live, freed.length === 0);
  const struck = live.filter((id) => !wanted.some((each) => sameTenure(each, id)));
  const next = [...freed, ...struck];
  if (sameList(wanted, lease.heirs) && sameList(next, lease.former)) return;
  writeLine(draft, lease, wanted, next);
}

/** Replaces the line by one that begins with `first`: the way to hand over to whom one likes. */
export function strikeOut(draft: Draft, open: Open, lease: EipLease, first: TenureId | null): void {
  if (!mayChangeLines(draft, open, lease)) return;
  if (lease.former.length > 0 && !isFreed(open, lease)) return freeEnded(draft, lease);
  const heirs = first === null ? [] : [first];
  const struck = lease.heirs.filter((id) => !draft.ended(id) && !sameTenure(id, first));
  writeLine(draft, lease, heirs, struck);
}

function freeEnded(draft: Draft, lease: EipLease): void {
  const former = lease.former.filter((id) => !draft.ended(id));
  if (former.length < lease.former.length) writeLine(draft, lease, lease.heirs, former);
}

function mayChangeLines(draft: Draft, open: Open, lease: EipLease): boolean {
  return open.lease.record.epoch > 0 && open.judged.regimes.length === 1
    && draft.held.get(lease.eip)?.term === lease.term;
}

/** Whether a majority of our voters know the record that made its former heirs former. */
export function isFreed({ judged, lease: { record } }: Open, lease: EipLease): boolean {
  return record.epoch > 0 && judged.left.length === 0 && lease.revision <= judged.relied;
}

/** The heirs that the line should have. Those it has stay, as long as they are fit. */
function wantedLine(
  draft: Draft, pass: Pass, eip: Eip, policy: EipPolicy, live: readonly TenureId[],
  mayStrike: boolean,
): readonly TenureId[] {
  const { heirs: count } = draft.options;
  const stay = mayStrike ? live.filter((id) => pass.isHeir(eip, policy, id)) : live;
  if (stay.length >= count) return stay;
  const fit = pass.heirs(eip, policy);
  const more = fit.filter((id) => !stay.some(({ node }) => node === id.node));
  const line = [...stay, ...more].slice(0, count);
  const [first] = line;
  const isNew = first !== undefined && !sameTenure(first, live[0] ?? null);
  if (isNew) pass.heirAllocator.give(first.node);
  return line;
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
