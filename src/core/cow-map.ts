/** A map that copies itself at its first change: steps that change nothing cost nothing. */
import { BucketMap } from './bucket-map.ts';

/** Larger ones are copied in part. */
const largestCopied = 256;

export class CowMap<K extends string | number, V> {
  #map: ReadonlyMap<K, V>;
  #own: Map<K, V> | BucketMap<K, V> | null = null;

  constructor(base: ReadonlyMap<K, V>) {
    this.#map = base;
  }

  get value(): ReadonlyMap<K, V> {
    return this.#map;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  set(key: K, value: V): void {
    if (this.#map.has(key) && this.#map.get(key) === value) return;
    this.#writable().set(key, value);
  }

  delete(key: K): void {
    if (this.#map.has(key)) this.#writable().delete(key);
  }

  /** Forgets one entry, whichever, if there are more than `most`. */
  limit(most: number): void {
    if (this.size <= most) return;
    for (const key of this.#map.keys()) return this.delete(key);
  }

  clear(): void {
    if (this.#map.size === 0) return;
    this.#own = new Map();
    this.#map = this.#own;
  }

  #writable(): Map<K, V> | BucketMap<K, V> {
    if (this.#own === null) {
      this.#own = copyOf(this.#map);
      this.#map = this.#own;
    }
    return this.#own;
  }
}

function copyOf<K extends string | number, V>(
  map: ReadonlyMap<K, V>,
): Map<K, V> | BucketMap<K, V> {
  if (map.size <= largestCopied) return new Map(map);
  return map instanceof BucketMap ? map.fork() as BucketMap<K, V> : BucketMap.from(map);
}
