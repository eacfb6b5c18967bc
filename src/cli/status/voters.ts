/** What status says of who judges whom: sentences with what to do. Pure. */
import type { NodeLease, View } from '../../core/model.ts';
import { majority } from '../../core/quorum/types.ts';
import { some } from '../output.ts';
import type { Problem } from './model.ts';

/** Who are judged by a bare majority: one more that fails, and it cannot be made good. */
export function voterProblems({ nodes }: View): Problem[] {
  const byVoters = new Map<string, string[]>();
  for (const { id, record } of nodes.values()) {
    const gone = record.voters
      .filter(({ node, boot }) => nodes.get(node)?.record.boot !== boot)
      .map(({ node }) => node);
    const left = record.voters.length - gone.length;
    if (gone.length === 0 || left > majority(record.voters)) continue;
    const voters = record.voters.map(({ node }) => node);
    const text = `judged by ${some(voters, 5)}, of which ${some(gone, 5)} ${gone.length === 1 ? 'is' : 'are'} `
      + 'gone: if another of them fails, what it held moves through the store alone, or, unless the agent on '
      + `${gone[0] ?? ''} was stopped in order, when its lease has ended (quorum.hold, 5m unless set). Start it `
      + 'again, or "tenure witness" on another machine.';
    byVoters.set(text, [...byVoters.get(text) ?? [], id.node].sort());
  }
  return [...byVoters].map(([text, judged]) => ({
    severity: 'warning', text: `${some(judged, 3)} ${judged.length === 1 ? 'is' : 'are'} ${text}`,
  }));
}

/** How to have quorum mode, where it could be had. */
export function quorumHints({ nodes }: View): string[] {
  const leases = [...nodes.values()];
  if (leases.length === 0) return [];
  const keyless = leases.filter(({ record }) => record.heartbeat.length === 0);
  if (keyless.length > 0) return [withoutKey(leases, keyless.map(({ id }) => id.node).sort())];
  if (leases.length < 3 && !leases.some(isJudged)) {
    return ['Lease mode: two agents cannot form a majority without each other. Add a third, or run '
      + '"tenure witness" on some other machine, for takeovers in a fraction of a second.'];
  }
  return [];
}

function withoutKey(leases: readonly NodeLease[], keyless: readonly string[]): string {
  if (leases.some(isJudged)) {
    return `${some(keyless, 5)} ${keyless.length === 1 ? 'has' : 'have'} no heartbeats and no part in quorum mode: `
      + 'what such a node held is silent, when it is dead, until its lease has expired. Give it the '
      + 'heartbeat.keyFile of the others.';
  }
  const gift = keyless.length === leases.length ? 'every agent the same heartbeat.keyFile'
    : `${some(keyless, 5)} the heartbeat.keyFile of the others`;
  return `Lease mode: what a dead node held is silent until its lease has expired. Give ${gift}, and three or `
    + 'more find it out in a fraction of a second.';
}

function isJudged({ record }: NodeLease): boolean {
  return record.epoch > 0;
}
