/**
 * A large map of which each version stays as it is while the next one is made: entries lie in
 * buckets by the hash of their key, and a version copies only the buckets that it changes. With
 * tens of thousands of addresses a step that changes a hundred costs a hundred, not all of them.
 */
import { hash32 } from './hash.ts';

/** Buckets are doubled where there are more entries than this for each. */
const fullBucket = 4;

/** Keys and values in turn. */
type Bucket<K, V> = (K | V)[];

export class BucketMap<K extends string | number, V> implements ReadonlyMap<K, V> {
  #buckets: (Bucket<K, V> | undefined)[];
  #size: number;
  /** Which of the buckets no earlier version has a part in. */
  #own = new Set<number>();

  private constructor(buckets: (Bucket<K, V> | undefined)[], size: number) {
    this.#buckets = buckets;
    this.#size = size;
  }

  static from<K extends string | number, V>(entries: ReadonlyMap<K, V>): BucketMap<K, V> {
    const map = new BucketMap<K, V>(emptyBuckets(bucketsFor(entries.size)), 0);
    for (const [key, value] of entries) map.set(key, value);
    return map;
  }

  /** The next version, to be written to; this one must not be any more. */
  fork(): BucketMap<K, V> {
    return new BucketMap(this.#buckets.slice(), this.#size);
  }

  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    const bucket = this.#buckets[this.#place(key)];
    const at = find(bucket, key);
    return at < 0 ? undefined : bucket?.[at + 1] as V;
  }

  has(key: K): boolean {
    return find(this.#buckets[this.#place(key)], key) >= 0;
  }

  set(key: K, value: V): void {
    if (this.#size >= this.#buckets.length * fullBucket) this.#grow();
    const bucket = this.#writable(this.#place(key));
    const at = find(bucket, key);
    if (at >= 0) {
      bucket[at + 1] = value;
    } else {
      bucket.push(key, value);
      this.#size += 1;
    }
  }

  delete(key: K): void {
    const place = this.#place(key);
    if (find(this.#buckets[place], key) < 0) return;
    const bucket = this.#writable(place);
    bucket.splice(find(bucket, key), 2);
    this.#size -= 1;
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }

  *entries(): Generator<[K, V], undefined> {
    for (const bucket of this.#buckets) {
      if (bucket === undefined) continue;
      for (let at = 0; at < bucket.length; at += 2) yield [bucket[at] as K, bucket[at + 1] as V];
    }
  }

  *keys(): Generator<K, undefined> {
    for (const bucket of this.#buckets) {
      if (bucket === undefined) continue;
      for (let at = 0; at < bucket.length; at += 2) yield bucket[at] as K;
    }
  }

  *values(): Generator<V, undefined> {
    for (const bucket of this.#buckets) {
      if (bucket === undefined) continue;
      for (let at = 1; at < bucket.length; at += 2) yield bucket[at] as V;
    }
  }

  [Symbol.iterator](): Generator<[K, V], undefined> {
    return this.entries();
  }

  #place(key: K): number {
    // Their number is a power of two.
    return hash32(String(key)) & (this.#buckets.length - 1);
  }

  #writable(place: number): Bucket<K, V> {
    const bucket = this.#buckets[place];
    if (bucket !== undefined && this.#own.has(place)) return bucket;
    const copy = bucket?.slice() ?? [];
    this.#buckets[place] = copy;
    this.#own.add(place);
    return copy;
  }

  #grow(): void {
    const larger = new BucketMap<K, V>(emptyBuckets(this.#buckets.length * 2), 0);
    for (const [key, value] of this) larger.set(key, value);
    this.#buckets = larger.#buckets;
    this.#own = larger.#own;
  }
}

function emptyBuckets(count: number): undefined[] {
  return new Array<undefined>(count).fill(undefined);
}

function bucketsFor(size: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, size / fullBucket)));
}

function find<K, V>(bucket: Bucket<K, V> | undefined, key: K): number {
  if (bucket === undefined) return -1;
  for (let at = 0; at < bucket.length; at += 2) if (bucket[at] === key) return at;
  return -1;
}
