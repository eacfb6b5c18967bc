/**
 * What to do about each address, one at a time.
 *
 *   the store names us    not held, term not over: take it (announce)
 *                         not held, term over: reclaim it, or hand it on
 *                         held: keep it and its line, or hand it over (drain, unfit, move,
 *                         failback), or release
 *   it names another      inherited by that record: confirm it; otherwise held: drop it
 *                         we are a former heir: renounce
 *                         all before us in line deposed: inherit it
 *   it names nobody, or   claim it if the line or placement says us; else look again, later the
 *   an ended line         worse our place
 */
import { nextTrusted } from './doubt.ts';
import { whyUnfit } from './eligibility.ts';
import type { Draft } from './draft.ts';
import type { EipPolicy } from './events.ts';
import { placeIn, sameTenure } from './model.ts';
import type { Eip, EipLease, MoveReason, TenureId } from './model.ts';
import { Pass } from './pass.ts';
import { allocationOrder } from './placement.ts';
import { drop, forbid, take } from './holdings.ts';
import { planSwap } from './plans.ts';
import type { Open } from './state.ts';
import { confirm, keepLine, keepsLines, renounce, strikeOut, tryInherit } from './succession.ts';

/**
 * Looks at every address that something may have changed for: at so many at once that a heartbeat
 * is not late for it, at the others in the ticks that follow.
 */
export function considerDirty(draft: Draft, isTick: boolean): void {
  if (draft.reliedAdvanced) touchFormer(draft);
  if (draft.now.boot >= draft.nextLater) wakeLater(draft);
  const dirty = draft.takeDirty();
  const { open, options: { looksAtOnce = Infinity } } = draft;
  if (open === null || !draft.listed) return;
  if (open.silent) return draft.postpone(dirty);
  // Nearly all of a large cluster's addresses are another's, and in order.
  const changed = dirty.filter((eip) => !isElsewhere(draft, open, eip));
  const inOrder = changed.length > 1 ? allocationOrder(changed) : changed;
  const now = inOrder.slice(0, looksAtOnce);
  const caughtUp = isTick ? draft.catchUp(looksAtOnce - now.length) : [];
  draft.postpone(inOrder.slice(looksAtOnce));
  if (now.length + caughtUp.length === 0) return;
  const pass = new Pass(draft);
  for (const eip of now) if (!draft.busy.has(eip)) consider(draft, open, pass, eip);
  for (const eip of caughtUp) {
    if (!draft.busy.has(eip) && !isElsewhere(draft, open, eip)) consider(draft, open, pass, eip);
  }
}

/** Held by another live tenure, and nothing to us: we are not, and never were, in its line. */
function isElsewhere(draft: Draft, open: Open, eip: Eip): boolean {
  const lease = draft.leases.get(eip);
  if (lease === undefined || lease.holder === null || draft.ended(lease.holder)) return false;
  if (sameTenure(lease.holder, open.lease.id) || draft.held.has(eip)) return false;
  if (placeIn(lease.heirs, open.lease.id) >= 0 || placeIn(lease.former, open.lease.id) >= 0) {
    return false;
  }
  forbid(draft, eip, lease.term);
  draft.freeSince.delete(eip);
  return true;
}

/** Our voters know more: former heirs may be free now. */
function touchFormer(draft: Draft): void {
  for (const eip of draft.held.value.keys()) {
    if ((draft.leases.get(eip)?.former.length ?? 0) > 0) draft.dirty.add(eip);
  }
}

function wakeLater(draft: Draft): void {
  let next = Infinity;
  for (const [eip, at] of draft.later.value) {
    if (at > draft.now.boot) {
      next = Math.min(next, at);
    } else {
      draft.dirty.add(eip);
    }
  }
  for (const eip of draft.dirty) draft.later.delete(eip);
  draft.nextLater = next;
}

function consider(draft: Draft, open: Open, pass: Pass, eip: Eip): void {
  const lease = draft.leases.get(eip) ?? null;
  if (lease !== null && sameTenure(lease.holder, open.lease.id)) {
    draft.freeSince.delete(eip);
    considerOurs(draft, open, pass, lease);
    return;
  }
  const holding = draft.held.get(eip);
  if (holding !== undefined) {
    // What we inherited stays ours until the store names somebody later.
    if (lease !== null && holding.inherited !== null && lease.term < holding.term) {
      return confirm(draft, open, lease);
    }
    drop(draft, eip);
    draft.tell({ kind: 'dropped', eip, term: holding.term, holder: lease?.holder?.node ?? null });
  }
  if (lease !== null) {
    forbid(draft, eip, lease.term);
    if (renounce(draft, open, lease)) return;
    if (!draft.stopping && tryInherit(draft, open, lease)) return;
  }
  if (lease?.holder && !lineEnded(draft, open, lease)) {
    draft.freeSince.delete(eip);
    return;
  }
  if (lease?.former.some((id) => !draft.ended(id))) return;
  const policy = draft.policies.get(eip);
  if (policy === undefined || draft.stopping) draft.freeSince.delete(eip);
  else considerFree(draft, open, pass, eip, lease, policy);
}

