/**
 * The node lease: opening it, keeping it alive, and what ends with it (R2).
 *
 * Claims end at `sent time of the last confirmed renewal + TTL, less drift`: counted from before
 * the request left, so that the store's own count can only end later.
 */
import { noteTenure } from './doubt.ts';
import type { Draft } from './draft.ts';
import type { SelfFacts, TenureEnd } from './events.ts';
import { sameTenure } from './model.ts';
import type { NodeLease, NodeRecord, TenureId } from './model.ts';
import { mayBeInForce, settleRegime, wantedRegime } from './quorum/epochs.ts';
import { noteLoss } from './quorum/strain.ts';
import { initialJudged, sameRegime, takesPart } from './quorum/types.ts';
import type { StoreAnswer } from './requests.ts';
import { claimsEnd, nothingPostponed } from './state.ts';
import type { Open } from './state.ts';

/** A renewal is sent after this part of the TTL. */
const renewAfter = 1 / 3;
/**
 * Of a hold, oftener: of 5 minutes more than 4 are left whenever the store goes away, and five
 * nodes together renew less than once in 10 s.
 */
const renewHoldAfter = 0.174;

/** How long another agent must be seen keeping our name before we give up: in lease durations. */
const takenForTtls = 2;

function deadlineFrom(draft: Draft, sentAt: number, ttlMs: number): number {
  return sentAt + ttlMs * (1 - 2 * draft.options.clockRateError);
}

/** Sends what is due. Called first in every step. */
export function keepTenure(draft: Draft): void {
  const { phase, now } = draft;
  switch (phase.kind) {
    case 'closed':
      if (phase.request === null && now.boot >= phase.retryAt) openTenure(draft);
      return;
    case 'open':
      if (phase.renewal === null && now.boot >= phase.renewAt) renew(draft);
      return;
    case 'closing':
    case 'stopped':
      return;
  }
}

function openTenure(draft: Draft): void {
  if (draft.phase.kind !== 'closed') return;
  const { node, ttlMs } = draft.options;
  const id = draft.request(
    { kind: 'open', node, replaces: draft.phase.replaces, ttlMs, record: desiredRecord(draft) },
    { kind: 'open', sentAt: draft.now.boot },
  );
  draft.phase = { ...draft.phase, request: id };
}

function renew(draft: Draft): void {
  const { open } = draft;
  if (open === null) return;
  const ttlMs = ttlOf(draft, open);
  const id = draft.request(
    { kind: 'renew', tenure: open.lease.id, ttlMs }, { kind: 'renew', sentAt: draft.now.boot },
  );
  const part = isHeld(open) ? renewHoldAfter : renewAfter;
  const renewAt = draft.now.boot + ttlMs * part;
  draft.phase = { ...open, renewal: id, renewAt };
}

/** In quorum mode death is found by voters: the lease lasts for the hold. */
function ttlOf({ options }: Draft, open: Open): number {
  return isHeld(open) ? options.holdMs : options.ttlMs;
}

function isHeld({ lease }: Open): boolean {
  return lease.record.epoch > 0;
}

/** What the node record should say now. */
export function desiredRecord(draft: Draft): NodeRecord {
  const { open } = draft;
  const wanted = open !== null && takesPart(draft) ? wantedRegime(draft, open) : null;
  const { epoch, voters } = wanted ?? open?.lease.record ?? { epoch: 0, voters: [] };
  return { ...draft.facts, boot: draft.boot, draining: draft.stopping, epoch, voters };
}

/** Brings the node record in the store up to date, one update at a time. */
export function keepRecord(draft: Draft): void {
  const { open, now } = draft;
  if (!draft.recordStale || open === null) return;
  if (open.update !== null || now.boot < open.updateAt) return;
  draft.recordStale = false;
  const record = desiredRecord(draft);
  if (sameRecord(record, open.lease.record)) return;
  const id = draft.request(
    { kind: 'update', tenure: open.lease.id, record, revision: open.lease.revision },
    { kind: 'update', sentAt: now.boot },
  );
  // From here on the store may have either record: we obey both.
  const judged = mayBeInForce(open.judged, { epoch: record.epoch, voters: record.voters });
  draft.phase = { ...open, update: id, judged };
}

function sameRecord(a: NodeRecord, b: NodeRecord): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

