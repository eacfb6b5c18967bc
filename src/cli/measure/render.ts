/** A measurement as people read it: lines as things happen, and a summary. Pure. */
import type {
  MeasureEvent, MoveEvent, MoveGap, SilentEvent, StartEvent, SummaryEvent,
} from '../../measure/events.ts';
import { count, table, type Column } from '../output.ts';

/** The event's lines, without the last one's end; null for what people are not told of. */
export class EventRenderer {
  readonly #colours: boolean;
  readonly #moves: MoveEvent[] = [];
  #begun = 0;

  constructor(colours: boolean) {
    this.#colours = colours;
  }

  render(event: MeasureEvent): string | null {
    switch (event.event) {
      case 'start':
        this.#begun = event.at;
        return startText(event);
      case 'held':
        return this.#at(event.at, `${event.mac} ${event.by === 'claim' ? 'claims it' : 'answers'}`);
      case 'answered':
        return this.#at(event.at, `${event.probe}: answered${event.mac === null ? '' : ` by ${event.mac}`}`);
      case 'silent':
        return this.#at(event.at, silentText(event));
      case 'gap': {
        const { probe, ms, lost, ownStallMs } = event;
        return this.#at(event.to, `${probe}: ${this.#bold(`gap ${duration(ms)}`)}, ${count(lost, 'question', 'questions')} lost${stallText(ms, ownStallMs)}`);
      }
      case 'taken':
        return this.#at(event.at, `${event.to} ${event.by === 'claim' ? 'claims it' : 'answers'}, after ${event.from}`);
      case 'late-claim':
        return this.#at(event.at, this.#red(`${event.mac} claims it too, ${duration(event.ms)} after ${event.newHolder}'s first claim`));
      case 'disputed':
        return this.#at(event.at, this.#red(`${event.holder} kept it; others claimed it ${times(event.claims)}, for ${duration(event.ms)}`));
      case 'move':
        this.#moves.push(event);
        return this.#at(event.at, this.#moveText(event));
      case 'summary':
        return this.#summary(event);
    }
  }

