/**
 * Who has an address, as a listener on the LAN can tell. Pure.
 *
 *            a claim, or an answer                another's claim; or another's answer, once
 *   nobody ───────────────────────> held by A ──── A has answered since it came ───┐
 *                                     ^  ^                                         v
 *                 B held it all along │  └── A is the last that claims ─── contested by B, C...
 *                                     └───── B is: it moved  <─────────────┘
 *
 * A contest ends when it was always the same one that claimed it for `settleMs`. Two that claim on
 * and on keep it open: that is what `late` counts. Answers tell who serves this client, which may
 * be a former holder that still gets its packets; so they count for less than claims.
 */
import { ClaimLog } from './claim-log.ts';
import type { HeardClaim } from './ears.ts';

export interface Late {
  /** Claims by any other after the new holder's first. */
  readonly claims: number;
  /** From that first claim to the last of them; 0 for none. */
  readonly ms: number;
}

export type HolderEvent =
  | { readonly event: 'held'; readonly at: number; readonly mac: string; readonly by: Sign }
  /** Another one claims or answers: at once, before it is known who will have it. */
  | {
    readonly event: 'taken'; readonly at: number; readonly from: string; readonly to: string;
    readonly by: Sign;
  }
  /** The first claim by the one before, after the new one's first. */
  | {
    readonly event: 'late-claim'; readonly at: number; readonly mac: string;
    readonly newHolder: string; readonly ms: number;
  }
  | Settled;

export type Sign = 'claim' | 'answer';

/** How a contest ended (or, `open`, stands at the end of the measurement). */
export interface Settled {
  readonly event: 'settled';
  readonly at: number;
  readonly from: string;
  /** The same as `from`: it kept the address, and `late` is what others claimed meanwhile. */
  readonly to: string;
  readonly by: Sign;
  /** From the old one's last claim before it to the new one's first; null: none was heard. */
  readonly pauseMs: number | null;
  readonly late: Late;
  readonly open: boolean;
}

interface Sighting {
  /** First sign of it in this contest. */
  by: Sign;
  at: number;
  lastClaim: number | null;
  lastAnswer: number | null;
}

interface Contest {
  readonly opened: number;
  /** The holder's last claim before it. */
  readonly claimedBefore: number | null;
  readonly others: Map<string, Sighting>;
  lastClaimant: string | null;
  /** When it last was another one that claimed it than the time before. */
  alternatedAt: number;
  lateTold: boolean;
}

const settleMs = 1000;
const claimsKept = 1_000_000;
const contestants = 64;
const subject = 'address';

export class Holders {
  /** Claims beyond what is remembered, in a contest without end: `late` is then too low. */
  overflow = 0;
  readonly #emit: (event: HolderEvent) => void;
  #claims = new ClaimLog([], claimsKept);
  #holder: string | null = null;
  #former: string | null = null;
  #holderClaimed: number | null = null;
  #holderAnswered: number | null = null;
  #contest: Contest | null = null;

  constructor(emit: (event: HolderEvent) => void) {
    this.#emit = emit;
  }

  get holder(): string | null {
    return this.#holder;
  }

