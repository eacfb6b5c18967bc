/**
 * A measurement as one HTML file that needs no network: drawings are SVG, made here, and the same
 * data is enclosed as a Vega-Lite specification. Pure.
 */
import type { MoveEvent, ProbeSummary, StartEvent, SummaryEvent } from '../events.ts';
import type { Recording } from './recorder.ts';
import { Colours, escaped, lostColour } from './svg.ts';
import { closeUpDrawing, overview } from './time-line.ts';
import { vegaLite } from './vega-lite.ts';

const style = `
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #e3e3e3; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { max-width: 100%; height: auto; } .legend span { margin-right: 1.2rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; vertical-align: -1px; }
.bad { color: #b3261e; font-weight: 600; } .note { color: #555; }
code { font-size: .92em; }`;

/** `recording` must be of a measurement that has ended. */
export function htmlReport(recording: Recording): string {
  const { start, summary, closeUps, left } = recording;
  if (start === null || summary === null) throw new RangeError('the measurement has not ended');
  const colours = new Colours();
  for (const { from, to } of recording.moves) [from, to].forEach((mac) => colours.of(mac));
  if (summary.holder !== null) colours.of(summary.holder);
  for (const mac of Object.keys(summary.claims)) colours.of(mac);
  const spec = JSON.stringify(vegaLite(summary.address, closeUps));
  const link = `data:application/json;base64,${Buffer.from(spec).toString('base64')}`;
  const whole = overview(recording, colours);
  const parts = [
    `<h1>Failover of <code>${escaped(summary.address)}</code></h1>`,
    `<p>${escaped(sentence(start, summary))}</p>`,
    ...start.notes.map((note) => `<p class="note">${escaped(note)}</p>`),
    movesTable(recording.moves, start.at),
    probesTable(summary.probes),
    `<h2>The whole measurement</h2>${legend(colours)}${whole}`,
    ...closeUps.map((closeUp, index) => (
      `<h2>Move ${index + 1}, ${seconds(closeUp.move.at - start.at)} after the beginning</h2>${closeUpDrawing(closeUp, colours)}`)),
    left > 0 ? `<p class="note">${left} moves, gaps or claims were beyond what a report keeps, and are not drawn.</p>` : '',
    '<p class="note">A gap is the time from the last answer before it to the first after it. ',
    'Answers and claims are timed by this host\'s kernel where the table says so. ',
    `The close-ups as a <a download="moves.vl.json" href="${link}">Vega-Lite specification</a>, data included.</p>`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Failover of ${escaped(summary.address)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${style}</style></head>
<body>${parts.join('\n')}</body></html>
`;
}

function sentence(start: StartEvent, summary: SummaryEvent): string {
  const when = new Date(start.at).toISOString().replace('T', ' ').slice(0, 19);
  const where = start.interface === null ? '' : `, on ${start.interface}`;
  const stall = summary.longestOwnStallMs > 10
    ? ` The measuring host was kept from its work for up to ${ms(summary.longestOwnStallMs)}.` : '';
  const missed = summary.missed > 0
    ? ` ${summary.missed} frames could not be kept up with: not all claims were seen.` : '';
  return `From ${when} UTC for ${seconds(summary.durationMs)}${where}: ${summary.moves} ${summary.moves === 1 ? 'move' : 'moves'}.${stall}${missed}`;
}

function movesTable(moves: readonly MoveEvent[], begun: number): string {
  if (moves.length === 0) return '<p>The address did not move.</p>';
  const probes = [...new Set(moves.flatMap(({ gaps }) => gaps.map(({ probe }) => probe)))];
  const rows = moves.map(({ at, from, to, gaps, late, open }) => [
    text(seconds(at - begun)), code(from), code(to),
    ...probes.map((probe) => {
      const gap = gaps.find((one) => one.probe === probe);
      return number(gap === undefined ? 'none' : gap.ms === null ? 'no end' : ms(gap.ms));
    }),
    late.claims === 0 ? text('never')
      : `<td class="bad">${late.claims} claims in ${ms(late.ms)}${open ? ' and on' : ''}</td>`,
  ]);
  return table(['at', 'from', 'to', ...probes.map((probe) => `gap, ${probe}`), 'two claim'], rows);
}

function probesTable(probes: readonly ProbeSummary[]): string {
  const rows = probes.map((probe) => [
    code(probe.probe), number(String(probe.sent)), number(String(probe.lost)),
    number(String(probe.duplicates)), number(String(probe.gaps)), number(ms(probe.longestGapMs)),
    number(optional(probe.roundTripMs.p50)), number(optional(probe.roundTripMs.p99)),
    text(probe.timestamps),
  ]);
  return table(['probe', 'asked', 'lost', 'answered twice', 'gaps', 'longest', 'round trip p50', 'p99', 'timed by'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = head.map((title) => `<th>${escaped(title)}</th>`).join('');
  return `<table><tr>${cells}</tr>${rows.map((row) => `<tr>${row.join('')}</tr>`).join('')}</table>`;
}

function legend(colours: Colours): string {
  const entries = [
    ...colours.names().map((name) => [name, colours.of(name)] as const),
    ['no answer', lostColour] as const,
  ];
  return `<p class="legend">${entries.map(([name, colour]) => (
    `<span><i style="background:${colour}"></i>${escaped(name)}</span>`)).join('')}</p>`;
}

function text(value: string): string {
  return `<td>${escaped(value)}</td>`;
}

function code(value: string): string {
  return `<td><code>${escaped(value)}</code></td>`;
}

function number(value: string): string {
  return `<td class="number">${escaped(value)}</td>`;
}

function optional(value: number | null): string {
  return value === null ? '-' : ms(value);
}

function ms(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ms`;
}

function seconds(value: number): string {
  return `${(value / 1000).toFixed(1)} s`;
}
