/** What status says of times of support that do not fit: sentences with what to do. Pure. */
import { formatDuration } from '../../config/duration.ts';
import { profiles } from '../../config/heartbeat-settings.ts';
import { some } from '../output.ts';
import type { NodeStatus, Problem } from './model.ts';

/** One for each node that is deposed, or will be, without having failed. */
export function timingProblems(nodes: readonly NodeStatus[]): Problem[] {
  const tight = nodes.filter(({ timing }) => timing?.verdict === 'tight');
  // All are to have the same: what is enough for each.
  const fitMs = Math.max(...tight.map(({ timing }) => timing?.fitMs ?? 0));
  return tight.flatMap(({ node, timing }): Problem[] => {
    if (timing === null) return [];
    const { supportMs, perDay, cause } = timing;
    const late = cause === 'host' ? 'its own timers are late: is its processor taken by others?'
      : 'heartbeats of the others come late, or are lost.';
    return [{
      severity: 'warning',
      text: `${node}: heartbeat.support of ${formatDuration(supportMs)} is too tight: ${late} About `
        + `${often(perDay)} false depositions a day are to be expected, each a move of its addresses. `
        + `Set ${setting(fitMs)} on every node, or mend what is late.`,
    }];
  });
}

/** Nothing is wrong, but takeovers take longer than they need to: one sentence for all. */
export function timingHints(nodes: readonly NodeStatus[]): string[] {
  const judged = nodes.filter(({ mode }) => mode === 'quorum');
  const slow = judged.flatMap(({ timing }) => (timing?.verdict === 'slow' ? [timing] : []));
  // What is too short for one is too short for all: each hears the others.
  if (slow.length === 0 || slow.length < judged.length) return [];
  const fitMs = Math.max(...slow.map((timing) => timing.fitMs));
  const supportMs = Math.min(...slow.map((timing) => timing.supportMs));
  if (fitMs >= supportMs) return [];
  const who = some(judged.map(({ node }) => node), 5);
  return [`A dead node is given up after ${formatDuration(supportMs)} (heartbeat.support), which is longer `
    + `than these hosts and their network need (observed by ${who}): ${setting(fitMs)} on every node `
    + `would do, and takeovers would be about ${roughly(supportMs - fitMs)} sooner.`];
}

/** A profile where one is near; else the two numbers, at the profiles' ratio. */
function setting(fitMs: number): string {
  for (const [name, { supportMs }] of Object.entries(profiles)) {
    if (supportMs >= fitMs && supportMs <= 2 * fitMs) {
      return `heartbeat.profile to ${name} (${formatDuration(supportMs)})`;
    }
  }
  return `heartbeat.support to ${formatDuration(fitMs)} and heartbeat.interval to `
    + formatDuration(Math.max(1, Math.floor(fitMs / 5)));
}

function roughly(ms: number): string {
  return ms < 1000 ? formatDuration(ms) : `${(ms / 1000).toFixed(1)} s`;
}

function often(perDay: number): string {
  return perDay >= 10 ? String(Math.round(perDay)) : perDay.toFixed(1);
}
