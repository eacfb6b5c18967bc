/** How the wire thread stands, in short and in full. Pure but for what it asks. */
import type { Fence } from '../../announce/ports.ts';
import type { Announcer } from '../../announce/types.ts';
import { tenureOf } from '../../core/state.ts';
import type { State } from '../../core/state.ts';
import type { TimingMeter } from '../../liveness/timing/meter.ts';
import type { HeartbeatTransport } from '../../liveness/transport.ts';
import type { Standing, WireReadings } from './messages.ts';

export const notStarted: Standing = {
  phase: 'closed', silent: false, listed: false, held: 0, tenure: null, boot: 0, incarnation: 0,
};

export function standingOf(state: State | null): Standing {
  if (state === null) return notStarted;
  const { phase, listed, held, boot, lastIncarnation } = state;
  return {
    phase: phase.kind, silent: phase.kind === 'open' && phase.silent, listed, held: held.size,
    tenure: tenureOf(state), boot, incarnation: lastIncarnation,
  };
}

export function readWire(state: State, modules: {
  readonly fence: Pick<Fence, 'kind' | 'dropped'> | null;
  readonly announcer: Pick<Announcer, 'counters'>;
  readonly transport: Pick<HeartbeatTransport, 'counters'>;
  readonly meter: Pick<TimingMeter, 'readings'> | null;
  readonly now: number;
}): WireReadings {
  const { held, view, policies, facts, armed, phase } = state;
  const { fence, announcer, transport, meter, now } = modules;
  let highestTerm = 0;
  for (const { term } of held.values()) highestTerm = Math.max(highestTerm, term);
  return {
    held: held.size, known: policies.size, nodes: view.nodes.size, highestTerm,
    armedMs: phase.kind === 'open' && armed > 0 ? armed - now : 0,
    unable: Object.keys(facts.unable).length,
    epoch: phase.kind === 'open' ? phase.lease.record.epoch : 0,
    fence: fence?.kind ?? 'none', fenceDrops: fence?.dropped() ?? { kernel: 0, agent: 0 },
    counters: announcer.counters(), heartbeats: transport.counters(),
    timing: meter?.readings() ?? null,
  };
}
