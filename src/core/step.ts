/**
 * The ownership protocol of one node: `step(state, event, now) -> {state, effects}`.
 *
 * Pure: no clock, timer, socket, randomness or log. The same function runs in the agent and in the
 * simulator. `now.boot` never decreases between the steps of one run. docs/protocol.md states the
 * rules.
 */
import { Draft } from './draft.ts';
import type { Effect, Event, Now } from './events.ts';
import { considerDirty } from './ownership.ts';
import { onSwapAnswer, sendPlans } from './plans.ts';
import { wantedRegime } from './quorum/epochs.ts';
import { evict, onEvictAnswer } from './quorum/evict.ts';
import { beat, sendAll } from './quorum/heartbeats.ts';
import { takesPart } from './quorum/types.ts';
import { onDied, onHeard } from './quorum/voting.ts';
import type { StoreAnswer } from './requests.ts';
import type { State } from './state.ts';
import { inherit } from './succession.ts';
import {
  closeTenure, endTenure, keepGate, keepRecord, keepTenure, onOpenAnswer, onRenewAnswer,
  onUpdateAnswer, settleSilence,
} from './tenure.ts';
import { onView } from './view-change.ts';

export interface Step {
  readonly state: State;
  /** To be done in this order; see `Effect`. */
  readonly effects: readonly Effect[];
}

export function step(state: State, event: Event, now: Now): Step {
  const draft = new Draft(state, now);
  keepTenure(draft);
  apply(draft, event);
  settleSilence(draft);
  inherit(draft);
  considerDirty(draft, event.kind === 'tick');
  sendPlans(draft);
  finishStop(draft);
  keepRecord(draft);
  keepGate(draft);
  return { state: draft.state(), effects: draft.effects };
}

function apply(draft: Draft, event: Event): void {
  switch (event.kind) {
    case 'tick':
      return onTick(draft);
    case 'answer':
      return onAnswer(draft, event.id, event.answer);
    case 'view':
      return onView(draft, event.change);
    case 'heard':
      return onHeard(draft, event.heartbeat);
    case 'died':
      if (onDied(draft, event.obituary)) sendAll(draft);
      return;
    case 'policies':
      draft.policies = event.policies;
      draft.touchAll();
      return;
    case 'self':
      draft.facts = event.facts;
      draft.recordStale = true;
      draft.touchAll();
      return;
    case 'stop':
      draft.stopping = true;
      draft.recordStale = true;
      draft.later.clear();
      draft.nextLater = Infinity;
      draft.touchAll();
      return;
  }
}

/** Judging waits for ticks, before which everything that has arrived was heard. */
function onTick(draft: Draft): void {
  const over = beat(draft);
  if (over !== null) return endTenure(draft, over);
  evict(draft);
  const { open } = draft;
  if (open !== null && takesPart(draft) && wantedRegime(draft, open) !== null) {
    draft.recordStale = true;
  }
}

function onAnswer(draft: Draft, id: number, answer: StoreAnswer | null): void {
  const pending = draft.pending.get(id);
  if (pending === undefined) {
    // Asked for by an earlier tenure, or answered before: it changes nothing.
    draft.tell({ kind: 'late-answer' });
    return;
  }
  draft.pending.delete(id);
  if (answer !== null && draft.open !== null) {
    draft.phase = { ...draft.open, answeredAt: draft.now.boot };
  }
  switch (pending.kind) {
    case 'open':
      return onOpenAnswer(draft, answer, pending.sentAt);
    case 'renew':
      return onRenewAnswer(draft, answer, pending.sentAt);
    case 'update':
      return onUpdateAnswer(draft, answer);
    case 'swap':
      return onSwapAnswer(draft, answer, pending.plans);
    case 'evict':
      return onEvictAnswer(draft, pending.node, answer);
    case 'close':
      draft.phase = { kind: 'stopped' };
      return draft.finally({ kind: 'stopped' });
    case 'settle':
      return;
  }
}

/** A planned stop ends once nothing is held, under way or to be tried again. */
function finishStop(draft: Draft): void {
  if (!draft.stopping) return;
  const { phase } = draft;
  if (phase.kind === 'closed') {
    draft.phase = { kind: 'stopped' };
    draft.finally({ kind: 'stopped' });
  } else if (phase.kind === 'open') {
    const idle = draft.held.size === 0 && draft.busy.size === 0 && draft.later.size === 0;
    if (idle || phase.silent) closeTenure(draft, phase.lease.id);
  }
}
