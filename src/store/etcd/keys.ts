/**
 * The layout of keys under the prefix (docs/decisions/0002-etcd-layout.md):
 *
 *   version                    schema marker
 *   incarnations/NODE          the last incarnation given to that node name; never deleted
 *   nodes/NODE/INCARNATION     node lease: lives as long as the etcd lease that it hangs on
 *   leases/EIP                 EIP lease
 *   eips/NAME                  Eip document
 *   drains/NODE                there: an operator drained that node
 *   moves/EIP                  request to move; hangs on an etcd lease of a minute
 *
 * Names are percent-encoded as in a URL's path, colons (IPv6) excepted; what does not decode and
 * encode back to the same bytes is not a key of ours.
 */
import type { Eip, TenureId } from '../../core/model.ts';

export type Key =
  | { readonly kind: 'version' }
  | { readonly kind: 'incarnation'; readonly node: string }
  | { readonly kind: 'node'; readonly id: TenureId }
  | { readonly kind: 'lease'; readonly eip: Eip }
  | { readonly kind: 'document'; readonly name: string }
  | { readonly kind: 'drain'; readonly node: string }
  | { readonly kind: 'move'; readonly eip: Eip };

/** Keys from `key` up to, not including, `range_end`. */
export interface KeyRange {
  readonly key: Buffer;
  readonly range_end: Buffer;
}

/** In the order in which etcd sorts them. */
const folders = ['drains/', 'eips/', 'incarnations/', 'leases/', 'moves/', 'nodes/'] as const;

function encode(name: string): string {
  return encodeURIComponent(name).replaceAll('%3A', ':');
}

function decode(text: string): string | null {
  try {
    const name = decodeURIComponent(text);
    return name !== '' && encode(name) === text ? name : null;
  } catch {
    return null;
  }
}

/** The end of the range of keys that begin with `prefix`, whose last byte is never 0xff here. */
function endOf(prefix: string): Buffer<ArrayBuffer> {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end[end.length - 1] ?? 0) + 1;
  return end;
}

function rangeOf(prefix: string): KeyRange {
  return { key: Buffer.from(prefix), range_end: endOf(prefix) };
}

export class Keys {
  readonly prefix: string;
  readonly version: Buffer;
  /** Everything under the prefix. */
  readonly all: KeyRange;
  readonly leases: KeyRange;
  readonly documents: KeyRange;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.version = Buffer.from(`${prefix}version`);
    this.all = rangeOf(prefix);
    this.leases = rangeOf(`${prefix}leases/`);
    this.documents = rangeOf(`${prefix}eips/`);
  }

  incarnation(node: string): Buffer {
    return Buffer.from(`${this.prefix}incarnations/${encode(node)}`);
  }

  node({ node, incarnation }: TenureId): Buffer {
    return Buffer.from(`${this.prefix}nodes/${encode(node)}/${incarnation}`);
  }

  /** All live tenures of one node name: at most one, unless someone wrote there by hand. */
  tenuresOf(node: string): KeyRange {
    return rangeOf(`${this.prefix}nodes/${encode(node)}/`);
  }

  lease(eip: Eip): Buffer {
    return Buffer.from(`${this.prefix}leases/${encode(eip)}`);
  }

  document(name: string): Buffer {
    return Buffer.from(`${this.prefix}eips/${encode(name)}`);
  }

  drain(node: string): Buffer {
    return Buffer.from(`${this.prefix}drains/${encode(node)}`);
  }

  move(eip: Eip): Buffer {
    return Buffer.from(`${this.prefix}moves/${encode(eip)}`);
  }

  /** What lies between our folders: where a key that is not ours would be. */
  gaps(): KeyRange[] {
    const ranges: KeyRange[] = [];
    let start = Buffer.from(this.prefix);
    for (const folder of [...folders, 'version']) {
      ranges.push({ key: start, range_end: Buffer.from(this.prefix + folder) });
      start = folder === 'version'
        ? Buffer.from(`${this.prefix}version\0`) : endOf(this.prefix + folder);
    }
    return [...ranges, { key: start, range_end: this.all.range_end }];
  }

  /** Null for a key that is not ours. */
  parse(key: Buffer): Key | null {
    const text = key.toString('utf8');
    if (!text.startsWith(this.prefix)) return null;
    const [folder, first, second, more] = text.slice(this.prefix.length).split('/');
    if (first === undefined) return folder === 'version' ? { kind: 'version' } : null;
    const name = decode(first);
    if (name === null || more !== undefined) return null;
    if (folder === 'nodes') {
      const incarnation = /^[1-9]\d{0,15}$/.test(second ?? '') ? Number(second) : NaN;
      return Number.isSafeInteger(incarnation)
        ? { kind: 'node', id: { node: name, incarnation } } : null;
    }
    return second === undefined ? inFolder(folder ?? '', name) : null;
  }
}

function inFolder(folder: string, name: string): Key | null {
  switch (folder) {
    case 'incarnations':
      return { kind: 'incarnation', node: name };
    case 'leases':
      return { kind: 'lease', eip: name };
    case 'eips':
      return { kind: 'document', name };
    case 'drains':
      return { kind: 'drain', node: name };
    case 'moves':
      return { kind: 'move', eip: name };
    default:
      return null;
  }
}
