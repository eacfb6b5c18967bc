/** What may have been meant by a keyword that is not known where it stands. */
import { joinWords } from '../describe.ts';
import { root } from '../table/root.ts';
import type { Keywords } from '../table/shapes.ts';

/** Half a sentence, or nothing. */
export function suggest(keyword: string, here: Keywords): string {
  const near = Object.keys(here).find((known) => isNear(keyword, known));
  if (near !== undefined) return `; did you mean "${near}"?`;
  const blocks = blocksWith(keyword, root, '');
  return blocks.length === 0 || blocks.length > 3 ? '' : `; it belongs ${joinWords(blocks, 'or')}`;
}

/** Whether one letter added, dropped, changed or swapped makes the one of the other. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || a.length < 4) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return Math.max(left.length, right.length) <= 1
    || (left.length === 2 && left === `${right.slice(1)}${right.slice(0, 1)}`);
}

/** Where a keyword is known. */
function blocksWith(keyword: string, keywords: Keywords, block: string): string[] {
  const own = Object.hasOwn(keywords, keyword)
    ? [block === '' ? 'outside all blocks' : `in ${block}`] : [];
  const inner = Object.entries(keywords).flatMap(([name, { shape, deprecated }]) => {
    const plain = shape.kind === 'opaque' ? shape.of : shape;
    return plain.kind === 'block' && !deprecated ? blocksWith(keyword, plain.keywords, name) : [];
  });
  return [...new Set([...own, ...inner])];
}
