/**
 * Which nodes may hold an EIP: Kubernetes label selectors (equality and set-based) as values.
 * src/config/selector.ts reads them from text. Pure.
 */

/** One requirement on a node's labels. */
export type SelectorTerm =
  /** The label is there, with one of `values`. */
  | { readonly kind: 'in'; readonly key: string; readonly values: readonly string[] }
  /** The label is absent, or has none of `values`. */
  | { readonly kind: 'not-in'; readonly key: string; readonly values: readonly string[] }
  | { readonly kind: 'exists'; readonly key: string }
  | { readonly kind: 'absent'; readonly key: string };

/** Every term must hold; without terms, every node matches. */
export type Selector = readonly SelectorTerm[];

export function matchesSelector(
  selector: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return selector.every((term) => matchesTerm(term, labels));
}

function matchesTerm(term: SelectorTerm, labels: Readonly<Record<string, string>>): boolean {
  // Own properties only: a label may be called "constructor".
  const value = Object.hasOwn(labels, term.key) ? labels[term.key] : undefined;
  switch (term.kind) {
    case 'in': return value !== undefined && term.values.includes(value);
    case 'not-in': return value === undefined || !term.values.includes(value);
    case 'exists': return value !== undefined;
    case 'absent': return value === undefined;
  }
}
