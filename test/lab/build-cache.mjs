// What is built once for the tests and kept in the user's cache. No dependencies: it also runs
// before `npm ci` has.
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Why there is none, as a sentence that says what to do. */
export class BuildError extends Error {
  name = 'BuildError';
}

export function cacheDirectory() {
  const base = process.env.XDG_CACHE_HOME;
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'tenure');
}

export function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
