/**
 * What the datagrams between agents carry: the shapes of src/core/heartbeat.ts, which is where
 * their meaning is stated; a layer below the core knows them by shape alone.
 */

export interface Tenure {
  readonly node: string;
  readonly incarnation: number;
}

/** One run of an agent. Boots of a node only ever grow. */
export interface Party {
  readonly node: string;
  readonly boot: number;
}

export interface Withdrawal {
  readonly voter: Party;
  readonly of: Tenure;
  readonly epoch: number;
  readonly floor: number;
  readonly relied: number;
}

export interface Echo {
  readonly incarnation: number;
  readonly epoch: number;
  readonly sentAt: number;
  readonly withdrawn: number;
  readonly floor: number;
}

export interface Heartbeat extends Party {
  readonly incarnation: number;
  readonly epoch: number;
  readonly supportMs: number;
  readonly sentAt: number;
  readonly floor: number;
  readonly relied: number;
  readonly reached: number;
  readonly echo: Echo | null;
  readonly withdrawals: readonly Withdrawal[];
}

export interface Obituary extends Party {
  readonly incarnation: number;
}