/** Whether all who come before us in line have ended: all of it, if we are not in it. */
function lineEnded(draft: Draft, open: Open, lease: EipLease): boolean {
  return beforeUs(open, lease).every((id) => draft.ended(id));
}

function beforeUs({ lease: { id } }: Open, { holder, heirs }: EipLease): readonly TenureId[] {
  const place = placeIn(heirs, id);
  return [...holder === null ? [] : [holder], ...place < 0 ? heirs : heirs.slice(0, place)];
}

function considerOurs(draft: Draft, open: Open, pass: Pass, lease: EipLease): void {
  const { eip, heirs, former } = lease;
  const over = lease.term <= (draft.past.get(eip) ?? 0);
  const policy = draft.policies.get(eip);
  if (policy === undefined) {
    draft.enqueue(planSwap(draft, {
      action: 'release', lease, eip, holder: null, reason: 'released',
      // They might still inherit by the record that we replace.
      former: [...former, ...heirs].filter((id) => !draft.ended(id)),
      ended: [...former, ...heirs].filter((id) => draft.ended(id)),
    }));
    return;
  }
  const away = reasonToLeave(draft, pass, eip, policy);
  if (away !== null && leave(draft, open, pass, lease, policy, away)) return;
  if (draft.stopping) {
    // Nobody can take it: it falls silent here, and is free once our tenure has ended.
    if (away !== null && draft.held.has(eip) && !waitsForLine(draft, open, lease)) drop(draft, eip);
  } else if (over) {
    draft.enqueue(planSwap(draft, {
      action: 'reclaim', lease, eip, holder: draft.tenure, reason: 'reclaimed', heirs, former,
    }));
  } else {
    take(draft, lease);
    if (away === null) keepLine(draft, open, pass, lease, policy);
    // Something stands in its way that may pass without a word.
    else if (away.reason === 'failback') draft.lookAgain(eip, draft.now.boot + draft.options.patienceMs);
  }
}

/** A change of the line is under way, or waits for our voters to know of the last one. */
function waitsForLine(draft: Draft, open: Open, lease: EipLease): boolean {
  return draft.busy.has(lease.eip)
    || (keepsLines(draft, open) && lease.former.some((id) => !draft.ended(id)));
}

/**
 * Hands over to the first heir, or to anyone once nobody else could inherit. False: that cannot be
 * done now; if the line stands in the way, its change was asked for.
 */
function leave(
  draft: Draft, open: Open, pass: Pass, lease: EipLease, policy: EipPolicy, away: Away,
): boolean {
  const { eip, heirs, former } = lease;
  const place = heirs.findIndex((id) => !draft.ended(id));
  const first = heirs[place] ?? null;
  const wanted = away.to === null && first !== null && isFit(draft, eip, policy, first.node)
    ? first : target(draft, pass, eip, policy, away);
  const free = former.every((id) => draft.ended(id));
  const { node } = draft.options;
  if (wanted !== null && free && (first === null || sameTenure(first, wanted))) {
    pass.allocator.take(node);
    pass.allocator.give(wanted.node);
    draft.enqueue(planSwap(draft, {
      action: 'hand-over', lease, eip, holder: wanted, reason: away.reason,
      asked: away.reason === 'move',
      heirs: first === null ? [] : heirs.slice(place + 1),
      ended: [...former, ...(first === null ? heirs : heirs.slice(0, place))],
    }));
    return true;
  }
  if (wanted === null && first === null) return false;
  if (keepsLines(draft, open)) {
    strikeOut(draft, open, lease, wanted);
  } else if (wanted !== null && first !== null && free && draft.stopping) {
    // Without voters a line cannot be changed: its first takes it, whoever else was wanted.
    draft.enqueue(planSwap(draft, {
      action: 'hand-over', lease, eip, holder: first, reason: away.reason,
      heirs: heirs.slice(place + 1), ended: [...former, ...heirs.slice(0, place)],
    }));
  }
  return draft.busy.has(eip);
}