  /** In about the order of their times. */
  claim({ at, kind, mac }: HeardClaim): void {
    if (kind === 'probe') return;
    if (this.#holder === null) this.#found(at, mac, 'claim');
    if (this.#contest === null && mac !== this.#holder) this.#open(at);
    const contest = this.#contest;
    if (contest !== null) {
      this.#claims.add(subject, this.#claims.hostNumber(mac), at, kind, mac);
      if (mac !== contest.lastClaimant) contest.alternatedAt = at;
      contest.lastClaimant = mac;
    }
    if (mac === this.#holder) {
      this.#holderClaimed = at;
      this.#tellLate(at, mac);
      return;
    }
    const sighting = this.#sight(at, mac, 'claim');
    if (sighting !== null) sighting.lastClaim = at;
  }

  /** A packet of the address came from `mac`. */
  answer(at: number, mac: string): void {
    if (this.#holder === null) this.#found(at, mac, 'answer');
    if (mac === this.#holder) {
      this.#holderAnswered = at;
      return;
    }
    if (this.#contest === null) {
      const isLeftover = mac === this.#former && this.#holderAnswered === null;
      if (isLeftover) return;
      this.#open(at);
    }
    const sighting = this.#sight(at, mac, 'answer');
    if (sighting !== null) sighting.lastAnswer = at;
  }

  /** `now`: all that was heard up to then has been told. */
  tick(now: number): void {
    const contest = this.#contest;
    if (contest === null || now - contest.alternatedAt < settleMs) return;
    const since = now - settleMs;
    const claimants = this.#signs(contest, 'lastClaim').filter(([, at]) => at > since);
    const answerers = this.#signs(contest, 'lastAnswer').filter(([, at]) => at > since);
    const winner = claimants[0]?.[0]
      ?? (answerers.length === 1 ? answerers[0]?.[0] : undefined)
      ?? latest(this.#signs(contest, 'lastClaim')) ?? latest(this.#signs(contest, 'lastAnswer'));
    if (winner !== undefined) this.#settle(contest, winner, false);
  }

  /** The measurement ends: a contest that goes on counts as won by who came last. */
  finish(now: number): void {
    this.tick(now);
    const contest = this.#contest;
    if (contest === null) return;
    const newest = [...contest.others].at(-1)?.[0];
    if (newest !== undefined) this.#settle(contest, newest, true);
  }

  #found(at: number, mac: string, by: Sign): void {
    this.#holder = mac;
    this.#emit({ event: 'held', at, mac, by });
  }

  #open(at: number): void {
    this.#contest = {
      opened: at, claimedBefore: this.#holderClaimed, others: new Map(), lastClaimant: null,
      alternatedAt: at, lateTold: false,
    };
    this.#claims = new ClaimLog([], claimsKept);
  }

  /** One of those that contest; null if there are too many to tell apart. */
  #sight(at: number, mac: string, by: Sign): Sighting | null {
    const { others } = this.#contest ?? {};
    const from = this.#holder;
    if (others === undefined || from === null) return null;
    const known = others.get(mac);
    if (known !== undefined) {
      // Claims and packets come by two sockets, and not always in the order of their times.
      if (at < known.at) [known.at, known.by] = [at, by];
      return known;
    }
    if (others.size >= contestants) return null;
    const sighting: Sighting = { by, at, lastClaim: null, lastAnswer: null };
    others.set(mac, sighting);
    this.#emit({ event: 'taken', at, from, to: mac, by });
    return sighting;
  }

  #tellLate(at: number, mac: string): void {
    const contest = this.#contest;
    if (contest === null || contest.lateTold) return;
    const newer = [...contest.others].find(([, { lastClaim }]) => lastClaim !== null);
    if (newer === undefined || at <= newer[1].at) return;
    contest.lateTold = true;
    const [newHolder, { at: first }] = newer;
    this.#emit({ event: 'late-claim', at, mac, newHolder, ms: at - first });
  }

  /** When each contestant, the holder included, last gave a sign of that kind in the contest. */
  #signs(contest: Contest, kind: 'lastClaim' | 'lastAnswer'): [mac: string, at: number][] {
    const own = kind === 'lastClaim' ? this.#holderClaimed : this.#holderAnswered;
    const signs: [string, number][] = [];
    const holder = this.#holder;
    if (holder !== null && own !== null && own > contest.opened) signs.push([holder, own]);
    for (const [mac, sighting] of contest.others) {
      const at = sighting[kind];
      if (at !== null) signs.push([mac, at]);
    }
    return signs;
  }

  #settle(contest: Contest, winner: string, open: boolean): void {
    const from = this.#holder;
    if (from === null) return;
    const won = contest.others.get(winner);
    const firstClaim = this.#claims.firstClaim(subject, winner) ?? Infinity;
    const late = winner === from
      ? this.#claims.othersSince(subject, from, contest.opened)
      : this.#claims.othersSince(subject, winner, firstClaim);
    const at = won?.at ?? contest.opened;
    const before = winner === from ? null : contest.claimedBefore;
    this.overflow += this.#claims.overflow;
    this.#contest = null;
    this.#claims = new ClaimLog([], claimsKept);
    if (winner !== from) {
      this.#former = from;
      this.#holder = winner;
      this.#holderClaimed = won?.lastClaim ?? null;
      this.#holderAnswered = won?.lastAnswer ?? null;
    }
    this.#emit({
      event: 'settled', at, from, to: winner, by: won?.by ?? 'claim',
      pauseMs: before === null ? null : at - before, late, open,
    });
  }
}

function latest(signs: readonly (readonly [mac: string, at: number])[]): string | undefined {
  return signs.toSorted((a, b) => b[1] - a[1])[0]?.[0];
}
