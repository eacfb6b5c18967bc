/** The trials as a Markdown table and a plot. Pure. */
import { drawing, label, tag, Colours, ticks } from '../../src/measure/report/svg.ts';
import { percentile } from '../frame/bench.ts';
import type { Trial } from './trial.ts';

export interface Outcome {
  readonly contenders: readonly string[];
  readonly faults: readonly { readonly name: string; readonly about: string }[];
  readonly trials: readonly Trial[];
  /** Who was left out, and why. */
  readonly leftOut: readonly string[];
  /** What it was taken on. */
  readonly machine: string;
  readonly date: string;
}

function cell({ trials }: Outcome, contender: string, fault: string): readonly Trial[] {
  return trials.filter((one) => one.contender === contender && one.fault === fault);
}

function ms(value: number): string {
  if (!Number.isFinite(value)) return 'never';
  if (value >= 1000) return `${Number((value / 1000).toPrecision(3))} s`;
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ms`;
}

/** A gap that ended only because the fault did counts as it is, and is marked. */
function gapCell(trials: readonly Trial[]): string {
  if (trials.length === 0) return '–';
  const gaps = trials.map(({ gapMs }) => gapMs);
  const stuck = trials.filter(({ tookOver }) => !tookOver).length;
  const mark = stuck === 0 ? '' : ` (${stuck} of ${trials.length}: nobody took over)`;
  return `${ms(percentile(gaps, 0.5))} / ${ms(percentile(gaps, 0.99))}${mark}`;
}

/** Of less than 50 ms it is known only that it is less. */
function newcomerCell(trials: readonly Trial[]): string {
  if (trials.length === 0) return '–';
  const waits = trials.map(({ newcomerMs }) => newcomerMs);
  const text = (wait: number): string => (wait < 50 ? '< 50 ms' : ms(wait));
  return `${text(percentile(waits, 0.5))} / ${text(percentile(waits, 0.99))}`;
}

function lateCell(trials: readonly Trial[]): string {
  if (trials.length === 0) return '–';
  const late = trials.filter(({ lateClaims }) => lateClaims > 0);
  if (late.length === 0) return `0 of ${trials.length}`;
  return `${late.length} of ${trials.length}, ${ms(percentile(late.map(({ lateMs }) => lateMs), 0.5))}`;
}

export function markdown(outcome: Outcome): string {
  const { contenders, faults, leftOut, machine, date, trials } = outcome;
  const table = (of: (trials: readonly Trial[]) => string): string => [
    `| | ${contenders.join(' | ')} |`, `|---|${contenders.map(() => '---').join('|')}|`,
    ...faults.map(({ name }) => `| ${name} | ${contenders.map((one) => of(cell(outcome, one, name))).join(' | ')} |`),
  ].join('\n');
  const counts = faults.flatMap(({ name }) => (
    contenders.map((one) => cell(outcome, one, name).length)
  )).filter((count) => count > 0);
  const least = Math.min(...counts);
  return `# Failover, side by side

${machine}; ${date}.

${trials.length} faults in all, each ${least} times or more; contenders take turns in the same namespaces.
A client sends 1,000 packets a second; a gap is the time from its last answer to the next holder's
first, by kernel time (\`tenure measure\`).

${leftOut.length === 0 ? '' : `Left out: ${leftOut.join('; ')}.\n`}
## The client's gap, p50 / p99

${table(gapCell)}

![Gaps](failover.svg)

## How long a newcomer has to wait, p50 / p99

The longest time without an answer to the question who has the address (ARP, 50 times a second). A
daemon that died or hangs may leave a machine that serves those who know it, and answers nobody else.

${table(newcomerCell)}

## Claims by the old holder after the new one's first

In how many runs, and for how long at the median, by a sniffer on every cable of the switch. Where
the old holder never falls silent by itself, that is until the fault was undone.

${table(lateCell)}

## The faults

${faults.map(({ name, about }) => `- **${name}**: ${about}.`).join('\n')}
`;
}

const width = 900;
const left = 150;
const right = 20;
const lane = 22;
const least = 0.3;
const most = 30_000;

/** Each trial is a dot on a logarithmic axis; each median a line. */
export function plot(outcome: Outcome): string {
  const { contenders, faults } = outcome;
  const colours = new Colours();
  for (const name of contenders) colours.of(name);
  const x = (gap: number): number => left + (width - left - right)
    * Math.log(Math.min(most, Math.max(least, gap)) / least) / Math.log(most / least);
  const head = 34;
  let y = head;
  const parts: string[] = [];
  for (const { name } of faults) {
    const rows = contenders.filter((one) => cell(outcome, one, name).length > 0);
    if (rows.length === 0) continue;
    parts.push(label(left - 12, y + rows.length * lane / 2 + 4, name, {
      'text-anchor': 'end', 'font-weight': 'bold',
    }));
    for (const contender of rows) {
      parts.push(dots(cell(outcome, contender, name), x, y + lane / 2, colours.of(contender)));
      y += lane;
    }
    parts.push(tag('line', { x1: 0, x2: width, y1: y + 5, y2: y + 5, stroke: '#cccccc' }));
    y += 10;
  }
  const axis = ticks(0, 4, 4).map((power) => 10 ** power).concat(most / 1000 * 1000)
    .filter((value) => value <= 10_000);
  const grid = axis.map((value) => tag('line', { x1: x(value), x2: x(value), y1: head, y2: y, stroke: '#e8e8e8' })
    + label(x(value), y + 16, ms(value), { 'text-anchor': 'middle', fill: '#555' }));
  let place = left;
  const legend = contenders.map((name) => {
    const entry = tag('circle', { cx: place, cy: 16, r: 5, fill: colours.of(name) })
      + label(place + 10, 20, name, { fill: '#222' });
    place += 34 + name.length * 6.4;
    return entry;
  });
  const caption = label(width - right, y + 34, 'the client\'s gap; a line is the median', { 'text-anchor': 'end', fill: '#555' });
  return drawing(width, y + 44, 'Gaps of clients by fault and contender', legend.join('') + grid.join('') + parts.join('') + caption);
}

function dots(
  trials: readonly Trial[], x: (gap: number) => number, y: number, colour: string,
): string {
  // Spread by their number, so that the picture is the same each time.
  const marks = trials.map(({ gapMs, tookOver }, index) => tag('circle', {
    cx: x(gapMs), cy: y + (index * 7 % 11 - 5), r: 3, 'fill-opacity': 0.55,
    fill: tookOver ? colour : 'none', stroke: colour,
  }));
  const median = x(percentile(trials.map(({ gapMs }) => gapMs), 0.5));
  return marks.join('')
    + tag('line', { x1: median, x2: median, y1: y - 9, y2: y + 9, stroke: colour, 'stroke-width': 3 });
}