export function onOpenAnswer(draft: Draft, answer: StoreAnswer | null, sentAt: number): void {
  const { phase, now, options } = draft;
  if (phase.kind !== 'closed') return;
  if (answer?.kind === 'opened') {
    opened(draft, answer.lease, deadlineFrom(draft, sentAt, answer.ttlMs), sentAt);
  } else if (answer?.kind === 'name-taken') {
    nameTaken(draft, answer.by, sentAt);
  } else {
    draft.phase = { ...phase, request: null, retryAt: now.boot + options.retryMs };
  }
}

function opened(draft: Draft, lease: NodeLease, deadline: number, sentAt: number): void {
  const { now, options } = draft;
  if (draft.boot === 0) draft.boot = lease.id.incarnation;
  draft.lastIncarnation = lease.id.incarnation;
  draft.phase = {
    kind: 'open', lease, deadline, openedAt: now.boot, silent: now.boot >= deadline, muted: false,
    judged: initialJudged(), answeredAt: now.boot, renewal: null,
    renewAt: sentAt + options.ttlMs * renewAfter,
    update: null, updateAt: now.boot,
  };
  draft.nodes.set(lease.id.node, lease);
  noteTenure(draft, lease);
  draft.recordStale = true;
  draft.tell({ kind: 'tenure-opened', tenure: lease.id });
  draft.touchAll();
}

/**
 * Whether an earlier run that left `record` is known to claim nothing any more, though its lease
 * lives: it was of this place, so that its process is dead and its fence ours; or of this machine
 * under a kernel that ran before, which took its fence along. Of another namespace of the kernel
 * that runs we know nothing.
 */
function isSilent(record: NodeRecord, { place, machine }: SelfFacts): boolean {
  if (record.place === place) return true;
  if (machine === undefined || record.machine?.id !== machine.id) return false;
  return record.machine.kernel !== machine.kernel;
}

/**
 * Our name has a live lease. Of an earlier run that is silent, it may be replaced. Anyone else's
 * must expire by itself; if it is kept alive, there are two agents of one name, and the first keeps
 * running.
 */
function nameTaken(draft: Draft, by: NodeLease, sentAt: number): void {
  const { phase, now, options } = draft;
  if (phase.kind !== 'closed') return;
  if (isSilent(by.record, draft.facts)) {
    draft.phase = { ...phase, request: null, retryAt: now.boot, replaces: by.id.incarnation };
    return openTenure(draft);
  }
  const { taken } = phase;
  const since = taken !== null && sameTenure(taken.by.id, by.id) ? taken.since : now.boot;
  if (since === now.boot) draft.tell({ kind: 'name-taken', by: by.id, host: by.record.host });
  const lasts = by.record.epoch > 0 ? options.holdMs : options.ttlMs;
  // Counted to when it was asked: an answer may have waited to be read while the lease expired.
  if (sentAt - since > takenForTtls * lasts) {
    draft.phase = { kind: 'stopped' };
    draft.finally({ kind: 'name-taken', by });
    return;
  }
  draft.phase = {
    ...phase, request: null, retryAt: now.boot + options.retryMs, replaces: 0, taken: { by, since },
  };
}

export function onRenewAnswer(draft: Draft, answer: StoreAnswer | null, sentAt: number): void {
  const { open, now, options } = draft;
  if (open === null) return;
  if (answer?.kind === 'ended') return endTenure(draft, 'expired');
  if (answer?.kind !== 'renewed') {
    // A hold is long: what is left of it says how often it is worth asking.
    const pause = Math.max(options.retryMs, (open.deadline - now.boot) / 20);
    draft.phase = { ...open, renewal: null, renewAt: Math.min(open.renewAt, now.boot + pause) };
    return;
  }
  const deadline = Math.max(open.deadline, deadlineFrom(draft, sentAt, answer.ttlMs));
  // Asked for before the record said quorum mode: the hold is asked for at once.
  const short = answer.ttlMs < ttlOf(draft, open) || now.boot >= deadline;
  draft.phase = { ...open, renewal: null, deadline, renewAt: short ? now.boot : open.renewAt };
}

/** Goes silent, or speaks again, as R2 and R3 say now. */
export function settleSilence(draft: Draft): void {
  const { open, now } = draft;
  if (open === null) return;
  const leaseOver = now.boot >= open.deadline;
  if (now.boot < claimsEnd(open)) {
    if (open.silent) resume(draft, open);
    return;
  }
  if (!open.silent) {
    const soon = leaseOver && open.renewal === null;
    const renewAt = soon ? Math.min(open.renewAt, now.boot) : open.renewAt;
    draft.phase = { ...open, silent: true, renewAt };
    draft.arm(0);
    draft.tell({ kind: 'silenced', eips: draft.held.size, why: leaseOver ? 'lease' : 'support' });
  }
  // Support that lapses is back in a moment, or the tenure ends: the gate alone is enough.
  if (leaseOver && draft.open?.muted === false) {
    draft.phase = { ...draft.open, muted: true };
    draft.withdraw([...draft.held.value.keys()], true);
  }
}

