/** What every kind of probe is: something that asks the address, and hears of its answers. */
import type { HeardClaim, HeardReply } from '../ears.ts';
import type { ProbeLog } from '../probe-log.ts';

export const probeKinds = ['icmp', 'udp', 'tcp', 'http', 'arp', 'ndp'] as const;
export type ProbeKind = (typeof probeKinds)[number];

export interface ProbeSpec {
  readonly kind: ProbeKind;
  /** Of udp, tcp and http. */
  readonly port: number | null;
  /** Questions a second. */
  readonly rate: number;
}

/** Who answered, where that cannot be seen: the answer came by a router, or without privileges. */
export const unseen = '';

export interface Probe {
  /** `icmp`, `tcp:443`. */
  readonly name: string;
  readonly rate: number;
  readonly log: ProbeLog;
  /** How long an answer may take before a question counts as lost, ms. */
  readonly patienceMs: number;
  /** Whose clock says when an answer came. */
  readonly timestamps: 'kernel' | 'program';
  /** What became of questions that were refused, by errno or reason; for a hint, bounded. */
  readonly refusals: ReadonlyMap<string, number>;
  send(): void;
  /** A frame of the address. */
  onReply(reply: HeardReply): void;
  onClaim(claim: HeardClaim): void;
  /** Now and then: what waits too long is given up. `now`: wall-clock ms. */
  sweep(now: number): void;
  close(): void;
}

export function probeName({ kind, port }: ProbeSpec): string {
  return port === null ? kind : `${kind}:${port}`;
}

/** Counts reasons; of the unlikely many, the first few. */
export class Refusals extends Map<string, number> {
  count(reason: string): void {
    if (this.size >= 16 && !this.has(reason)) return;
    this.set(reason, (this.get(reason) ?? 0) + 1);
  }
}
