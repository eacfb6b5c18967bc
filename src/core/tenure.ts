/**
 * The node lease: opening it, keeping it alive, and what ends with it (R2).
 *
 * Claims end at `sent time of the last confirmed renewal + TTL, less drift`: counted from before
 * the request left, so that the store's own count can only end later.
 */
import type { Draft } from './draft.ts';
import { sameTenure } from './model.ts';
import type { NodeLease, NodeRecord, TenureId } from './model.ts';
import type { StoreAnswer } from './requests.ts';
import type { Open } from './state.ts';

/** A renewal is sent after this part of the TTL. */
const renewAfter = 1 / 3;

/** How long another agent must be seen keeping our name before we give up: in lease durations. */
const takenForTtls = 2;

function deadlineFrom(draft: Draft, sentAt: number, ttlMs: number): number {
  return sentAt + ttlMs * (1 - 2 * draft.options.clockRateError);
}

/** Sends what is due, and silences what R2 no longer covers. Called first in every step. */
export function keepTenure(draft: Draft): void {
  const { phase, now } = draft;
  switch (phase.kind) {
    case 'closed':
      if (phase.request === null && now.boot >= phase.retryAt) openTenure(draft);
      return;
    case 'open':
      if (!phase.silent && now.boot >= phase.deadline) silence(draft, phase);
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
  const id = draft.request(
    { kind: 'renew', tenure: open.lease.id, ttlMs: draft.options.ttlMs },
    { kind: 'renew', sentAt: draft.now.boot },
  );
  const renewAt = draft.now.boot + draft.options.ttlMs * renewAfter;
  draft.phase = { ...open, renewal: id, renewAt };
}

/** What the node record should say now. */
export function desiredRecord(draft: Draft): NodeRecord {
  const { epoch, voters } = draft.open?.lease.record ?? { epoch: 0, voters: [] };
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
  draft.phase = { ...open, update: id };
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
  draft.phase = {
    kind: 'open', lease, deadline, openedAt: now.boot, silent: now.boot >= deadline,
    renewal: null, renewAt: sentAt + options.ttlMs * renewAfter, update: null, updateAt: now.boot,
  };
  draft.nodes.set(lease.id.node, lease);
  draft.recordStale = true;
  draft.tell({ kind: 'tenure-opened', tenure: lease.id });
  draft.arm(deadline);
  draft.touchAll();
}

/**
 * Our name has a live lease. Left by an earlier run of this agent on this kernel, it may be
 * replaced: that run is dead, and the fence is ours. Anyone else's must expire by itself; if it is
 * kept alive, there are two agents of one name, and the first keeps running.
 */
function nameTaken(draft: Draft, by: NodeLease, sentAt: number): void {
  const { phase, now, options } = draft;
  if (phase.kind !== 'closed') return;
  if (by.record.place === draft.facts.place) {
    draft.phase = { ...phase, request: null, retryAt: now.boot, replaces: by.id.incarnation };
    return openTenure(draft);
  }
  const { taken } = phase;
  const since = taken !== null && sameTenure(taken.by.id, by.id) ? taken.since : now.boot;
  if (since === now.boot) draft.tell({ kind: 'name-taken', by: by.id, host: by.record.host });
  // Counted to when it was asked: an answer may have waited to be read while the lease expired.
  if (sentAt - since > takenForTtls * options.ttlMs) {
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
    const renewAt = Math.min(open.renewAt, now.boot + options.retryMs);
    draft.phase = { ...open, renewal: null, renewAt };
    return;
  }
  const deadline = Math.max(open.deadline, deadlineFrom(draft, sentAt, answer.ttlMs));
  const silent = now.boot >= deadline;
  draft.phase = {
    ...open, renewal: null, deadline, silent, renewAt: silent ? now.boot : open.renewAt,
  };
  if (!silent) draft.arm(deadline);
  if (open.silent && !silent) resume(draft);
}

function silence(draft: Draft, open: Open): void {
  draft.phase = { ...open, silent: true, renewAt: Math.min(open.renewAt, draft.now.boot) };
  draft.arm(0);
  draft.withdraw([...draft.held.value.keys()], true);
  draft.tell({ kind: 'silenced', eips: draft.held.size });
}

function resume(draft: Draft): void {
  for (const [eip, { term }] of draft.held.value) draft.announce({ eip, term, probe: false });
  draft.tell({ kind: 'resumed', eips: draft.held.size });
  draft.touchAll();
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
  draft.phase = { ...open, lease };
  draft.nodes.set(lease.id.node, lease);
  draft.recordStale = true;
}

/**
 * The store says that this tenure is over. Nothing of it may be claimed from here on, and no answer
 * meant for it counts any more; a new one is opened at once.
 */
export function endTenure(draft: Draft, why: 'expired' | 'store-reset'): void {
  const { open, now } = draft;
  if (open === null) return;
  abandonTenure(draft);
  draft.tell({ kind: 'tenure-ended', tenure: open.lease.id, why });
  draft.phase = { kind: 'closed', request: null, retryAt: now.boot, replaces: 0, taken: null };
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
  draft.arm(0);
  draft.withdraw([...draft.held.value.keys()], false);
  for (const [eip, { term }] of draft.held.value) {
    draft.past.set(eip, Math.max(draft.past.get(eip) ?? 0, term));
  }
  draft.held.clear();
  draft.pending.clear();
  draft.busy.clear();
  draft.later.clear();
  draft.nextLater = Infinity;
  draft.queue = [];
}
