/** Keeps what a report draws: events, and every packet around each move. Bounded. */
import type { HeardClaim } from '../ears.ts';
import type { GapEvent, MeasureEvent, MoveEvent, StartEvent, SummaryEvent } from '../events.ts';
import type { Probe } from '../probes/probe.ts';

/** One thing of a close-up: an answer or a claim (`mac`: whose), or a question without answer. */
export interface Mark {
  readonly at: number;
  /** Null: lost, or it cannot be seen who answered. */
  readonly mac: string | null;
}

export interface ProbeMarks {
  readonly probe: string;
  readonly answers: readonly Mark[];
  readonly lost: readonly Mark[];
}

/** What happened around one move. */
export interface CloseUp {
  readonly move: MoveEvent;
  readonly from: number;
  readonly to: number;
  readonly probes: readonly ProbeMarks[];
  readonly claims: readonly Mark[];
}

export interface Recording {
  readonly start: StartEvent | null;
  readonly summary: SummaryEvent | null;
  readonly moves: readonly MoveEvent[];
  readonly gaps: readonly GapEvent[];
  readonly claims: readonly Mark[];
  readonly closeUps: readonly CloseUp[];
  /** Moves, gaps and claims beyond what is kept. */
  readonly left: number;
}

const kept = { moves: 1000, gaps: 10_000, claims: 300_000, closeUps: 50, marks: 1200 };
const pad = { share: 0.6, least: 15, most: 2_000 };
/** Claims by two may go on for ever; a close-up does not. */
const longestLate = 5_000;

export class Recorder {
  #start: StartEvent | null = null;
  #summary: SummaryEvent | null = null;
  readonly #moves: MoveEvent[] = [];
  readonly #gaps: GapEvent[] = [];
  readonly #claims: Mark[] = [];
  readonly #closeUps: CloseUp[] = [];
  #left = 0;

  /** `probes`: whose logs have what is around a move that was just told. */
  event(event: MeasureEvent, probes: readonly Probe[]): void {
    switch (event.event) {
      case 'start':
        this.#start = event;
        break;
      case 'summary':
        this.#summary = event;
        break;
      case 'gap':
        this.#keep(this.#gaps, event, kept.gaps);
        break;
      case 'move':
        this.#keep(this.#moves, event, kept.moves);
        if (this.#closeUps.length < kept.closeUps) {
          this.#closeUps.push(this.#closeUp(event, probes));
        }
        break;
      case 'held':
      case 'answered':
      case 'silent':
      case 'taken':
      case 'late-claim':
      case 'disputed':
        break;
    }
  }

  claim({ at, mac }: HeardClaim): void {
    this.#keep(this.#claims, { at, mac }, kept.claims);
  }

  #keep<T>(list: T[], one: T, most: number): void {
    if (list.length < most) list.push(one);
    else this.#left += 1;
  }

  #closeUp(move: MoveEvent, probes: readonly Probe[]): CloseUp {
    const { at, late, pauseMs, gaps } = move;
    const begin = Math.min(at - (pauseMs ?? 0), ...gaps.map(({ from }) => from ?? at));
    const end = Math.max(
      at + Math.min(late.ms, longestLate), ...gaps.map(({ to }) => to ?? at));
    const around = Math.min(pad.most, Math.max(pad.least, pad.share * (end - begin)));
    const [from, to] = [Math.max(begin, end - 60_000) - around, end + around];
    return {
      move, from, to,
      probes: probes.map(({ name, log }) => ({
        probe: name,
        answers: thinned(log.answersBetween(from, to).map((answer) => (
          { at: answer.at, mac: answer.by === '' ? null : answer.by }))),
        lost: thinned(log.lostBetween(from, to).map((lost) => ({ at: lost, mac: null }))),
      })),
      claims: thinned(this.#claims.filter((claim) => claim.at >= from && claim.at <= to)),
    };
  }

  recording(): Recording {
    return {
      start: this.#start, summary: this.#summary, moves: this.#moves, gaps: this.#gaps,
      claims: this.#claims, closeUps: this.#closeUps, left: this.#left,
    };
  }
}

/** More than the eye tells apart are left out, evenly. */
function thinned(marks: readonly Mark[]): Mark[] {
  const step = Math.ceil(marks.length / kept.marks);
  return step <= 1 ? [...marks] : marks.filter((_, index) => index % step === 0);
}
