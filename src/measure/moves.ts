/** Puts a change of holder and what each probe missed of it together. Pure. */
import type { DisputedEvent, GapEvent, MoveEvent, MoveGap } from './events.ts';
import type { Settled } from './holders.ts';
import type { Answer } from './probe-log.ts';
import { unseen } from './probes/probe.ts';

export interface ProbeState {
  readonly probe: string;
  /** The last of which is known what was before it; null: it has not been answered yet. */
  readonly lastAnswer: Answer | null;
}

/** Of a probe that stays silent so long after the move, nothing more is waited for. */
const patienceMs = 10_000;
const gapsKept = 4096;

export class Moves {
  readonly #emit: (event: MoveEvent | DisputedEvent) => void;
  readonly #gaps: GapEvent[] = [];
  #pending: Settled[] = [];

  constructor(emit: (event: MoveEvent | DisputedEvent) => void) {
    this.#emit = emit;
  }

  gap(gap: GapEvent): void {
    this.#gaps.push(gap);
    if (this.#gaps.length > gapsKept) this.#gaps.shift();
  }

  settled(settled: Settled): void {
    const { at, from, to, late } = settled;
    if (from === to) this.#emit({ event: 'disputed', at, holder: to, ...late });
    else this.#pending.push(settled);
  }

  /** Tells of the moves of which all is known by now; at the end, of all. */
  tick(states: readonly ProbeState[], now: number, atEnd = false): void {
    const waiting: Settled[] = [];
    for (const move of this.#pending) {
      const isKnown = atEnd || now - move.at > patienceMs
        || states.every((state) => isOver(state, move));
      if (isKnown) this.#tell(move, states);
      else waiting.push(move);
    }
    this.#pending = waiting;
  }

  #tell(move: Settled, states: readonly ProbeState[]): void {
    const { at, from, to, by, pauseMs, late, open } = move;
    const gaps = states.flatMap((state): MoveGap[] => {
      if (state.lastAnswer === null) return [];
      const { probe } = state;
      const gap = this.#gapOf(probe, move);
      if (gap !== null) {
        const { from: begin, to: end, ms, lost, ownStallMs } = gap;
        return [{ probe, from: begin, to: end, ms, lost, ownStallMs }];
      }
      // Unanswered since; or answered by somebody who cannot be seen, and without a gap.
      return state.lastAnswer.at > at ? [] : [
        { probe, from: null, to: null, ms: null, lost: 0, ownStallMs: 0 },
      ];
    });
    this.#emit({ event: 'move', at, from, to, by, pauseMs, late, open, gaps });
  }

  /** The silence after which the new one answered; else the longest one around the move. */
  #gapOf(probe: string, { at, to }: Settled): GapEvent | null {
    const near = this.#gaps.filter((gap) => gap.probe === probe && gap.to >= at - 1);
    const change = near.find((gap) => gap.after === to && gap.before !== to);
    if (change !== undefined) return change;
    return near.filter((gap) => gap.from <= at).toSorted((x, y) => y.ms - x.ms)[0] ?? null;
  }
}

/** The probe was answered after the move, by the new holder as far as that can be seen. */
function isOver({ lastAnswer }: ProbeState, { at, to }: Settled): boolean {
  if (lastAnswer === null) return true;
  return lastAnswer.at > at && (lastAnswer.by === to || lastAnswer.by === unseen);
}
