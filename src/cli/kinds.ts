/** Kinds of things that commands name. */
import { didYouMean } from '../config/suggest.ts';
import { usage } from './context.ts';

export type Kind = 'eip' | 'node';

const spellings: Readonly<Record<string, Kind>> = {
  eip: 'eip', eips: 'eip', node: 'node', nodes: 'node',
};

/** Singular or plural, one of `kinds`; throws a usage error. */
export function checkKind(text: string, kinds: readonly Kind[]): Kind {
  const word = text.toLowerCase();
  const kind = Object.hasOwn(spellings, word) ? spellings[word] : undefined;
  if (kind !== undefined && kinds.includes(kind)) return kind;
  const known = Object.keys(spellings)
    .filter((spelling) => kinds.some((one) => one === spellings[spelling]));
  throw usage(`kind: ${JSON.stringify(text)}: is unknown here: ${didYouMean(text, known)}`);
}
