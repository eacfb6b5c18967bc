/** Large values in pieces: cut on the main side, put together on the wire side. */
import type { EipPolicy } from '../../core/events.ts';
import type { AnnounceSettings } from '../../announce/types.ts';
import type { Eip, EipLease, ViewChange } from '../../core/model.ts';
import type { Bulk, MapChange } from './messages.ts';

/** Takes the wire thread about 1 ms to read. */
export const pieceLength = 256;

export function* piecesOfView(change: ViewChange): Generator<Bulk> {
  const { leases } = change;
  let at = 0;
  for (; leases.length - at > pieceLength; at += pieceLength) {
    yield { kind: 'leases', leases: leases.slice(at, at + pieceLength) };
  }
  yield { kind: 'view', change: at === 0 ? change : { ...change, leases: leases.slice(at) } };
}

/** Follows a map that is made anew each time, and tells what is different from the last. */
export class MapFollower<V> {
  readonly #same: (a: V, b: V) => boolean;
  #known: ReadonlyMap<Eip, V> | null = null;

  constructor(same: (a: V, b: V) => boolean) {
    this.#same = same;
  }

  /** Nothing if nothing is different; the first time something, however empty. */
  * pieces(next: ReadonlyMap<Eip, V>): Generator<MapChange<V>> {
    const known = this.#known;
    const set: (readonly [Eip, V])[] = [];
    for (const [eip, value] of next) {
      const before = known?.get(eip);
      if (before === undefined || !this.#same(before, value)) set.push([eip, value]);
    }
    const gone = [...known?.keys() ?? []].filter((eip) => !next.has(eip));
    this.#known = next;
    if (known !== null && set.length === 0 && gone.length === 0) return;
    const count = Math.max(1, Math.ceil(Math.max(set.length, gone.length) / pieceLength));
    for (let i = 0; i < count; i++) {
      const [from, to] = [i * pieceLength, (i + 1) * pieceLength];
      yield { set: set.slice(from, to), gone: gone.slice(from, to), last: i === count - 1 };
    }
  }
}

export function samePolicy(a: EipPolicy, b: EipPolicy): boolean {
  return a.pool === b.pool && a.failbackMs === b.failbackMs && a.announced === b.announced
    && (a.selector === b.selector || JSON.stringify(a.selector) === JSON.stringify(b.selector));
}

export function sameSettings(a: AnnounceSettings, b: AnnounceSettings): boolean {
  return a.mode === b.mode && same(a.link, b.link) && same(a.burst, b.burst);
}

/** Flat records of the same fields. */
function same<T extends object>(a: T, b: T): boolean {
  return a === b || (Object.keys(a) as (keyof T)[]).every((key) => a[key] === b[key]);
}

/** The wire side of `MapFollower`. */
export class MapBuilder<V> {
  readonly #map = new Map<Eip, V>();

  /** The whole, once it is; a map of its own, as those before stay with whom they were given to. */
  take({ set, gone, last }: MapChange<V>): ReadonlyMap<Eip, V> | null {
    for (const eip of gone) this.#map.delete(eip);
    for (const [eip, value] of set) this.#map.set(eip, value);
    return last ? new Map(this.#map) : null;
  }
}

/** The wire side of `piecesOfView`. */
export class ViewBuilder {
  #leases: { readonly eip: Eip; readonly lease: EipLease | null }[] = [];

  add(leases: ViewChange['leases']): void {
    for (const each of leases) this.#leases.push(each);
  }

  finish(change: ViewChange): ViewChange {
    if (this.#leases.length === 0) return change;
    const leases = this.#leases;
    this.#leases = [];
    for (const each of change.leases) leases.push(each);
    return { ...change, leases };
  }
}
