/**
 * R3: a majority of the voters of every epoch that may bind us supports us. Deadlines are counted
 * from when the heartbeat was sent that a voter echoed, so that its own promise lasts longer.
 */
import type { Draft } from '../draft.ts';
import type { Echo, Heartbeat } from '../heartbeat.ts';
import type { VoterId } from '../model.ts';
import type { Open } from '../state.ts';
import { isVoter, majority, supportKey, voterKey, votesAgainst, withEntry } from './types.ts';
import type { Judged, LeftEpoch, Regime } from './types.ts';

/** Until when a majority supports `regime`; Infinity in lease mode. We vote for ourselves. */
export function supportedUntil(judged: Judged, regime: Regime, self: string): number {
  if (regime.epoch === 0) return Infinity;
  const until = supportOfOthers(judged, regime, self).sort((a, b) => b - a);
  const needed = majority(regime.voters) - 1;
  return needed === 0 ? Infinity : until[needed - 1] ?? -Infinity;
}

/** Until when every voter of `regime` supports it. */
export function supportedByAllUntil(judged: Judged, regime: Regime, self: string): number {
  return Math.min(...supportOfOthers(judged, regime, self));
}

function supportOfOthers(judged: Judged, { epoch, voters }: Regime, self: string): number[] {
  return voters.filter(({ node }) => node !== self)
    .map((voter) => judged.support.get(supportKey(voter, epoch)) ?? -Infinity);
}

/** R3 for whatever may be in force. */
export function supportDeadline({ lease, judged }: Pick<Open, 'lease' | 'judged'>): number {
  let until = Infinity;
  for (const regime of [...judged.regimes, ...judged.left]) {
    until = Math.min(until, supportedUntil(judged, regime, lease.id.node));
  }
  return until;
}

/** A voter answered: it supports epochs of ours, knows our floor, and released earlier epochs. */
export function onEcho(draft: Draft, { node, boot, echo }: Heartbeat): void {
  const { open, options } = draft;
  if (open === null || echo?.incarnation !== open.lease.id.incarnation) return;
  const { judged } = open;
  const voter = { node, boot };
  const key = supportKey(voter, echo.epoch);
  let { support } = judged;
  const acks = (judged.acks.get(key) ?? -1) >= echo.floor
    ? judged.acks : withEntry(judged.acks, key, echo.floor);
  if (echo.floor >= judged.relied) {
    const until = echo.sentAt + options.supportMs * (1 - 2 * options.clockRateError);
    for (const epoch of [echo.epoch, ...alsoSupported(judged, voter, echo)]) {
      const each = supportKey(voter, epoch);
      if (until > (support.get(each) ?? -Infinity)) support = withEntry(support, each, until);
    }
  }
  if (support !== judged.support || acks !== judged.acks) {
    draft.phase = { ...open, judged: { ...judged, support, acks } };
  }
  if (judged.left.length > 0) release(draft, voter, echo);
}

/**
 * The earlier epochs that a promise holds for as well: those that the voter has not withdrawn from.
 * It never will, and does not withdraw from the later one either until the promise lapses. Without
 * this we would be silent in each change of epoch for which the store takes longer than F.
 */
function alsoSupported(
  { regimes, left }: Judged, voter: VoterId, { epoch: promised, withdrawn }: Echo,
): readonly number[] {
  return [...regimes, ...left]
    .filter(({ epoch, voters }) => epoch > withdrawn && epoch < promised && isVoter(voters, voter))
    .map(({ epoch }) => epoch);
}

/** A voter that promises to a later epoch, and has not withdrawn an earlier one, never will. */
function release(draft: Draft, voter: VoterId, echo: Echo): void {
  const { open } = draft;
  if (open === null) return;
  const key = voterKey(voter);
  const left: LeftEpoch[] = [];
  for (const epoch of open.judged.left) {
    const releases = echo.epoch > epoch.epoch && echo.withdrawn < epoch.epoch;
    const released = releases && !epoch.released.has(key)
      ? { ...epoch, released: new Set([...epoch.released, key]) } : epoch;
    if (isReleased(released, open.lease.id.node)) {
      draft.tell({ kind: 'epoch-released', epoch: epoch.epoch });
    } else {
      left.push(released);
    }
  }
  draft.phase = { ...open, judged: { ...open.judged, left } };
}

function isReleased(epoch: LeftEpoch, self: string): boolean {
  const count = epoch.voters
    .filter((voter) => voter.node === self || epoch.released.has(voterKey(voter))).length;
  return count >= majority(epoch.voters);
}

/**
 * Which of our changes to lines of succession does a majority of our voters know? For as long as an
 * epoch that we left is not released, heirs may yet find a certificate for it, made of withdrawals
 * by voters that learnt of the change afterwards, or never.
 */
export function settleFloor(draft: Draft): void {
  const { open } = draft;
  const [regime, ...pending] = open?.judged.regimes ?? [];
  if (open === null || regime === undefined || regime.epoch === 0 || pending.length > 0) return;
  const { judged, lease } = open;
  if (judged.relied >= judged.floor || judged.left.length > 0) return;
  const known = regime.voters
    .map((voter) => (voter.node === lease.id.node
      ? judged.floor : judged.acks.get(supportKey(voter, regime.epoch)) ?? 0))
    .sort((a, b) => b - a);
  const relied = known[majority(regime.voters) - 1] ?? 0;
  if (relied <= judged.relied) return;
  draft.phase = { ...open, judged: { ...judged, relied } };
  draft.reliedAdvanced = true;
}

/** Our voters must know of everything up to `revision` before anyone may rely on it. */
export function raiseFloor(draft: Draft, revision: number): void {
  const { open } = draft;
  if (open === null || open.judged.floor >= revision) return;
  draft.phase = { ...open, judged: { ...open.judged, floor: revision } };
}

/** Whether a majority of the voters of our epoch withdrew from it, as far as we heard. */
export function isDeposed(draft: Draft, open: Open): boolean {
  const [regime] = open.judged.regimes;
  if (regime === undefined || regime.epoch === 0) return false;
  const votes = votesAgainst(draft.voting, open.lease.id, regime);
  return votes.length >= majority(regime.voters);
}
