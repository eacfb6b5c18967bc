/** The trials as Markdown: what README.md shows, and the whole. Pure. */
import { percentile } from '../frame/bench.ts';
import { markdownTable } from '../frame/report.ts';
import { goals } from './goals.ts';
import { cell, type Outcome } from './outcome.ts';
import type { Trial } from './judge.ts';

export function ms(value: number): string {
  if (!Number.isFinite(value)) return 'never';
  if (value === 0) return 'none';
  if (value >= 1000) return `${Number((value / 1000).toPrecision(3))} s`;
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ms`;
}

/** What is the same in both once. */
export function pair(p50: string, p99: string): string {
  if (p50 === p99) return p50;
  const [value, unit] = p50.split(' ');
  return unit !== undefined && p99.endsWith(` ${unit}`) ? `${value} / ${p99}` : `${p50} / ${p99}`;
}

/** A gap that ended only because the fault did counts as it is, and is marked. */
function gapCell(trials: readonly Trial[]): string {
  if (trials.length === 0) return '–';
  const gaps = trials.map(({ gapMs }) => gapMs);
  const stuck = trials.filter(({ tookOver }) => !tookOver).length;
  const mark = stuck === 0 ? '' : ` (nobody took over: ${stuck} of ${trials.length})`;
  return `${pair(ms(percentile(gaps, 0.5)), ms(percentile(gaps, 0.99)))}${mark}`;
}

/** Of less than 50 ms it is known only that it is less. */
function newcomerCell(trials: readonly Trial[]): string {
  if (trials.length === 0) return '–';
  const waits = trials.map(({ newcomerMs }) => newcomerMs);
  const text = (wait: number): string => (wait < 50 ? '< 50 ms' : ms(wait));
  return pair(text(percentile(waits, 0.5)), text(percentile(waits, 0.99)));
}

function claimCell(trials: readonly Trial[]): string {
  if (trials.length === 0) return '–';
  const waits = trials.map(({ claimMs }) => claimMs ?? Infinity);
  return pair(ms(percentile(waits, 0.5)), ms(percentile(waits, 0.99)));
}

function lateCell(trials: readonly Trial[]): string {
  if (trials.length === 0) return '–';
  const late = trials.filter(({ lateClaims }) => lateClaims > 0);
  if (late.length === 0) return `0 of ${trials.length}`;
  const median = percentile(late.map(({ lateMs }) => lateMs), 0.5);
  return `**${late.length} of ${trials.length}**, ${ms(median)}`;
}

function needlessCell(trials: readonly Trial[]): string {
  const counted = trials.filter(({ needless }) => needless !== null);
  if (counted.length === 0) return '–';
  const sum = counted.reduce((total, { needless }) => total + (needless ?? 0), 0);
  return `${sum} in ${counted.length}`;
}

interface Column {
  readonly title: string;
  readonly of: (trials: readonly Trial[]) => string;
}

/** A row for each contender, a column for each fault that was met; `last`: of all faults. */
function table(
  outcome: Outcome, of: (trials: readonly Trial[]) => string, last: readonly Column[] = [],
): string {
  const { contenders, trials } = outcome;
  const faults = outcome.faults.filter(({ name }) => trials.some(({ fault }) => fault === name));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const titles = [...faults.map(({ name }) => name), ...last.map(({ title }) => title)];
  return [
    line(['', ...titles]), line(['---', ...titles.map(() => '---')]),
    ...contenders.map(({ name }) => line([
      name, ...faults.map((fault) => of(cell(outcome, name, fault.name))),
      ...last.map((column) => column.of(trials.filter(({ contender }) => contender === name))),
    ])),
  ].join('\n');
}

/** Of which share of the runs. */
const twoClaim: Column = {
  title: 'two claim',
  of: (trials) => {
    const late = trials.filter(({ lateClaims }) => lateClaims > 0).length;
    return late === 0 ? `never (${trials.length} runs)` : `**${late} of ${trials.length} runs**`;
  },
};

function least({ contenders, faults, trials }: Outcome): number {
  const counts = faults.flatMap(({ name: fault }) => contenders.map(({ name }) => (
    trials.filter((one) => one.contender === name && one.fault === fault).length)));
  return Math.min(...counts.filter((count) => count > 0));
}

/** `svg`: its file name in bench/results. */
export function readmeTable(outcome: Outcome, svg: string): string {
  return `What a client that sends 1,000 packets a second misses, p50 / p99 of at least ${least(outcome)} runs each; and in
how many runs the old holder claimed the address after the new one had:

${table(outcome, gapCell, [twoClaim])}

![What a client misses, by fault and contender](bench/results/${svg})`;
}

/** `svg`: path of the picture from where the Markdown is. */
export function markdown(outcome: Outcome, svg: string): string {
  const { faults, leftOut, trials, unfinished } = outcome;
  const figures = goals(outcome);
  const list = (title: string, lines: readonly string[]): string => (
    lines.length === 0 ? '' : `${title}\n\n${lines.map((line) => `- ${line}`).join('\n')}\n\n`);
  return `## failover: side by side

${trials.length} faults in all, each at least ${least(outcome)} times; contenders take turns in the same namespaces.
A client sends 1,000 packets a second; a gap is the time from its last answer to the next holder's
first, by kernel time (\`tenure measure\`). None: none of more than 20 ms, and no change of who
answered that could be told.

${list('Left out:', leftOut)}${list('Turns that ended early:', unfinished)}### The client's gap, p50 / p99

${table(outcome, gapCell)}

![Gaps](${svg})

### What is wanted

${markdownTable(figures.filter(({ wanted }) => wanted !== undefined), figures)}

### How long a newcomer has to wait, p50 / p99

The longest time without an answer to the question who has the address (ARP, 50 times a second). A
daemon that died or hangs may leave a machine that serves those who know it, and answers nobody else.

${table(outcome, newcomerCell)}

### From the fault to another's first claim, p50 / p99

Counted from when the bench begins to do it: running \`ip\` or \`tenure move\` is in it. A store outage
alone has nobody else claim; before a cable cut it is there for half a second, which is in it too.

${table(outcome, claimCell)}

### Claims by the old holder after the new one's first

In how many runs, and for how long at the median, by a sniffer on every cable of the switch. Where
the old holder never falls silent by itself, that is until the fault was undone.

${table(outcome, lateCell)}

### Moves that nobody asked for

Where changes of hands are counted (terms): beyond the one of the fault, such as false depositions on
a busy machine, in how many runs.

${table(outcome, needlessCell)}

### The faults

${faults.map(({ name, about }) => `- **${name}**: ${about}.`).join('\n')}`;
}