function resume(draft: Draft, open: Open): void {
  draft.phase = { ...open, silent: false, muted: false };
  draft.postponed = { ...draft.postponed, since: draft.now.boot };
  if (open.muted) {
    for (const [eip, { term }] of draft.held.value) draft.announce({ eip, term, probe: false });
  }
  draft.tell({ kind: 'resumed', eips: draft.held.size });
}

/**
 * The gate, never past the earliest deadline. Re-arming is a kernel transaction: support that is
 * renewed every few ms moves it only when it is worth it. Called last in every step.
 */
export function keepGate(draft: Draft): void {
  const { open, now, armed, options } = draft;
  const until = open === null || open.silent ? 0 : claimsEnd(open);
  if (until === armed) return;
  const gain = until - armed;
  const left = armed - now.boot;
  if (gain > 0 && gain < options.supportMs / 3 && left > options.supportMs / 2) return;
  draft.arm(until);
}

export function onUpdateAnswer(draft: Draft, answer: StoreAnswer | null): void {
  const { open, now, options } = draft;
  if (open === null) return;
  if (answer?.kind === 'ended') return endTenure(draft, 'expired');
  if (answer?.kind === 'updated') {
    draft.phase = { ...open, update: null };
    return adoptLease(draft, answer.lease);
  }
  draft.phase = { ...open, update: null, updateAt: now.boot + options.retryMs };
  draft.recordStale = true;
  if (answer?.kind === 'update-refused') adoptLease(draft, answer.current);
}

/** The store shows our own node lease, as it stands now. */
export function adoptLease(draft: Draft, lease: NodeLease): void {
  const { open } = draft;
  if (open === null || lease.revision <= open.lease.revision) return;
  if (!sameTenure(lease.id, open.lease.id)) return endTenure(draft, 'expired');
  const { epoch, voters } = lease.record;
  const entered = !sameRegime(lease.record, open.lease.record);
  const judged = settleRegime(open.judged, open.lease, lease);
  const hold = open.lease.record.epoch === 0 && epoch > 0;
  draft.phase = { ...open, lease, judged, renewAt: hold ? draft.now.boot : open.renewAt };
  draft.nodes.set(lease.id.node, lease);
  draft.recordStale = true;
  // What we are fit for, who may change lines of succession, and who may be an heir, depend on it.
  draft.touchAll();
  if (entered) draft.tell({ kind: 'quorum', epoch, voters });
}

/**
 * This tenure is over, by the store's word or that of our voters. Nothing of it may be claimed from
 * here on, and no answer meant for it counts any more; a new one is opened at once.
 */
export function endTenure(draft: Draft, why: Exclude<TenureEnd, 'closed'>): void {
  const { open, now } = draft;
  if (open === null) return;
  // Expired: others may have evicted us before we heard that we are deposed.
  if (why !== 'store-reset') noteLoss(draft, open);
  abandonTenure(draft);
  draft.tell({ kind: 'tenure-ended', tenure: open.lease.id, why });
  // Deposed: the store may show our lease for as long as the hold lasts. It is ours to replace.
  const replaces = why === 'deposed' || why === 'unsupported' ? open.lease.id.incarnation : 0;
  draft.phase = { kind: 'closed', request: null, retryAt: now.boot, replaces, taken: null };
  openTenure(draft);
}

/** Ends the tenure by our own wish: the last step of a planned stop. */
export function closeTenure(draft: Draft, tenure: TenureId): void {
  abandonTenure(draft);
  draft.tell({ kind: 'tenure-ended', tenure, why: 'closed' });
  const id = draft.request({ kind: 'close', tenure }, { kind: 'close', sentAt: draft.now.boot });
  draft.phase = { kind: 'closing', request: id, retryAt: Infinity };
}

function abandonTenure(draft: Draft): void {
  if (draft.armed !== 0) draft.arm(0);
  draft.withdraw([...draft.held.value.keys()], false);
  for (const [eip, { term }] of draft.held.value) {
    draft.past.set(eip, Math.max(draft.past.get(eip) ?? 0, term));
  }
  draft.held.clear();
  draft.pending.clear();
  draft.forgetPlans();
  draft.postponed = nothingPostponed;
  draft.later.clear();
  draft.nextLater = Infinity;
}
