/**
 * What agents say to one another. A heartbeat asks for support, echoes what was last heard from the
 * one it goes to, and passes withdrawals on. Its meaning does not depend on when it arrives, nor on
 * how often: an old one, or a second copy, says nothing new.
 */
import type { TenureId, VoterId } from './model.ts';

/**
 * A voter's lasting statement that it no longer supports this epoch of this tenure. A majority of
 * the epoch's voters make a certificate. It may be passed on by others.
 */
export interface Withdrawal {
  readonly voter: VoterId;
  readonly of: TenureId;
  readonly epoch: number;
  /** The latest store revision at which `of`, as far as known, took an EIP or changed a line. */
  readonly floor: number;
  /** The latest such revision that a majority of its voters had confirmed, as far as known. */
  readonly relied: number;
}

/** What a voter has last heard from the node that it answers. */
export interface Echo {
  readonly incarnation: number;
  /** The epoch that it supports until `F` after it heard. */
  readonly epoch: number;
  /** `sentAt` of the heartbeat that it heard, by the clock of the node that it answers. */
  readonly sentAt: number;
  /** The latest epoch of that tenure that it withdrew from; 0: none. */
  readonly withdrawn: number;
  readonly floor: number;
}

export interface Heartbeat {
  readonly node: string;
  /** 0: no tenure so far. */
  readonly incarnation: number;
  readonly boot: number;
  /** The epoch that it asks support for; 0: none. */
  readonly epoch: number;
  /** F: how long it counts on each promise of support, ms. */
  readonly supportMs: number;
  /** By the sender's own clock, ms: comes back in the echo. */
  readonly sentAt: number;
  readonly floor: number;
  readonly relied: number;
  /** The store revision that the sender's view has reached. */
  readonly reached: number;
  readonly echo: Echo | null;
  /** At most `maxWithdrawals`; newest first. */
  readonly withdrawals: readonly Withdrawal[];
}

/** More do not fit into one datagram of an Ethernet: the others follow in the next. */
export const maxWithdrawals = 12;

/**
 * Sent by a supervisor whose agent is dead: as a voter, that boot will not be heard again.
 */
export interface Obituary {
  readonly node: string;
  readonly boot: number;
  /**
   * The gate is closed: nobody needs to wait for the support of the tenures of that boot to lapse,
   * up to this incarnation, the last that the supervisor knows of. 0: of tenures nothing is said.
   */
  readonly incarnation: number;
}
