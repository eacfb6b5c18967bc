/** Ending the node lease of a deposed node ahead of its expiry: in the background. */
import type { Draft } from '../draft.ts';
import { hash32 } from '../hash.ts';
import type { StoreAnswer } from '../requests.ts';
import { withEntry } from './types.ts';

/** One node of those that have the certificate begins; each other waits so much longer, ms. */
const turnMs = 200;
/** An eviction that was refused or not answered is tried again after so long, ms. */
const againMs = 1000;

/** Called in every tick. */
export function evict(draft: Draft): void {
  const { voting, now, open } = draft;
  for (const node of voting.evictAt.keys()) {
    if (!voting.certificates.has(node)) forget(draft, node);
  }
  if (open === null) return;
  for (const [node, { of }] of voting.certificates) {
    const at = draft.voting.evictAt.get(node);
    if (at === undefined) {
      schedule(draft, node, now.boot + turn(draft, node) * turnMs);
    } else if (now.boot >= at) {
      const lease = draft.nodes.get(node);
      if (lease === undefined) continue;
      draft.request({
        kind: 'evict', tenure: of, revision: lease.revision, by: draft.options.node,
      }, { kind: 'evict', sentAt: now.boot, node });
      schedule(draft, node, Infinity);
    }
  }
}

function schedule(draft: Draft, node: string, at: number): void {
  draft.voting = { ...draft.voting, evictAt: withEntry(draft.voting.evictAt, node, at) };
}

function forget(draft: Draft, node: string): void {
  const evictAt = new Map(draft.voting.evictAt);
  evictAt.delete(node);
  draft.voting = { ...draft.voting, evictAt };
}

/** Our place among the nodes that could do it; the same order for everyone. */
function turn(draft: Draft, node: string): number {
  const rank = (each: string): number => hash32(`${node}\n${each}`);
  const own = rank(draft.options.node);
  return [...draft.nodes.value.keys()].filter((each) => each !== node && rank(each) < own).length;
}

export function onEvictAnswer(draft: Draft, node: string, answer: StoreAnswer | null): void {
  if (answer?.kind === 'evicted') draft.tell({ kind: 'evicted', node });
  if (draft.voting.certificates.has(node)) schedule(draft, node, draft.now.boot + againMs);
}
