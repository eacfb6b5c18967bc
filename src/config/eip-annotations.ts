/** Tenure's own settings of an Eip: annotations, so that OpenELB's schema stays as it is. */
import type { Selector } from '../core/selector.ts';
import { parseBurst } from './burst.ts';
import type { BurstSettings } from './burst.ts';
import { FieldReader } from './field-reader.ts';
import { failback, oneOf, wholeNumberIn } from './option-values.ts';
import { announceModes } from './options.ts';
import type { Parsed } from './problem.ts';
import { parseSelector } from './selector.ts';
import { didYouMean } from './suggest.ts';
import type { YamlEntry } from './yaml-source.ts';

export const annotationPrefix = 'tenure.io/';
const vridAnnotation = 'vrid';
/** Whole name of the annotation that holds an Eip's VRID. */
export const vridKey = `${annotationPrefix}${vridAnnotation}`;

/** What the annotations say; what they leave out is the agent's default. */
export interface AnnotationSettings {
  readonly announce?: 'bind' | 'respond';
  /** Nodes that may hold the addresses; left out: all. */
  readonly selector?: Selector;
  /** Null: never. */
  readonly failbackMs?: number | null;
  readonly burst?: Partial<BurstSettings>;
  readonly forceSubnet?: boolean;
  /** VRID, of an Eip with spec.protocol: vip. */
  readonly vrid?: number;
  /** Who says where an Eip with spec.protocol: vip is to be: VRRP alone unless `lease`. */
  readonly referee?: Referee;
}

export const referees = ['none', 'lease'] as const;
export type Referee = (typeof referees)[number];

interface Annotation {
  /** Behind the prefix. */
  readonly name: string;
  readonly example: string;
  readonly about: string;
  readonly read: (text: string) => Parsed<AnnotationSettings>;
}

function reading<T>(
  read: (text: string) => Parsed<T>, put: (value: T) => AnnotationSettings,
): Annotation['read'] {
  return (text) => {
    const parsed = read(text);
    return 'error' in parsed ? parsed : { value: put(parsed.value) };
  };
}

export const annotations: readonly Annotation[] = [
  {
    name: 'announce', example: 'respond',
    about: '`bind` or `respond`: whether the addresses are put on the interface of the node that holds them.',
    read: reading(oneOf(announceModes), (announce) => ({ announce })),
  },
  {
    name: 'node-selector', example: 'rack in (r1,r2),!gpu',
    about: 'Nodes that may hold the addresses, by their labels: Kubernetes\' selector grammar, `key=value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key`, `!key`, joined by commas. Without it, all nodes.',
    read: reading(parseSelector, (selector) => ({ selector })),
  },
  {
    name: 'failback', example: '5m',
    about: '`never`, or the time for which the preferred node must have been fit before an address goes back to it.',
    read: reading(failback, (failbackMs) => ({ failbackMs })),
  },
  {
    name: 'burst', example: 'count=8,interval=50ms',
    about: 'Claims on taking an address over, as in `eips.burst`.',
    read: reading(parseBurst, (burst) => ({ burst })),
  },
  {
    name: 'force-subnet', example: '"true"',
    about: '`true`: announce the addresses though they lie in no subnet of the interface.',
    read: reading(oneOf(['true', 'false']), (word) => ({ forceSubnet: word === 'true' })),
  },
  {
    name: vridAnnotation, example: '"51"',
    about: 'VRID of an Eip with `spec.protocol: vip`, 1 to 255. With a store, agents choose one and write it here, once for the cluster ([VRRP](keepalive-vip.md)).',
    read: reading(wholeNumberIn(1, 255), (vrid) => ({ vrid })),
  },
  {
    name: 'referee', example: 'lease',
    about: '`lease`: of an Eip with `spec.protocol: vip`, a lease in the store says which node is to be master, and keepalived\'s priorities follow it ([VRRP](keepalive-vip.md)). `none` without it.',
    read: reading(oneOf(referees), (referee) => ({ referee })),
  },
];

/** Reads those of our prefix; others are let be, as they are other programs'. */
export function readAnnotations(
  reader: FieldReader, entry: YamlEntry, path: string,
): AnnotationSettings {
  let settings: AnnotationSettings = {};
  for (const [key, value] of reader.entries(entry.value, path) ?? []) {
    const at = `${path}[${key}]`;
    const text = reader.string(value, at);
    if (text === null || !key.startsWith(annotationPrefix)) continue;
    const name = key.slice(annotationPrefix.length);
    const annotation = annotations.find((known) => known.name === name);
    if (annotation === undefined) {
      const known = annotations.map((one) => `${annotationPrefix}${one.name}`);
      reader.report(value.line, at, `unknown annotation: ${didYouMean(key, known)}`);
      continue;
    }
    const read = annotation.read(text);
    if ('error' in read) reader.report(value.value.line, at, read.error);
    else settings = { ...settings, ...read.value };
  }
  return settings;
}
