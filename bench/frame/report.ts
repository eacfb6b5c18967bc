import type { Machine } from '../machine.ts';
import { distribution, isMet, percentile, type Figure } from './bench.ts';

export function machineLine({ cpu, cores, memoryGiB, kernel, node }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}`;
}

/** A table for people: one row a figure. */
export function figureTable(figures: readonly Figure[]): string {
  const head = ['', 'unit', 'n', 'p50', 'p99', 'max', 'wanted', 'against'];
  const rows = figures.map((figure) => {
    const { n, p50, p99, max } = distribution(figure.samples);
    return [
      figure.what, figure.unit, String(n), short(p50), short(p99), short(max), wanted(figure),
      against(figure, figures),
    ];
  });
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) => row.map((cell, column) => (
    column < 2 || column > 5 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
  )).join('  ').trimEnd()).join('\n');
}

function wanted(figure: Figure): string {
  if (figure.wanted === undefined) return '';
  const { percentile: share, atMost } = figure.wanted;
  const which = share === 1 ? 'max' : `p${Math.round(share * 100)}`;
  return `${which} <= ${short(atMost)}: ${isMet(figure) === true ? 'met' : 'MISSED'}`;
}

function against(figure: Figure, figures: readonly Figure[]): string {
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
