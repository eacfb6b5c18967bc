/** What the agent counts. One registry per agent, so that several fit in one process (tests). */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { moveReasons } from '../core/model.ts';
import { collectedCounter, collectedGauge } from './collected.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/** Read when someone asks, so that nothing has to be kept up to date meanwhile. */
export interface Readings {
  readonly held: number;
  readonly known: number;
  readonly highestTerm: number;
  /** Seconds that the node lease is good for by our own count; 0 or less: silent. */
  readonly leaseSeconds: number;
  readonly nodes: number;
  readonly fence: 'egress' | 'arp';
  readonly fenceDrops: { readonly kernel: number; readonly agent: number };
  readonly claimsSent: number;
  readonly answered: number;
  readonly conflicts: number;
  readonly defences: number;
  readonly framesDropped: Readonly<Record<string, number>>;
  readonly sendErrors: Readonly<Record<string, number>>;
  /** Addresses that this node could not announce now. */
  readonly unable: number;
  readonly watching: boolean;
  /** Quorum mode: the epoch that voters judge; 0 in lease mode. */
  readonly epoch: number;
  /** Datagrams of heartbeats; why of those that were not sent, or not acted on. */
  readonly heartbeats: {
    readonly sent: number;
    readonly heard: number;
    readonly dropped: Readonly<Record<string, number>>;
    readonly unsent: Readonly<Record<string, number>>;
  };
  readonly timing: TimingFigures;
}

export interface TimingFigures {
  readonly observedSeconds: number;
  /** Of our own beats (`self`), and of other nodes' heartbeats: those that judge us, or we them. */
  readonly lateSeconds: readonly {
    readonly of: string;
    readonly p99: number;
    readonly p999: number;
    readonly longest: number;
  }[];
  /** Null: not observed for long enough. */
  readonly support: {
    readonly seconds: number;
    readonly fitSeconds: number;
    /** False depositions of this node to be expected. */
    readonly perDay: number;
  } | null;
}

/**
 * What prom-client tells of any process, but for how late the event loop was between two scrapes:
 * it looks every 10 ms, which would be most of what an agent does at rest.
 */
export function processMetrics(registry: Registry): void {
  const never = 2 ** 31 - 1;
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: never });
  for (const part of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']) {
    registry.removeSingleMetric(`nodejs_eventloop_lag_${part}_seconds`);
  }
}

