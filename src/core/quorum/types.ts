/**
 * What quorum mode knows, in two halves that live differently long: as a voter (for as long as the
 * process, its boot, runs) and as the judged (for a tenure).
 */
import type { Withdrawal } from '../heartbeat.ts';
import type { TenureId, VoterId } from '../model.ts';

/** A record that may be in force: who judges us, and in which epoch. Epoch 0: lease mode. */
export interface Regime {
  readonly epoch: number;
  readonly voters: readonly VoterId[];
}

/** An epoch that we left: it binds until a majority of its voters released it. */
export interface LeftEpoch extends Regime {
  /** Keys of the voters that promised never to withdraw it. */
  readonly released: ReadonlySet<string>;
}

/** The judged side of a tenure. */
export interface Judged {
  /** The epoch that we ask support for; 0: none. */
  readonly bid: number;
  /** Whom we ask; empty: too few nodes for a quorum. */
  readonly intended: readonly VoterId[];
  /** Since when each intended voter was asked, by its key: one that stays mute is replaced. */
  readonly askedSince: ReadonlyMap<string, number>;
  /** Those that were mute, by key: they are not asked until that instant, or they answer. */
  readonly shunned: ReadonlyMap<string, number>;
  /** Nodes that are asked but mute, for want of others, though they live as far as is known. */
  readonly mute: readonly string[];
  /** The record as the store last confirmed it, then those that we asked it to write since. */
  readonly regimes: readonly Regime[];
  readonly left: readonly LeftEpoch[];
  /** R3: until when a voter supports an epoch, by `supportKey`. */
  readonly support: ReadonlyMap<string, number>;
  /** Store revision of our latest taking of an EIP, or change to a line of ours. */
  readonly floor: number;
  /** The highest floor that a majority of our voters knew while no earlier epoch bound us. */
  readonly relied: number;
  /** The highest floor that a voter confirmed in an epoch, by `supportKey`. */
  readonly acks: ReadonlyMap<string, number>;
  /** Time that we ran without support, ms. */
  readonly unsupportedMs: number;
}

/** What we promised to a node whose heartbeats we hear. */
export interface Support {
  readonly incarnation: number;
  readonly epoch: number;
  readonly until: number;
  /** `sentAt` of the newest heartbeat of that epoch. */
  readonly sentAt: number;
  /** F of the node, ms: its voters promise for so long. */
  readonly supportMs: number;
}

/** What we know of a node by its heartbeats. */
export interface Peer {
  readonly incarnation: number;
  readonly boot: number;
  readonly heardAt: number;
  /** The store revision that its view has reached. */
  readonly reached: number;
  /** Since when it does not know of our latest change to a line; null: it does. */
  readonly behindSince: number | null;
  /** For so long that it would be no good heir. */
  readonly behind: boolean;
}

export interface Floors {
  readonly floor: number;
  readonly relied: number;
}

/** A majority of its voters withdrew from the epoch that our view shows of a node. */
export interface Certificate extends Floors {
  readonly of: TenureId;
  readonly epoch: number;
}

/** The voter's side. By node name, except where noted. */
export interface Voting {
  readonly promises: ReadonlyMap<string, Support>;
  /** Our own latest withdrawal from each node. Never forgotten: what it says is for ever. */
  readonly withdrawn: ReadonlyMap<string, Withdrawal>;
  /** The floors of the nodes that we vote on, with the incarnation that they are of. */
  readonly floors: ReadonlyMap<string, Floors & { readonly incarnation: number }>;
  /** Everyone's withdrawals, by node, then by `reportKey`. */
  readonly reports: ReadonlyMap<string, ReadonlyMap<string, Withdrawal>>;
  readonly certificates: ReadonlyMap<string, Certificate>;
  readonly peers: ReadonlyMap<string, Peer>;
  /** Boots that are over, by node: the latest, and since when we know. */
  readonly over: ReadonlyMap<string, { readonly boot: number; readonly at: number }>;
  /** When to evict a node that we have a certificate against. */
  readonly evictAt: ReadonlyMap<string, number>;
  readonly startedAt: number;
  readonly heartbeatAt: number;
  /** When the last heartbeats left: how late we are ourselves. */
  readonly beatenAt: number;
  /** So many more heartbeats go to everyone, since there is news. */
  readonly tellAll: number;
  readonly beats: number;
}

