/**
 * A 32-bit string hash: FNV-1a over UTF-16 code units, finished with MurmurHash3's fmix32 so that
 * names that differ in one character spread over the whole range. Not for secrets: only for
 * choices that every node must make alike.
 */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The hash as a fraction in (0, 1): never 0, so that its logarithm is finite. */
export function hashFraction(text: string): number {
  return (hash32(text) + 0.5) / 4294967296;
}