export function createMetrics(read: () => Readings) {
  const registry = new Registry();
  const registers = [registry];
  processMetrics(registry);
  sampled(registry, read);
  timing(registry, () => read().timing);
  const moves = new Counter({
    name: 'tenure_moves_total', labelNames: ['direction', 'reason'] as const, registers,
    help: 'Addresses that this node took or gave, by reason.',
  });
  for (const reason of moveReasons) {
    for (const direction of ['took', 'gave'] as const) moves.inc({ direction, reason }, 0);
  }
  return {
    registry,
    moves,
    silences: new Counter({
      name: 'tenure_silences_total', registers,
      help: 'Times that the node lease ran out by our own count, so that all held fell silent.',
    }),
    tenures: new Counter({
      name: 'tenure_tenures_total', registers, help: 'Tenures that this agent has had.',
    }),
    swapsLost: new Counter({
      name: 'tenure_swaps_lost_total', labelNames: ['why'] as const, registers,
      help: 'Changes of ownership that the store did not apply, or did not answer for.',
    }),
    storeRequests: new Counter({
      name: 'tenure_store_requests_total', labelNames: ['request', 'outcome'] as const, registers,
      help: 'Requests to the store, by what they ask and how they ended.',
    }),
    storeSeconds: new Histogram({
      name: 'tenure_store_request_seconds', labelNames: ['request'] as const, registers,
      help: 'Time of requests to the store.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    }),
    firstClaimSeconds: new Histogram({
      name: 'tenure_first_claim_seconds', registers,
      help: 'Time from knowing that an address is ours to its first claim on the wire.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    }),
  };
}

function sampled(registry: Registry, read: () => Readings): void {
  const gauge = (name: string, help: string, of: (now: Readings) => number): void => {
    registry.registerMetric(new Gauge({
      name, help, registers: [], collect() { this.set(of(read())); },
    }));
  };
  const counter = (
    name: string, help: string, label: string,
    of: (now: Readings) => Readonly<Record<string, number>>,
  ): void => {
    collectedCounter(registry, { name, help, label }, () => Object.entries(of(read())));
  };
  gauge('tenure_eips_held', 'Addresses that this node holds.', (now) => now.held);
  gauge('tenure_eips_known', 'Addresses that are configured.', (now) => now.known);
  gauge('tenure_eips_unable', 'Addresses that this node could not announce.', (now) => now.unable);
  gauge('tenure_highest_term', 'Highest term held.', (now) => now.highestTerm);
  gauge('tenure_lease_remaining_seconds', 'Time that the node lease is good for, by our own count; '
    + 'at 0 claims end.', (now) => now.leaseSeconds);
  gauge('tenure_nodes', 'Nodes with a live lease.', (now) => now.nodes);
  gauge('tenure_store_watching', '1 while the watch of the store is up.', (now) => Number(now.watching));
  gauge('tenure_fence_egress', '1: kernel rules fence all claims; 0: the fallback is at work.',
    (now) => Number(now.fence === 'egress'));
  counter('tenure_fence_dropped_total', 'Claims that the fence dropped, by who made them.', 'from',
    (now) => now.fenceDrops);
  counter('tenure_claims_sent_total', 'Gratuitous claims sent.', 'kind',
    (now) => ({ gratuitous: now.claimsSent, answer: now.answered }));
  counter('tenure_conflicts_total', 'Claims of strangers for an address of ours, and our defences.',
    'what', (now) => ({ seen: now.conflicts, defended: now.defences }));
  counter('tenure_frames_dropped_total', 'Frames received and not acted on.', 'why',
    (now) => now.framesDropped);
  gauge('tenure_epoch', 'Quorum mode: the epoch that voters judge; 0 in lease mode.',
    (now) => now.epoch);
  counter('tenure_heartbeats_total', 'Datagrams of heartbeats that were sent, and heard.', 'what',
    ({ heartbeats: { sent, heard } }) => ({ sent, heard }));
  counter('tenure_heartbeats_dropped_total', 'Datagrams received and not acted on.', 'why',
    (now) => now.heartbeats.dropped);
  counter('tenure_heartbeats_unsent_total', 'Heartbeats that could not be sent.', 'why',
    (now) => now.heartbeats.unsent);
  counter('tenure_send_errors_total', 'Frames that could not be sent.', 'why',
    (now) => now.sendErrors);
}

/** Without samples where there is nothing to say yet. */
function timing(registry: Registry, read: () => TimingFigures): void {
  const gauge = (
    name: string, help: string, labelNames: string[],
    set: (gauge: Gauge, now: TimingFigures) => void,
  ): void => {
    collectedGauge(registry, { name, help, labelNames }, (to) => { set(to, read()); });
  };
  gauge('tenure_timing_observed_seconds', 'Time in quorum mode that timing was observed for.', [],
    (to, { observedSeconds }) => { to.set(observedSeconds); });
  gauge('tenure_heartbeat_late_seconds', 'How late heartbeats are: our own beats (of="self"), and '
    + 'those of other nodes as they are heard here.', ['of', 'quantile'],
  (to, { lateSeconds }) => {
    for (const { of, p99, p999, longest } of lateSeconds) {
      to.set({ of, quantile: '0.99' }, p99);
      to.set({ of, quantile: '0.999' }, p999);
      to.set({ of, quantile: '1' }, longest);
    }
  });
  gauge('tenure_false_depositions_per_day', 'How often a day this node is to be expected to be '
    + 'deposed without having failed, with heartbeat.support as it is.', [],
  (to, { support }) => { if (support !== null) to.set(support.perDay); });
  gauge('tenure_support_seconds', 'heartbeat.support as it is (what="set"), and as it would fit '
    + 'this host and network (what="fits").', ['what'],
  (to, { support }) => {
    if (support === null) return;
    to.set({ what: 'set' }, support.seconds);
    to.set({ what: 'fits' }, support.fitSeconds);
  });
}
