/** Time lines of a recording: the whole of it, and each move from near by. Pure. */
import type { CloseUp, Mark, Recording } from './recorder.ts';
import { drawing, greyColour, label, lostColour, tag, ticks, type Colours } from './svg.ts';

const width = 960;
const left = 170;
const right = 16;
const rowHeight = 26;
const top = 8;
const axisHeight = 34;
const inner = width - left - right;

interface Frame {
  /** The x of an instant, kept within the drawing. */
  readonly x: (at: number) => number;
  readonly height: number;
  /** Axis, grid and row names. */
  readonly furniture: string;
}

/** `unit`: what ticks are written in, ms each; `zero`: where it counts from. */
function frame(
  rows: readonly string[], from: number, to: number,
  { zero, unit, name }: { readonly zero: number; readonly unit: number; readonly name: string },
): Frame {
  const height = top + rows.length * rowHeight + axisHeight;
  const bottom = height - axisHeight;
  const x = (at: number): number => (
    left + inner * Math.min(1, Math.max(0, (at - from) / Math.max(1e-6, to - from))));
  const grid = ticks((from - zero) / unit, (to - zero) / unit, 9).map((tick) => {
    const at = x(zero + tick * unit);
    return tag('line', { x1: at, x2: at, y1: top, y2: bottom, stroke: '#e3e3e3' })
      + label(at, bottom + 15, String(tick), { 'text-anchor': 'middle', fill: '#555' });
  });
  const names = rows.map((row, index) => label(
    left - 10, top + index * rowHeight + 17, row, { 'text-anchor': 'end', fill: '#222' }));
  const caption = label(width - right, bottom + 30, name, { 'text-anchor': 'end', fill: '#555' });
  return { x, height, furniture: grid.join('') + names.join('') + caption };
}

function rowTop(index: number): number {
  return top + index * rowHeight;
}

/** One thin line an instant; instants on one pixel are drawn once. */
function strokes(
  marks: readonly Mark[], x: (at: number) => number, row: number,
  look: { readonly colour: (mark: Mark) => string; readonly share?: number },
): string {
  const { colour, share = 0.7 } = look;
  const length = rowHeight * share;
  const y = rowTop(row) + (rowHeight - length) / 2;
  const byColour = new Map<string, Set<number>>();
  for (const mark of marks) {
    const of = colour(mark);
    const places = byColour.get(of) ?? new Set();
    byColour.set(of, places.add(Math.round(x(mark.at) * 2) / 2));
  }
  return [...byColour].map(([stroke, places]) => tag('path', {
    d: [...places].map((place) => `M${place} ${y.toFixed(1)}v${length.toFixed(1)}`).join(''),
    stroke, 'stroke-width': 1, fill: 'none',
  })).join('');
}

/** Who was served by whom over the whole measurement, and who claimed. */
export function overview(recording: Recording, colours: Colours): string {
  const { start, summary, moves, gaps, claims } = recording;
  if (start === null || summary === null) return '';
  const [from, to] = [start.at, summary.at];
  const probes = summary.probes.map(({ probe }) => probe);
  const macs = [...new Set([...colours.names(), ...Object.keys(summary.claims)])];
  const rows = [...probes, ...macs.map((mac) => `${mac} claims`)];
  const { x, height, furniture } = frame(rows, from, to, {
    zero: from, unit: 1000, name: 'seconds since the beginning',
  });
  const first = moves[0]?.from ?? summary.holder;
  const holders = [{ at: from, mac: first }, ...moves.map(({ at, to: mac }) => ({ at, mac }))];
  const bars = probes.flatMap((probe, row) => [
    ...holders.map(({ at, mac }, index) => {
      const end = holders[index + 1]?.at ?? to;
      return tag('rect', {
        x: x(at), width: Math.max(0, x(end) - x(at)), y: rowTop(row) + 6, height: rowHeight - 12,
        fill: summary.probes[row]?.answered === 0 ? '#dddddd' : colours.of(mac),
      });
    }),
    // A gap is shown however short: two pixels at least.
    ...gaps.filter((gap) => gap.probe === probe).map((gap) => tag('rect', {
      x: x(gap.from), width: Math.max(2, x(gap.to) - x(gap.from)), y: rowTop(row) + 3,
      height: rowHeight - 6, fill: lostColour,
    })),
  ]);
  const claimed = macs.map((mac, index) => strokes(
    claims.filter((claim) => claim.mac === mac), x, probes.length + index,
    { colour: ({ mac: of }) => colours.of(of) },
  ));
  return drawing(width, height, 'The whole measurement', furniture + bars.join('') + claimed.join(''));
}

/** One move: every answer, every lost question, every claim, in ms around the new one's first. */
export function closeUpDrawing(closeUp: CloseUp, colours: Colours): string {
  const { move, from, to, probes, claims } = closeUp;
  const macs = [...new Set([move.from, move.to, ...claims.map(({ mac }) => mac ?? '')])];
  const rows = [...probes.map(({ probe }) => `${probe} answers`), ...macs.map((mac) => `${mac} claims`)];
  const { x, height, furniture } = frame(rows, from, to, {
    zero: move.at, unit: 1, name: 'ms after the new holder\'s first claim or answer',
  });
  const gaps = probes.flatMap(({ probe }, row) => {
    const gap = move.gaps.find((one) => one.probe === probe);
    if (gap?.from === undefined || gap.from === null) return [];
    const end = gap.to ?? to;
    return [
      tag('rect', {
        x: x(gap.from), width: Math.max(1, x(end) - x(gap.from)), y: rowTop(row) + 1,
        height: rowHeight - 2, fill: '#fbe3d6',
      }),
      label((x(gap.from) + x(end)) / 2, rowTop(row) + 17, gap.ms === null ? '' : `${gap.ms.toFixed(1)} ms`, {
        'text-anchor': 'middle', 'font-weight': 'bold', fill: '#7a3300', stroke: '#fbe3d6',
        'stroke-width': 4, 'paint-order': 'stroke',
      }),
    ];
  });
  const marks = probes.map(({ answers, lost }, row) => (
    strokes(answers, x, row, { colour: ({ mac }) => colours.of(mac) })
    + strokes(lost, x, row, { colour: () => lostColour, share: 0.2 })));
  const claimed = macs.map((mac, index) => strokes(
    claims.filter((claim) => claim.mac === mac), x, probes.length + index,
    { colour: () => colours.of(mac) },
  ));
  const zero = tag('line', {
    x1: x(move.at), x2: x(move.at), y1: top, y2: height - axisHeight, stroke: greyColour,
    'stroke-dasharray': '4 3',
  });
  const [labels, bands] = [gaps.filter((_, i) => i % 2 === 1), gaps.filter((_, i) => i % 2 === 0)];
  return drawing(width, height, `Move to ${move.to}`, bands.join('') + furniture + zero
    + marks.join('') + claimed.join('') + labels.join(''));
}
