/** The little of SVG that the drawings need. Pure. */

/** Text as it may stand in XML. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

type Attributes = Readonly<Record<string, string | number>>;

export function tag(name: string, attributes: Attributes, inner = ''): string {
  const list = Object.entries(attributes).map(([key, value]) => (
    ` ${key}="${typeof value === 'number' ? short(value) : escaped(value)}"`)).join('');
  return inner === '' ? `<${name}${list}/>` : `<${name}${list}>${inner}</${name}>`;
}

/** `x`, `y`: of the baseline's beginning, or what `text-anchor` says. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return tag('text', { x, y, ...attributes }, escaped(text));
}

/** A whole drawing, for a page or a file of its own. */
export function drawing(width: number, height: number, title: string, inner: string): string {
  return tag('svg', {
    xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${short(width)} ${short(height)}`,
    width: short(width), role: 'img', 'font-family': 'system-ui, sans-serif', 'font-size': 12,
  }, `${tag('title', {}, escaped(title))}${tag('rect', { width, height, fill: '#ffffff' })}${inner}`);
}

/** A tenth of a pixel is enough. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Round numbers, about `wanted` of them, within [least, most]. */
export function ticks(least: number, most: number, wanted: number): number[] {
  const rough = (most - least) / wanted;
  if (!(rough > 0) || !Number.isFinite(rough)) return [least];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const list: number[] = [];
  for (let index = Math.ceil(least / step); index * step <= most; index += 1) {
    list.push(Number((index * step).toPrecision(12)));
  }
  return list;
}

/** Okabe and Ito's colours, that colour-blind people can tell apart; black and yellow left out. */
const palette = ['#0072b2', '#009e73', '#cc79a7', '#56b4e9', '#8c564b', '#e69f00'];
export const lostColour = '#d55e00';
export const greyColour = '#8a8a8a';

/** The same name has the same colour throughout a report. */
export class Colours {
  readonly #known = new Map<string, string>();

  of(name: string | null): string {
    if (name === null) return greyColour;
    const known = this.#known.get(name) ?? palette[this.#known.size % palette.length] ?? greyColour;
    this.#known.set(name, known);
    return known;
  }

  /** In the order in which they were asked for. */
  names(): string[] {
    return [...this.#known.keys()];
  }
}
