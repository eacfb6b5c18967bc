/** From the configuration to what the core is told for its run. */
import type { AgentConfig } from '../config/agent-config.ts';
import type { CoreOptions } from '../core/events.ts';
import type { Pace } from '../store/lease-store.ts';

/** Bound on the error of a clock's rate: NTP slews by 0.05 % at most, crystals err by less. */
const clockRateError = 0.01;

/** A node that was deposed once without having failed is chosen last for so long. */
const doubtMs = 600_000;

/** To look at an address takes up to 50 µs, and to announce it as much again. */
function looksAtOnce(supportMs: number): number {
  return Math.min(1024, Math.max(48, 3 * supportMs));
}

export function coreOptions(config: AgentConfig, pace: Pace): CoreOptions {
  const { heartbeat } = config;
  return {
    node: config.node.name, ttlMs: config.leaseMs, clockRateError, settleMs: config.settleMs,
    patienceMs: 1000, retryMs: 200,
    swapsInFlight: pace.requestsAtOnce, swapsPerRequest: pace.swapsPerRequest,
    supportMs: heartbeat?.supportMs ?? 0, heartbeatMs: heartbeat?.intervalMs ?? 0,
    holdMs: config.holdMs, heirs: 2, doubtMs,
    ...(heartbeat === null ? {} : { looksAtOnce: looksAtOnce(heartbeat.supportMs) }),
  };
}
