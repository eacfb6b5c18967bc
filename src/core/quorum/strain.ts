/**
 * A node that does not keep the time that its profile asks for loses its tenure though it runs, and
 * with it addresses that others must take: work, that makes those late in turn. So that a cluster
 * does not keep itself busy this way, each loss in a row keeps the node out of quorum mode for
 * longer: by its lease alone it is judged as slowly as leases end, and steadily.
 */
import type { Draft } from '../draft.ts';
import type { Open } from '../state.ts';
import { majority } from './types.ts';

export interface Strain {
  /** Tenures lost in a row so. */
  readonly losses: number;
  /** When the last one was, CLOCK_BOOTTIME ms. */
  readonly at: number;
}

export const calm: Strain = { losses: 0, at: -Infinity };

/** After the second loss in a row; each further one doubles it. */
const firstPauseMs = 1_000;
const longestPauseMs = 64_000;
/** A tenure that was lost so long after the last pause is not in a row with it. */
const forgottenAfterMs = 60_000;

/** One loss may be anyone's. */
function pauseMs({ losses }: Strain): number {
  return losses < 2 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (losses - 2));
}

/**
 * A tenure of ours is over, and not by our own wish. Who was cut off is not to blame: it has heard
 * nothing for F, or a little less where what was said before came late.
 */
export function noteLoss(draft: Draft, open: Open): void {
  const { now, options, voting, strain } = draft;
  const [regime] = open.judged.regimes;
  if (regime === undefined || regime.epoch === 0) return;
  const heard = regime.voters.filter(({ node }) => node === options.node
    || (voting.peers.get(node)?.heardAt ?? -Infinity) > now.boot - options.supportMs / 2);
  if (heard.length < majority(regime.voters)) return;
  const inRow = now.boot - strain.at <= pauseMs(strain) + forgottenAfterMs;
  const next: Strain = { losses: inRow ? strain.losses + 1 : 1, at: now.boot };
  draft.strain = next;
  const ms = pauseMs(next);
  if (ms > 0) draft.tell({ kind: 'strained', losses: next.losses, ms });
}

/** Whether quorum mode is not to be entered yet. */
export function isStrained({ strain, now }: Draft): boolean {
  return now.boot < strain.at + pauseMs(strain);
}
