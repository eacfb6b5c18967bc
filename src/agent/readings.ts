/** What metrics show of the wire thread. Pure. */
import type { Readings } from '../observe/metrics.ts';
import type { WireReadings } from './wire/messages.ts';

export function readingsOf(wire: WireReadings | null, watching: boolean): Readings {
  if (wire === null) return { ...nothing, watching };
  const { held, known, nodes, highestTerm, unable, fence, fenceDrops, counters } = wire;
  return {
    held, known, nodes, highestTerm, unable, fenceDrops, watching,
    leaseSeconds: wire.armedMs / 1000,
    fence: fence === 'egress' ? 'egress' : 'arp',
    claimsSent: counters.claimsSent, answered: counters.questionsAnswered,
    conflicts: counters.conflicts, defences: counters.defences,
    framesDropped: counters.framesDropped, sendErrors: counters.sendErrors,
    epoch: wire.epoch, heartbeats: wire.heartbeats, timing: timingOf(wire),
  };
}

function timingOf({ timing }: WireReadings): Readings['timing'] {
  if (timing === null) return nothing.timing;
  const { fit, own, peers, observedMs } = timing;
  return {
    observedSeconds: observedMs / 1000,
    lateSeconds: [{ node: 'self', ...own }, ...peers].map(({ node, p99, p999, longest }) => ({
      of: node, p99: p99 / 1000, p999: p999 / 1000, longest: longest / 1000,
    })),
    support: fit === null ? null : {
      seconds: fit.supportMs / 1000, fitSeconds: fit.fitMs / 1000, perDay: fit.perDay,
    },
  };
}

/** Before the wire thread has said anything. */
const nothing: Readings = {
  held: 0, known: 0, nodes: 0, highestTerm: 0, leaseSeconds: 0, unable: 0, fence: 'arp',
  fenceDrops: { kernel: 0, agent: 0 }, claimsSent: 0, answered: 0, conflicts: 0, defences: 0,
  framesDropped: {}, sendErrors: {}, watching: false,
  epoch: 0, heartbeats: { sent: 0, heard: 0, dropped: {}, unsent: {} },
  timing: { observedSeconds: 0, lateSeconds: [], support: null },
};
