/** Takes in what the store's watch tells. */
import { noteTenure } from './doubt.ts';
import type { Draft } from './draft.ts';
import type { Eip, EipLease, NodeLease, ViewChange } from './model.ts';
import { forgetReports } from './quorum/voting.ts';
import { adoptLease, endTenure } from './tenure.ts';

/** Nodes whose ends are remembered: more names than any cluster has at a time. */
const mostEnds = 4096;

export function onView(draft: Draft, change: ViewChange): void {
  if (change.reset) forgetUnlisted(draft, change);
  draft.revision = Math.max(draft.revision, change.revision);
  for (const { node, lease } of change.nodes) applyNode(draft, node, lease, change.revision);
  for (const { eip, lease } of change.leases) applyLease(draft, eip, lease, change.revision);
  for (const { node, drained } of change.drains) {
    if (drained) draft.drains.set(node, true);
    else draft.drains.delete(node);
    refit(draft, node);
  }
  for (const { eip, move } of change.moves) {
    if (move) draft.moves.set(eip, move);
    else draft.moves.delete(eip);
    draft.dirty.add(eip);
  }
  if (!draft.listed) draft.touchAll();
  draft.listed = true;
}

/** A list is the whole truth: what it leaves out is gone, and its revision is the store's. */
function forgetUnlisted(draft: Draft, change: ViewChange): void {
  if (change.revision < draft.revision) {
    draft.tell({ kind: 'store-went-back', from: draft.revision, to: change.revision });
    draft.revision = change.revision;
    for (const node of [...draft.nodes.value.keys()]) draft.nodes.delete(node);
    for (const eip of [...draft.leases.value.keys()]) draft.setLease(eip, null);
    draft.ends.clear();
    endTenure(draft, 'store-reset');
  }
  const nodes = new Set(change.nodes.map(({ node }) => node));
  for (const node of [...draft.nodes.value.keys()]) {
    if (!nodes.has(node)) applyNode(draft, node, null, change.revision);
  }
  const leases = new Set(change.leases.map(({ eip }) => eip));
  for (const eip of [...draft.leases.value.keys()]) {
    if (!leases.has(eip)) applyLease(draft, eip, null, change.revision);
  }
  for (const node of [...draft.drains.value.keys()]) draft.drains.delete(node);
  for (const eip of [...draft.moves.value.keys()]) draft.moves.delete(eip);
  draft.touchAll();
}

/**
 * The view shows that a tenure has ended since it was last told something. Of one that voters
 * judged that says too little: a certificate may have passed its addresses on before.
 */
function noteEnd(
  draft: Draft, known: NodeLease, next: NodeLease | null, revision: number,
): void {
  // Without a boot its record was never readable: nobody knows whether voters judged it.
  const { id: { node, incarnation }, record: { epoch, boot } } = known;
  if (epoch > 0 || boot === 0) return;
  if (next !== null && next.id.incarnation <= incarnation) return;
  draft.ends.set(node, { incarnation, revision, before: draft.base.view.revision });
  draft.bereft.add(node);
  draft.ends.limit(mostEnds);
}

function applyNode(draft: Draft, node: string, lease: NodeLease | null, revision: number): void {
  const known = draft.nodes.get(node);
  if (known !== undefined && known.revision >= (lease?.revision ?? revision)) return;
  if (known !== undefined) noteEnd(draft, known, lease, revision);
  if (lease) {
    draft.nodes.set(node, lease);
    noteTenure(draft, lease);
  } else {
    draft.nodes.delete(node);
  }
  const { open } = draft;
  if (open?.lease.id.node === node) {
    if (lease) adoptLease(draft, lease);
    else if (revision > open.lease.revision) endTenure(draft, 'expired');
  }
  forgetReports(draft, node);
  refit(draft, node);
}

/** Notes since when a tenure has been fit in the same way; every address may be concerned. */
function refit(draft: Draft, node: string): void {
  const lease = draft.nodes.get(node);
  const before = draft.base.view.nodes.get(node);
  if (lease === undefined) {
    draft.fitSince.delete(node);
  } else {
    const same = draft.fitSince.get(node)?.incarnation === lease.id.incarnation
      && JSON.stringify(before?.record.unable) === JSON.stringify(lease.record.unable)
      && before?.record.draining === lease.record.draining
      && draft.base.view.drains.has(node) === draft.drains.has(node);
    if (!same) {
      draft.fitSince.set(node, { incarnation: lease.id.incarnation, at: draft.now.boot });
    }
  }
  draft.touchAll();
}

export function applyLease(draft: Draft, eip: Eip, lease: EipLease | null, revision: number): void {
  const known = draft.leases.get(eip);
  if (known !== undefined && known.revision >= (lease?.revision ?? revision)) return;
  if (known !== undefined && lease !== null && lease.term < known.term) {
    draft.tell({ kind: 'store-went-back', from: known.term, to: lease.term });
  }
  draft.setLease(eip, lease);
  draft.dirty.add(eip);
}
