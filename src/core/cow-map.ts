/** A map that copies itself at its first change: steps that change nothing cost nothing. */
export class CowMap<K, V> {
  #map: ReadonlyMap<K, V>;
  #own: Map<K, V> | null = null;

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

  clear(): void {
    if (this.#map.size === 0) return;
    this.#own = new Map();
    this.#map = this.#own;
  }

  #writable(): Map<K, V> {
    if (this.#own === null) {
      this.#own = new Map(this.#map);
      this.#map = this.#own;
    }
    return this.#own;
  }
}
