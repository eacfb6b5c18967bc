/** Reading of files whose names people give us, with what can go wrong as data. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

export type FileRead =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'missing' }
  /** It is there and cannot be read; `why` follows its name in a sentence. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** Takes a path; never throws. */
export type ReadFile = (path: string) => FileRead;

const largest = 16 * 1024 * 1024;

export const readFile: ReadFile = (path) => {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, 'r');
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) return unreadable('is a directory: name a file.');
    if (stat.size > largest) return unreadable(`is larger than ${largest / 1024 / 1024} MiB.`);
    return decodeText(readFileSync(descriptor));
  } catch (error) {
    return explain(error);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
};

/** UTF-8 alone: YAML and PEM are nothing else. */
export function decodeText(bytes: Uint8Array): FileRead {
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return unreadable('is not text in UTF-8.');
  }
}

function explain(error: unknown): FileRead {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { kind: 'missing' };
    case 'EACCES':
    case 'EPERM':
      return unreadable('may not be read by this user: give it the right, or run as another.');
    default:
      return unreadable(`cannot be read (${code === '' ? String(error) : code}).`);
  }
}

function unreadable(why: string): FileRead {
  return { kind: 'unreadable', why };
}
