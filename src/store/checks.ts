/**
 * What every adapter refuses before it sends anything. A request that fails here is a bug of the
 * caller or a wrong setting, never a matter of timing; the error names the field and the value.
 */
import type { Eip, TenureId } from '../core/model.ts';
import type { StoreRequest, Swap } from '../core/requests.ts';
import { maxSwaps } from '../core/requests.ts';
import { StoreError } from './lease-store.ts';

/** Longest node or document name, in UTF-16 units: DNS's limit, which host names keep to. */
export const maxNameLength = 253;

function refuse(message: string, fix?: string): never {
  throw new StoreError('invalid', message, fix === undefined ? {} : { fix });
}

/** A node or document name: not empty, at most `maxNameLength`, without control characters. */
export function checkName(what: string, name: string): void {
  // Half a surrogate pair has no encoding in UTF-8.
  const bad = /[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(name);
  if (name === '' || name.length > maxNameLength || bad) {
    refuse(
      `${what} ${JSON.stringify(name)} cannot be kept in the store`,
      `use 1 to ${maxNameLength} characters, none of them a control character`,
    );
  }
}

export function checkTtl(ttlMs: number): void {
  if (!Number.isFinite(ttlMs) || ttlMs <= 0) refuse(`ttlMs is ${ttlMs}; it must be above 0`);
}

function checkTenure(what: string, id: TenureId): void {
  checkName(`${what}.node`, id.node);
  if (!Number.isSafeInteger(id.incarnation) || id.incarnation < 1) {
    refuse(`${what}.incarnation is ${id.incarnation}; it must be a whole number of at least 1`);
  }
}

function checkSwap(swap: Swap, seen: Set<Eip>): void {
  const { eip, next, revision } = swap;
  if (eip === '') refuse('a swap names no eip');
  if (seen.has(eip)) refuse(`${eip} is in two swaps of one request`);
  seen.add(eip);
  if (next.eip !== eip) refuse(`the swap of ${eip} would write a record of ${next.eip}`);
  if (!Number.isSafeInteger(next.term) || next.term < 0) {
    refuse(`the swap of ${eip} has term ${next.term}; it must be a whole number`);
  }
  if (!Number.isSafeInteger(revision) || revision < 0) {
    refuse(`the swap of ${eip} has revision ${revision}; it must be a whole number`);
  }
  for (const id of swap.ended) checkTenure(`ended tenure of ${eip}`, id);
  for (const id of swap.live) checkTenure(`live tenure of ${eip}`, id);
}

/** Throws StoreError('invalid') for a request that no store could carry out. */
export function checkRequest(request: StoreRequest): void {
  switch (request.kind) {
    case 'open':
      checkName('node', request.node);
      if (!Number.isSafeInteger(request.replaces) || request.replaces < 0) {
        refuse(`replaces is ${request.replaces}; it must be an incarnation, or 0`);
      }
      return checkTtl(request.ttlMs);
    case 'renew':
      checkTenure('tenure', request.tenure);
      return checkTtl(request.ttlMs);
    case 'evict':
      if (!Number.isSafeInteger(request.revision) || request.revision < 1) {
        refuse(`the eviction of ${request.tenure.node} has revision ${request.revision}; `
          + 'it must be that of a node lease');
      }
      return checkTenure('tenure', request.tenure);
    case 'update':
    case 'close':
      return checkTenure('tenure', request.tenure);
    case 'swap': {
      checkTenure('tenure', request.tenure);
      if (request.swaps.length > maxSwaps) {
        refuse(`${request.swaps.length} swaps in one request; at most ${maxSwaps} are allowed`);
      }
      const seen = new Set<Eip>();
      for (const swap of request.swaps) checkSwap(swap, seen);
      return;
    }
    case 'settle-moves':
      for (const eip of request.eips) if (eip === '') refuse('settle-moves names an empty eip');
  }
}

/** Terms are fencing tokens: a record's term never goes back. */
export function checkTerm(swap: Swap, currentTerm: number): void {
  if (swap.next.term < currentTerm) {
    refuse(`the swap of ${swap.eip} would take its term back from ${currentTerm} `
      + `to ${swap.next.term}`);
  }
}
