/**
 * Kubernetes' label selector grammar (apimachinery's labels.Parse) without its numeric comparisons:
 * `rack=r1`, `rack==r1`, `disk!=hdd`, `zone in (a, b)`, `zone notin (a, b)`, `gpu`, `!gpu`, joined
 * by commas, all of which must hold. Values as in core/selector.ts.
 */
import type { Selector, SelectorTerm } from '../core/selector.ts';
import { whyNotLabelKey, whyNotLabelValue } from './names.ts';
import { quote, refuse } from './problem.ts';
import type { Parsed, Refusal } from './problem.ts';

const longestSelector = 4096;
const setTerm = /^([^\s!=,()<>]+)\s+(in|notin)\s*\(([^()]*)\)$/;
const equalityTerm = /^([^\s!=,()<>]+)\s*(==|=|!=)\s*([^\s!=,()<>]*)$/;
const existenceTerm = /^(!?)\s*([^\s!=,()<>]+)$/;

/** A selector of at least one term. Refusals quote the term that is wrong. */
export function parseSelector(text: string): Parsed<Selector> {
  if (text.length > longestSelector) {
    return refuse(text, `is longer than ${longestSelector} characters.`);
  }
  if (text.trim() === '') {
    return refuse(text, 'is an empty selector: write one as in rack=r1, or leave it out for all nodes.');
  }
  const terms: SelectorTerm[] = [];
  for (const part of splitTerms(text)) {
    const term = parseTerm(part.trim());
    if ('error' in term) return term;
    terms.push(term.value);
  }
  return { value: terms };
}

/** Splits at the commas that are outside parentheses. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '(') depth += 1;
    else if (text[i] === ')') depth -= 1;
    else if (text[i] === ',' && depth <= 0) {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function parseTerm(text: string): Parsed<SelectorTerm> {
  const set = setTerm.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return checked(text, { kind: operator === 'in' ? 'in' : 'not-in', key, values });
  }
  const equality = equalityTerm.exec(text);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    return checked(text, { kind: operator === '!=' ? 'not-in' : 'in', key, values: [value] });
  }
  const existence = existenceTerm.exec(text);
  if (existence !== null) {
    const [, not, key = ''] = existence;
    return checked(text, { kind: not === '!' ? 'absent' : 'exists', key });
  }
  return refuse(text, wrongShape(text));
}

function wrongShape(text: string): string {
  if (text === '') return 'is an empty term of a selector: take out the comma too many.';
  if (/[<>]/.test(text)) return 'compares, which node selectors cannot: name values as in size in (4, 5).';
  return 'is not a term of a selector: write key=value, key!=value, key in (a, b), key notin (a, b), key or !key.';
}

function checked(text: string, term: SelectorTerm): Parsed<SelectorTerm> {
  const key = whyNotLabelKey(term.key);
  if (key !== null) return inTerm(text, term.key, key);
  for (const value of 'values' in term ? term.values : []) {
    const fault = whyNotLabelValue(value);
    if (fault !== null) return inTerm(text, value, fault);
  }
  return { value: term };
}

function inTerm(text: string, word: string, fault: string): Refusal {
  return { error: `${quote(word)} ${fault} (In ${quote(text)}.)` };
}

/** Text that `parseSelector` reads as `selector`; `*` for the empty one. */
export function formatSelector(selector: Selector): string {
  return selector.length === 0 ? '*' : selector.map(formatTerm).join(',');
}

function formatTerm(term: SelectorTerm): string {
  switch (term.kind) {
    case 'exists': return term.key;
    case 'absent': return `!${term.key}`;
    case 'in':
      return term.values.length === 1
        ? `${term.key}=${term.values.join('')}`
        : `${term.key} in (${term.values.join(',')})`;
    case 'not-in':
      return term.values.length === 1
        ? `${term.key}!=${term.values.join('')}`
        : `${term.key} notin (${term.values.join(',')})`;
  }
}