  /** Moves are told a moment later than what made them: the clock shows when they were. */
  #at(at: number, text: string): string {
    return `${((at - this.#begun) / 1000).toFixed(3).padStart(9)} s  ${text}`;
  }

  #moveText(move: MoveEvent): string {
    const indent = ' '.repeat(13);
    const gaps = move.gaps.map((gap) => `${indent}${gap.probe}: ${this.#bold(gapText(gap))}${gap.ms === null ? '' : `, ${count(gap.lost, 'question', 'questions')} lost${stallText(gap.ms, gap.ownStallMs)}`}`);
    return [
      this.#bold(`MOVED from ${move.from} to ${move.to}`), ...gaps, `${indent}${this.#lateText(move)}`,
    ].join('\n');
  }

  #lateText({ from, pauseMs, late, open }: MoveEvent): string {
    const pause = pauseMs === null ? '' : `; its last claim before was ${duration(pauseMs)} earlier`;
    if (late.claims === 0) return `no claim by ${from} after that${pause}`;
    return this.#red(`${times(late.claims)} claimed by another after that, for ${duration(late.ms)}${open ? ' and on' : ''}`) + pause;
  }

  #summary(summary: SummaryEvent): string {
    const { address, durationMs, moves, lateClaims, longestOwnStallMs, missed, holder } = summary;
    const lines = [
      '',
      this.#bold(`${address}: ${count(moves, 'move', 'moves')} in ${duration(durationMs)}${holder === null ? '' : `; ${holder} has it`}`),
    ];
    if (this.#moves.length > 0) lines.push(this.#moveTable().trimEnd(), '');
    lines.push(table(probeColumns, summary.probes, 'table', this.#colours).trimEnd());
    const claims = Object.entries(summary.claims).map(([mac, number]) => `${mac} ${number}`);
    if (claims.length > 0) lines.push(`claims: ${claims.join(', ')}; while another had it: ${lateClaims}`);
    for (const { probe, answered, refusals } of summary.probes) {
      const why = reasons(refusals);
      if (answered === 0 && why !== '') lines.push(`${probe}: nobody answered: ${why}`);
    }
    if (longestOwnStallMs > 10) lines.push(`This host kept the measurement from its work for up to ${duration(longestOwnStallMs)}.`);
    if (missed > 0) lines.push(this.#red(`${count(missed, 'frame', 'frames')} could not be kept up with: not all claims were seen.`));
    return lines.join('\n');
  }

  #moveTable(): string {
    const probes = [...new Set(this.#moves.flatMap(({ gaps }) => gaps.map(({ probe }) => probe)))];
    const columns: Column<MoveEvent>[] = [
      { title: 'AT', of: ({ at }) => `${((at - this.#begun) / 1000).toFixed(3)} s` },
      { title: 'FROM', of: ({ from }) => from },
      { title: 'TO', of: ({ to }) => to },
      ...probes.map((probe): Column<MoveEvent> => ({
        title: `GAP ${probe}`,
        of: ({ gaps }) => {
          const gap = gaps.find((one) => one.probe === probe);
          return gap === undefined ? 'none' : gap.ms === null ? 'no end' : duration(gap.ms);
        },
      })),
      {
        title: 'TWO CLAIM',
        of: ({ late, open }) => (late.claims === 0 ? 'never'
          : `${late.claims} in ${duration(late.ms)}${open ? ' and on' : ''}`),
      },
    ];
    return table(columns, this.#moves, 'table', this.#colours);
  }

  #bold(text: string): string {
    return this.#colours ? `\u001b[1m${text}\u001b[22m` : text;
  }

  #red(text: string): string {
    return this.#colours ? `\u001b[31m${text}\u001b[39m` : text;
  }
}

const probeColumns: readonly Column<SummaryEvent['probes'][number]>[] = [
  { title: 'PROBE', of: ({ probe }) => probe },
  { title: 'ASKED', of: ({ sent }) => sent },
  { title: 'LOST', of: ({ lost }) => lost },
  { title: 'TWICE', of: ({ duplicates }) => duplicates },
  { title: 'GAPS', of: ({ gaps }) => gaps },
  { title: 'LONGEST', of: ({ longestGapMs }) => (longestGapMs === 0 ? '-' : duration(longestGapMs)) },
  { title: 'ROUND TRIP P50', of: ({ roundTripMs }) => optional(roundTripMs.p50) },
  { title: 'P99', of: ({ roundTripMs }) => optional(roundTripMs.p99) },
  { title: 'TIMED BY', of: ({ timestamps }) => timestamps },
];

function startText(start: StartEvent): string {
  const probes = start.probes.map(({ probe, rate }) => `${probe} ${rate}/s`).join(', ');
  const where = start.interface === null ? '' : ` on ${start.interface}`;
  return [
    `Measuring ${start.address}${where}: ${probes}${start.watchesClaims ? '; claims are watched' : ''}. Ctrl-C ends it.`,
    ...start.notes.map((note) => `note: ${note}`),
  ].join('\n');
}

function silentText({ probe, since, at, refusals }: SilentEvent): string {
  const why = reasons(refusals);
  const told = why === '' ? '' : ` (${why})`;
  return since === null
    ? `${probe}: nobody has answered yet${told}`
    : `${probe}: nobody has answered for ${duration(at - since)}${told}`;
}

function reasons(refusals: Readonly<Record<string, number>>): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused', EHOSTUNREACH: 'no such host on the LAN',
    ENETUNREACH: 'no route', ECONNRESET: 'connection reset',
  };
  return Object.entries(refusals).map(([code, number]) => `${words[code] ?? code} ${times(number)}`)
    .join(', ');
}

function gapText({ ms }: MoveGap): string {
  return ms === null ? 'nobody has answered since' : `gap ${duration(ms)}`;
}

function stallText(ms: number, ownStallMs: number): string {
  return ownStallMs > ms / 4 ? ` (this host itself stood still for ${duration(ownStallMs)} of it)` : '';
}

function optional(ms: number | null): string {
  return ms === null ? '-' : duration(ms);
}

function times(number: number): string {
  return number === 1 ? 'once' : `${number} times`;
}

/** Three digits that matter: `0.21 ms`, `33.1 ms`, `3.62 s`. */
export function duration(ms: number): string {
  if (ms >= 60_000) return `${Math.floor(ms / 60_000)} min ${Math.round(ms % 60_000 / 1000)} s`;
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(3))} s`;
  return `${ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(3))} ms`;
}
