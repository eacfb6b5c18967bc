/** How long the supervisor waits for what, in milliseconds. */
export const times = {
  /** keepalived may take so long to take its addresses off when it is asked to end. */
  stopMs: 10_000,
  reloadMs: 10_000,
  dumpEveryMs: 5_000,
  /** Unanswered for so long, a dump counts as missed; after two it is killed. */
  dumpMs: 3_000,
  /** The same where another master is heard: then one is enough. */
  suspectMs: 1_000,
  /** Between a refusal and the next try: the host may have changed. */
  againMs: 30_000,
  firstDelayMs: 500,
  mostDelayMs: 30_000,
  /** After so long a run the delay starts from the beginning. */
  stableMs: 60_000,
} as const;
