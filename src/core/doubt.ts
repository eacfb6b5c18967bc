/**
 * Nodes that lost a tenure without having been restarted: deposed, as a rule, though they ran. Such
 * a node is chosen last, as heir and as holder, until it has kept a tenure for a while: else it is
 * given addresses that it loses again. Each node remembers what it saw; where two differ, the swap
 * decides.
 */
import type { Draft } from './draft.ts';
import type { NodeLease } from './model.ts';

export interface Doubt {
  readonly boot: number;
  readonly incarnation: number;
  /** Tenures that it lost: each counts half after every `doubtMs`. */
  readonly score: number;
  /** When `score` was that, CLOCK_BOOTTIME ms. */
  readonly at: number;
}

const mostScore = 4;
/** Below this it is chosen like any other. */
const noneBelow = 0.5;
const mostNodes = 4096;

/** The store shows `lease`: perhaps a later tenure of a run that had one before. */
export function noteTenure(draft: Draft, { id, record }: NodeLease): void {
  const { node, incarnation } = id;
  const known = draft.doubts.get(node);
  if (known !== undefined && known.incarnation >= incarnation) return;
  const lost = known?.boot === record.boot;
  const score = Math.min(mostScore, scoreOf(draft, node) + (lost ? 1 : 0));
  draft.doubts.set(node, { boot: record.boot, incarnation, score, at: draft.now.boot });
  if (lost) draft.tell({ kind: 'doubted', of: id });
  draft.doubts.limit(mostNodes);
}

function scoreOf(draft: Draft, node: string): number {
  const { doubtMs = 0 } = draft.options;
  const known = draft.doubts.get(node);
  if (known === undefined || known.score === 0 || doubtMs === 0) return 0;
  return known.score * 2 ** ((known.at - draft.now.boot) / doubtMs);
}

/** 0: none. The higher, the later it is chosen. */
export function doubtOf(draft: Draft, node: string): number {
  const score = scoreOf(draft, node);
  return score < noneBelow ? 0 : Math.ceil(score);
}

/** When the next node is beyond doubt again; Infinity: all are. */
export function nextTrusted(draft: Draft): number {
  const { doubtMs = 0 } = draft.options;
  let next = Infinity;
  if (doubtMs === 0) return next;
  for (const { score, at } of draft.doubts.value.values()) {
    const until = at + doubtMs * Math.log2(score / noneBelow);
    // A moment later, so that it is not just short of it.
    if (until >= draft.now.boot) next = Math.min(next, until + 1);
  }
  return next;
}
