/**
 * What the main thread and the wire thread say to each other. All of it is plain data, copied.
 *
 * Two channels lead to the wire thread. The direct one is read as soon as something is there, all
 * of it at once. The bulk one is for what can be large: it is taken one piece a turn of the loop,
 * so that heartbeats go out in between.
 */
import type { AnnounceSettings, AnnouncerCounters, AnnouncerEvent } from '../../announce/types.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import type { CoreOptions, EipPolicy, Fact, SelfFacts } from '../../core/events.ts';
import type { Eip, NodeLease, TenureId, ViewChange } from '../../core/model.ts';
import type { StoreAnswer, StoreRequest } from '../../core/requests.ts';
import type { TimingReadings } from '../../liveness/timing/meter.ts';
import type { HeartbeatCounters } from '../../liveness/transport.ts';

/** Given to the thread as it starts. */
export interface WireSetup {
  readonly node: string;
  /** Null: a witness, which claims nothing and so needs no kernel. */
  readonly kernel: { readonly fence: AgentConfig['fence']; readonly lingerMs: number } | null;
  /** F, ms; 0: nobody judges. */
  readonly supportMs: number;
  /** Timing is observed for so long before anything is said of it, ms. */
  readonly observeMs: number;
}

export type ToWire =
  /** The core begins. */
  | { readonly kind: 'start'; readonly core: CoreOptions; readonly facts: SelfFacts }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: StoreAnswer | null }
  | { readonly kind: 'self'; readonly facts: SelfFacts }
  | { readonly kind: 'stop' }
  /** `judged`: those of them on networks that nodes are judged on. */
  | {
    readonly kind: 'listen'; readonly addresses: readonly string[];
    readonly judged: readonly string[];
  }
  /** Keys of heartbeats, the one to seal with first. */
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | { readonly kind: 'realtime'; readonly priority: number }
  | { readonly kind: 'ping'; readonly n: number }
  | { readonly kind: 'read'; readonly n: number }
  /** So many more pieces come by the bulk channel: some perhaps only once there is room. */
  | { readonly kind: 'bulk'; readonly pieces: number }
  | { readonly kind: 'close' };

/** Entries that are new or different, and keys of those that are gone. */
export interface MapChange<V> {
  readonly set: readonly (readonly [Eip, V])[];
  readonly gone: readonly Eip[];
  /** What was sent until here is a whole. */
  readonly last: boolean;
}

export type Bulk =
  /** Leases of the change whose rest follows. */
  | { readonly kind: 'leases'; readonly leases: ViewChange['leases'] }
  | { readonly kind: 'view'; readonly change: ViewChange }
  | ({ readonly kind: 'policies' } & MapChange<EipPolicy>)
  | ({ readonly kind: 'settings' } & MapChange<AnnounceSettings>);

/** How the core stands. */
export interface Standing {
  readonly phase: 'closed' | 'open' | 'closing' | 'stopped';
  readonly silent: boolean;
  readonly listed: boolean;
  readonly held: number;
  readonly tenure: TenureId | null;
  readonly boot: number;
  /** The latest that this run was given; 0: none. */
  readonly incarnation: number;
}

export type News =
  /** `at`: CLOCK_BOOTTIME, ms. */
  | { readonly kind: 'fact'; readonly fact: Fact; readonly at: number }
  | { readonly kind: 'announcer'; readonly event: AnnouncerEvent }
  /** Something of the kernel's, in a sentence. */
  | { readonly kind: 'trouble'; readonly what: string; readonly text: string }
  /** Whether heartbeats can be received on an address; null: they can. */
  | { readonly kind: 'listening'; readonly endpoint: string; readonly trouble: string | null }
  /** On the networks of these of our addresses nobody is spoken with, though on others. */
  | { readonly kind: 'networks-lost'; readonly endpoints: readonly string[] }
  /** Where other agents are, as far as known: address and port of each. */
  | { readonly kind: 'peers'; readonly peers: readonly PeerPlace[] }
  /** Null: the thread has real-time priority. */
  | { readonly kind: 'realtime'; readonly trouble: string | null }
  /** The main thread was silent for so long, ms, and heartbeats were held back meanwhile. */
  | { readonly kind: 'muted'; readonly ms: number }
  /** So many other pieces of news were lost. */
  | { readonly kind: 'lost'; readonly count: number };

export interface PeerPlace {
  readonly node: string;
  readonly endpoints: readonly string[];
}

export interface WireReadings {
  readonly held: number;
  readonly known: number;
  readonly nodes: number;
  readonly highestTerm: number;
  /** Ms that claims may go on for from now, by R2 and R3; 0 or less: silent. */
  readonly armedMs: number;
  readonly unable: number;
  readonly epoch: number;
  readonly fence: 'egress' | 'arp' | 'none';
  readonly fenceDrops: { readonly kernel: number; readonly agent: number };
  readonly counters: AnnouncerCounters;
  readonly heartbeats: HeartbeatCounters;
  /** Null without heartbeats. */
  readonly timing: TimingReadings | null;
}

export type FromWire =
  | {
    readonly kind: 'opened'; readonly fence: 'egress' | 'arp' | 'none';
    /** Why the fence is the fallback; null if it is the real one. */
    readonly fenceReason: string | null;
    /** The kernel's number of the thread. */
    readonly tid: number;
  }
  /** The kernel refused what the agent needs. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'request'; readonly id: number; readonly request: StoreRequest }
  | { readonly kind: 'news'; readonly news: readonly News[]; readonly standing: Standing }
  | { readonly kind: 'pong'; readonly n: number }
  | { readonly kind: 'readings'; readonly n: number; readonly readings: WireReadings }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'name-taken'; readonly by: NodeLease }
  /** Nothing can be promised any more. */
  | { readonly kind: 'fatal'; readonly message: string; readonly stack: string | undefined }
  | { readonly kind: 'closed' };
