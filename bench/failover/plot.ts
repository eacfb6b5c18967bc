/** The client's gaps as a picture: a panel for each fault, a row for each contender. Pure. */
import { drawing, label, tag } from '../../src/measure/report/svg.ts';
import { percentile } from '../frame/bench.ts';
import type { Trial } from './judge.ts';
import { cell, type Outcome } from './outcome.ts';
import { ms, pair } from './report.ts';

const panel = { width: 540, names: 190, values: 108, row: 19, head: 30, foot: 30 };
const columns = 2;
const head = 58;
const theirs = '#c0500a';
const ours = '#0b61a4';
const text = '#222222';
const faint = '#666666';
/** The axis, ms; what is less stands at its beginning. */
const least = 0.5;
const most = 20_000;
const marks = [1, 10, 100, 1_000, 10_000];

function place(gap: number): number {
  const share = Math.log(Math.min(most, Math.max(least, gap)) / least) / Math.log(most / least);
  return panel.names + share * (panel.width - panel.names - panel.values);
}

export function plot(outcome: Outcome): string {
  const { contenders, trials } = outcome;
  const faults = outcome.faults.filter(({ name }) => trials.some(({ fault }) => fault === name));
  const panels = faults.map(({ name: fault }) => ({
    fault, rows: contenders.map(({ name, ours: isOurs }) => (
      { name, isOurs, trials: cell(outcome, name, fault) })).filter((row) => row.trials.length > 0),
  }));
  const lines: string[] = [];
  let y = head;
  for (let index = 0; index < panels.length; index += columns) {
    const abreast = panels.slice(index, index + columns);
    abreast.forEach(({ fault, rows }, column) => {
      const inner = drawPanel(fault, rows);
      lines.push(tag('g', { transform: `translate(${String(column * panel.width)} ${String(y)})` }, inner));
    });
    const rows = Math.max(...abreast.map((one) => one.rows.length));
    y += panel.head + rows * panel.row + panel.foot;
  }
  return drawing(columns * panel.width, y, 'What a client misses, by fault and contender',
    legend() + lines.join(''));
}

function legend(): string {
  const key = (x: number, colour: string, name: string): string => (
    tag('circle', { cx: x, cy: 38, r: 5, fill: colour }) + label(x + 10, 42, name, { fill: text }));
  return label(14, 20, 'What a client misses when the holder of its address fails', {
    'font-weight': 'bold', 'font-size': 15, fill: text,
  }) + key(20, theirs, 'keepalived') + key(120, ours, 'Tenure')
    + label(196, 42, 'small dots: runs;  large dot: p50;  upright line: p99;  logarithmic, less is better', { fill: faint });
}

interface Row {
  readonly name: string;
  readonly isOurs: boolean;
  readonly trials: readonly Trial[];
}

function drawPanel(fault: string, rows: readonly Row[]): string {
  const bottom = panel.head + rows.length * panel.row;
  const grid = marks.map((value) => tag('line', {
    x1: place(value), x2: place(value), y1: panel.head - 4, y2: bottom, stroke: '#dddddd',
  }) + label(place(value), bottom + 14, ms(value), {
    'text-anchor': 'middle', fill: faint, 'font-size': 11,
  }));
  const title = label(14, 18, fault, { 'font-weight': 'bold', 'font-size': 14, fill: text })
    + label(panel.width - 14, 18, 'p50 / p99', { 'text-anchor': 'end', fill: faint, 'font-size': 11 });
  return title + grid.join('')
    + rows.map((row, index) => drawRow(row, panel.head + (index + 0.5) * panel.row)).join('');
}

function drawRow({ name, isOurs, trials }: Row, y: number): string {
  const colour = isOurs ? ours : theirs;
  const gaps = trials.map(({ gapMs }) => gapMs);
  const [p50, p99] = [percentile(gaps, 0.5), percentile(gaps, 0.99)];
  // Spread by their number, so that the picture is the same each time.
  const dots = trials.map(({ gapMs, tookOver }, index) => tag('circle', {
    cx: place(gapMs), cy: y + (index * 7 % 11 - 5) * 0.8, r: 2, 'fill-opacity': 0.35,
    fill: tookOver ? colour : 'none', stroke: tookOver ? 'none' : colour,
  }));
  return label(panel.names - 12, y + 4, name, { 'text-anchor': 'end', fill: text })
    + tag('line', { x1: place(p50), x2: place(p99), y1: y, y2: y, stroke: colour, 'stroke-width': 2 })
    + dots.join('')
    + tag('line', { x1: place(p99), x2: place(p99), y1: y - 6, y2: y + 6, stroke: colour, 'stroke-width': 3 })
    + tag('circle', { cx: place(p50), cy: y, r: 5, fill: colour, stroke: '#ffffff' })
    + label(panel.width - 14, y + 4, pair(ms(p50), ms(p99)), {
      'text-anchor': 'end', fill: text, 'font-weight': isOurs ? 'bold' : 'normal',
    });
}