function isFit(draft: Draft, eip: Eip, policy: EipPolicy, node: string): boolean {
  return whyUnfit(eip, policy, draft.nodes.get(node), draft.drains.has(node)) === null;
}

interface Away {
  readonly reason: MoveReason;
  /** Where it must go; null: wherever placement says. */
  readonly to: string | null;
}

function reasonToLeave(draft: Draft, pass: Pass, eip: Eip, policy: EipPolicy): Away | null {
  const { node } = draft.options;
  if (draft.stopping || draft.drains.has(node)) return { reason: 'drain', to: null };
  if (selfUnfit(draft, eip, policy)) return { reason: 'unfit', to: null };
  const move = draft.moves.get(eip);
  if (move !== undefined) return moveAsked(draft, eip, policy, move.to);
  if (policy.failbackMs === null) return null;
  const preferred = pass.preferred(eip);
  const isOther = preferred !== null && preferred !== node;
  const at = isOther
    ? (draft.fitSince.get(preferred)?.at ?? Infinity) + policy.failbackMs : Infinity;
  if (isOther && draft.now.boot >= at) return { reason: 'failback', to: preferred };
  const next = Math.min(at, nextTrusted(draft));
  if (next !== Infinity) draft.lookAgain(eip, next);
  return null;
}

/** By what we know of ourselves now, which the store may not show yet. */
function selfUnfit(draft: Draft, eip: Eip, policy: EipPolicy): boolean {
  const lease = draft.open?.lease;
  const self = lease && { ...lease, record: { ...lease.record, ...draft.facts } };
  return whyUnfit(eip, policy, self, draft.drains.has(draft.options.node)) !== null;
}

function moveAsked(draft: Draft, eip: Eip, policy: EipPolicy, to: string): Away | null {
  const why = to === draft.options.node
    ? 'holds it already'
    : whyUnfit(eip, policy, draft.nodes.get(to), draft.drains.has(to));
  if (why === null) return { reason: 'move', to };
  draft.moves.delete(eip);
  if (to !== draft.options.node) draft.tell({ kind: 'move-refused', eip, to, why });
  draft.request({ kind: 'settle-moves', eips: [eip] }, { kind: 'settle', sentAt: draft.now.boot });
  return null;
}

function target(
  draft: Draft, pass: Pass, eip: Eip, policy: EipPolicy, away: Away,
): TenureId | null {
  const others = pass.candidates(eip, policy).filter(({ node }) => node !== draft.options.node);
  const node = away.to ?? pass.allocator.order(eip, others)[0];
  return (node === undefined ? undefined : draft.nodes.get(node)?.id) ?? null;
}

function considerFree(
  draft: Draft, open: Open, pass: Pass, eip: Eip, lease: EipLease | null, policy: EipPolicy,
): void {
  const { now, options } = draft;
  const candidates = pass.candidates(eip, policy);
  const order = pass.allocator.order(eip, candidates);
  const [first] = order;
  if (first === undefined) return;
  // A node that was restarted takes its own addresses up again, whatever placement would say.
  const former = lease?.holder?.node;
  const returns = former !== undefined && order.includes(former);
  pass.allocator.give(returns ? former : first);
  if (!order.includes(options.node) || selfUnfit(draft, eip, policy)) return;
  const ours = returns && former === options.node;
  const inLine = placeIn(lease?.heirs ?? [], open.lease.id);
  const heir = inLine >= 0;
  const place = ours || heir ? 0 : order.indexOf(options.node) + (returns ? 1 : 0);
  const since = draft.freeSince.get(eip) ?? now.boot;
  draft.freeSince.set(eip, since);
  const settled = ours || heir ? now.boot : open.openedAt + options.settleMs;
  const due = Math.max(settled, since + place * options.patienceMs);
  if (now.boot < due) return draft.lookAgain(eip, due);
  draft.enqueue(planSwap(draft, {
    action: 'claim', lease, eip, holder: open.lease.id,
    reason: reasonToClaim(lease, options.node),
    heirs: lease === null || !heir ? [] : lease.heirs.slice(inLine + 1),
    ended: lease === null ? [] : [...beforeUs(open, lease), ...lease.former],
  }));
}

function reasonToClaim(lease: EipLease | null, node: string): MoveReason {
  if (!lease?.holder) return 'claimed';
  return lease.holder.node === node ? 'returned' : 'takeover';
}
