/**
 * When what happened on the way of each address that came to this node: noted where it happens, and
 * written into the history with the next change of the record that is under way anyway. What a
 * confirmation says of itself can only be in the next one.
 */
import type { AnnouncerEvent } from '../../announce/types.ts';
import type { Fact } from '../../core/events.ts';
import type { Heartbeat, Withdrawal } from '../../core/heartbeat.ts';
import { pathsKept } from '../../core/model.ts';
import type { Eip, Move, MovePath, TenureId } from '../../core/model.ts';
import type { StoreRequest, Swap } from '../../core/requests.ts';

/** Nodes that something is remembered of. */
const mostNodes = 4096;
/** What is older has nothing to do with a move. */
const longestMs = 3_600_000;

interface Node {
  incarnation: number;
  epoch: number;
  heardAt: number;
  withdrawnAt: number;
  certifiedAt: number;
}

type Step = keyof MovePath;
type Path = Partial<Record<Step, number>>;

interface Taken {
  readonly term: number;
  /** CLOCK_BOOTTIME, ms. */
  readonly at: number;
  readonly path: Path;
}

export class Timeline {
  readonly #self: string;
  readonly #nodes = new Map<string, Node>();
  /** Bounded by what is held. */
  readonly #taken = new Map<Eip, Taken>();

  constructor(self: string) {
    this.#self = self;
  }

  /** Called for each heartbeat. All instants are CLOCK_BOOTTIME, ms. */
  heard({ node, epoch, withdrawals }: Heartbeat, now: number): void {
    // Those that ask for our support say something at each beat; others when there is news.
    if (epoch > 0) this.#node(node).heardAt = now;
    for (const withdrawal of withdrawals) this.#noteWithdrawal(withdrawal, now);
  }

  fact(fact: Fact, now: number): void {
    if (fact.kind === 'took') this.#took(fact, now);
    else if (fact.kind === 'confirmed') this.#note(fact.eip, fact.term, 'confirmed', now);
    else if (fact.kind === 'gave' || fact.kind === 'dropped') this.#taken.delete(fact.eip);
    else if (fact.kind === 'tenure-ended') this.#taken.clear();
    else if (fact.kind === 'withdrew') this.#noteWithdrawal(fact, now);
    else if (fact.kind === 'deposed') this.#noteCertificate(fact.of, now);
  }

  announcer(event: AnnouncerEvent): void {
    if (event.kind === 'announced') {
      this.#note(event.eip, event.term, 'opened', event.openAt);
      this.#note(event.eip, event.term, 'claimed', event.at);
    } else if (event.kind === 'served') {
      this.#note(event.eip, event.term, 'served', event.at);
    }
  }

  /** The same request, its records saying what is known of the moves to this node. */
  decorate(request: StoreRequest): StoreRequest {
    if (request.kind !== 'swap') return request;
    return { ...request, swaps: request.swaps.map((swap) => this.#decorateSwap(swap)) };
  }

  #decorateSwap(swap: Swap): Swap {
    const taken = this.#taken.get(swap.eip);
    const moves = swap.next.moves.map((move, i): Move => {
      const { path, ...bare } = move;
      if (i >= pathsKept) return bare;
      const isOurs = move.holder === this.#self && move.term === taken?.term;
      return !isOurs ? move : { ...bare, path: ordered({ ...path, ...taken.path }) };
    });
    return { ...swap, next: { ...swap.next, moves } };
  }

  #took({ eip, term, reason, from }: Extract<Fact, { kind: 'took' }>, at: number): void {
    const taken: Taken = { term, at, path: {} };
    this.#taken.set(eip, taken);
    if (reason !== 'inherited') {
      this.#note(eip, term, 'confirmed', at);
      return;
    }
    const node = from === null ? undefined : this.#nodes.get(from);
    if (node === undefined) return;
    this.#note(eip, term, 'heard', node.heardAt);
    this.#note(eip, term, 'withdrawn', node.withdrawnAt);
    this.#note(eip, term, 'certified', node.certifiedAt);
  }

  #note(eip: Eip, term: number, step: Step, at: number): void {
    const taken = this.#taken.get(eip);
    if (taken?.term !== term || taken.path[step] !== undefined) return;
    const ms = at - taken.at;
    if (Math.abs(ms) < longestMs) taken.path[step] = Math.round(ms * 10) / 10;
  }

  #noteWithdrawal({ of, epoch }: Pick<Withdrawal, 'of' | 'epoch'>, now: number): void {
    const node = this.#node(of.node);
    if (!isLater(of, epoch, node)) return;
    node.incarnation = of.incarnation;
    node.epoch = epoch;
    node.withdrawnAt = now;
    node.certifiedAt = -Infinity;
  }

  #noteCertificate({ node: name, incarnation }: TenureId, now: number): void {
    const node = this.#node(name);
    if (node.incarnation === incarnation) node.certifiedAt = now;
  }

  #node(name: string): Node {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const node: Node = {
      incarnation: 0, epoch: 0, heardAt: -Infinity, withdrawnAt: -Infinity, certifiedAt: -Infinity,
    };
    if (this.#nodes.size >= mostNodes) this.#nodes.clear();
    this.#nodes.set(name, node);
    return node;
  }
}

function isLater({ incarnation }: TenureId, epoch: number, node: Node): boolean {
  return incarnation > node.incarnation
    || (incarnation === node.incarnation && epoch > node.epoch);
}

/** As stores read it: one writing compares equal to another. */
function ordered(path: MovePath): MovePath {
  const { heard, withdrawn, certified, opened, claimed, served, confirmed } = path;
  return { heard, withdrawn, certified, opened, claimed, served, confirmed };
}
