/**
 * Names of the Lease objects, `kubectl get leases` in mind: `node-<node>` and `eip-<address>` for
 * the two kinds of lease, `drain-<node>` and `move-<address>` for what operators ask for.
 *
 * Object names are RFC 1123 subdomains: lower-case letters, digits, `-` and `.`. IPv4 text is one
 * as it is. In IPv6 text each `:` is written `-`; a name may not end with `-`, so a last `::` gets
 * a 0, which says the same address: `2001:db8::` is `eip-2001-db8--0`. Reading parses the address
 * and writes it in RFC 5952's form, so that the way there and back is the identity. A node whose
 * name is no subdomain, as no Kubernetes node's is, is `nodex-` with the name's bytes in hex.
 */
import { formatAddress, parseAddress } from '../../wire/address.ts';
import type { Eip } from '../../core/model.ts';
import { checkName } from '../checks.ts';
import { StoreError } from '../lease-store.ts';

export type LeaseName =
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'eip'; readonly eip: Eip }
  | { readonly kind: 'drain'; readonly node: string }
  | { readonly kind: 'move'; readonly eip: Eip };

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const longestName = 253;

/** Throws StoreError('invalid') for a node whose name no object can have. */
export function nodeObjectName(kind: 'node' | 'drain', node: string): string {
  checkName('node', node);
  const name = subdomain.test(node) ? `${kind}-${node}`
    : `${kind}x-${Buffer.from(node, 'utf8').toString('hex')}`;
  if (name.length <= longestName) return name;
  throw new StoreError('invalid', `node ${JSON.stringify(node)} is too long a name for Kubernetes`, {
    fix: 'give the node a shorter name, of lower-case letters, digits, "-" and "."',
  });
}

/** Throws StoreError('invalid') for what is not an address in its one spelling. */
export function eipObjectName(kind: 'eip' | 'move', eip: Eip): string {
  const address = parseAddress(eip);
  if ('error' in address) throw new StoreError('invalid', `eip ${address.error}`);
  const text = formatAddress(address);
  if (text !== eip) {
    throw new StoreError('invalid', `eip ${JSON.stringify(eip)} is not in its canonical form`, {
      fix: `write ${text}`,
    });
  }
  return `${kind}-${(text.endsWith(':') ? `${text}0` : text).replaceAll(':', '-')}`;
}

/** What the object of that name is about; null: it is none of ours. */
export function readObjectName(name: string): LeaseName | null {
  const [, kind, hex, rest = ''] = /^(node|drain|eip|move)(x?)-(.+)$/.exec(name) ?? [];
  const read = kind === 'node' || kind === 'drain' ? readNodeName(kind, hex === 'x', rest)
    : kind === 'eip' || kind === 'move' ? readEipName(kind, rest) : null;
  // One thing, one name: whatever spells it otherwise is someone else's object.
  return read !== null && objectName(read) === name ? read : null;
}

export function objectName(name: LeaseName): string {
  return name.kind === 'node' || name.kind === 'drain'
    ? nodeObjectName(name.kind, name.node) : eipObjectName(name.kind, name.eip);
}

function readNodeName(kind: 'node' | 'drain', hex: boolean, rest: string): LeaseName | null {
  const node = hex ? Buffer.from(rest, 'hex').toString('utf8') : rest;
  try {
    checkName('node', node);
  } catch {
    return null;
  }
  return { kind, node };
}

function readEipName(kind: 'eip' | 'move', rest: string): LeaseName | null {
  const address = parseAddress(rest.includes('-') ? rest.replaceAll('-', ':') : rest);
  return 'error' in address ? null : { kind, eip: formatAddress(address) };
}