export function initialVoting(now: number): Voting {
  return {
    promises: new Map(), withdrawn: new Map(), floors: new Map(), reports: new Map(),
    certificates: new Map(), peers: new Map(), over: new Map(), evictAt: new Map(), startedAt: now,
    heartbeatAt: now, beatenAt: now, tellAll: 0, beats: 0,
  };
}

export function initialJudged(): Judged {
  return {
    bid: 1, intended: [], askedSince: new Map(), shunned: new Map(), mute: [],
    regimes: [{ epoch: 0, voters: [] }], left: [],
    support: new Map(), floor: 0, relied: 0, acks: new Map(), unsupportedMs: 0,
  };
}

/** The latest epoch of that tenure that we withdrew from; Infinity for an earlier tenure. */
export function withdrawnEpoch(
  { withdrawn: all }: Pick<Voting, 'withdrawn'>, { node, incarnation }: TenureId,
): number {
  const withdrawn = all.get(node);
  if (withdrawn === undefined || withdrawn.of.incarnation < incarnation) return 0;
  return withdrawn.of.incarnation > incarnation ? Infinity : withdrawn.epoch;
}

/** The withdrawals from a tenure, from whichever of its epochs, as far as we heard. */
export function withdrawalsFrom(
  { reports }: Pick<Voting, 'reports'>, { node, incarnation }: TenureId,
): readonly Withdrawal[] {
  return [...reports.get(node)?.values() ?? []].filter(({ of }) => of.incarnation === incarnation);
}

/** The withdrawals of the voters of an epoch from a tenure, as far as we heard; not its own. */
export function votesAgainst(
  { reports: all }: Pick<Voting, 'reports'>, of: TenureId, { epoch, voters }: Regime,
): readonly Withdrawal[] {
  const reports = all.get(of.node);
  if (reports === undefined) return [];
  return voters.filter(({ node }) => node !== of.node)
    .flatMap((voter) => reports.get(reportKey({ of, epoch, voter })) ?? []);
}

/**
 * The voters of an epoch that withdrew from it or from a later one, or whose boots were over at
 * `deadSince`, as far as we heard; not the tenure itself. Each keeps the promise that it gave last:
 * none supports that epoch any more.
 */
export function votersLost(
  voting: Pick<Voting, 'reports' | 'over'>, of: TenureId,
  { epoch, voters }: Regime, deadSince: number,
): readonly VoterId[] {
  const against = withdrawalsFrom(voting, of).filter((withdrawal) => withdrawal.epoch >= epoch);
  const isDead = ({ node, boot }: VoterId): boolean => {
    const dead = voting.over.get(node);
    return dead?.boot === boot && dead.at <= deadSince;
  };
  return voters.filter((voter) => voter.node !== of.node
    && (isDead(voter) || against.some((withdrawal) => sameVoter(withdrawal.voter, voter))));
}

/** Whether this run votes and is judged: it has a boot, a place to be heard at, and an F. */
export function takesPart(
  { options, boot, facts }: {
    readonly options: { readonly supportMs: number };
    readonly boot: number;
    readonly facts: { readonly heartbeat: readonly string[] };
  },
): boolean {
  return options.supportMs > 0 && boot > 0 && facts.heartbeat.length > 0;
}

export function majority(voters: readonly VoterId[]): number {
  return Math.floor(voters.length / 2) + 1;
}

export function sameVoter(a: VoterId, b: VoterId): boolean {
  return a.node === b.node && a.boot === b.boot;
}

export function sameVoters(a: readonly VoterId[], b: readonly VoterId[]): boolean {
  return a.length === b.length && a.every((voter) => isVoter(b, voter));
}

export function isVoter(voters: readonly VoterId[], voter: VoterId): boolean {
  return voters.some((each) => sameVoter(each, voter));
}

export function sameRegime(a: Regime, b: Regime): boolean {
  return a.epoch === b.epoch && sameVoters(a.voters, b.voters);
}

export function voterKey({ node, boot }: VoterId): string {
  return `${node}\n${String(boot)}`;
}

export function supportKey(voter: VoterId, epoch: number): string {
  return `${voterKey(voter)}\n${String(epoch)}`;
}

export function reportKey(
  { of, epoch, voter }: Pick<Withdrawal, 'of' | 'epoch' | 'voter'>,
): string {
  return `${String(of.incarnation)}\n${String(epoch)}\n${voterKey(voter)}`;
}

/** A copy of `map` with one entry changed. */
export function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}
