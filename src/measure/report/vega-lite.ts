/** The close-ups as a Vega-Lite specification, data included, for who wants to draw on. Pure. */
import type { CloseUp } from './recorder.ts';

interface Point {
  /** Which move, from 1. */
  readonly move: number;
  readonly row: string;
  /** After the new holder's first claim or answer. */
  readonly ms: number;
  readonly what: 'answer' | 'lost' | 'claim';
  readonly by: string;
}

export function vegaLite(address: string, closeUps: readonly CloseUp[]): object {
  const values = closeUps.flatMap(({ move: { at: zero }, probes, claims }, index): Point[] => {
    const point = (what: Point['what'], row: string, at: number, by: string): Point => (
      { move: index + 1, row, ms: Math.round((at - zero) * 1000) / 1000, what, by });
    return [
      ...probes.flatMap(({ probe, answers, lost }) => [
        ...answers.map(({ at, mac }) => point('answer', probe, at, mac ?? 'unknown')),
        ...lost.map(({ at }) => point('lost', probe, at, 'nobody')),
      ]),
      ...claims.map(({ at, mac }) => point('claim', `claims by ${mac ?? '?'}`, at, mac ?? '?')),
    ];
  });
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: `Moves of ${address}`,
    data: { values },
    facet: { row: { field: 'move', type: 'ordinal', title: 'move' } },
    resolve: { scale: { x: 'independent', y: 'independent' } },
    spec: {
      width: 800, height: { step: 24 },
      mark: { type: 'tick', thickness: 1, tooltip: true },
      encoding: {
        x: { field: 'ms', type: 'quantitative', title: 'ms after the first claim', scale: { zero: false } },
        y: { field: 'row', type: 'nominal', title: null },
        color: { field: 'by', type: 'nominal', title: 'by' },
      },
    },
  };
}
