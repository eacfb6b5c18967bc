/**
 * The file with the keys of heartbeats: one key a line, in use from when the agent reads it. With
 * two, the first seals and both open, so that a key can be replaced node by node. Pure.
 */
import { refuse } from './problem.ts';
import type { Parsed } from './problem.ts';
import type { ReadFile } from './read-file.ts';

/** 32 characters of base64 are 192 random bits, of hex 128. */
export const shortestKey = 32;
const mostKeys = 2;

/** The keys as text, the one to seal with first. No error quotes what is in the file. */
export function readKeyFile(path: string, readFile: ReadFile): Parsed<readonly string[]> {
  const read = readFile(path);
  if (read.kind === 'missing') {
    return refuse(path, `is not there: make one, the same for all nodes (${howToMake}).`);
  }
  if (read.kind === 'unreadable') return refuse(path, read.why);
  const keys = read.text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  if (keys.length === 0) return refuse(path, `holds no key: write one a line (${howToMake}).`);
  if (keys.length > mostKeys) {
    return refuse(path, `holds ${keys.length} keys: one, or two while they are replaced, will do.`);
  }
  const short = keys.findIndex((key) => key.length < shortestKey);
  if (short >= 0) {
    return refuse(path, `holds a key of fewer than ${shortestKey} characters (the ${short === 0 ? 'first' : 'second'}): make it anew (${howToMake}).`);
  }
  return keys[0] === keys[1] ? refuse(path, 'holds one key twice: take one out.') : { value: keys };
}

const howToMake = 'openssl rand -base64 32';
