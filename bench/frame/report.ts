import type { Machine } from '../machine.ts';
import { distribution, judged, percentile, type Figure, type Judged } from './bench.ts';

export function machineLine({ cpu, cores, memoryGiB, kernel, node }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}`;
}

const head = ['', 'unit', 'n', 'p50', 'p99', 'max', 'wanted', 'against'];

function rowsOf(figures: readonly Figure[], all: readonly Figure[] = figures): string[][] {
  return figures.map((figure) => {
    const { n, p50, p99, max } = distribution(figure.samples);
    return [
      figure.what, figure.unit, String(n), short(p50), short(p99), short(max),
      judged(figure, all).map(goalText).join('; '), against(figure, all),
    ];
  });
}

/** A table for people: one row a figure. */
export function figureTable(figures: readonly Figure[]): string {
  const all = [head, ...rowsOf(figures)];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) => row.map((cell, column) => (
    column < 2 || column > 5 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
  )).join('  ').trimEnd()).join('\n');
}

/** The same as Markdown; `all`: those that they are set against too. */
export function markdownTable(figures: readonly Figure[], all = figures): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const sides = head.map((_, column) => (column < 2 || column > 5 ? '---' : '---:'));
  return [line(head), line(sides), ...rowsOf(figures, all).map(line)].join('\n');
}

function goalText({ percentile: share, atMost, times, met }: Judged): string {
  const limit = `${nameOf(share)} <= ${short(atMost)}${times === undefined ? '' : 'x'}`;
  if (met === null) return `${limit}: not measured`;
  return `${limit}: ${met ? 'met' : 'MISSED'}`;
}

function nameOf(share: number): string {
  return share === 1 ? 'max' : `p${Math.round(share * 100)}`;
}

/** Both values and their ratio, of what is compared. */
function against(figure: Figure, figures: readonly Figure[]): string {
  const ratios = judged(figure, figures).flatMap(({ percentile: share, value, base }) => (
    base === null ? [] : [`${nameOf(share)} ${short(value)} / ${short(base)} = ${short(value / base)}x`]
  ));
  const [goal] = judged(figure, figures).filter(({ times }) => times !== undefined);
  if (goal?.times !== undefined) return `${ratios.join(', ')}${ratios.length === 0 ? '' : ' of '}${goal.times}`;
  const peer = figures.find((one) => one.what === figure.peer);
  if (peer === undefined) return '';
  const ratio = percentile(figure.samples, 0.5) / percentile(peer.samples, 0.5);
  return `${short(ratio)} x ${peer.what}`;
}

/** Three digits that matter. */
function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
